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
    bool has_limits;
    uint8_t bytes[]; /* the blob, then the client key and its NUL, then the limits, packed */
};

static const char *client_key_of(const struct m4h_key *key)
{
    return (const char *)key->bytes + key->blob_len;
}

/* ---- limits ----------------------------------------------------------------- */

/* All but the lists, at the front of packed limits. */
struct packed_limits {
    uint64_t bytes_per_second;
    uint32_t forwards_max;
    uint32_t channels_max;
    uint32_t idle_ms;
    uint8_t range_count;
    uint8_t network_count;
};

static size_t packed_size(const struct m4h_device_limits *limits)
{
    size_t size =
        sizeof(struct packed_limits) + limits->port_range_count * sizeof(limits->ports[0]);

    for (size_t i = 0; i < limits->operator_network_count; i++)
        size += strlen(limits->operator_networks[i]) + 1;
    return size;
}

static void pack_limits(uint8_t *out, const struct m4h_device_limits *limits)
{
    struct packed_limits front = {
        .bytes_per_second = limits->bytes_per_second,
        .forwards_max = limits->forwards_max,
        .channels_max = limits->channels_max,
        .idle_ms = limits->idle_ms,
        .range_count = limits->port_range_count,
        .network_count = limits->operator_network_count,
    };
    size_t ranges_size = limits->port_range_count * sizeof(limits->ports[0]);

    memcpy(out, &front, sizeof(front));
    memcpy(out + sizeof(front), limits->ports, ranges_size);
    out += sizeof(front) + ranges_size;
    for (size_t i = 0; i < limits->operator_network_count; i++) {
        size_t size = strlen(limits->operator_networks[i]) + 1;

        memcpy(out, limits->operator_networks[i], size);
        out += size;
    }
}

static void unpack_limits(const uint8_t *in, struct m4h_device_limits *limits)
{
    struct packed_limits front;
    size_t ranges_size;

    memcpy(&front, in, sizeof(front));
    limits->bytes_per_second = front.bytes_per_second;
    limits->forwards_max = front.forwards_max;
    limits->channels_max = front.channels_max;
    limits->idle_ms = front.idle_ms;
    limits->port_range_count = front.range_count;
    limits->operator_network_count = front.network_count;
    ranges_size = front.range_count * sizeof(limits->ports[0]);
    memcpy(limits->ports, in + sizeof(front), ranges_size);
    in += sizeof(front) + ranges_size;
    for (size_t i = 0; i < front.network_count; i++) {
        size_t size = strlen((const char *)in) + 1;

        memcpy(limits->operator_networks[i], in, size);
        in += size;
    }
}

/* ---- keys ------------------------------------------------------------------- */

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
                 const struct m4h_device_limits *limits, uint32_t line, uint32_t *other_line)
{
    size_t name_size = strlen(client_key) + 1;
    bool has_limits = m4h_device_limits_are_any(limits);
    struct m4h_key *key = find(keys, blob, len);

    if (key != NULL) {
        *other_line = key->line;
        return M4H_EEXIST;
    }
    if (keys->count == M4H_KEYS_MAX)
        return M4H_EFULL;
    key = calloc(1, sizeof(*key) + len + name_size + (has_limits ? packed_size(limits) : 0));
    if (key == NULL)
        return M4H_ENOMEM;
    key->line = line;
    key->blob_len = (uint32_t)len;
    memcpy(key->bytes, blob, len);
    memcpy(key->bytes + len, client_key, name_size);
    key->has_limits = has_limits;
    if (has_limits)
        pack_limits(key->bytes + len + name_size, limits);
    HASH_ADD_KEYPTR(hh, keys->by_blob, key->bytes, len, key);
    if (key->hh.tbl == NULL) {
        free(key);
        return M4H_ENOMEM;
    }
    keys->count++;
    return 0;
}

const char *m4h_keys_find(const struct m4h_keys *keys, const uint8_t *blob, size_t len,
                          struct m4h_device_limits *limits)
{
    const struct m4h_key *key = find(keys, blob, len);
    const char *client_key;

    if (key == NULL)
        return NULL;
    client_key = client_key_of(key);
    *limits = (struct m4h_device_limits){0};
    if (key->has_limits)
        unpack_limits((const uint8_t *)client_key + strlen(client_key) + 1, limits);
    return client_key;
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
