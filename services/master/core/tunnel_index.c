/* The table of tunnels. It knows neither events nor slaves, only what a slave holds. */
#include "services/master/core/tunnel_index.h"

#include "lib/base/digest.h"
#include "lib/base/error.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* To look at an entry costs so much less than to take it out. */
#define LOOKS_PER_REMOVAL 32u

/* ---- entries -------------------------------------------------------------- */

const char *m4h_entry_client_key(const struct m4h_entry *entry)
{
    return (const char *)(entry->ports + entry->port_count);
}

uint16_t m4h_entry_first_port(const struct m4h_entry *entry)
{
    return entry->ports[0];
}

static const char *address_of(const struct m4h_entry *entry)
{
    return m4h_entry_client_key(entry) + entry->key_len + 1;
}

static const char *fingerprint_of(const struct m4h_entry *entry)
{
    return address_of(entry) + entry->address_len + 1;
}

static const char *version_of(const struct m4h_entry *entry)
{
    return fingerprint_of(entry) + entry->fingerprint_len + 1;
}

static char *append(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    at[len] = '\0';
    return at + len + 1;
}

struct m4h_entry *m4h_entry_create(struct m4h_label_sets *labels, const struct m4h_tunnel *tunnel)
{
    size_t key_len = strlen(tunnel->client_key), address_len = strlen(tunnel->remote_address);
    size_t fingerprint_len = strlen(tunnel->key_fingerprint);
    size_t version_len = strlen(tunnel->client_version);
    size_t ports_bytes = tunnel->port_count * sizeof(uint16_t);
    struct m4h_entry *entry = calloc(1, offsetof(struct m4h_entry, ports) + ports_bytes + key_len +
                                            address_len + fingerprint_len + version_len + 4);
    char *at;

    if (entry == NULL)
        return NULL;
    if (m4h_label_set_hold(labels, tunnel->labels, &entry->labels) != 0) {
        free(entry);
        return NULL;
    }
    entry->tunnel_id = tunnel->tunnel_id;
    entry->stamp = tunnel->stamp;
    entry->connected_wall_ms = tunnel->connected_wall_ms;
    entry->port_count = tunnel->port_count;
    entry->key_len = (uint8_t)key_len;
    entry->address_len = (uint8_t)address_len;
    entry->fingerprint_len = (uint8_t)fingerprint_len;
    at = (char *)entry->ports;
    memcpy(at, tunnel->ports, ports_bytes);
    at = append(at + ports_bytes, tunnel->client_key, key_len);
    at = append(at, tunnel->remote_address, address_len);
    at = append(at, tunnel->key_fingerprint, fingerprint_len);
    append(at, tunnel->client_version, version_len);
    return entry;
}

void m4h_entry_destroy(struct m4h_entry *entry)
{
    if (entry == NULL)
        return;
    m4h_label_set_let_go(entry->labels);
    free(entry);
}

void m4h_entry_read(const struct m4h_entry *entry, struct m4h_tunnel *tunnel)
{
    *tunnel = (struct m4h_tunnel){
        .tunnel_id = entry->tunnel_id,
        .stamp = entry->stamp,
        .port_count = entry->port_count,
        .connected_wall_ms = entry->connected_wall_ms,
    };
    memcpy(tunnel->ports, entry->ports, entry->port_count * sizeof(uint16_t));
    m4h_text_copy(tunnel->client_key, sizeof(tunnel->client_key), m4h_entry_client_key(entry));
    m4h_text_copy(tunnel->remote_address, sizeof(tunnel->remote_address), address_of(entry));
    m4h_text_copy(tunnel->key_fingerprint, sizeof(tunnel->key_fingerprint), fingerprint_of(entry));
    m4h_text_copy(tunnel->client_version, sizeof(tunnel->client_version), version_of(entry));
    m4h_text_copy(tunnel->labels, sizeof(tunnel->labels), m4h_label_set_text(entry->labels));
}

size_t m4h_entry_bytes(const struct m4h_entry *entry)
{
    const char *version = version_of(entry);

    return (size_t)(version + strlen(version) + 1 - (const char *)entry);
}

