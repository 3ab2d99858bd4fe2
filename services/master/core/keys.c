/* The table of keys. It knows nothing of the file that they come from. */
#include "services/master/core/keys.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct m4h_key {
    UT_hash_handle hh;
    uint32_t line;
    uint32_t blob_len;
    uint8_t bytes[]; /* the blob, then the client key and its NUL */
};

static const char *client_key_of(const struct m4h_key *key)
{
    return (const char *)key->bytes + key->blob_len;
}

void m4h_keys_free(struct m4h_keys *keys)
{
    struct m4h_key *key = keys->by_blob;

    HASH_CLEAR(hh, keys->by_blob); /* the chain of keys stays readable */
    while (key != NULL) {
        struct m4h_key *next = key->hh.next;

        free(key);
        key = next;
    }
    keys->count = 0;
}

static struct m4h_key *find(const struct m4h_keys *keys, const uint8_t *blob, size_t len)
{
    struct m4h_key *key;

    HASH_FIND(hh, keys->by_blob, blob, len, key);
    return key;
}

int m4h_keys_add(struct m4h_keys *keys, const uint8_t *blob, size_t len, const char *client_key,
                 uint32_t line, uint32_t *other_line)
{
    size_t name_size = strlen(client_key) + 1;
    struct m4h_key *key = find(keys, blob, len);

    if (key != NULL) {
        *other_line = key->line;
        return M4H_EEXIST;
    }
    if (keys->count == M4H_KEYS_MAX)
        return M4H_EFULL;
    key = calloc(1, sizeof(*key) + len + name_size);
    if (key == NULL)
        return M4H_ENOMEM;
    key->line = line;
    key->blob_len = (uint32_t)len;
    memcpy(key->bytes, blob, len);
    memcpy(key->bytes + len, client_key, name_size);
    HASH_ADD_KEYPTR(hh, keys->by_blob, key->bytes, len, key);
    if (key->hh.tbl == NULL) {
        free(key);
        return M4H_ENOMEM;
    }
    keys->count++;
    return 0;
}

const char *m4h_keys_find(const struct m4h_keys *keys, const uint8_t *blob, size_t len)
{
    const struct m4h_key *key = find(keys, blob, len);

    return key != NULL ? client_key_of(key) : NULL;
}

static int by_client_key(const void *a, const void *b)
{
    const struct m4h_key *key_a = *(const struct m4h_key *const *)a;
    const struct m4h_key *key_b = *(const struct m4h_key *const *)b;
    int order = strcmp(client_key_of(key_a), client_key_of(key_b));

    return order != 0 ? order : key_a->line < key_b->line ? -1 : key_a->line > key_b->line;
}

size_t m4h_keys_count_shared(const struct m4h_keys *keys, const char **client_key, uint32_t *line,
                             uint32_t *other_line)
{
    const struct m4h_key **sorted = malloc((keys->count + 1) * sizeof(const struct m4h_key *));
    size_t count = 0, shared = 0;

    if (sorted == NULL)
        return 0;
    for (const struct m4h_key *key = keys->by_blob; key != NULL; key = key->hh.next)
        if (client_key_of(key)[0] != '\0')
            sorted[count++] = key;
    qsort(sorted, count, sizeof(const struct m4h_key *), by_client_key);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(client_key_of(sorted[i - 1]), client_key_of(sorted[i])) != 0)
            continue;
        if (shared++ == 0) {
            *client_key = client_key_of(sorted[i]);
            *line = sorted[i - 1]->line;
            *other_line = sorted[i]->line;
        }
    }
    free(sorted);
    return shared;
}
