/* The ordered table of tunnels. It knows neither events nor slaves, only what a
 * slave holds. */
#include "services/master/core/tunnel_index.h"

#include "lib/base/digest.h"
#include "lib/base/stamp.h"

#include <stdlib.h>
#include <string.h>

/* Who has more than this part of all entries is dropped by a sweep: at a million entries a
 * removal costs as much as 7 steps of a sweep. */
#define SWEEP_PART 4u
/* To look at an entry costs so much less than to take it out. */
#define LOOKS_PER_REMOVAL 32u

/* ---- entries -------------------------------------------------------------- */

static uint16_t *ports_of(const struct m4h_entry *entry)
{
    return (uint16_t *)(void *)(entry->next + entry->height);
}

const char *m4h_entry_client_key(const struct m4h_entry *entry)
{
    return (const char *)(ports_of(entry) + entry->port_count);
}

uint16_t m4h_entry_first_port(const struct m4h_entry *entry)
{
    return ports_of(entry)[0];
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

/* One in four is a level higher. */
static uint8_t height_of(uint64_t seed, uint64_t tunnel_id)
{
    uint64_t random = m4h_digest_of(tunnel_id ^ seed);
    uint8_t height = 1;

    while (height < M4H_TUNNEL_INDEX_HEIGHT && (random & 3) == 0) {
        random >>= 2;
        height++;
    }
    return height;
}

static char *append(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    at[len] = '\0';
    return at + len + 1;
}

struct m4h_entry *m4h_entry_create(const struct m4h_tunnel_index *index,
                                   const struct m4h_tunnel *tunnel)
{
    size_t key_len = strlen(tunnel->client_key), address_len = strlen(tunnel->remote_address);
    size_t fingerprint_len = strlen(tunnel->key_fingerprint);
    size_t version_len = strlen(tunnel->client_version);
    uint8_t height = height_of(index->seed, tunnel->tunnel_id);
    size_t ports_bytes = tunnel->port_count * sizeof(uint16_t);
    struct m4h_entry *entry =
        calloc(1, sizeof(*entry) + height * sizeof(entry->next[0]) + ports_bytes + key_len +
                      address_len + fingerprint_len + version_len + 4);
    char *at;

    if (entry == NULL)
        return NULL;
    entry->tunnel_id = tunnel->tunnel_id;
    entry->stamp = tunnel->stamp;
    entry->connected_wall_ms = tunnel->connected_wall_ms;
    entry->height = height;
    entry->port_count = tunnel->port_count;
    entry->key_len = (uint8_t)key_len;
    entry->address_len = (uint8_t)address_len;
    entry->fingerprint_len = (uint8_t)fingerprint_len;
    at = (char *)ports_of(entry);
    memcpy(at, tunnel->ports, ports_bytes);
    at = append(at + ports_bytes, tunnel->client_key, key_len);
    at = append(at, tunnel->remote_address, address_len);
    at = append(at, tunnel->key_fingerprint, fingerprint_len);
    append(at, tunnel->client_version, version_len);
    return entry;
}

void m4h_entry_destroy(struct m4h_entry *entry)
{
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
    memcpy(tunnel->ports, ports_of(entry), entry->port_count * sizeof(uint16_t));
    m4h_text_copy(tunnel->client_key, sizeof(tunnel->client_key), m4h_entry_client_key(entry));
    m4h_text_copy(tunnel->remote_address, sizeof(tunnel->remote_address), address_of(entry));
    m4h_text_copy(tunnel->key_fingerprint, sizeof(tunnel->key_fingerprint), fingerprint_of(entry));
    m4h_text_copy(tunnel->client_version, sizeof(tunnel->client_version), version_of(entry));
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

struct m4h_entry *m4h_entry_next(const struct m4h_entry *entry)
{
    return entry->next[0];
}

struct m4h_entry *m4h_entry_next_owner(const struct m4h_entry *entry)
{
    struct m4h_entry *next = entry->next[0];

    while (next != NULL && m4h_entry_same_key(entry, next))
        next = next->next[0];
    return next;
}

/* ---- order ---------------------------------------------------------------- */

/* True where `a`, of the given client key, comes before `b`. */
static bool before(const struct m4h_entry *a, const struct m4h_entry *b)
{
    int order = strcmp(m4h_entry_client_key(a), m4h_entry_client_key(b));

    if (order != 0)
        return order < 0;
    if (a->stamp != b->stamp || a->tunnel_id != b->tunnel_id)
        return m4h_stamp_wins(a->stamp, a->tunnel_id, b->stamp, b->tunnel_id);
    return strcmp(a->holder->slave_id, b->holder->slave_id) < 0;
}

/* Where the links of an entry are; those of NULL are the heads. */
static struct m4h_entry **links_of(struct m4h_tunnel_index *index, struct m4h_entry *entry)
{
    return entry == NULL ? index->head : entry->next;
}

/* Finds the last entry before `entry` on each level; NULL: the head. */
static void find_path(struct m4h_tunnel_index *index, const struct m4h_entry *entry,
                      struct m4h_entry *path[M4H_TUNNEL_INDEX_HEIGHT])
{
    struct m4h_entry *at = NULL;

    for (size_t level = M4H_TUNNEL_INDEX_HEIGHT; level-- > 0;) {
        struct m4h_entry *next = links_of(index, at)[level];

        while (next != NULL && before(next, entry)) {
            at = next;
            next = at->next[level];
        }
        path[level] = at;
    }
}

/* The first entry whose client key is `client_key` or later (`or_equal`), or
 * strictly later. */
static struct m4h_entry *seek(const struct m4h_tunnel_index *index, const char *client_key,
                              bool or_equal)
{
    struct m4h_entry *const *links = index->head;
    int limit = or_equal ? 0 : 1;

    for (size_t level = M4H_TUNNEL_INDEX_HEIGHT; level-- > 0;)
        while (links[level] != NULL &&
               strcmp(m4h_entry_client_key(links[level]), client_key) < limit)
            links = links[level]->next;
    return links[0];
}

/* ---- the table ------------------------------------------------------------ */

int m4h_tunnel_index_init(struct m4h_tunnel_index *index, uint64_t seed)
{
    memset(index, 0, sizeof(*index));
    index->seed = seed;
    return m4h_owners_init(&index->owners, seed);
}

void m4h_tunnel_index_free(struct m4h_tunnel_index *index)
{
    struct m4h_entry *entry = index->head[0];

    while (entry != NULL) {
        struct m4h_entry *next = entry->next[0];

        free(entry);
        entry = next;
    }
    m4h_owners_free(&index->owners);
    memset(index, 0, sizeof(*index));
}

static void hold(struct m4h_holder *holder, struct m4h_entry *entry)
{
    entry->holder = holder;
    entry->generation = holder->generation;
    entry->slave_previous = NULL;
    entry->slave_next = holder->first;
    if (holder->first != NULL)
        holder->first->slave_previous = entry;
    holder->first = entry;
    holder->count++;
    holder->digest ^= m4h_digest_of(entry->tunnel_id);
}

static void let_go(struct m4h_entry *entry)
{
    struct m4h_holder *holder = entry->holder;

    if (entry->slave_previous != NULL)
        entry->slave_previous->slave_next = entry->slave_next;
    else
        holder->first = entry->slave_next;
    if (entry->slave_next != NULL)
        entry->slave_next->slave_previous = entry->slave_previous;
    if (holder->unseen == entry)
        holder->unseen = entry->slave_next;
    holder->count--;
    holder->digest ^= m4h_digest_of(entry->tunnel_id);
}

static bool is_first_of_its_key(const struct m4h_entry *entry, const struct m4h_entry *previous)
{
    return previous == NULL || !m4h_entry_same_key(entry, previous);
}

/* The entry, which is in the order now, becomes the owner where it is the first. */
static void own(struct m4h_tunnel_index *index, struct m4h_entry *entry,
                const struct m4h_entry *previous)
{
    struct m4h_entry *next = entry->next[0];

    if (!is_first_of_its_key(entry, previous))
        return;
    if (next != NULL && m4h_entry_same_key(entry, next))
        m4h_owners_replace(&index->owners, next, entry);
    else
        m4h_owners_add(&index->owners, entry);
}

/* Gives the client key of an owner to `heir`, the next of the order that stays. */
static void disown(struct m4h_tunnel_index *index, struct m4h_entry *owner, struct m4h_entry *heir)
{
    if (heir != NULL && m4h_entry_same_key(owner, heir))
        m4h_owners_replace(&index->owners, owner, heir);
    else
        m4h_owners_remove(&index->owners, owner);
}

bool m4h_tunnel_index_insert(struct m4h_tunnel_index *index, struct m4h_holder *holder,
                             struct m4h_entry *entry)
{
    struct m4h_entry *path[M4H_TUNNEL_INDEX_HEIGHT];
    struct m4h_entry *old =
        m4h_tunnel_index_find(index, holder, m4h_entry_client_key(entry), entry->tunnel_id);

    if (old != NULL)
        m4h_tunnel_index_remove(index, old);
    hold(holder, entry);
    find_path(index, entry, path);
    for (size_t level = 0; level < entry->height; level++) {
        struct m4h_entry **links = links_of(index, path[level]);

        entry->next[level] = links[level];
        links[level] = entry;
    }
    index->entries++;
    own(index, entry, path[0]);
    return old == NULL;
}

void m4h_tunnel_index_remove(struct m4h_tunnel_index *index, struct m4h_entry *entry)
{
    struct m4h_entry *path[M4H_TUNNEL_INDEX_HEIGHT];

    find_path(index, entry, path);
    if (is_first_of_its_key(entry, path[0]))
        disown(index, entry, entry->next[0]);
    for (size_t level = 0; level < entry->height; level++)
        links_of(index, path[level])[level] = entry->next[level];
    index->entries--;
    let_go(entry);
    free(entry);
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
    size_t head = (size_t)((const char *)ports_of(a) - (const char *)a);

    return a->stamp == b->stamp && a->connected_wall_ms == b->connected_wall_ms &&
           a->port_count == b->port_count && a->key_len == b->key_len &&
           a->address_len == b->address_len && a->fingerprint_len == b->fingerprint_len &&
           bytes == m4h_entry_bytes(b) && memcmp(ports_of(a), ports_of(b), bytes - head) == 0;
}

struct m4h_entry *m4h_tunnel_index_confirm(struct m4h_tunnel_index *index,
                                           struct m4h_holder *holder, struct m4h_entry *entry)
{
    struct m4h_entry *known =
        m4h_tunnel_index_find(index, holder, m4h_entry_client_key(entry), entry->tunnel_id);

    if (known == NULL || !is_equal(known, entry))
        return NULL;
    known->generation = holder->generation;
    free(entry);
    return known;
}

/* What is put in meanwhile comes before the first, and is never looked at. */
bool m4h_tunnel_index_end_renewal(struct m4h_tunnel_index *index, struct m4h_holder *holder,
                                  size_t most)
{
    size_t left = most * LOOKS_PER_REMOVAL;

    if (!holder->is_ending)
        holder->unseen = holder->first;
    holder->is_ending = true;
    while (holder->unseen != NULL && left >= LOOKS_PER_REMOVAL) {
        struct m4h_entry *entry = holder->unseen;

        holder->unseen = entry->slave_next;
        left--;
        if (entry->generation == holder->generation)
            continue;
        m4h_tunnel_index_remove(index, entry);
        left -= LOOKS_PER_REMOVAL - 1;
    }
    holder->is_ending = holder->unseen != NULL;
    return !holder->is_ending;
}

/* Unlinks all of the holder's entries from one level, in one walk along it. */
static void unlink_level(struct m4h_tunnel_index *index, const struct m4h_holder *holder,
                         size_t level)
{
    struct m4h_entry **link = &index->head[level];

    while (*link != NULL) {
        if ((*link)->holder == holder)
            *link = (*link)->next[level];
        else
            link = &(*link)->next[level];
    }
}

/* Gives the client keys that the holder owns to those that have them besides. */
static void disown_all(struct m4h_tunnel_index *index, const struct m4h_holder *holder)
{
    for (struct m4h_entry *entry = holder->first; entry != NULL; entry = entry->slave_next) {
        struct m4h_entry *heir = entry->next[0];

        if (m4h_owners_find(&index->owners, m4h_entry_client_key(entry)) != entry)
            continue;
        while (heir != NULL && heir->holder == holder && m4h_entry_same_key(entry, heir))
            heir = heir->next[0];
        disown(index, entry, heir);
    }
}

/* Takes out a large part of all entries by walking along all of them, which costs less
 * than to look each of the part up. */
static void sweep(struct m4h_tunnel_index *index, struct m4h_holder *holder)
{
    struct m4h_entry *entry = holder->first;

    disown_all(index, holder);
    for (size_t level = M4H_TUNNEL_INDEX_HEIGHT; level-- > 0;)
        unlink_level(index, holder, level);
    while (entry != NULL) {
        struct m4h_entry *next = entry->slave_next;

        free(entry);
        entry = next;
    }
    index->entries -= holder->count;
    holder->first = NULL;
    holder->unseen = NULL;
    holder->count = 0;
    holder->digest = 0;
}

void m4h_tunnel_index_drop_some(struct m4h_tunnel_index *index, struct m4h_holder *holder,
                                size_t most)
{
    for (size_t i = 0; i < most && holder->first != NULL; i++)
        m4h_tunnel_index_remove(index, holder->first);
}

void m4h_tunnel_index_drop(struct m4h_tunnel_index *index, struct m4h_holder *holder)
{
    if (holder->count > index->entries / SWEEP_PART) {
        sweep(index, holder);
        return;
    }
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

    for (; entry != NULL && strcmp(m4h_entry_client_key(entry), client_key) == 0;
         entry = entry->next[0])
        if (entry->holder == holder && (tunnel_id == 0 || entry->tunnel_id == tunnel_id))
            return entry;
    return NULL;
}

struct m4h_entry *m4h_tunnel_index_after(const struct m4h_tunnel_index *index,
                                         const char *client_key)
{
    return seek(index, client_key, false);
}

struct m4h_entry *m4h_tunnel_index_from(const struct m4h_tunnel_index *index,
                                        const char *client_key)
{
    return seek(index, client_key, true);
}