bool m4h_entry_same_key(const struct m4h_entry *a, const struct m4h_entry *b)
{
    return strcmp(m4h_entry_client_key(a), m4h_entry_client_key(b)) == 0;
}

struct m4h_entry *m4h_entry_rival(const struct m4h_entry *entry)
{
    return m4h_owners_rival(entry);
}

/* ---- the table ------------------------------------------------------------ */

int m4h_tunnel_index_init(struct m4h_tunnel_index *index, uint64_t seed)
{
    int error;

    *index = (struct m4h_tunnel_index){0};
    error = m4h_owners_init(&index->owners, seed);
    if (error != 0)
        return error;
    error = m4h_label_sets_init(&index->labels, seed);
    if (error != 0)
        m4h_owners_free(&index->owners);
    return error;
}

void m4h_tunnel_index_free(struct m4h_tunnel_index *index)
{
    struct m4h_entry *entry;
    size_t from = 0;

    while ((entry = m4h_owners_take_any(&index->owners, &from)) != NULL)
        m4h_entry_destroy(entry);
    m4h_owners_free(&index->owners);
    m4h_order_free(&index->order);
    m4h_label_sets_free(&index->labels);
    *index = (struct m4h_tunnel_index){0};
}

void m4h_holder_free(struct m4h_holder *holder)
{
    m4h_order_free(&holder->order);
}

static void hold(struct m4h_holder *holder, const struct m4h_entry *entry)
{
    holder->count++;
    holder->digest ^= m4h_digest_of(entry->tunnel_id);
}

static void let_go(struct m4h_holder *holder, struct m4h_entry *entry)
{
    if (holder->unseen == entry) {
        struct m4h_order_cursor cursor = m4h_order_find(&holder->order, entry);

        m4h_order_step(&cursor);
        holder->unseen = m4h_order_at(&cursor);
    }
    m4h_order_remove(&holder->order, entry);
    holder->count--;
    holder->digest ^= m4h_digest_of(entry->tunnel_id);
}

/* Puts the entry into the table, where it may be the owner. */
static int own(struct m4h_tunnel_index *index, struct m4h_entry *entry)
{
    struct m4h_entry *owner = m4h_tunnel_index_owner(index, m4h_entry_client_key(entry));
    int error = owner == NULL ? m4h_order_insert(&index->order, entry) : 0;

    if (error != 0)
        return error;
    m4h_owners_add(&index->owners, entry);
    entry->is_owner = owner == NULL || m4h_owners_rival(entry) == owner;
    if (owner != NULL && entry->is_owner) {
        owner->is_owner = false;
        m4h_order_replace(&index->order, owner, entry);
    }
    return 0;
}

/* Takes the entry out of the table; who comes next of its client key is the owner. */
static void disown(struct m4h_tunnel_index *index, struct m4h_entry *entry)
{
    struct m4h_entry *heir = m4h_owners_rival(entry);

    m4h_owners_remove(&index->owners, entry);
    if (!entry->is_owner)
        return;
    if (heir == NULL) {
        m4h_order_remove(&index->order, entry);
        return;
    }
    heir->is_owner = true;
    m4h_order_replace(&index->order, entry, heir);
}

int m4h_tunnel_index_insert(struct m4h_tunnel_index *index, struct m4h_holder *holder,
                            struct m4h_entry *entry, bool *is_new)
{
    struct m4h_entry *old =
        m4h_tunnel_index_find(index, holder, m4h_entry_client_key(entry), entry->tunnel_id);
    int error;

    *is_new = old == NULL;
    if (old != NULL)
        m4h_tunnel_index_remove(index, old);
    entry->holder = holder;
    entry->generation = holder->generation;
    error = m4h_order_insert(&holder->order, entry);
    if (error == 0) {
        error = own(index, entry);
        if (error != 0)
            m4h_order_remove(&holder->order, entry);
    }
    if (error != 0) {
        m4h_entry_destroy(entry);
        return error;
    }
    hold(holder, entry);
    index->entries++;
    return 0;
}

void m4h_tunnel_index_remove(struct m4h_tunnel_index *index, struct m4h_entry *entry)
{
    disown(index, entry);
    let_go(entry->holder, entry);
    index->entries--;
    m4h_entry_destroy(entry);
}

