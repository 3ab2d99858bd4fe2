/* All tunnels of all slaves, in order of client key. Several slaves may hold a
 * tunnel of the same device for a moment; among the entries of one client key
 * the owner comes first: order is (client_key, then the winner by
 * m4h_stamp_wins, then the lower slave id). A loser so becomes the owner by
 * itself when the owner goes.
 *
 * A skip list (Pugh 1990) with the towers inside the entries: O(log n), 11
 * bytes of order per entry on average. Heights come from the tunnel id and a
 * seed, so the same seed always makes the same list. Beside it the owners are in
 * a hash table (owners.h), so that a client key is found in O(1). Pure; one thread. */
#ifndef M4H_MASTER_TUNNEL_INDEX_H
#define M4H_MASTER_TUNNEL_INDEX_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "services/master/core/owners.h"

/* A quarter of the entries of a level are in the next one: 4^12 = 16 million. */
#define M4H_TUNNEL_INDEX_HEIGHT 12

struct m4h_entry;

/* What one slave holds. Embedded in the slave, kept by the index. */
struct m4h_holder {
    const char *slave_id; /* borrowed from the slave */
    struct m4h_entry *first;
    uint32_t count;
    uint64_t digest;          /* as lib/base/digest.h says */
    uint8_t generation;       /* of what is put in or confirmed now */
    bool is_ending;           /* a renewal is: */
    struct m4h_entry *unseen; /* the first one that it has not looked at; NULL: none is left */
};

/* One tunnel: made compact, with its strings behind it. All but `holder` and
 * `stamp` is private to the index. */
struct m4h_entry {
    struct m4h_entry *slave_next; /* of the same holder */
    struct m4h_entry *slave_previous;
    struct m4h_entry *owner_next; /* of an owner: see owners.h */
    struct m4h_holder *holder;
    uint64_t tunnel_id;
    uint64_t stamp;
    uint64_t connected_wall_ms;
    uint8_t height;
    uint8_t port_count;
    uint8_t key_len;
    uint8_t address_len;
    uint8_t fingerprint_len;
    uint8_t generation;       /* of the holder, when it was put in or confirmed last */
    struct m4h_entry *next[]; /* `height` of them; then ports; then strings */
};

struct m4h_tunnel_index {
    struct m4h_entry *head[M4H_TUNNEL_INDEX_HEIGHT];
    struct m4h_owners owners; /* as many as there are client keys: tunnels that show */
    uint64_t seed;
    size_t entries;
};

/* M4H_ENOMEM: there is nothing to free. */
M4H_MUST_CHECK int m4h_tunnel_index_init(struct m4h_tunnel_index *index, uint64_t seed);
/* Frees all entries; their holders must not be used any more. */
void m4h_tunnel_index_free(struct m4h_tunnel_index *index);

/* Makes an entry that is not in the index yet; NULL: no memory. */
struct m4h_entry *m4h_entry_create(const struct m4h_tunnel_index *index,
                                   const struct m4h_tunnel *tunnel);
/* Only for one that is not in the index. Accepts NULL. */
void m4h_entry_destroy(struct m4h_entry *entry);

/* Puts in an entry, which the index owns from now on. One of the same client
 * key and tunnel id at the same holder is replaced; true: there was none. */
bool m4h_tunnel_index_insert(struct m4h_tunnel_index *index, struct m4h_holder *holder,
                             struct m4h_entry *entry);
/* Takes out and frees. */
void m4h_tunnel_index_remove(struct m4h_tunnel_index *index, struct m4h_entry *entry);
/* Renewal of what a holder has: begin, then insert or confirm what it is to have, then
 * end, which takes out and frees the rest: at most `most` of them at once, and is called
 * again until it returns true. Meanwhile others may be put in and taken out. Confirm frees `entry`
 * and returns the equal one that is there; or returns NULL, and `entry` is still the caller's. */
void m4h_tunnel_index_begin_renewal(struct m4h_holder *holder);
struct m4h_entry *m4h_tunnel_index_confirm(struct m4h_tunnel_index *index,
                                           struct m4h_holder *holder, struct m4h_entry *entry);
bool m4h_tunnel_index_end_renewal(struct m4h_tunnel_index *index, struct m4h_holder *holder,
                                  size_t most);
/* Takes out and frees some of what a holder has, at most `most`. */
void m4h_tunnel_index_drop_some(struct m4h_tunnel_index *index, struct m4h_holder *holder,
                                size_t most);
/* Takes out and frees all that a holder has. */
void m4h_tunnel_index_drop(struct m4h_tunnel_index *index, struct m4h_holder *holder);

/* The owner of a client key; NULL: nobody has it. */
struct m4h_entry *m4h_tunnel_index_owner(const struct m4h_tunnel_index *index,
                                         const char *client_key);
/* One tunnel of a holder, owner or not; NULL: it has none such. A tunnel id of 0
 * is any of that client key. */
struct m4h_entry *m4h_tunnel_index_find(const struct m4h_tunnel_index *index,
                                        const struct m4h_holder *holder, const char *client_key,
                                        uint64_t tunnel_id);
/* The owner of the first client key after this one ("": of the first of all). */
struct m4h_entry *m4h_tunnel_index_after(const struct m4h_tunnel_index *index,
                                         const char *client_key);
/* The owner of this client key, or of the first one after it. */
struct m4h_entry *m4h_tunnel_index_from(const struct m4h_tunnel_index *index,
                                        const char *client_key);
/* The next entry in order, of the same client key or another; NULL: none. */
struct m4h_entry *m4h_entry_next(const struct m4h_entry *entry);
/* The next in order with another client key, so an owner; NULL: none. */
struct m4h_entry *m4h_entry_next_owner(const struct m4h_entry *entry);

/* Borrowed from the entry. */
const char *m4h_entry_client_key(const struct m4h_entry *entry);
bool m4h_entry_same_key(const struct m4h_entry *a, const struct m4h_entry *b);
uint16_t m4h_entry_first_port(const struct m4h_entry *entry);
/* Writes all of it as the model has it. */
void m4h_entry_read(const struct m4h_entry *entry, struct m4h_tunnel *tunnel);
/* Bytes that an entry takes, without the allocator's own. */
size_t m4h_entry_bytes(const struct m4h_entry *entry);

#endif
