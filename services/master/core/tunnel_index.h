/* All tunnels of all slaves. Several slaves may hold a tunnel of the same device for a
 * moment; one of them owns the client key, and shows (owners.h).
 *
 * Each tunnel is in a hash table by its client key, so that one is found in O(1), and in the
 * order of its slave; one that shows is in the order of all besides (order.h). So pages of all
 * tunnels, and of a slave's, are as cheap at a million. Pure; one thread. */
#ifndef M4H_MASTER_TUNNEL_INDEX_H
#define M4H_MASTER_TUNNEL_INDEX_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "services/master/core/label_sets.h"
#include "services/master/core/order.h"
#include "services/master/core/owners.h"

struct m4h_entry;

/* What one slave holds. Embedded in the slave, kept by the index; it has no memory of its own
 * where it holds nothing. */
struct m4h_holder {
    const char *slave_id; /* borrowed from the slave */
    struct m4h_order order;
    uint32_t count;
    uint64_t digest;          /* as lib/base/digest.h says */
    uint8_t generation;       /* of what is put in or confirmed now */
    bool is_ending;           /* a renewal is: */
    struct m4h_entry *unseen; /* the first one that it has not looked at; NULL: none is left */
};

/* One tunnel: made compact, with its strings behind it. All but `holder`, `stamp` and
 * `is_owner` is private to the index; `chain_next` is free for the owner of an entry that is
 * not in it. */
struct m4h_entry {
    union {
        struct m4h_name_link by_name; /* while it is in the index, see owners.h */
        struct m4h_entry *chain_next;
    };
    struct m4h_holder *holder;
    struct m4h_label_set *labels; /* held; NULL: none */
    uint64_t tunnel_id;
    uint64_t stamp;
    uint64_t connected_wall_ms;
    bool is_owner; /* of its client key: it shows */
    uint8_t port_count;
    uint8_t key_len;
    uint8_t address_len;
    uint8_t fingerprint_len;
    uint8_t generation; /* of the holder, when it was put in or confirmed last */
    uint16_t ports[];   /* `port_count` of them; then strings */
};

struct m4h_tunnel_index {
    struct m4h_order order;   /* of owners */
    struct m4h_owners owners; /* as many as there are client keys: tunnels that show */
    size_t entries;
    struct m4h_label_sets labels; /* of entries, also of those that are not in it yet */
};

/* M4H_ENOMEM: there is nothing to free. */
M4H_MUST_CHECK int m4h_tunnel_index_init(struct m4h_tunnel_index *index, uint64_t seed);
/* Frees all entries, of which none may be outside any more; their holders have nothing any more but
 * memory, see m4h_holder_free. */
void m4h_tunnel_index_free(struct m4h_tunnel_index *index);
/* After m4h_tunnel_index_free: frees the memory of a holder that still held something. */
void m4h_holder_free(struct m4h_holder *holder);

/* Makes an entry that is not in the index yet; NULL: no memory. `labels` are those of the
 * index, and may be NULL for a tunnel without any. */
struct m4h_entry *m4h_entry_create(struct m4h_label_sets *labels, const struct m4h_tunnel *tunnel);
/* Only for one that is not in the index. Accepts NULL. */
void m4h_entry_destroy(struct m4h_entry *entry);

/* Puts in an entry, which the index owns from now on. One of the same client key and tunnel
 * id at the same holder is replaced; `*is_new`: there was none. M4H_ENOMEM: the entry is
 * freed, and one that it would replace may be gone. */
M4H_MUST_CHECK int m4h_tunnel_index_insert(struct m4h_tunnel_index *index,
                                           struct m4h_holder *holder, struct m4h_entry *entry,
                                           bool *is_new);
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
/* Who has the same client key and would own it next; NULL: nobody. */
struct m4h_entry *m4h_entry_rival(const struct m4h_entry *entry);

/* Borrowed from the entry, as its labels are. */
const char *m4h_entry_client_key(const struct m4h_entry *entry);
bool m4h_entry_same_key(const struct m4h_entry *a, const struct m4h_entry *b);
uint16_t m4h_entry_first_port(const struct m4h_entry *entry);
/* Writes all of it as the model has it. */
void m4h_entry_read(const struct m4h_entry *entry, struct m4h_tunnel *tunnel);
/* Bytes that an entry takes, without its labels and the allocator's own. */
size_t m4h_entry_bytes(const struct m4h_entry *entry);

#endif
