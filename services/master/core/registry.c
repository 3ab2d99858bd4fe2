/* The records. Fingerprints are as good as random, so 4,096 buckets by their first two characters
 * are filled evenly: each is a small sorted array, and all of them in turn are the order. */
#include "services/master/core/registry.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS     4096u
#define SWEEP       256u   /* buckets at a time */
#define LOOK_AT_MAX 20000u /* records for a page */

static const char scheme[] = "SHA256:";
#define SCHEME_LEN (sizeof(scheme) - 1)

struct bucket {
    struct m4h_registry_entry **entries; /* owned, as they are */
    size_t count;
    size_t allocated;
};

struct m4h_registry {
    struct bucket buckets[BUCKETS];
    struct m4h_name_table by_client_key; /* of the records that are live */
    struct m4h_registry_counts counts;
    size_t pending_max;
    uint64_t digest;
    size_t bytes;
    size_t swept; /* where the next sweep goes on */
};

/* A place in the order. */
struct place {
    size_t bucket;
    size_t at;
};

/* ---- fingerprints ------------------------------------------------------------- */

/* The characters of base64 in the order of ASCII. -1: none of them. */
static int rank(char c)
{
    if (c == '+')
        return 0;
    if (c == '/')
        return 1;
    if (c >= '0' && c <= '9')
        return 2 + (c - '0');
    if (c >= 'A' && c <= 'Z')
        return 12 + (c - 'A');
    if (c >= 'a' && c <= 'z')
        return 38 + (c - 'a');
    return -1;
}

bool m4h_registry_fingerprint_is_valid(const char *fingerprint)
{
    if (strlen(fingerprint) != M4H_REGISTRY_FINGERPRINT ||
        memcmp(fingerprint, scheme, SCHEME_LEN) != 0)
        return false;
    for (const char *c = fingerprint + SCHEME_LEN; *c != '\0'; c++)
        if (rank(*c) < 0)
            return false;
    return true;
}

static size_t bucket_of(const char *fingerprint)
{
    return (size_t)(rank(fingerprint[SCHEME_LEN]) * 64 + rank(fingerprint[SCHEME_LEN + 1]));
}

/* The first place that is not before it. */
static struct place seek(const struct m4h_registry *registry, const char *fingerprint)
{
    struct place place = {.bucket = bucket_of(fingerprint)};
    const struct bucket *bucket = &registry->buckets[place.bucket];
    size_t end = bucket->count;

    while (place.at < end) {
        size_t middle = place.at + (end - place.at) / 2;

        if (strcmp(bucket->entries[middle]->fingerprint, fingerprint) < 0)
            place.at = middle + 1;
        else
            end = middle;
    }
    return place;
}

static struct m4h_registry_entry *entry_at(const struct m4h_registry *registry, struct place place)
{
    const struct bucket *bucket = &registry->buckets[place.bucket];

    return place.at < bucket->count ? bucket->entries[place.at] : NULL;
}

static struct m4h_registry_entry *find(const struct m4h_registry *registry, const char *fingerprint)
{
    struct m4h_registry_entry *entry = entry_at(registry, seek(registry, fingerprint));

    return entry != NULL && strcmp(entry->fingerprint, fingerprint) == 0 ? entry : NULL;
}

const struct m4h_registry_entry *m4h_registry_find(const struct m4h_registry *registry,
                                                   const char *fingerprint)
{
    return m4h_registry_fingerprint_is_valid(fingerprint) ? find(registry, fingerprint) : NULL;
}

void m4h_registry_entry_fill(struct m4h_registry_entry *entry,
                             const struct m4h_device_record *record, const void *packed,
                             size_t packed_len)
{
    *entry = (struct m4h_registry_entry){
        .stamp = record->stamp,
        .created_wall_ms = record->created_wall_ms,
        .client_key = record->client_key,
        .packed = packed,
        .packed_len = (uint32_t)packed_len,
        .state = record->state,
    };
    m4h_text_copy(entry->fingerprint, sizeof(entry->fingerprint), record->key_fingerprint);
}

/* ---- what is counted of a record ------------------------------------------------ */

static bool is_live(const struct m4h_registry_entry *entry)
{
    return entry->state == M4H_DEVICE_ENABLED || entry->state == M4H_DEVICE_DISABLED;
}

