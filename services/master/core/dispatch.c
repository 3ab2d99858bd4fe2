/* Dispatch: seats in a heap per region, and the choice between regions. It knows
 * nothing of events, nor of why a seat is open or closed. */
#include "services/master/core/dispatch.h"

#include "lib/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Advice to who finds no room: from 2 to 5 s. */
#define NO_CAPACITY_RETRY_MS  2000u
#define NO_CAPACITY_SPREAD_MS 3000u
#define SHARE_MAX             (UINT64_C(1) << 30)

struct m4h_dispatch_region {
    char name[M4H_ID_MAX + 1];
    struct m4h_heap seats;     /* all, those that may be picked first */
    struct m4h_heap resting;   /* of them, by rests_until_ms */
    uint64_t slots_per_second; /* of all that are open */
    struct m4h_pacing pacing;
    struct m4h_crowd crowd;
};

struct m4h_dispatch {
    struct m4h_dispatch_config config;
    struct m4h_dispatch_region *regions[M4H_REGIONS_MAX]; /* owned, in order of name */
    size_t region_count;
    struct m4h_reservations reservations;
    uint64_t slots;
    uint64_t no_capacity;
    uint64_t throttled;
    uint64_t kept;
    uint64_t shared;
};

/* ---- seats ---------------------------------------------------------------- */

static uint64_t used(const struct m4h_seat *seat)
{
    return (uint64_t)seat->tunnels + seat->reserved.count;
}

static bool has_room(const struct m4h_seat *seat)
{
    return seat->open && used(seat) < seat->capacity;
}

/* Its part of what a region takes. At most 2^30: a product with `used` fits. */
static uint64_t share(const struct m4h_seat *seat)
{
    uint64_t weight = seat->weight < M4H_SEAT_WEIGHT_MAX ? seat->weight : M4H_SEAT_WEIGHT_MAX;
    uint64_t wished = seat->capacity * weight;

    return wished < SHARE_MAX ? wished : SHARE_MAX;
}

/* True where `a` is less full than `b`, as parts of their shares. */
static bool emptier(const struct m4h_seat *a, const struct m4h_seat *b)
{
    uint64_t left = used(a) * share(b), right = used(b) * share(a);

    return left != right ? left < right : strcmp(a->slave_id, b->slave_id) < 0;
}

static bool rests(const struct m4h_seat *seat)
{
    return m4h_heap_holds(&seat->rest);
}

static struct m4h_seat *seat_of(const struct m4h_heap_node *node)
{
    return M4H_CONTAINER_OF(node, struct m4h_seat, node);
}

static struct m4h_seat *resting_of(const struct m4h_heap_node *node)
{
    return M4H_CONTAINER_OF(node, struct m4h_seat, rest);
}

/* 2: may be picked; 1: when it has rested; 0: not. */
static int rank(const struct m4h_seat *seat)
{
    return has_room(seat) ? 1 + !rests(seat) : 0;
}

static bool before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    const struct m4h_seat *seat_a = seat_of(a), *seat_b = seat_of(b);
    int rank_a = rank(seat_a), rank_b = rank(seat_b);

    return rank_a != rank_b ? rank_a > rank_b : rank_a > 0 && emptier(seat_a, seat_b);
}

static bool rests_less(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return resting_of(a)->rests_until_ms < resting_of(b)->rests_until_ms;
}

/* The seat to be picked next, which may be one that rests; NULL: none has room. */
static struct m4h_seat *emptiest(const struct m4h_dispatch_region *region)
{
    struct m4h_heap_node *first = m4h_heap_first(&region->seats);

    return first != NULL && has_room(seat_of(first)) ? seat_of(first) : NULL;
}

static void moved(struct m4h_seat *seat)
{
    if (seat->region != NULL)
        m4h_heap_moved(&seat->region->seats, &seat->node);
}

static void wake(struct m4h_seat *seat)
{
    m4h_heap_remove(&seat->region->resting, &seat->rest);
    moved(seat);
}

/* Ends the rest of those that have rested. */
static void wake_rested(const struct m4h_dispatch *dispatch, struct m4h_dispatch_region *region,
                        uint64_t now_ms)
{
    struct m4h_heap_node *first;

    while ((first = m4h_heap_first(&region->resting)) != NULL &&
           (dispatch->config.slots_per_second == 0 || resting_of(first)->rests_until_ms <= now_ms))
        wake(resting_of(first));
}

