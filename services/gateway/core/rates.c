/* Rates by the generic cell rate algorithm: of each key only the time is kept until
 * which it has used up what it is allowed. A time that is past says nothing. */
#include "services/gateway/core/rates.h"

#include "lib/base/error.h"

#include <stddef.h>
#include <stdlib.h>

/* A key may be in one of so many places. */
#define WAYS      8u
#define SETS      (M4H_RATES_MAX / WAYS)
#define US_PER_S  1000000u
#define US_PER_MS 1000u

struct place {
    uint64_t id;      /* of the key; two keys with one id share their place */
    uint64_t used_us; /* up to this time */
};

struct m4h_rates {
    uint64_t seed;
    struct place sets[SETS][WAYS];
};

int m4h_rates_create(struct m4h_rates **rates, uint64_t seed)
{
    *rates = calloc(1, sizeof(**rates));
    if (*rates == NULL)
        return M4H_ENOMEM;
    (*rates)->seed = seed;
    return 0;
}

void m4h_rates_destroy(struct m4h_rates *rates)
{
    free(rates);
}

/* The finalizer of splitmix64. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The place of that id, else the one that is needed least. */
static struct place *place_of(struct m4h_rates *rates, uint64_t id)
{
    struct place *set = rates->sets[id % SETS], *least = set;

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].id == id)
            return &set[i];
        if (set[i].used_us < least->used_us)
            least = &set[i];
    }
    *least = (struct place){.id = id};
    return least;
}

bool m4h_rates_take(struct m4h_rates *rates, struct m4h_rate_key key, struct m4h_rate rate,
                    uint64_t now_ms, uint32_t *retry_ms)
{
    uint64_t now_us = now_ms * US_PER_MS, share_us, burst_us;
    struct place *place;

    *retry_ms = 0;
    if (rate.per_second == 0)
        return true;
    share_us = US_PER_S / rate.per_second > 0 ? US_PER_S / rate.per_second : 1;
    burst_us = (uint64_t)rate.burst_ms * US_PER_MS;
    if (burst_us < share_us)
        burst_us = share_us;
    place = place_of(rates, mix(mix(key.high ^ rates->seed) + key.low));
    if (place->used_us < now_us)
        place->used_us = now_us;
    if (place->used_us + share_us > now_us + burst_us) {
        *retry_ms = (uint32_t)((place->used_us + share_us - burst_us - now_us) / US_PER_MS + 1);
        return false;
    }
    place->used_us += share_us;
    return true;
}
