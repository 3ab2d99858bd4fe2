/* How often somebody may ask: so many times a second, and for a moment as often as
 * the burst allows. One table for all who ask, in which each is a key.
 *
 * It is bounded. Who has asked little enough needs no place, for he would have to be
 * forgotten anyway; where all the places that a key may take are needed, the one of
 * them that asked least gives way, and so gets its burst anew. Pure. */
#ifndef M4H_GATEWAY_RATES_H
#define M4H_GATEWAY_RATES_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

/* Those who are remembered at a time. */
#define M4H_RATES_MAX 32768u

/* Who asks: 16 bytes that tell him from others, as those of an address. */
struct m4h_rate_key {
    uint64_t high, low;
};

/* What is allowed. */
struct m4h_rate {
    uint32_t per_second; /* 0: as often as he likes */
    uint32_t burst_ms;   /* what may come at once is what comes in this time; one at least */
};

struct m4h_rates;

/* `seed` is random, so that nobody chooses his place. M4H_ENOMEM: `*rates` is NULL. */
M4H_MUST_CHECK int m4h_rates_create(struct m4h_rates **rates, uint64_t seed);
/* Accepts NULL. */
void m4h_rates_destroy(struct m4h_rates *rates);

/* He asks now. False: too often; `*retry_ms` is when it is worth to ask again. */
bool m4h_rates_take(struct m4h_rates *rates, struct m4h_rate_key key, struct m4h_rate rate,
                    uint64_t now_ms, uint32_t *retry_ms);

#endif
