/* Dispatch: the choice between regions, and the room that is kept. It knows nothing of
 * events, nor of why a seat is open or closed. */
#include "services/master/core/dispatch.h"

#include "lib/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Advice to who finds no room: from 2 to 5 s. */
#define NO_CAPACITY_RETRY_MS  2000u
#define NO_CAPACITY_SPREAD_MS 3000u

struct m4h_dispatch_region {
    char name[M4H_ID_MAX + 1];
    struct m4h_seats seats;
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
    m4h_seats_init(&region->seats);
    memmove(dispatch->regions + place + 1, dispatch->regions + place,
            (dispatch->region_count - place) * sizeof(dispatch->regions[0]));
    dispatch->regions[place] = region;
    dispatch->region_count++;
    *added = region;
    return 0;
}

static void free_region(struct m4h_dispatch_region *region)
{
    m4h_seats_free(&region->seats);
    free(region);
}

static void remove_if_empty(struct m4h_dispatch *dispatch, struct m4h_dispatch_region *region)
{
    size_t place = place_of(dispatch, region->name);

    if (region->seats.all.count > 0)
        return;
    dispatch->region_count--;
    memmove(dispatch->regions + place, dispatch->regions + place + 1,
            (dispatch->region_count - place) * sizeof(dispatch->regions[0]));
    free_region(region);
}

static struct m4h_dispatch_region *region_of(const struct m4h_seat *seat)
{
    return M4H_CONTAINER_OF(seat->seats, struct m4h_dispatch_region, seats);
}

/* ---- life ----------------------------------------------------------------- */

int m4h_dispatch_create(struct m4h_dispatch **dispatch, const struct m4h_dispatch_config *config,
                        uint64_t seed)
{
    *dispatch = calloc(1, sizeof(**dispatch));
    if (*dispatch == NULL)
        return M4H_ENOMEM;
    (*dispatch)->config = *config;
    if (m4h_reservations_init(&(*dispatch)->reservations, seed) != 0) {
        free(*dispatch);
        *dispatch = NULL;
        return M4H_ENOMEM;
    }
    return 0;
}

void m4h_dispatch_set_config(struct m4h_dispatch *dispatch,
                             const struct m4h_dispatch_config *config)
{
    dispatch->config.slots_per_second = config->slots_per_second;
    dispatch->config.sticky_band = config->sticky_band;
    dispatch->config.fallback = config->fallback;
}

bool m4h_dispatch_is_sticky(const struct m4h_dispatch *dispatch)
{
    return dispatch->config.sticky_band > 0;
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
    error = m4h_seat_take(seat, &region->seats, slave_id);
    if (error != 0)
        remove_if_empty(dispatch, region);
    return error;
}

void m4h_seat_leave(struct m4h_dispatch *dispatch, struct m4h_seat *seat)
{
    struct m4h_dispatch_region *region;

    if (seat->seats == NULL)
        return;
    region = region_of(seat);
    m4h_reservations_drop(&dispatch->reservations, &seat->reserved);
    m4h_seat_free(seat);
    remove_if_empty(dispatch, region);
}

/* ---- what becomes of reservations ------------------------------------------ */

static void reserved_changed(struct m4h_reserved *reserved)
{
    m4h_seat_reserved(M4H_CONTAINER_OF(reserved, struct m4h_seat, reserved));
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
    m4h_seat_reserved(seat);
}

/* Counts a slot for the pace of the region and of the slave. */
static void gave(const struct m4h_dispatch *dispatch, struct m4h_seat *seat, uint64_t now_ms)
{
    int32_t slots_per_second = dispatch->config.slots_per_second;

    if (slots_per_second == 0)
        return;
    if (slots_per_second > 0)
        m4h_pacing_gave(&region_of(seat)->pacing, (uint32_t)slots_per_second, now_ms);
    m4h_seat_gave(seat, now_ms);
}

int m4h_seat_given(struct m4h_dispatch *dispatch, struct m4h_seat *seat, const char *client_key,
                   uint32_t remaining_ms, uint64_t now_ms)
{
    uint64_t for_ms =
        remaining_ms < M4H_DISPATCH_SHARED_MAX_MS ? remaining_ms : M4H_DISPATCH_SHARED_MAX_MS;
    int error;

    m4h_dispatch_expire(dispatch, now_ms);
    m4h_dispatch_taken_back(dispatch, client_key);
    if (seat->seats == NULL)
        return 0;
    dispatch->shared++;
    gave(dispatch, seat, now_ms);
    if (remaining_ms == 0)
        return 0;
    error =
        m4h_reservations_add(&dispatch->reservations, &seat->reserved, client_key, now_ms + for_ms);
    if (error == 0)
        m4h_seat_reserved(seat);
    return error;
}

bool m4h_dispatch_has_reserved(const struct m4h_dispatch *dispatch, const char *client_key)
{
    return m4h_reservations_has(&dispatch->reservations, client_key);
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
    return wait > 0 ? wait : m4h_seats_rest_ms(&region->seats, now_ms);
}

/* The seat of the region to be picked, awake or not, or NULL. */
static struct m4h_seat *look_at(const struct m4h_dispatch *dispatch,
                                struct m4h_dispatch_region *region, uint64_t now_ms)
{
    m4h_seats_wake(&region->seats, dispatch->config.slots_per_second != 0 ? now_ms : UINT64_MAX);
    return m4h_seats_first(&region->seats);
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
        else if (best == NULL || m4h_seat_is_emptier(seat, best))
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

/* The seat where the device was last, where that is as good as `best`. */
static struct m4h_seat *prefer(struct m4h_dispatch *dispatch, struct m4h_seat *best,
                               struct m4h_seat *last)
{
    uint64_t band = (uint64_t)dispatch->config.sticky_band * 10000;

    if (band == 0 || last == NULL || last == best || last->seats != best->seats ||
        !m4h_seat_has_room(last) || m4h_seat_rests(last) ||
        m4h_seat_load(last) > m4h_seat_load(best) + band)
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
    uint64_t slots_per_second = region->seats.slots_per_second;
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
        m4h_seat_reserved(seat);
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
