/* The table: lists of bytes that are sorted once and then searched, and for each authority the
 * spans of its serial numbers. Spans may overlap; each knows how far those before it reach, so
 * that a search goes back no further than need be. */
#include "lib/base/ssh_revoked_table.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

struct list {
    struct m4h_ssh_bytes *items; /* owned */
    size_t count, allocated;
};

struct span {
    uint64_t first, last;
    uint64_t reach;              /* the largest `last` up to here */
    struct m4h_ssh_bytes bitmap; /* empty: all of them */
};

struct m4h_ssh_revoked_certificates {
    struct m4h_ssh_bytes authority;
    struct list key_ids;
    struct span *spans; /* owned */
    size_t count, allocated;
};

struct m4h_ssh_revoked {
    struct list lists[M4H_SSH_REVOKED_KINDS];
    struct m4h_ssh_revoked_certificates *certificates; /* owned */
    size_t count, allocated;
    uint64_t version;
    uint8_t data[]; /* the file; all items point into it */
};

/* ---- filling ---------------------------------------------------------------- */

/* Room for one more item. NULL: no memory; all is as before. */
static void *grow(void *items, size_t count, size_t *allocated, size_t item_size)
{
    size_t wanted = *allocated == 0 ? 16 : *allocated * 2;
    void *grown;

    if (count < *allocated)
        return items;
    grown = reallocarray(items, wanted, item_size);
    if (grown != NULL)
        *allocated = wanted;
    return grown;
}

static int add(struct list *list, struct m4h_ssh_bytes bytes)
{
    struct m4h_ssh_bytes *items =
        grow(list->items, list->count, &list->allocated, sizeof(*list->items));

    if (items == NULL)
        return M4H_ENOMEM;
    list->items = items;
    list->items[list->count++] = bytes;
    return 0;
}

int m4h_ssh_revoked_add(struct m4h_ssh_revoked *revoked, enum m4h_ssh_revoked_kind kind,
                        struct m4h_ssh_bytes bytes)
{
    return add(&revoked->lists[kind], bytes);
}

static struct m4h_ssh_revoked_certificates *find_of(const struct m4h_ssh_revoked *revoked,
                                                    struct m4h_ssh_bytes authority)
{
    for (size_t i = 0; i < revoked->count; i++) {
        if (m4h_ssh_bytes_equal(revoked->certificates[i].authority, authority))
            return &revoked->certificates[i];
    }
    return NULL;
}

struct m4h_ssh_revoked_certificates *m4h_ssh_revoked_of(struct m4h_ssh_revoked *revoked,
                                                        struct m4h_ssh_bytes authority)
{
    struct m4h_ssh_revoked_certificates *found = find_of(revoked, authority), *grown;

    if (found != NULL)
        return found;
    grown = grow(revoked->certificates, revoked->count, &revoked->allocated,
                 sizeof(*revoked->certificates));
    if (grown == NULL)
        return NULL;
    revoked->certificates = grown;
    found = &grown[revoked->count++];
    *found = (struct m4h_ssh_revoked_certificates){.authority = authority};
    return found;
}

int m4h_ssh_revoked_add_key_id(struct m4h_ssh_revoked_certificates *certificates,
                               struct m4h_ssh_bytes key_id)
{
    return add(&certificates->key_ids, key_id);
}

static int add_span(struct m4h_ssh_revoked_certificates *certificates, const struct span *span)
{
    struct span *spans = grow(certificates->spans, certificates->count, &certificates->allocated,
                              sizeof(*certificates->spans));

    if (spans == NULL)
        return M4H_ENOMEM;
    certificates->spans = spans;
    certificates->spans[certificates->count++] = *span;
    return 0;
}

int m4h_ssh_revoked_add_serials(struct m4h_ssh_revoked_certificates *certificates, uint64_t first,
                                uint64_t last)
{
    return add_span(certificates, &(struct span){.first = first, .last = last});
}

int m4h_ssh_revoked_add_bitmap(struct m4h_ssh_revoked_certificates *certificates, uint64_t first,
                               struct m4h_ssh_bytes bitmap)
{
    uint64_t bits = (uint64_t)bitmap.len * 8;

    return add_span(certificates,
                    &(struct span){.first = first,
                                   .last = first + bits - 1 < first ? UINT64_MAX : first + bits - 1,
                                   .bitmap = bitmap});
}

void m4h_ssh_revoked_set_version(struct m4h_ssh_revoked *revoked, uint64_t version)
{
    revoked->version = version;
}