static size_t *count_of(struct m4h_registry *registry, enum m4h_device_state state)
{
    switch (state) {
    case M4H_DEVICE_ENABLED:
        return &registry->counts.enabled;
    case M4H_DEVICE_DISABLED:
        return &registry->counts.disabled;
    case M4H_DEVICE_PENDING:
        return &registry->counts.pending;
    case M4H_DEVICE_REMOVED:
        break;
    }
    return &registry->counts.removed;
}

static uint64_t digest_of(const struct m4h_registry_entry *entry)
{
    uint64_t hash = m4h_ident_hash(entry->fingerprint) ^ entry->stamp;

    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}

static size_t size_of(const struct m4h_registry_entry *entry)
{
    return sizeof(*entry) + entry->packed_len + strlen(entry->client_key) + 1;
}

static const char *client_key_of(const struct m4h_name_link *link)
{
    return M4H_CONTAINER_OF(link, struct m4h_registry_entry, by_client_key)->client_key;
}

static void enter_name(struct m4h_registry *registry, struct m4h_registry_entry *entry)
{
    struct m4h_name_link *first;

    if (!is_live(entry) || entry->client_key[0] == '\0')
        return;
    first = *m4h_name_table_find(&registry->by_client_key, entry->client_key);
    if (first == NULL) {
        (void)m4h_name_table_add(&registry->by_client_key, &entry->by_client_key);
    } else {
        entry->by_client_key.next = first->next;
        first->next = &entry->by_client_key;
    }
}

static void leave_name(struct m4h_registry *registry, struct m4h_registry_entry *entry)
{
    if (is_live(entry) && entry->client_key[0] != '\0')
        m4h_name_table_remove(&registry->by_client_key, &entry->by_client_key);
}

static void count_in(struct m4h_registry *registry, struct m4h_registry_entry *entry)
{
    *count_of(registry, entry->state) += 1;
    registry->bytes += size_of(entry);
    if (is_live(entry))
        registry->digest ^= digest_of(entry);
    enter_name(registry, entry);
}

static void count_out(struct m4h_registry *registry, struct m4h_registry_entry *entry)
{
    *count_of(registry, entry->state) -= 1;
    registry->bytes -= size_of(entry);
    if (is_live(entry))
        registry->digest ^= digest_of(entry);
    leave_name(registry, entry);
}

/* ---- taking in ------------------------------------------------------------------ */

static struct m4h_registry_entry *copy_of(const struct m4h_registry_entry *entry)
{
    size_t name_size = strlen(entry->client_key) + 1;
    struct m4h_registry_entry *copy = calloc(1, size_of(entry));
    uint8_t *behind = (uint8_t *)(copy + 1);

    if (copy == NULL)
        return NULL;
    *copy = *entry;
    copy->by_client_key.next = NULL;
    copy->new_attempts = 0;
    memcpy(behind, entry->client_key, name_size);
    copy->client_key = (const char *)behind;
    if (entry->packed_len > 0)
        memcpy(behind + name_size, entry->packed, entry->packed_len);
    copy->packed = behind + name_size;
    return copy;
}

static int make_room(struct bucket *bucket)
{
    size_t allocated = bucket->allocated > 0 ? 2 * bucket->allocated : 4;
    struct m4h_registry_entry **entries;

    if (bucket->count < bucket->allocated)
        return 0;
    entries = realloc(bucket->entries, allocated * sizeof(entries[0]));
    if (entries == NULL)
        return M4H_ENOMEM;
    bucket->entries = entries;
    bucket->allocated = allocated;
    return 0;
}

static int insert(struct m4h_registry *registry, struct place place,
                  struct m4h_registry_entry *entry)
{
    struct bucket *bucket = &registry->buckets[place.bucket];
    struct m4h_registry_entry **at;
    int error = make_room(bucket);

    if (error != 0)
        return error;
    at = &bucket->entries[place.at];
    memmove(at + 1, at, (bucket->count - place.at) * sizeof(*at));
    *at = entry;
    bucket->count++;
    return 0;
}

static bool is_after(const struct m4h_registry_entry *entry, const struct m4h_registry_entry *there)
{
    size_t common = entry->packed_len < there->packed_len ? entry->packed_len : there->packed_len;
    int order;

    if (entry->stamp != there->stamp)
        return entry->stamp > there->stamp;
    order = common > 0 ? memcmp(entry->packed, there->packed, common) : 0;
    return order != 0 ? order > 0 : entry->packed_len > there->packed_len;
}

