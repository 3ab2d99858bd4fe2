/* The reservations: three lists and one table. They know nothing of slaves. */
#include "services/master/core/reservations.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

struct m4h_reservation {
    struct m4h_reserved *at;
    uint64_t expires_ms;
    struct m4h_reservation *next, *previous;             /* of all */
    struct m4h_reservation *slave_next, *slave_previous; /* at one slave */
    UT_hash_handle hh;                                   /* where it has a name */
    char client_key[];
};

static struct m4h_reservation **list_of(const struct m4h_reservation *reservation)
{
    struct m4h_reserved *at = reservation->at;

    return reservation->client_key[0] != '\0' ? &at->named : &at->anonymous;
}

/* Takes it out of everything and frees it. Returns where it was. */
static struct m4h_reserved *end(struct m4h_reservations *all, struct m4h_reservation *reservation)
{
    struct m4h_reserved *at = reservation->at;
    struct m4h_reservation **list = list_of(reservation);

    if (reservation->client_key[0] != '\0')
        HASH_DEL(all->by_name, reservation);
    DL_DELETE2(*list, reservation, slave_previous, slave_next);
    DL_DELETE2(all->oldest, reservation, previous, next);
    at->count--;
    all->count--;
    free(reservation);
    return at;
}

void m4h_reservations_free(struct m4h_reservations *all)
{
    HASH_CLEAR(hh, all->by_name);
    while (all->oldest != NULL) {
        struct m4h_reservation *reservation = all->oldest;

        DL_DELETE2(all->oldest, reservation, previous, next);
        free(reservation);
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
    if (key_len > 0) {
        HASH_ADD_KEYPTR(hh, all->by_name, reservation->client_key, key_len, reservation);
        if (reservation->hh.tbl == NULL) {
            free(reservation);
            return M4H_ENOMEM;
        }
    }
    list = list_of(reservation);
    DL_APPEND2(*list, reservation, slave_previous, slave_next);
    DL_APPEND2(all->oldest, reservation, previous, next);
    at->count++;
    all->count++;
    return 0;
}

static struct m4h_reservation *find(const struct m4h_reservations *all, const char *client_key)
{
    struct m4h_reservation *reservation;

    HASH_FIND(hh, all->by_name, client_key, strlen(client_key), reservation);
    return reservation;
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
    struct m4h_reservation *oldest = all->oldest;

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
    return all->oldest != NULL ? all->oldest->expires_ms : UINT64_MAX;
}

void m4h_reservations_drop(struct m4h_reservations *all, struct m4h_reserved *at)
{
    while (at->named != NULL)
        end(all, at->named);
    while (at->anonymous != NULL)
        end(all, at->anonymous);
}
