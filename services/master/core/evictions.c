/* The table of evictions: by client key, and a heap by the time of the next change. */
#include "services/master/core/evictions.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct m4h_evicted {
    UT_hash_handle hh;
    struct m4h_heap_node node;
    uint64_t due_ms;
    uint64_t flapping_until_ms;
    bool is_flapping;
    uint32_t made; /* evictions so far; the ring holds the latest */
    uint64_t times_ms[M4H_EVICTIONS_COUNTED_MAX];
    char client_key[];
};

static struct m4h_evicted *evicted_of(const struct m4h_heap_node *node)
{
    return M4H_CONTAINER_OF(node, struct m4h_evicted, node);
}

static bool before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return evicted_of(a)->due_ms < evicted_of(b)->due_ms;
}

/* ---- one client key ------------------------------------------------------- */

/* The time of the nth latest eviction, from 1; there must be as many. */
static uint64_t latest_ms(const struct m4h_evicted *evicted, uint32_t nth)
{
    return evicted->times_ms[(evicted->made - nth) % M4H_EVICTIONS_COUNTED_MAX];
}

static uint32_t count_of(const struct m4h_evicted *evicted, uint64_t now_ms)
{
    uint32_t count = 0;

    while (count < evicted->made && count < M4H_EVICTIONS_COUNTED_MAX &&
           latest_ms(evicted, count + 1) + M4H_EVICTIONS_WINDOW_MS > now_ms)
        count++;
    return count;
}

/* When it changes next: the flapping ends, then the last eviction is forgotten. */
static uint64_t due_ms_of(const struct m4h_evicted *evicted)
{
    if (evicted->is_flapping)
        return evicted->flapping_until_ms;
    return evicted->made > 0 ? latest_ms(evicted, 1) + M4H_EVICTIONS_WINDOW_MS : 0;
}

/* ---- the table ------------------------------------------------------------ */

void m4h_evictions_init(struct m4h_evictions *evictions)
{
    *evictions = (struct m4h_evictions){0};
    m4h_heap_init(&evictions->due, before);
}

static void forget(struct m4h_evictions *evictions, struct m4h_evicted *evicted)
{
    m4h_heap_remove(&evictions->due, &evicted->node);
    HASH_DELETE(hh, evictions->by_key, evicted);
    evictions->count--;
    evictions->flapping -= evicted->is_flapping;
    free(evicted);
}

void m4h_evictions_free(struct m4h_evictions *evictions)
{
    while (evictions->by_key != NULL)
        forget(evictions, evictions->by_key);
    m4h_heap_free(&evictions->due);
}

static struct m4h_evicted *find(const struct m4h_evictions *evictions, const char *client_key)
{
    struct m4h_evicted *evicted;

    HASH_FIND_STR(evictions->by_key, client_key, evicted);
    return evicted;
}

static struct m4h_evicted *make(struct m4h_evictions *evictions, const char *client_key)
{
    size_t key_len = strlen(client_key);
    struct m4h_evicted *evicted = calloc(1, sizeof(*evicted) + key_len + 1);

    if (evicted == NULL)
        return NULL;
    memcpy(evicted->client_key, client_key, key_len);
    if (m4h_heap_insert(&evictions->due, &evicted->node) != 0) {
        free(evicted);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, evictions->by_key, evicted->client_key, key_len, evicted);
    if (evicted->hh.tbl == NULL) {
        m4h_heap_remove(&evictions->due, &evicted->node);
        free(evicted);
        return NULL;
    }
    evictions->count++;
    return evicted;
}

/* The client key's place, which is made where there is none. NULL: no memory. */
static struct m4h_evicted *place_of(struct m4h_evictions *evictions, const char *client_key,
                                    uint64_t now_ms)
{
    struct m4h_evicted *evicted;

    m4h_evictions_expire(evictions, now_ms);
    evicted = find(evictions, client_key);
    if (evicted != NULL)
        return evicted;
    if (evictions->count == M4H_EVICTIONS_KEYS_MAX)
        forget(evictions, evicted_of(m4h_heap_first(&evictions->due)));
    return make(evictions, client_key);
}

/* It flaps until then at least. True: it did not before. */
static bool flap(struct m4h_evictions *evictions, struct m4h_evicted *evicted, uint64_t until_ms)
{
    bool begins = !evicted->is_flapping;

    evicted->is_flapping = true;
    evictions->flapping += begins;
    if (until_ms > evicted->flapping_until_ms)
        evicted->flapping_until_ms = until_ms;
    return begins;
}

static void settle(struct m4h_evictions *evictions, struct m4h_evicted *evicted)
{
    evicted->due_ms = due_ms_of(evicted);
    m4h_heap_moved(&evictions->due, &evicted->node);
}

bool m4h_evictions_add(struct m4h_evictions *evictions, const char *client_key, uint64_t now_ms)
{
    struct m4h_evicted *evicted = place_of(evictions, client_key, now_ms);
    bool begins = false;

    evictions->total++;
    if (evicted == NULL)
        return false;
    evicted->times_ms[evicted->made++ % M4H_EVICTIONS_COUNTED_MAX] = now_ms;
    if (count_of(evicted, now_ms) >= M4H_EVICTIONS_FLAPPING)
        begins = flap(evictions, evicted,
                      latest_ms(evicted, M4H_EVICTIONS_FLAPPING) + M4H_EVICTIONS_WINDOW_MS);
    settle(evictions, evicted);
    return begins;
}

bool m4h_evictions_report(struct m4h_evictions *evictions, const char *client_key, uint32_t hold_ms,
                          uint64_t now_ms)
{
    struct m4h_evicted *evicted = place_of(evictions, client_key, now_ms);
    bool begins;

    if (evicted == NULL)
        return false;
    if (hold_ms > M4H_EVICTIONS_HOLD_MAX_MS)
        hold_ms = M4H_EVICTIONS_HOLD_MAX_MS;
    begins = flap(evictions, evicted, now_ms + hold_ms + M4H_EVICTIONS_WINDOW_MS);
    settle(evictions, evicted);
    return begins;
}

struct m4h_evictions_of m4h_evictions_find(const struct m4h_evictions *evictions,
                                           const char *client_key, uint64_t now_ms)
{
    const struct m4h_evicted *evicted = find(evictions, client_key);
    struct m4h_evictions_of result = {0};

    if (evicted == NULL)
        return result;
    result.count = count_of(evicted, now_ms);
    if (result.count > 0)
        result.ago_ms = (uint32_t)(now_ms - latest_ms(evicted, 1));
    return result;
}

bool m4h_evictions_flaps(const struct m4h_evictions *evictions, const char *client_key)
{
    const struct m4h_evicted *evicted =
        evictions->flapping > 0 ? find(evictions, client_key) : NULL;

    return evicted != NULL && evicted->is_flapping;
}

/* ---- time ----------------------------------------------------------------- */

void m4h_evictions_expire(struct m4h_evictions *evictions, uint64_t now_ms)
{
    while (m4h_evictions_next_ms(evictions) <= now_ms) {
        struct m4h_evicted *evicted = evicted_of(m4h_heap_first(&evictions->due));

        if (!evicted->is_flapping) {
            forget(evictions, evicted);
            continue;
        }
        evicted->is_flapping = false;
        evictions->flapping--;
        settle(evictions, evicted);
    }
}

uint64_t m4h_evictions_next_ms(const struct m4h_evictions *evictions)
{
    const struct m4h_heap_node *first = m4h_heap_first(&evictions->due);

    return first != NULL ? evicted_of(first)->due_ms : UINT64_MAX;
}