bool m4h_registry_is_news(const struct m4h_registry *registry,
                          const struct m4h_registry_entry *entry)
{
    const struct m4h_registry_entry *there = m4h_registry_find(registry, entry->fingerprint);

    return there == NULL || is_after(entry, there);
}

static bool is_full(const struct m4h_registry *registry, const struct m4h_registry_entry *entry,
                    const struct m4h_registry_entry *there)
{
    const struct m4h_registry_counts *counts = &registry->counts;

    if (there == NULL &&
        counts->enabled + counts->disabled + counts->pending + counts->removed >= M4H_REGISTRY_MAX)
        return true;
    return entry->state == M4H_DEVICE_PENDING &&
           (there == NULL || there->state != M4H_DEVICE_PENDING) &&
           counts->pending >= registry->pending_max;
}

bool m4h_registry_has_room(const struct m4h_registry *registry,
                           const struct m4h_registry_entry *entry)
{
    return !is_full(registry, entry, m4h_registry_find(registry, entry->fingerprint));
}

int m4h_registry_take(struct m4h_registry *registry, const struct m4h_registry_entry *entry,
                      bool *changed)
{
    struct m4h_registry_entry *there, *copy;
    struct place place;
    int error = 0;

    *changed = false;
    if (!m4h_registry_fingerprint_is_valid(entry->fingerprint) ||
        entry->state < M4H_DEVICE_ENABLED || entry->state > M4H_DEVICE_REMOVED)
        return M4H_EINVALID;
    there = find(registry, entry->fingerprint);
    if (there != NULL && !is_after(entry, there))
        return 0;
    if (is_full(registry, entry, there))
        return M4H_EFULL;
    copy = copy_of(entry);
    if (copy == NULL)
        return M4H_ENOMEM;
    place = seek(registry, entry->fingerprint);
    if (there == NULL)
        error = insert(registry, place, copy);
    if (error != 0) {
        free(copy);
        return error;
    }
    if (there != NULL) {
        count_out(registry, there);
        registry->buckets[place.bucket].entries[place.at] = copy;
        free(there);
    }
    count_in(registry, copy);
    *changed = true;
    return 0;
}

/* ---- looking --------------------------------------------------------------------- */

const struct m4h_registry_entry *m4h_registry_find_client_key(const struct m4h_registry *registry,
                                                              const char *client_key, size_t *count)
{
    const struct m4h_name_link *first = *m4h_name_table_find(&registry->by_client_key, client_key);

    *count = 0;
    for (const struct m4h_name_link *link = first;
         link != NULL && strcmp(client_key_of(link), client_key) == 0; link = link->next)
        *count += 1;
    return first != NULL ? M4H_CONTAINER_OF(first, struct m4h_registry_entry, by_client_key) : NULL;
}

static bool is_asked_for(const struct m4h_registry_entry *entry,
                         const struct m4h_devices_request *request)
{
    if (strncmp(entry->client_key, request->client_key_prefix,
                strlen(request->client_key_prefix)) != 0)
        return false;
    if (request->with_removed)
        return request->state == 0 || entry->state == request->state;
    if (request->state != 0)
        return entry->state == request->state && entry->state != M4H_DEVICE_REMOVED;
    return is_live(entry);
}

/* The next place with an entry; past the end its bucket is BUCKETS. */
static struct place settle(const struct m4h_registry *registry, struct place place)
{
    while (place.bucket < BUCKETS && place.at >= registry->buckets[place.bucket].count)
        place = (struct place){.bucket = place.bucket + 1};
    return place;
}

static struct place after_token(const struct m4h_registry *registry, const char *token)
{
    struct place place = {0};
    const struct m4h_registry_entry *entry;

    if (!m4h_registry_fingerprint_is_valid(token))
        return place;
    place = seek(registry, token);
    entry = entry_at(registry, place);
    if (entry != NULL && strcmp(entry->fingerprint, token) == 0)
        place.at++;
    return place;
}