/* Counts a slot for the pace of the slave, which may have to rest then. Where there is
 * no memory for that it does not rest. */
static void gave(struct m4h_dispatch *dispatch, struct m4h_seat *seat, uint64_t now_ms)
{
    uint64_t wait_ms;

    if (dispatch->config.slots_per_second == 0)
        return;
    if (dispatch->config.slots_per_second > 0)
        m4h_pacing_gave(&seat->region->pacing, (uint32_t)dispatch->config.slots_per_second, now_ms);
    m4h_pacing_gave(&seat->pacing, seat->slots_per_second, now_ms);
    wait_ms = m4h_pacing_wait_ms(&seat->pacing, seat->slots_per_second, now_ms);
    if (wait_ms == 0 || rests(seat))
        return;
    seat->rests_until_ms = now_ms + wait_ms;
    if (m4h_heap_insert(&seat->region->resting, &seat->rest) == 0)
        moved(seat);
}

static void reserved_changed(struct m4h_reserved *reserved)
{
    moved(M4H_CONTAINER_OF(reserved, struct m4h_seat, reserved));
}

/* ---- regions -------------------------------------------------------------- */

/* Where the region is, or would be. */
static size_t place_of(const struct m4h_dispatch *dispatch, const char *name)
{
    size_t low = 0, high = dispatch->region_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(dispatch->regions[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct m4h_dispatch_region *find_region(const struct m4h_dispatch *dispatch,
                                               const char *name)
{
    size_t place = place_of(dispatch, name);

    if (place == dispatch->region_count || strcmp(dispatch->regions[place]->name, name) != 0)
        return NULL;
    return dispatch->regions[place];
}

static int add_region(struct m4h_dispatch *dispatch, const char *name,
                      struct m4h_dispatch_region **added)
{
    size_t place = place_of(dispatch, name);
    struct m4h_dispatch_region *region;

    if (dispatch->region_count == M4H_REGIONS_MAX)
        return M4H_EFULL;
    region = calloc(1, sizeof(*region));
    if (region == NULL)
        return M4H_ENOMEM;
    m4h_text_copy(region->name, sizeof(region->name), name);
    m4h_heap_init(&region->seats, before);
    m4h_heap_init(&region->resting, rests_less);
    memmove(dispatch->regions + place + 1, dispatch->regions + place,
            (dispatch->region_count - place) * sizeof(dispatch->regions[0]));
    dispatch->regions[place] = region;
    dispatch->region_count++;
    *added = region;
    return 0;
}

static void free_region(struct m4h_dispatch_region *region)
{
    m4h_heap_free(&region->seats);
    m4h_heap_free(&region->resting);
    free(region);
}

static void remove_region(struct m4h_dispatch *dispatch, struct m4h_dispatch_region *region)
{
    size_t place = place_of(dispatch, region->name);

    dispatch->region_count--;
    memmove(dispatch->regions + place, dispatch->regions + place + 1,
            (dispatch->region_count - place) * sizeof(dispatch->regions[0]));
    free_region(region);
}

/* ---- life ----------------------------------------------------------------- */

int m4h_dispatch_create(struct m4h_dispatch **dispatch, const struct m4h_dispatch_config *config)
{
    *dispatch = calloc(1, sizeof(**dispatch));
    if (*dispatch == NULL)
        return M4H_ENOMEM;
    (*dispatch)->config = *config;
    m4h_reservations_init(&(*dispatch)->reservations);
    return 0;
}

void m4h_dispatch_set_config(struct m4h_dispatch *dispatch,
                             const struct m4h_dispatch_config *config)
{
    dispatch->config.slots_per_second = config->slots_per_second;
    dispatch->config.sticky_band = config->sticky_band;
    dispatch->config.fallback = config->fallback;
}

void m4h_dispatch_destroy(struct m4h_dispatch *dispatch)
{
    if (dispatch == NULL)
        return;
    m4h_reservations_free(&dispatch->reservations);
    for (size_t i = 0; i < dispatch->region_count; i++)
        free_region(dispatch->regions[i]);
    free(dispatch);
}

int m4h_seat_join(struct m4h_dispatch *dispatch, struct m4h_seat *seat, const char *slave_id,
                  const char *region_name)
{
    struct m4h_dispatch_region *region = find_region(dispatch, region_name);
    int error = region != NULL ? 0 : add_region(dispatch, region_name, &region);

    if (error != 0)
        return error;
    *seat = (struct m4h_seat){.slave_id = slave_id, .pacing.burst_ms = M4H_SEAT_BURST_MS};
    error = m4h_heap_insert(&region->seats, &seat->node);
    if (error == 0)
        seat->region = region;
    else if (region->seats.count == 0)
        remove_region(dispatch, region);
    return error;
}

void m4h_seat_leave(struct m4h_dispatch *dispatch, struct m4h_seat *seat)
{
    struct m4h_dispatch_region *region = seat->region;

    if (region == NULL)
        return;
    m4h_reservations_drop(&dispatch->reservations, &seat->reserved);
    region->slots_per_second -= seat->open ? seat->slots_per_second : 0;
    m4h_heap_remove(&region->resting, &seat->rest);
    m4h_heap_remove(&region->seats, &seat->node);
    seat->region = NULL;
    if (region->seats.count == 0)
        remove_region(dispatch, region);
}

static void set_pace(struct m4h_seat *seat, const struct m4h_seat_state *state)
{
    if (seat->region == NULL)
        return;
    seat->region->slots_per_second -= seat->open ? seat->slots_per_second : 0;
    seat->region->slots_per_second += state->open ? state->slots_per_second : 0;
    if (seat->slots_per_second != state->slots_per_second && rests(seat))
        m4h_heap_remove(&seat->region->resting, &seat->rest);
}

void m4h_seat_set(struct m4h_seat *seat, const struct m4h_seat_state *state)
{
    uint32_t weight = state->weight > 0 ? state->weight : 100;

    if (seat->tunnels == state->tunnels && seat->capacity == state->capacity &&
        seat->open == state->open && seat->weight == weight &&
        seat->slots_per_second == state->slots_per_second)
        return;
    set_pace(seat, state);
    seat->tunnels = state->tunnels;
    seat->capacity = state->capacity;
    seat->weight = weight;
    seat->slots_per_second = state->slots_per_second;
    seat->open = state->open;
    moved(seat);
}

void m4h_seat_arrived(struct m4h_dispatch *dispatch, struct m4h_seat *seat, const char *client_key)
{
    struct m4h_reserved *was =
        m4h_reservations_use(&dispatch->reservations, &seat->reserved, client_key);

    if (was != NULL)
        reserved_changed(was);
}

void m4h_seat_forget_reservations(struct m4h_dispatch *dispatch, struct m4h_seat *seat)
{
    m4h_reservations_drop(&dispatch->reservations, &seat->reserved);
    moved(seat);
}

int m4h_seat_given(struct m4h_dispatch *dispatch, struct m4h_seat *seat, const char *client_key,
                   uint32_t remaining_ms, uint64_t now_ms)
{
    uint64_t for_ms =
        remaining_ms < M4H_DISPATCH_SHARED_MAX_MS ? remaining_ms : M4H_DISPATCH_SHARED_MAX_MS;
    int error;

    m4h_dispatch_expire(dispatch, now_ms);
    m4h_dispatch_taken_back(dispatch, client_key);
    if (seat->region == NULL)
        return 0;
    dispatch->shared++;
    gave(dispatch, seat, now_ms);
    if (remaining_ms == 0)
        return 0;
    error =
        m4h_reservations_add(&dispatch->reservations, &seat->reserved, client_key, now_ms + for_ms);
    if (error == 0)
        moved(seat);
    return error;
}

void m4h_dispatch_taken_back(struct m4h_dispatch *dispatch, const char *client_key)
{
    struct m4h_reserved *was = m4h_reservations_take_back(&dispatch->reservations, client_key);

    if (was != NULL)
        reserved_changed(was);
}

void m4h_dispatch_expire(struct m4h_dispatch *dispatch, uint64_t now_ms)
{
    struct m4h_reserved *was;

    while ((was = m4h_reservations_expire(&dispatch->reservations, now_ms)) != NULL)
        reserved_changed(was);
}

uint64_t m4h_dispatch_next_ms(const struct m4h_dispatch *dispatch)
{
    return m4h_reservations_next_ms(&dispatch->reservations);
}

/* ---- the choice ----------------------------------------------------------- */

/* How long until the region gives its next slot; 0: now. Its emptiest seat has room. */
static uint64_t wait_ms(const struct m4h_dispatch *dispatch,
                        const struct m4h_dispatch_region *region, uint64_t now_ms)
{
    int32_t slots_per_second = dispatch->config.slots_per_second;
    uint64_t wait = 0;

    if (slots_per_second > 0)
        wait = m4h_pacing_wait_ms(&region->pacing, (uint32_t)slots_per_second, now_ms);
    if (wait == 0 && rests(emptiest(region)))
        wait = resting_of(m4h_heap_first(&region->resting))->rests_until_ms - now_ms;
    return wait;
}

/* The seat of the region to be picked, awake or not, or NULL. */
static struct m4h_seat *look_at(const struct m4h_dispatch *dispatch,
                                struct m4h_dispatch_region *region, uint64_t now_ms)
{
    wake_rested(dispatch, region, now_ms);
    return emptiest(region);
}

/* The emptiest seat anywhere. `*paced` is a region that had room but gives no
 * slot now, or NULL. */
static struct m4h_seat *pick_anywhere(const struct m4h_dispatch *dispatch, uint64_t now_ms,
                                      struct m4h_dispatch_region **paced)
{
    struct m4h_seat *best = NULL;

    for (size_t i = 0; i < dispatch->region_count; i++) {
        struct m4h_dispatch_region *region = dispatch->regions[i];
        struct m4h_seat *seat = look_at(dispatch, region, now_ms);

        if (seat == NULL)
            continue;
        if (wait_ms(dispatch, region, now_ms) > 0)
            *paced = region;
        else if (best == NULL || emptier(seat, best))
            best = seat;
    }
    return best;
}

/* The emptiest seat of the region, else of the first of its fallbacks with room. */
static struct m4h_seat *pick_in(const struct m4h_dispatch *dispatch, const char *name,
                                uint64_t now_ms, struct m4h_dispatch_region **paced)
{
    const struct m4h_fallback_chain *chain = m4h_fallback_of(&dispatch->config.fallback, name);
    size_t tries = chain != NULL ? chain->count : 1;

    for (size_t i = 0; i < tries; i++) {
        struct m4h_dispatch_region *region =
            find_region(dispatch, chain != NULL ? chain->regions[i] : name);
        struct m4h_seat *seat = region != NULL ? look_at(dispatch, region, now_ms) : NULL;

        if (seat == NULL)
            continue;
        if (wait_ms(dispatch, region, now_ms) == 0)
            return seat;
        *paced = region;
        if (i == 0)
            break;
    }
    return NULL;
}

/* In millionths of its share. */
static uint64_t load_of(const struct m4h_seat *seat)
{
    return used(seat) * 100 * 1000000 / share(seat);
}

/* The seat where the device was last, where that is as good as `best`. */
static struct m4h_seat *prefer(struct m4h_dispatch *dispatch, struct m4h_seat *best,
                               struct m4h_seat *last)
{
    uint64_t band = (uint64_t)dispatch->config.sticky_band * 10000;

    if (band == 0 || last == NULL || last == best || last->region != best->region ||
        !has_room(last) || rests(last) || load_of(last) > load_of(best) + band)
        return best;
    dispatch->kept++;
    return last;
}

/* Adds the names of the known regions to the text, as far as they fit. */
static void list_regions(const struct m4h_dispatch *dispatch, char *text, size_t size)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < dispatch->region_count; i++) {
        const char *name = dispatch->regions[i]->name;

        if (len + strlen(name) + 8 > size)
            return;
        len += (size_t)snprintf(text + len, size - len, "%s%s", i == 0 ? " " : ", ", name);
    }
    if (dispatch->region_count == 0)
        snprintf(text + len, size - len, " none");
}

static void set_no_capacity(const struct m4h_dispatch *dispatch, const char *region,
                            uint64_t random, struct m4h_problem *problem)
{
    char detail[M4H_DETAIL_MAX + 1];

    if (region[0] == '\0')
        snprintf(detail, sizeof(detail), "no slave has room for a device now");
    else if (find_region(dispatch, region) != NULL)
        snprintf(detail, sizeof(detail), "no slave of region '%s' has room for a device now%s",
                 region,
                 m4h_fallback_of(&dispatch->config.fallback, region) != NULL
                     ? ", nor has one of its fallback regions"
                     : "");
    else {
        snprintf(detail, sizeof(detail),
                 "no slave of region '%s' is known; the known regions are:", region);
        list_regions(dispatch, detail, sizeof(detail));
    }
    m4h_problem_set(problem, M4H_PROBLEM_NO_CAPACITY, detail);
    problem->retry_after_ms = NO_CAPACITY_RETRY_MS + (uint32_t)(random % NO_CAPACITY_SPREAD_MS);
}

static void set_throttled(const struct m4h_dispatch *dispatch, struct m4h_dispatch_region *region,
                          uint64_t now_ms, uint64_t random, struct m4h_problem *problem)
{
    uint64_t slots_per_second = region->slots_per_second;
    char detail[M4H_DETAIL_MAX + 1];

    if (dispatch->config.slots_per_second > 0 &&
        (slots_per_second == 0 || slots_per_second > (uint64_t)dispatch->config.slots_per_second))
        slots_per_second = (uint64_t)dispatch->config.slots_per_second;
    snprintf(detail, sizeof(detail), "region '%s' gives at most %llu slots a second", region->name,
             (unsigned long long)slots_per_second);
    m4h_problem_set(problem, M4H_PROBLEM_THROTTLED, detail);
    problem->retry_after_ms = m4h_crowd_refuse(&region->crowd, wait_ms(dispatch, region, now_ms),
                                               slots_per_second, now_ms, random);
}

/* Keeps the room until the device comes. */
static int reserve(struct m4h_dispatch *dispatch, struct m4h_seat *seat, const char *client_key,
                   uint64_t now_ms)
{
    int error;

    if (dispatch->config.reservation_ms == 0)
        return 0;
    error = m4h_reservations_add(&dispatch->reservations, &seat->reserved, client_key,
                                 now_ms + dispatch->config.reservation_ms);
    if (error == 0)
        moved(seat);
    return error;
}

struct m4h_seat *m4h_dispatch_pick(struct m4h_dispatch *dispatch,
                                   const struct m4h_dispatch_request *request,
                                   struct m4h_seat *last, uint64_t now_ms, uint64_t random,
                                   struct m4h_problem *problem)
{
    struct m4h_dispatch_region *paced = NULL;
    struct m4h_seat *seat;

    m4h_dispatch_expire(dispatch, now_ms);
    m4h_dispatch_taken_back(dispatch, request->client_key);
    seat = request->region[0] == '\0' ? pick_anywhere(dispatch, now_ms, &paced)
                                      : pick_in(dispatch, request->region, now_ms, &paced);
    if (seat == NULL && paced != NULL) {
        dispatch->throttled++;
        set_throttled(dispatch, paced, now_ms, random, problem);
        return NULL;
    }
    if (seat == NULL) {
        dispatch->no_capacity++;
        set_no_capacity(dispatch, request->region, random, problem);
        return NULL;
    }
    seat = prefer(dispatch, seat, last);
    if (reserve(dispatch, seat, request->client_key, now_ms) != 0) {
        m4h_problem_set(problem, M4H_PROBLEM_INTERNAL, "out of memory");
        return NULL;
    }
    dispatch->slots++;
    gave(dispatch, seat, now_ms);
    return seat;
}

void m4h_dispatch_stats(const struct m4h_dispatch *dispatch, struct m4h_dispatch_stats *stats)
{
    *stats = (struct m4h_dispatch_stats){
        .slots = dispatch->slots,
        .no_capacity = dispatch->no_capacity,
        .throttled = dispatch->throttled,
        .kept = dispatch->kept,
        .shared = dispatch->shared,
        .reservations_used = dispatch->reservations.used,
        .reservations_expired = dispatch->reservations.expired,
        .reservations_cut_short = dispatch->reservations.cut_short,
        .reservations = dispatch->reservations.count,
    };
}
