/* Residents by session and owners by client key. Several may leave at once for
 * one key; its owner waits until the last of them is gone. */
#define HASH_NONFATAL_OOM 1
#include "services/slave/core/roster.h"

#include "lib/base/digest.h"
#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

/* A client key of somebody who is here. */
struct claim {
    UT_hash_handle hh;
    struct m4h_resident *owner; /* NULL: nobody has claimed it, or all are leaving */
    struct node *known;         /* utlist: who has not claimed it yet, the oldest first */
    uint32_t known_count;
    uint32_t leaving; /* of those who had claimed it */
    uint32_t nodes;   /* all of this key */
    char client_key[M4H_CLIENT_KEY_MAX + 1];
};

struct node {
    UT_hash_handle hh;
    struct node *prev, *next; /* in its claim's `known` */
    struct claim *claim;
    bool has_claimed;
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
    free(node->resident.cause);
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
    if (claim->nodes > 0)
        return;
    HASH_DEL(roster->claims, claim);
    free(claim);
}

static void join(struct claim *claim, struct node *node)
{
    node->claim = claim;
    claim->nodes++;
    DL_APPEND(claim->known, node);
    claim->known_count++;
}

/* It is no longer among those who have not claimed. */
static void end_known(struct node *node)
{
    DL_DELETE(node->claim->known, node);
    node->claim->known_count--;
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
    struct claim *claim;
    struct node *node;

    *resident = NULL;
    if (m4h_roster_find(roster, session_id) != NULL)
        return M4H_EEXIST;
    node = calloc(1, sizeof(*node));
    claim = node != NULL ? need_claim(roster, tunnel->client_key) : NULL;
    if (claim == NULL) {
        free(node);
        return M4H_ENOMEM;
    }
    node->resident.session_id = session_id;
    node->resident.state = M4H_RESIDENT_KNOWN;
    node->resident.owner_stamp = owner_stamp;
    node->resident.tunnel = *tunnel;
    HASH_ADD(hh, roster->nodes, resident.session_id, sizeof(session_id), node);
    if (node->hh.tbl == NULL) {
        drop_claim_if_unused(roster, claim);
        free(node);
        return M4H_ENOMEM;
    }
    join(claim, node);
    *resident = &node->resident;
    return 0;
}

struct m4h_resident *m4h_roster_surplus(const struct m4h_roster *roster, const char *client_key,
                                        uint32_t max)
{
    const struct claim *claim = find_claim(roster, client_key);

    return claim != NULL && claim->known_count > max ? &claim->known->resident : NULL;
}

bool m4h_roster_claim(struct m4h_roster *roster, struct m4h_resident *resident,
                      struct m4h_resident **loser)
{
    struct node *node = node_of(resident);
    struct claim *claim = node->claim;

    *loser = claim->owner;
    if (claim->owner != NULL)
        m4h_roster_leave(roster, claim->owner);
    end_known(node);
    claim->owner = resident;
    node->has_claimed = true;
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
    struct node *node = node_of(resident);

    (void)roster;
    if (resident->state == M4H_RESIDENT_LEAVING)
        return;
    resident->state = M4H_RESIDENT_LEAVING;
    if (node->has_claimed) {
        node->claim->owner = NULL;
        node->claim->leaving++;
    } else {
        end_known(node);
    }
}

void m4h_roster_remove(struct m4h_roster *roster, struct m4h_resident *resident,
                       struct m4h_resident **successor)
{
    struct node *node = node_of(resident);
    struct claim *claim = node->claim;

    *successor = NULL;
    m4h_roster_leave(roster, resident);
    if (node->has_claimed) {
        claim->leaving--;
        if (claim->leaving == 0 && claim->owner != NULL &&
            claim->owner->state == M4H_RESIDENT_WAITING)
            *successor = claim->owner;
    }
    claim->nodes--;
    drop_claim_if_unused(roster, claim);
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
