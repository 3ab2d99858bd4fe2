/* Which device had which port, and since when it is away: a lease outlives its
 * device's connection, and, as text, the process. Devices are known by the hash
 * of their client key alone (m4h_ident_hash; never 0), so all of it has a fixed
 * size. Times are `now_ms` of the owner's clock; leases read from text may have
 * been left before that clock began. Pure; where it is kept is the owner's. */
#ifndef M4H_SLAVE_CORE_LEASES_H
#define M4H_SLAVE_CORE_LEASES_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_leases;

/* Ports that one device may hold; with another one it loses that which it left
 * longest ago. */
#define M4H_LEASES_OF_ONE_MAX 8u
/* No text of leases is longer. */
#define M4H_LEASES_TEXT_MAX (65536u * 48u)

/* Of the ports min to max, both included. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_leases_create(struct m4h_leases **leases, uint16_t min, uint16_t max);
/* For another thread. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_leases_copy(struct m4h_leases **copy, const struct m4h_leases *leases);
/* Accepts NULL. */
void m4h_leases_destroy(struct m4h_leases *leases);

/* The port is in use by `holder` from now on; who had it before has lost it. */
void m4h_leases_grant(struct m4h_leases *leases, uint16_t port, uint64_t holder);
/* Its holder left the port, and is still its holder. */
void m4h_leases_leave(struct m4h_leases *leases, uint16_t port, uint64_t now_ms);
/* The port is nobody's. */
void m4h_leases_drop(struct m4h_leases *leases, uint16_t port);

/* Whose the port is; 0: nobody's. */
uint64_t m4h_leases_holder(const struct m4h_leases *leases, uint16_t port);
/* How long its holder has been away; 0: it is there, or there is none. */
uint64_t m4h_leases_away_ms(const struct m4h_leases *leases, uint16_t port, uint64_t now_ms);
/* The port of `holder` after `port` (0: the first), in the order in which they
 * were granted first; 0: there is none. */
uint16_t m4h_leases_next(const struct m4h_leases *leases, uint64_t holder, uint16_t port);
/* Another number whenever a port has got another holder. */
uint64_t m4h_leases_version(const struct m4h_leases *leases);

/* Adds the leases as text. M4H_ENOMEM, M4H_ETOOBIG. */
M4H_MUST_CHECK int m4h_leases_write(const struct m4h_leases *leases, uint64_t now_ms,
                                    uint64_t wall_ms, struct m4h_buffer *text);
/* Takes leases from such a text, in the place of what is there; ports out of the
 * range are left out, and whoever was there as it was written counts as leaving
 * now. M4H_EINVALID: it is none, or not whole; then there are no leases. */
M4H_MUST_CHECK int m4h_leases_read(struct m4h_leases *leases, const char *text, size_t len,
                                   uint64_t now_ms, uint64_t wall_ms);

#endif
