/* Who was let in by a certificate, so that it can be judged again when an authority or a revocation
 * comes or goes. Bounded: the one noted longest ago goes, and is then found out when its slave
 * asks again. Pure. */
#ifndef M4H_MASTER_CERTIFIED_H
#define M4H_MASTER_CERTIFIED_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#define M4H_CERTIFIED_MAX 16384u

struct m4h_certified_entry;

struct m4h_certified {
    struct m4h_certified_entry *entries; /* owned; in the order of their notes */
};

/* Notes what was asked, and answered with yes; one for each key, the last one. Where memory is
 * short it is not noted. */
void m4h_certified_note(struct m4h_certified *certified,
                        const struct m4h_authorize_request *request);

/* Puts all of them, as they were asked, to `is_good`, and forgets those that are not. */
void m4h_certified_review(struct m4h_certified *certified,
                          bool (*is_good)(void *context,
                                          const struct m4h_authorize_request *request),
                          void *context);
size_t m4h_certified_count(const struct m4h_certified *certified);
void m4h_certified_free(struct m4h_certified *certified);

#endif
