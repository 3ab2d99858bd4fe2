/* Residents by session and owners by client key. Several may leave at once for
 * one key; its owner waits until the last of them is gone. */
#define HASH_NONFATAL_OOM 1
#include "services/slave/core/roster.h"

#include "lib/base/digest.h"
#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* A client key that somebody owns, or that somebody is still leaving. */
struct claim {
    UT_hash_handle hh;
    struct m4h_resident *owner; /* NULL: all are leaving */
    uint32_t leaving;
    char client_key[M4H_CLIENT_KEY_MAX + 1];
};

struct node {
    UT_hash_handle hh;
    struct claim *claim; /* NULL while it is only known */
    struct m4h_resident resident;
};

struct m4h_roster {
    struct node *nodes;
    struct claim *claims;
    uint32_t tunnels;
    uint64_t digest;
};

static struct node *node_of(struct m4h_resident *resident)
{
    return M4H_CONTAINER_OF(resident, struct node, resident);
}

int m4h_roster_create(struct m4h_roster **roster)
{
    *roster = calloc(1, sizeof(**roster));
    return *roster == NULL ? M4H_ENOMEM : 0;
}

static void free_node(struct node *node)
{
    free(node->resident.ports);
    free(node);
}

void m4h_roster_destroy(struct m4h_roster *roster)
{
    struct node *node, *next_node;
    struct claim *claim, *next_claim;

    if (roster == NULL)
        return;
    HASH_ITER(hh, roster->nodes, node, next_node)
    {
        HASH_DEL(roster->nodes, node);
        free_node(node);
    }
    HASH_ITER(hh, roster->claims, claim, next_claim)
    {
        HASH_DEL(roster->claims, claim);
        free(claim);
    }
    free(roster);
}

static struct claim *find_claim(const struct m4h_roster *roster, const char *client_key)
{
    struct claim *claim;

    HASH_FIND_STR(roster->claims, client_key, claim);
    return claim;
}

/* The claim on a key, made where there is none; NULL: no memory. */
static struct claim *need_claim(struct m4h_roster *roster, const char *client_key)
{
    struct claim *claim = find_claim(roster, client_key);

    if (claim != NULL)
        return claim;
    claim = calloc(1, sizeof(*claim));
    if (claim == NULL)
        return NULL;
    m4h_text_copy(claim->client_key, sizeof(claim->client_key), client_key);
    HASH_ADD_STR(roster->claims, client_key, claim);
    if (claim->hh.tbl == NULL) {
        free(claim);
        return NULL;
    }
    return claim;
}

static void drop_claim_if_unused(struct m4h_roster *roster, struct claim *claim)
{
    if (claim->owner != NULL || claim->leaving > 0)
        return;
    HASH_DEL(roster->claims, claim);
    free(claim);
}

struct m4h_resident *m4h_roster_find(const struct m4h_roster *roster, uint64_t session_id)
{
    struct node *node;

    HASH_FIND(hh, roster->nodes, &session_id, sizeof(session_id), node);
    return node != NULL ? &node->resident : NULL;
}

struct m4h_resident *m4h_roster_owner(const struct m4h_roster *roster, const char *client_key)
{
    struct claim *claim = find_claim(roster, client_key);

    return claim != NULL ? claim->owner : NULL;
}

int m4h_roster_add(struct m4h_roster *roster, uint64_t session_id, uint64_t owner_stamp,
                   const struct m4h_tunnel *tunnel, struct m4h_resident **resident)
{
    struct node *node;

    *resident = NULL;
    if (m4h_roster_find(roster, session_id) != NULL)
        return M4H_EEXIST;
    node = calloc(1, sizeof(*node));
    if (node == NULL)
        return M4H_ENOMEM;
    node->resident.session_id = session_id;
    node->resident.state = M4H_RESIDENT_KNOWN;
    node->resident.owner_stamp = owner_stamp;
    node->resident.tunnel = *tunnel;
    HASH_ADD(hh, roster->nodes, resident.session_id, sizeof(session_id), node);
    if (node->hh.tbl == NULL) {
        free(node);
        return M4H_ENOMEM;
    }
    *resident = &node->resident;
    return 0;
}

bool m4h_roster_claim(struct m4h_roster *roster, struct m4h_resident *resident,
                      struct m4h_resident **loser)
{
    struct claim *claim = need_claim(roster, resident->tunnel.client_key);

    *loser = NULL;
    if (claim == NULL) {
        /* Without memory for the claim it cannot own anything: it must go itself. */
        resident->state = M4H_RESIDENT_LEAVING;
        *loser = resident;
        return false;
    }
    if (claim->owner != NULL) {
        *loser = claim->owner;
        m4h_roster_leave(roster, claim->owner);
    }
    claim->owner = resident;
    node_of(resident)->claim = claim;
    resident->state = M4H_RESIDENT_WAITING;
    return claim->leaving == 0;
}

void m4h_roster_up(struct m4h_roster *roster, struct m4h_resident *resident, uint64_t now_ms)
{
    resident->state = M4H_RESIDENT_UP;
    resident->was_up = true;
    resident->up_since_ms = now_ms;
    roster->tunnels++;
    roster->digest ^= m4h_digest_of(resident->tunnel.tunnel_id);
}

void m4h_roster_leave(struct m4h_roster *roster, struct m4h_resident *resident)
{
    struct claim *claim = node_of(resident)->claim;

    (void)roster;
    if (resident->state == M4H_RESIDENT_LEAVING)
        return;
    resident->state = M4H_RESIDENT_LEAVING;
    if (claim != NULL) {
        claim->owner = NULL;
        claim->leaving++;
    }
}

void m4h_roster_remove(struct m4h_roster *roster, struct m4h_resident *resident,
                       struct m4h_resident **successor)
{
    struct node *node = node_of(resident);
    struct claim *claim = node->claim;

    *successor = NULL;
    m4h_roster_leave(roster, resident);
    if (claim != NULL) {
        claim->leaving--;
        if (claim->leaving == 0 && claim->owner != NULL &&
            claim->owner->state == M4H_RESIDENT_WAITING)
            *successor = claim->owner;
        drop_claim_if_unused(roster, claim);
    }
    if (resident->was_up) {
        roster->tunnels--;
        roster->digest ^= m4h_digest_of(resident->tunnel.tunnel_id);
    }
    HASH_DEL(roster->nodes, node);
    free_node(node);
}

uint32_t m4h_roster_tunnel_count(const struct m4h_roster *roster)
{
    return roster->tunnels;
}

uint64_t m4h_roster_digest(const struct m4h_roster *roster)
{
    return roster->digest;
}

struct m4h_resident *m4h_roster_any(const struct m4h_roster *roster)
{
    return roster->nodes != NULL ? &roster->nodes->resident : NULL;
}

uint32_t m4h_roster_count(const struct m4h_roster *roster)
{
    return HASH_COUNT(roster->nodes);
}

void m4h_roster_each(const struct m4h_roster *roster,
                     void (*each)(void *context, struct m4h_resident *resident), void *context)
{
    for (struct node *node = roster->nodes; node != NULL; node = node->hh.next)
        each(context, &node->resident);
}