size_t m4h_registry_page(const struct m4h_registry *registry,
                         const struct m4h_devices_request *request, size_t packed_max,
                         const struct m4h_registry_entry *page[M4H_DEVICES_PAGE_MAX],
                         char next[M4H_PAGE_TOKEN_MAX + 1])
{
    struct place place = settle(registry, after_token(registry, request->page_token));
    size_t max =
        request->page_size < M4H_DEVICES_PAGE_MAX ? request->page_size : M4H_DEVICES_PAGE_MAX;
    size_t count = 0, packed = 0;
    const char *last = request->page_token;

    next[0] = '\0';
    for (size_t looked_at = 0; place.bucket < BUCKETS; looked_at++) {
        const struct m4h_registry_entry *entry = entry_at(registry, place);
        bool is_wanted = is_asked_for(entry, request);

        if (looked_at == LOOK_AT_MAX ||
            (is_wanted &&
             (count == max || (count > 0 && packed + entry->packed_len > packed_max)))) {
            m4h_text_copy(next, M4H_PAGE_TOKEN_MAX + 1, last);
            break;
        }
        if (is_wanted) {
            packed += entry->packed_len;
            page[count++] = entry;
        }
        last = entry->fingerprint;
        place.at++;
        place = settle(registry, place);
    }
    return count;
}

uint64_t m4h_registry_digest(const struct m4h_registry *registry)
{
    return registry->digest;
}

void m4h_registry_count(const struct m4h_registry *registry, struct m4h_registry_counts *counts)
{
    *counts = registry->counts;
}

size_t m4h_registry_bytes(const struct m4h_registry *registry)
{
    return registry->bytes;
}

uint32_t m4h_registry_note_attempt(struct m4h_registry *registry, const char *fingerprint)
{
    struct m4h_registry_entry *entry = find(registry, fingerprint);

    return entry != NULL ? ++entry->new_attempts : 0;
}

/* ---- forgetting ------------------------------------------------------------------ */

static bool is_over(const struct m4h_registry_entry *entry, uint64_t wall_ms, uint64_t pending_ms)
{
    uint64_t changed_ms = entry->stamp >> 16;

    if (entry->state == M4H_DEVICE_REMOVED)
        return wall_ms > changed_ms + M4H_REGISTRY_REMOVED_MS;
    return entry->state == M4H_DEVICE_PENDING && wall_ms > entry->created_wall_ms + pending_ms;
}

static void forget(struct m4h_registry *registry, struct bucket *bucket, size_t at)
{
    struct m4h_registry_entry *entry = bucket->entries[at];

    count_out(registry, entry);
    bucket->count--;
    memmove(&bucket->entries[at], &bucket->entries[at + 1],
            (bucket->count - at) * sizeof(bucket->entries[0]));
    free(entry);
}

size_t m4h_registry_sweep(struct m4h_registry *registry, uint64_t wall_ms, uint64_t pending_ms,
                          char gone[][M4H_REGISTRY_FINGERPRINT + 1], size_t max)
{
    size_t count = 0;

    for (size_t swept = 0; swept < SWEEP; swept++) {
        struct bucket *bucket = &registry->buckets[registry->swept];

        for (size_t at = bucket->count; at-- > 0;) {
            if (!is_over(bucket->entries[at], wall_ms, pending_ms))
                continue;
            if (count == max)
                return count;
            m4h_text_copy(gone[count++], sizeof(gone[0]), bucket->entries[at]->fingerprint);
            forget(registry, bucket, at);
        }
        registry->swept = (registry->swept + 1) % BUCKETS;
    }
    return count;
}

/* ---- life ------------------------------------------------------------------------ */

int m4h_registry_create(struct m4h_registry **registry, size_t pending_max, uint64_t seed)
{
    struct m4h_registry *made = calloc(1, sizeof(*made));
    int error;

    *registry = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->pending_max = pending_max;
    error = m4h_name_table_init(&made->by_client_key, client_key_of, seed);
    if (error != 0) {
        free(made);
        return error;
    }
    *registry = made;
    return 0;
}

void m4h_registry_set_pending_max(struct m4h_registry *registry, size_t pending_max)
{
    registry->pending_max = pending_max;
}

void m4h_registry_destroy(struct m4h_registry *registry)
{
    if (registry == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (size_t at = 0; at < registry->buckets[i].count; at++)
            free(registry->buckets[i].entries[at]);
        free(registry->buckets[i].entries);
    }
    m4h_name_table_free(&registry->by_client_key);
    free(registry);
}