/* ---- order ------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    const struct m4h_ssh_bytes *left = a, *right = b;

    if (left->len != right->len)
        return left->len < right->len ? -1 : 1;
    return left->len > 0 ? memcmp(left->at, right->at, left->len) : 0;
}

static int by_first(const void *a, const void *b)
{
    const struct span *left = a, *right = b;

    return left->first < right->first ? -1 : left->first > right->first;
}

static void sort(struct list *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(*list->items), by_bytes);
}

static bool has(const struct list *list, struct m4h_ssh_bytes bytes)
{
    return list->count > 0 &&
           bsearch(&bytes, list->items, list->count, sizeof(*list->items), by_bytes) != NULL;
}

static void sort_certificates(struct m4h_ssh_revoked_certificates *certificates)
{
    uint64_t reach = 0;

    sort(&certificates->key_ids);
    if (certificates->count > 0)
        qsort(certificates->spans, certificates->count, sizeof(*certificates->spans), by_first);
    for (size_t i = 0; i < certificates->count; i++) {
        if (certificates->spans[i].last > reach)
            reach = certificates->spans[i].last;
        certificates->spans[i].reach = reach;
    }
}

static void sort_all(struct m4h_ssh_revoked *revoked)
{
    for (size_t i = 0; i < M4H_SSH_REVOKED_KINDS; i++)
        sort(&revoked->lists[i]);
    for (size_t i = 0; i < revoked->count; i++)
        sort_certificates(&revoked->certificates[i]);
}

/* ---- life --------------------------------------------------------------------- */

int m4h_ssh_revoked_read(struct m4h_ssh_revoked **revoked, const uint8_t *data, size_t len,
                         char *wrong, size_t size)
{
    struct m4h_ssh_revoked *made;
    int error;

    *revoked = NULL;
    if (size > 0)
        wrong[0] = '\0';
    if (len > M4H_SSH_REVOKED_FILE_MAX)
        return M4H_ETOOBIG;
    made = calloc(1, sizeof(*made) + len + 1);
    if (made == NULL)
        return M4H_ENOMEM;
    if (len > 0)
        memcpy(made->data, data, len);
    if (m4h_ssh_krl_is_one((struct m4h_ssh_bytes){made->data, len}))
        error = m4h_ssh_krl_read(made, (struct m4h_ssh_bytes){made->data, len}, wrong, size);
    else
        error = m4h_ssh_revoked_list_read(made, (char *)made->data, len, wrong, size);
    if (error != 0) {
        m4h_ssh_revoked_destroy(made);
        return error;
    }
    sort_all(made);
    *revoked = made;
    return 0;
}

void m4h_ssh_revoked_destroy(struct m4h_ssh_revoked *revoked)
{
    if (revoked == NULL)
        return;
    for (size_t i = 0; i < M4H_SSH_REVOKED_KINDS; i++)
        free(revoked->lists[i].items);
    for (size_t i = 0; i < revoked->count; i++) {
        free(revoked->certificates[i].key_ids.items);
        free(revoked->certificates[i].spans);
    }
    free(revoked->certificates);
    free(revoked);
}

/* ---- questions ----------------------------------------------------------------- */

uint64_t m4h_ssh_revoked_version(const struct m4h_ssh_revoked *revoked)
{
    return revoked->version;
}

size_t m4h_ssh_revoked_count(const struct m4h_ssh_revoked *revoked)
{
    size_t count = 0;

    for (size_t i = 0; i < M4H_SSH_REVOKED_KINDS; i++)
        count += revoked->lists[i].count;
    for (size_t i = 0; i < revoked->count; i++)
        count += revoked->certificates[i].key_ids.count + revoked->certificates[i].count;
    return count;
}

bool m4h_ssh_revoked_has_key(const struct m4h_ssh_revoked *revoked,
                             const struct m4h_ssh_named_key *key)
{
    return has(&revoked->lists[M4H_SSH_REVOKED_KEYS], key->key) ||
           has(&revoked->lists[M4H_SSH_REVOKED_SHA1],
               (struct m4h_ssh_bytes){key->sha1, sizeof(key->sha1)}) ||
           has(&revoked->lists[M4H_SSH_REVOKED_SHA256],
               (struct m4h_ssh_bytes){key->sha256, sizeof(key->sha256)});
}

static bool span_has(const struct span *span, uint64_t serial)
{
    uint64_t bit = serial - span->first;

    if (serial < span->first || serial > span->last)
        return false;
    return span->bitmap.len == 0 ||
           (span->bitmap.at[span->bitmap.len - 1 - bit / 8] >> (bit % 8) & 1) != 0;
}

static bool has_serial(const struct m4h_ssh_revoked_certificates *certificates, uint64_t serial)
{
    size_t low = 0, high = certificates->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (certificates->spans[middle].first <= serial)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low > 0 && certificates->spans[low - 1].reach >= serial; low--) {
        if (span_has(&certificates->spans[low - 1], serial))
            return true;
    }
    return false;
}

static bool are_revoked(const struct m4h_ssh_revoked_certificates *certificates,
                        const struct m4h_ssh_certificate *certificate)
{
    return certificates != NULL &&
           (has(&certificates->key_ids, certificate->key_id) ||
            (certificate->serial != 0 && has_serial(certificates, certificate->serial)));
}

bool m4h_ssh_revoked_has_certificate(const struct m4h_ssh_revoked *revoked,
                                     const struct m4h_ssh_certificate *certificate)
{
    return are_revoked(find_of(revoked, certificate->authority), certificate) ||
           are_revoked(find_of(revoked, (struct m4h_ssh_bytes){NULL, 0}), certificate);
}
