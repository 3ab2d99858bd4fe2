/* A hash by client key whose order is that of the last change. */
#define HASH_NONFATAL_OOM 1
#include "services/slave/core/flaps.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct flap {
    UT_hash_handle hh;
    uint64_t evicted_ms[M4H_FLAPS_EVICTIONS_MAX]; /* oldest first */
    uint32_t count;
    bool reported;
    uint64_t reported_ms;
    uint64_t changed_ms;
    char client_key[M4H_CLIENT_KEY_MAX + 1];
};

struct m4h_flaps {
    struct flap *keys;
};

int m4h_flaps_create(struct m4h_flaps **flaps)
{
    *flaps = calloc(1, sizeof(**flaps));
    return *flaps == NULL ? M4H_ENOMEM : 0;
}

static void drop(struct m4h_flaps *flaps, struct flap *flap)
{
    HASH_DEL(flaps->keys, flap);
    free(flap);
}

void m4h_flaps_destroy(struct m4h_flaps *flaps)
{
    if (flaps == NULL)
        return;
    while (flaps->keys != NULL)
        drop(flaps, flaps->keys);
    free(flaps);
}

uint32_t m4h_flaps_count(const struct m4h_flaps *flaps)
{
    return HASH_COUNT(flaps->keys);
}

static struct flap *find(const struct m4h_flaps *flaps, const char *client_key)
{
    struct flap *flap;

    HASH_FIND_STR(flaps->keys, client_key, flap);
    return flap;
}

/* Makes room: what is over goes, and beyond the bound the oldest. */
static void tidy(struct m4h_flaps *flaps, const struct m4h_flaps_limits *limits, uint64_t now_ms)
{
    while (flaps->keys != NULL && (flaps->keys->changed_ms + limits->window_ms <= now_ms ||
                                   HASH_COUNT(flaps->keys) >= M4H_FLAPS_KEYS_MAX))
        drop(flaps, flaps->keys);
}

/* The entry of the key, which is the newest from now on; NULL: no memory. */
static struct flap *renew(struct m4h_flaps *flaps, const struct m4h_flaps_limits *limits,
                          const char *client_key, uint64_t now_ms)
{
    struct flap *flap = find(flaps, client_key);

    if (flap != NULL)
        HASH_DEL(flaps->keys, flap);
    tidy(flaps, limits, now_ms);
    if (flap == NULL) {
        flap = calloc(1, sizeof(*flap));
        if (flap == NULL)
            return NULL;
        m4h_text_copy(flap->client_key, sizeof(flap->client_key), client_key);
    }
    flap->changed_ms = now_ms;
    HASH_ADD_STR(flaps->keys, client_key, flap);
    if (flap->hh.tbl == NULL) {
        free(flap);
        return NULL;
    }
    return flap;
}

void m4h_flaps_evicted(struct m4h_flaps *flaps, const struct m4h_flaps_limits *limits,
                       const char *client_key, uint64_t now_ms)
{
    struct flap *flap = renew(flaps, limits, client_key, now_ms);

    if (flap == NULL)
        return;
    if (flap->count == M4H_FLAPS_EVICTIONS_MAX) {
        flap->count--;
        memmove(&flap->evicted_ms[0], &flap->evicted_ms[1],
                flap->count * sizeof(flap->evicted_ms[0]));
    }
    flap->evicted_ms[flap->count++] = now_ms;
}

static uint32_t count_in_window(const struct flap *flap, uint32_t window_ms, uint64_t now_ms)
{
    uint32_t count = 0;

    for (uint32_t i = 0; flap != NULL && i < flap->count; i++)
        count += now_ms - flap->evicted_ms[i] < window_ms;
    return count;
}

static bool is_due(const struct flap *flap, uint32_t window_ms, uint64_t now_ms)
{
    return flap == NULL || !flap->reported || now_ms - flap->reported_ms >= window_ms;
}

struct m4h_flaps_verdict m4h_flaps_judge(const struct m4h_flaps *flaps,
                                         const struct m4h_flaps_limits *limits,
                                         const char *client_key, const struct m4h_flaps_seen *seen,
                                         uint64_t now_ms)
{
    const struct flap *flap = find(flaps, client_key);
    struct m4h_flaps_verdict verdict = {.evictions =
                                            count_in_window(flap, limits->window_ms, now_ms)};
    uint64_t last_ms = verdict.evictions > 0 ? flap->evicted_ms[flap->count - 1] : 0;

    if (seen->evictions > verdict.evictions)
        verdict.evictions = seen->evictions;
    if (seen->evictions > 0 && seen->last_ms > last_ms)
        last_ms = seen->last_ms;
    verdict.close = limits->evictions != 0 && verdict.evictions + 1 >= limits->evictions;
    if (limits->evictions == 0 || verdict.evictions < limits->evictions)
        return verdict;
    verdict.flapping = true;
    verdict.held = now_ms - last_ms < limits->hold_ms;
    verdict.report = is_due(flap, limits->window_ms, now_ms);
    return verdict;
}

void m4h_flaps_reported(struct m4h_flaps *flaps, const struct m4h_flaps_limits *limits,
                        const char *client_key, uint64_t now_ms)
{
    struct flap *flap = renew(flaps, limits, client_key, now_ms);

    if (flap == NULL)
        return;
    flap->reported = true;
    flap->reported_ms = now_ms;
}
