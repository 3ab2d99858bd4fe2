/* The digest of a slave's live tunnels: the exclusive or of one number for
 * each, so it costs the same at any count and does not depend on order.
 * proto/README.md states the rule for subscribers. Pure. */
#ifndef M4H_BASE_DIGEST_H
#define M4H_BASE_DIGEST_H

#include <stdint.h>

/* The number of one tunnel. Adding it to a digest and taking it out again are
 * the same: digest ^= m4h_digest_of(tunnel_id). */
uint64_t m4h_digest_of(uint64_t tunnel_id);

#endif
