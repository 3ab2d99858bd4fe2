/* Seats: two heaps of those of a region. They know nothing of other regions. */
#include "services/master/core/seats.h"

#include <string.h>

#define SHARE_MAX (UINT64_C(1) << 30)

/* ---- how full ------------------------------------------------------------- */

static uint64_t used(const struct m4h_seat *seat)
{
    return (uint64_t)seat->tunnels + seat->reserved.count;
}

bool m4h_seat_has_room(const struct m4h_seat *seat)
{
    return seat->open && used(seat) < seat->capacity;
}

bool m4h_seat_rests(const struct m4h_seat *seat)
{
    return m4h_heap_holds(&seat->rest);
}

/* Its part of what a region takes. At most 2^30: a product with `used` fits. */
static uint64_t share(const struct m4h_seat *seat)
{
    uint64_t weight = seat->weight < M4H_SEAT_WEIGHT_MAX ? seat->weight : M4H_SEAT_WEIGHT_MAX;
    uint64_t wished = seat->capacity * weight;

    return wished < SHARE_MAX ? wished : SHARE_MAX;
}

uint64_t m4h_seat_load(const struct m4h_seat *seat)
{
    return used(seat) * 100 * 1000000 / share(seat);
}

bool m4h_seat_is_emptier(const struct m4h_seat *a, const struct m4h_seat *b)
{
    uint64_t left = used(a) * share(b), right = used(b) * share(a);

    return left != right ? left < right : strcmp(a->slave_id, b->slave_id) < 0;
}

/* ---- the heaps ------------------------------------------------------------ */

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
    return m4h_seat_has_room(seat) ? 1 + !m4h_seat_rests(seat) : 0;
}

static bool before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    const struct m4h_seat *seat_a = seat_of(a), *seat_b = seat_of(b);
    int rank_a = rank(seat_a), rank_b = rank(seat_b);

    return rank_a != rank_b ? rank_a > rank_b : rank_a > 0 && m4h_seat_is_emptier(seat_a, seat_b);
}

static bool rests_less(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return resting_of(a)->rests_until_ms < resting_of(b)->rests_until_ms;
}

static void moved(struct m4h_seat *seat)
{
    if (seat->seats != NULL)
        m4h_heap_moved(&seat->seats->all, &seat->node);
}

static void wake(struct m4h_seat *seat)
{
    m4h_heap_remove(&seat->seats->resting, &seat->rest);
    moved(seat);
}

void m4h_seats_wake(struct m4h_seats *seats, uint64_t now_ms)
{
    struct m4h_heap_node *first;

    while ((first = m4h_heap_first(&seats->resting)) != NULL &&
           resting_of(first)->rests_until_ms <= now_ms)
        wake(resting_of(first));
}

struct m4h_seat *m4h_seats_first(const struct m4h_seats *seats)
{
    struct m4h_heap_node *first = m4h_heap_first(&seats->all);

    return first != NULL && m4h_seat_has_room(seat_of(first)) ? seat_of(first) : NULL;
}

uint64_t m4h_seats_rest_ms(const struct m4h_seats *seats, uint64_t now_ms)
{
    if (!m4h_seat_rests(m4h_seats_first(seats)))
        return 0;
    return resting_of(m4h_heap_first(&seats->resting))->rests_until_ms - now_ms;
}

/* ---- life and changes ----------------------------------------------------- */

void m4h_seats_init(struct m4h_seats *seats)
{
    *seats = (struct m4h_seats){0};
    m4h_heap_init(&seats->all, before);
    m4h_heap_init(&seats->resting, rests_less);
}

void m4h_seats_free(struct m4h_seats *seats)
{
    m4h_heap_free(&seats->all);
    m4h_heap_free(&seats->resting);
}

int m4h_seat_take(struct m4h_seat *seat, struct m4h_seats *seats, const char *slave_id)
{
    int error;

    *seat = (struct m4h_seat){.slave_id = slave_id, .pacing.burst_ms = M4H_SEAT_BURST_MS};
    error = m4h_heap_insert(&seats->all, &seat->node);
    if (error == 0)
        seat->seats = seats;
    return error;
}

void m4h_seat_free(struct m4h_seat *seat)
{
    seat->seats->slots_per_second -= seat->open ? seat->slots_per_second : 0;
    m4h_heap_remove(&seat->seats->resting, &seat->rest);
    m4h_heap_remove(&seat->seats->all, &seat->node);
    seat->seats = NULL;
}

static void set_pace(struct m4h_seat *seat, const struct m4h_seat_state *state)
{
    if (seat->seats == NULL)
        return;
    seat->seats->slots_per_second -= seat->open ? seat->slots_per_second : 0;
    seat->seats->slots_per_second += state->open ? state->slots_per_second : 0;
    if (seat->slots_per_second != state->slots_per_second && m4h_seat_rests(seat))
        m4h_heap_remove(&seat->seats->resting, &seat->rest);
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

void m4h_seat_reserved(struct m4h_seat *seat)
{
    moved(seat);
}

void m4h_seat_gave(struct m4h_seat *seat, uint64_t now_ms)
{
    uint64_t wait_ms;

    m4h_pacing_gave(&seat->pacing, seat->slots_per_second, now_ms);
    wait_ms = m4h_pacing_wait_ms(&seat->pacing, seat->slots_per_second, now_ms);
    if (wait_ms == 0 || m4h_seat_rests(seat))
        return;
    seat->rests_until_ms = now_ms + wait_ms;
    if (m4h_heap_insert(&seat->seats->resting, &seat->rest) == 0)
        moved(seat);
}
