/* Kept verdicts: a table by what makes questions alike, in the order in which they came, and beside
 * it one by fingerprint, which several of them may share. */
#include "services/master/core/verdicts.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    UT_hash_handle hh;             /* by likeness */
    UT_hash_handle by_fingerprint; /* others may have the same */
    uint64_t device;               /* m4h_ident_hash of the client key */
    uint64_t fresh_until_ms;
    uint64_t kept_until_ms;
    uint32_t likeness_len;
    uint32_t packed_len;
    char fingerprint[M4H_FINGERPRINT_MAX + 1];
    uint8_t bytes[]; /* the likeness, then what is packed */
};

struct m4h_verdicts {
    struct entry *entries; /* the one that was kept longest first */
    struct entry *by_fingerprint;
};

int m4h_verdicts_create(struct m4h_verdicts **verdicts)
{
    *verdicts = calloc(1, sizeof(**verdicts));
    return *verdicts != NULL ? 0 : M4H_ENOMEM;
}

static void drop(struct m4h_verdicts *verdicts, struct entry *entry)
{
    HASH_DEL(verdicts->entries, entry);
    HASH_DELETE(by_fingerprint, verdicts->by_fingerprint, entry);
    free(entry);
}

void m4h_verdicts_destroy(struct m4h_verdicts *verdicts)
{
    if (verdicts == NULL)
        return;
    while (verdicts->entries != NULL)
        drop(verdicts, verdicts->entries);
    free(verdicts);
}

static struct entry *find(const struct m4h_verdicts *verdicts, const struct m4h_likeness *likeness)
{
    struct entry *entry;

    HASH_FIND(hh, verdicts->entries, likeness->bytes, likeness->len, entry);
    return entry;
}

static struct entry *make(const struct m4h_likeness *likeness, const struct m4h_kept_verdict *kept)
{
    struct entry *entry = calloc(1, sizeof(*entry) + likeness->len + kept->packed_len);

    if (entry == NULL)
        return NULL;
    entry->device = m4h_ident_hash(kept->client_key);
    entry->fresh_until_ms = kept->fresh_until_ms;
    entry->kept_until_ms = kept->kept_until_ms;
    entry->likeness_len = (uint32_t)likeness->len;
    entry->packed_len = (uint32_t)kept->packed_len;
    m4h_text_copy(entry->fingerprint, sizeof(entry->fingerprint), kept->key_fingerprint);
    memcpy(entry->bytes, likeness->bytes, likeness->len);
    if (kept->packed_len > 0)
        memcpy(entry->bytes + likeness->len, kept->packed, kept->packed_len);
    return entry;
}

/* Into both tables, or into none and freed. */
static void add(struct m4h_verdicts *verdicts, struct entry *entry)
{
    HASH_ADD_KEYPTR(hh, verdicts->entries, entry->bytes, entry->likeness_len, entry);
    if (entry->hh.tbl == NULL) {
        free(entry);
        return;
    }
    HASH_ADD_KEYPTR(by_fingerprint, verdicts->by_fingerprint, entry->fingerprint,
                    strlen(entry->fingerprint), entry);
    if (entry->by_fingerprint.tbl != NULL)
        return;
    HASH_DEL(verdicts->entries, entry);
    free(entry);
}

void m4h_verdicts_put(struct m4h_verdicts *verdicts, const struct m4h_likeness *likeness,
                      const struct m4h_kept_verdict *kept, size_t entries_max)
{
    struct entry *entry = find(verdicts, likeness);

    if (entry != NULL)
        drop(verdicts, entry);
    while (verdicts->entries != NULL && HASH_COUNT(verdicts->entries) >= entries_max)
        drop(verdicts, verdicts->entries);
    entry = entries_max > 0 ? make(likeness, kept) : NULL;
    if (entry != NULL)
        add(verdicts, entry);
}

bool m4h_verdicts_find(struct m4h_verdicts *verdicts, const struct m4h_likeness *likeness,
                       uint64_t now_ms, struct m4h_kept_verdict *kept)
{
    struct entry *entry = find(verdicts, likeness);

    if (entry == NULL)
        return false;
    if (entry->kept_until_ms <= now_ms) {
        drop(verdicts, entry);
        return false;
    }
    *kept = (struct m4h_kept_verdict){
        .packed = entry->bytes + entry->likeness_len,
        .packed_len = entry->packed_len,
        .fresh_until_ms = entry->fresh_until_ms,
        .kept_until_ms = entry->kept_until_ms,
    };
    return true;
}

static void forget_key(struct m4h_verdicts *verdicts, const char *key_fingerprint)
{
    struct entry *entry;

    for (;;) {
        HASH_FIND(by_fingerprint, verdicts->by_fingerprint, key_fingerprint,
                  strlen(key_fingerprint), entry);
        if (entry == NULL)
            return;
        drop(verdicts, entry);
    }
}

void m4h_verdicts_forget(struct m4h_verdicts *verdicts, const char *key_fingerprint,
                         const char *client_key)
{
    uint64_t device = m4h_ident_hash(client_key);
    struct entry *entry, *next;

    if (key_fingerprint[0] != '\0')
        forget_key(verdicts, key_fingerprint);
    if (client_key[0] == '\0')
        return;
    HASH_ITER(hh, verdicts->entries, entry, next)
    {
        if (entry->device == device)
            drop(verdicts, entry);
    }
}

size_t m4h_verdicts_count(const struct m4h_verdicts *verdicts)
{
    return HASH_COUNT(verdicts->entries);
}