void m4h_tunnel_index_begin_renewal(struct m4h_holder *holder)
{
    holder->generation++;
    holder->is_ending = false;
    holder->unseen = NULL;
}

/* One tunnel id, and all else as well. */
static bool is_equal(const struct m4h_entry *a, const struct m4h_entry *b)
{
    size_t bytes = m4h_entry_bytes(a);
    size_t head = offsetof(struct m4h_entry, ports);

    return a->stamp == b->stamp && a->connected_wall_ms == b->connected_wall_ms &&
           a->labels == b->labels && a->port_count == b->port_count && a->key_len == b->key_len &&
           a->address_len == b->address_len && a->fingerprint_len == b->fingerprint_len &&
           bytes == m4h_entry_bytes(b) && memcmp(a->ports, b->ports, bytes - head) == 0;
}

struct m4h_entry *m4h_tunnel_index_confirm(struct m4h_tunnel_index *index,
                                           struct m4h_holder *holder, struct m4h_entry *entry)
{
    struct m4h_entry *known =
        m4h_tunnel_index_find(index, holder, m4h_entry_client_key(entry), entry->tunnel_id);

    if (known == NULL || !is_equal(known, entry))
        return NULL;
    known->generation = holder->generation;
    m4h_entry_destroy(entry);
    return known;
}

static struct m4h_entry *first_of(const struct m4h_holder *holder)
{
    struct m4h_order_cursor cursor = m4h_order_seek(&holder->order, "", true);

    return m4h_order_at(&cursor);
}

/* The first one from `entry` on that the renewal did not bring. `*looks` is how many may be
 * looked at; where they are used up, the answer is the next one to look at. */
static struct m4h_entry *stale_from(const struct m4h_holder *holder, const struct m4h_entry *entry,
                                    size_t *looks)
{
    struct m4h_order_cursor cursor = m4h_order_find(&holder->order, entry);
    struct m4h_entry *at;

    while ((at = m4h_order_at(&cursor)) != NULL && *looks > 0 &&
           at->generation == holder->generation) {
        (*looks)--;
        m4h_order_step(&cursor);
    }
    return at;
}

bool m4h_tunnel_index_end_renewal(struct m4h_tunnel_index *index, struct m4h_holder *holder,
                                  size_t most)
{
    size_t left = most * LOOKS_PER_REMOVAL;

    if (!holder->is_ending)
        holder->unseen = first_of(holder);
    while (holder->unseen != NULL && left >= LOOKS_PER_REMOVAL) {
        holder->unseen = stale_from(holder, holder->unseen, &left);
        if (holder->unseen == NULL || left < LOOKS_PER_REMOVAL)
            break;
        m4h_tunnel_index_remove(index, holder->unseen); /* and `unseen` is the next one */
        left -= LOOKS_PER_REMOVAL;
    }
    holder->is_ending = holder->unseen != NULL;
    return !holder->is_ending;
}

void m4h_tunnel_index_drop_some(struct m4h_tunnel_index *index, struct m4h_holder *holder,
                                size_t most)
{
    for (size_t i = 0; i < most && holder->count > 0; i++)
        m4h_tunnel_index_remove(index, first_of(holder));
}

void m4h_tunnel_index_drop(struct m4h_tunnel_index *index, struct m4h_holder *holder)
{
    m4h_tunnel_index_drop_some(index, holder, SIZE_MAX);
}

struct m4h_entry *m4h_tunnel_index_owner(const struct m4h_tunnel_index *index,
                                         const char *client_key)
{
    return m4h_owners_find(&index->owners, client_key);
}

struct m4h_entry *m4h_tunnel_index_find(const struct m4h_tunnel_index *index,
                                        const struct m4h_holder *holder, const char *client_key,
                                        uint64_t tunnel_id)
{
    struct m4h_entry *entry = m4h_tunnel_index_owner(index, client_key);

    for (; entry != NULL; entry = m4h_owners_rival(entry))
        if (entry->holder == holder && (tunnel_id == 0 || entry->tunnel_id == tunnel_id))
            return entry;
    return NULL;
}
