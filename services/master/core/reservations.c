/* The reservations: a queue, two lists at each slave and one table. They know nothing of
 * slaves.
 *
 * Nearly all are kept for one time, so the one that comes last ends last, and a queue will
 * do. One that ends earlier than the last of the queue, of a master with another setting, say,
 * goes to a heap beside it. */
#include "services/master/core/reservations.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

struct m4h_reservation {
    struct m4h_reserved *at;
    uint64_t expires_ms;
    struct m4h_heap_node expiry;                         /* where it is not in the queue */
    struct m4h_reservation *queue_next, *queue_previous; /* in the queue of all */
    struct m4h_reservation *slave_next, *slave_previous; /* at one slave */
    struct m4h_name_link by_name;                        /* where it has a name */
    char client_key[];
};

static struct m4h_reservation *reservation_of(const struct m4h_heap_node *node)
{
    return M4H_CONTAINER_OF(node, struct m4h_reservation, expiry);
}

static struct m4h_reservation *named(const struct m4h_name_link *link)
{
    return M4H_CONTAINER_OF(link, struct m4h_reservation, by_name);
}

static const char *name_of(const struct m4h_name_link *link)
{
    return named(link)->client_key;
}

static bool before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return reservation_of(a)->expires_ms < reservation_of(b)->expires_ms;
}

static struct m4h_reservation **list_of(const struct m4h_reservation *reservation)
{
    struct m4h_reserved *at = reservation->at;

    return reservation->client_key[0] != '\0' ? &at->named : &at->anonymous;
}

/* ---- until when ------------------------------------------------------------ */

static int wait_for_expiry(struct m4h_reservations *all, struct m4h_reservation *reservation)
{
    if (all->queue != NULL && all->queue->queue_previous->expires_ms > reservation->expires_ms)
        return m4h_heap_insert(&all->early, &reservation->expiry);
    DL_APPEND2(all->queue, reservation, queue_previous, queue_next);
    return 0;
}

static void stop_waiting(struct m4h_reservations *all, struct m4h_reservation *reservation)
{
    if (m4h_heap_holds(&reservation->expiry))
        m4h_heap_remove(&all->early, &reservation->expiry);
    else
        DL_DELETE2(all->queue, reservation, queue_previous, queue_next);
}

/* The one that ends next, or NULL. */
static struct m4h_reservation *first_of(const struct m4h_reservations *all)
{
    struct m4h_heap_node *early = m4h_heap_first(&all->early);

    if (early == NULL ||
        (all->queue != NULL && all->queue->expires_ms <= reservation_of(early)->expires_ms))
        return all->queue;
    return reservation_of(early);
}

/* ---- all of them ------------------------------------------------------------ */

/* Takes it out of everything and frees it. Returns where it was. */
static struct m4h_reserved *end(struct m4h_reservations *all, struct m4h_reservation *reservation)
{
    struct m4h_reserved *at = reservation->at;
    struct m4h_reservation **list = list_of(reservation);

    if (reservation->client_key[0] != '\0')
        m4h_name_table_remove(&all->names, &reservation->by_name);
    DL_DELETE2(*list, reservation, slave_previous, slave_next);
    stop_waiting(all, reservation);
    at->count--;
    all->count--;
    free(reservation);
    return at;
}

int m4h_reservations_init(struct m4h_reservations *all, uint64_t seed)
{
    *all = (struct m4h_reservations){0};
    m4h_heap_init(&all->early, before);
    return m4h_name_table_init(&all->names, name_of, seed);
}

void m4h_reservations_free(struct m4h_reservations *all)
{
    m4h_name_table_free(&all->names);
    for (size_t i = 0; i < all->early.count; i++)
        free(reservation_of(all->early.nodes[i]));
    m4h_heap_free(&all->early);
    while (all->queue != NULL) {
        struct m4h_reservation *first = all->queue;

        all->queue = first->queue_next;
        free(first);
    }
    all->count = 0;
}

int m4h_reservations_add(struct m4h_reservations *all, struct m4h_reserved *at,
                         const char *client_key, uint64_t expires_ms)
{
    size_t key_len = strlen(client_key);
    struct m4h_reservation *reservation = calloc(1, sizeof(*reservation) + key_len + 1);
    struct m4h_reservation **list;

    if (reservation == NULL)
        return M4H_ENOMEM;
    reservation->at = at;
    reservation->expires_ms = expires_ms;
    memcpy(reservation->client_key, client_key, key_len + 1);
    if (wait_for_expiry(all, reservation) != 0) {
        free(reservation);
        return M4H_ENOMEM;
    }
    if (key_len > 0)
        m4h_name_table_add(&all->names, &reservation->by_name);
    list = list_of(reservation);
    DL_APPEND2(*list, reservation, slave_previous, slave_next);
    at->count++;
    all->count++;
    return 0;
}

static struct m4h_reservation *find(const struct m4h_reservations *all, const char *client_key)
{
    struct m4h_name_link *link = *m4h_name_table_find(&all->names, client_key);

    return link != NULL ? named(link) : NULL;
}

struct m4h_reserved *m4h_reservations_use(struct m4h_reservations *all, struct m4h_reserved *at,
                                          const char *client_key)
{
    struct m4h_reservation *reservation = find(all, client_key);

    if (reservation == NULL)
        reservation = at->anonymous;
    if (reservation == NULL)
        return NULL;
    all->used++;
    return end(all, reservation);
}

bool m4h_reservations_has(const struct m4h_reservations *all, const char *client_key)
{
    return find(all, client_key) != NULL;
}

struct m4h_reserved *m4h_reservations_take_back(struct m4h_reservations *all,
                                                const char *client_key)
{
    struct m4h_reservation *reservation = find(all, client_key);

    if (reservation == NULL)
        return NULL;
    all->cut_short++;
    return end(all, reservation);
}

struct m4h_reserved *m4h_reservations_expire(struct m4h_reservations *all, uint64_t now_ms)
{
    struct m4h_reservation *oldest = first_of(all);

    if (oldest == NULL)
        return NULL;
    if (oldest->expires_ms <= now_ms)
        all->expired++;
    else if (all->count > M4H_RESERVATIONS_MAX)
        all->cut_short++;
    else
        return NULL;
    return end(all, oldest);
}

uint64_t m4h_reservations_next_ms(const struct m4h_reservations *all)
{
    const struct m4h_reservation *first = first_of(all);

    return first != NULL ? first->expires_ms : UINT64_MAX;
}

void m4h_reservations_drop(struct m4h_reservations *all, struct m4h_reserved *at)
{
    while (at->named != NULL)
        end(all, at->named);
    while (at->anonymous != NULL)
        end(all, at->anonymous);
}
