/* A hash by fingerprint, whose order is that of noting. */
#define HASH_NONFATAL_OOM 1
#include "services/master/core/certified.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct m4h_certified_entry {
    UT_hash_handle hh;
    char fingerprint[M4H_FINGERPRINT_MAX + 1];
    char remote_address[M4H_ADDRESS_TEXT_MAX];
    size_t len;
    uint8_t certificate[];
};

static void drop(struct m4h_certified *certified, struct m4h_certified_entry *entry)
{
    HASH_DEL(certified->entries, entry);
    free(entry);
}

static struct m4h_certified_entry *make(const struct m4h_authorize_request *request)
{
    struct m4h_certified_entry *entry = calloc(1, sizeof(*entry) + request->public_key_len);

    if (entry == NULL)
        return NULL;
    m4h_text_copy(entry->fingerprint, sizeof(entry->fingerprint), request->key_fingerprint);
    m4h_text_copy(entry->remote_address, sizeof(entry->remote_address), request->remote_address);
    entry->len = request->public_key_len;
    memcpy(entry->certificate, request->public_key, entry->len);
    return entry;
}

void m4h_certified_note(struct m4h_certified *certified,
                        const struct m4h_authorize_request *request)
{
    struct m4h_certified_entry *entry;

    HASH_FIND_STR(certified->entries, request->key_fingerprint, entry);
    if (entry != NULL)
        drop(certified, entry);
    if (HASH_COUNT(certified->entries) >= M4H_CERTIFIED_MAX)
        drop(certified, certified->entries);
    entry = make(request);
    if (entry == NULL)
        return;
    HASH_ADD_STR(certified->entries, fingerprint, entry);
    if (entry->hh.tbl == NULL)
        free(entry);
}

void m4h_certified_review(struct m4h_certified *certified,
                          bool (*is_good)(void *context,
                                          const struct m4h_authorize_request *request),
                          void *context)
{
    struct m4h_certified_entry *entry, *next;

    HASH_ITER(hh, certified->entries, entry, next)
    {
        struct m4h_authorize_request request = {.public_key_len = entry->len};

        memcpy(request.public_key, entry->certificate, entry->len);
        m4h_text_copy(request.key_fingerprint, sizeof(request.key_fingerprint), entry->fingerprint);
        m4h_text_copy(request.remote_address, sizeof(request.remote_address),
                      entry->remote_address);
        if (!is_good(context, &request))
            drop(certified, entry);
    }
}

size_t m4h_certified_count(const struct m4h_certified *certified)
{
    return HASH_COUNT(certified->entries);
}

void m4h_certified_free(struct m4h_certified *certified)
{
    struct m4h_certified_entry *entry, *next;

    HASH_ITER(hh, certified->entries, entry, next)
    {
        drop(certified, entry);
    }
}
