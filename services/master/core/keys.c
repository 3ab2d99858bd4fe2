/* The table of keys. It knows nothing of the file that they come from. */
#include "services/master/core/keys.h"

#include "lib/base/buffer.h"
#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct m4h_key {
    UT_hash_handle hh;
    struct m4h_key_place place;
    uint32_t blob_len;
    bool has_limits;
    bool has_more;
    uint8_t bytes[]; /* the blob, the client key and its NUL, then limits and more, packed */
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

/* Returns what is behind them. */
static const uint8_t *unpack_limits(const uint8_t *in, struct m4h_device_limits *limits)
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
    return in;
}

/* ---- what few keys are granted ------------------------------------------------ */

/* All but the texts and rules, at the front of it. */
struct packed_more {
    uint64_t expires_wall_ms;
    uint32_t channels_max;
    uint16_t fixed_port;
    uint8_t rule_count;
    bool forbids_forwards;
};

static bool has_more(const struct m4h_key_grant *grant)
{
    return grant->from[0] != '\0' || grant->expires_wall_ms != 0 || grant->forbids_forwards ||
           grant->fixed_port != 0 || grant->region[0] != '\0' || grant->labels[0] != '\0' ||
           grant->operator_.name[0] != '\0';
}

static void pack(struct m4h_buffer *out, const void *data, size_t len, int *error)
{
    if (*error == 0)
        *error = m4h_buffer_add(out, data, len);
}

static void pack_text(struct m4h_buffer *out, const char *text, int *error)
{
    pack(out, text, strlen(text) + 1, error);
}

static void pack_rule(struct m4h_buffer *out, const struct m4h_operator_rule *rule, int *error)
{
    pack_text(out, rule->client_key_pattern, error);
    pack_text(out, rule->labels, error);
    pack(out, &rule->port_range_count, 1, error);
    pack(out, rule->ports, rule->port_range_count * sizeof(rule->ports[0]), error);
}

static int pack_more(struct m4h_buffer *out, const struct m4h_key_grant *grant)
{
    struct packed_more front = {
        .expires_wall_ms = grant->expires_wall_ms,
        .channels_max = grant->operator_.channels_max,
        .fixed_port = grant->fixed_port,
        .rule_count = grant->operator_.rule_count,
        .forbids_forwards = grant->forbids_forwards,
    };
    int error = 0;

    if (!has_more(grant))
        return 0;
    pack(out, &front, sizeof(front), &error);
    pack_text(out, grant->from, &error);
    pack_text(out, grant->region, &error);
    pack_text(out, grant->labels, &error);
    pack_text(out, grant->operator_.name, &error);
    for (size_t i = 0; i < grant->operator_.rule_count; i++)
        pack_rule(out, &grant->operator_.rules[i], &error);
    return error;
}

static const uint8_t *unpack(const uint8_t *in, void *out, size_t len)
{
    memcpy(out, in, len);
    return in + len;
}

static const uint8_t *unpack_text(const uint8_t *in, char *out)
{
    return unpack(in, out, strlen((const char *)in) + 1);
}

static const uint8_t *unpack_rule(const uint8_t *in, struct m4h_operator_rule *rule)
{
    in = unpack_text(in, rule->client_key_pattern);
    in = unpack_text(in, rule->labels);
    in = unpack(in, &rule->port_range_count, 1);
    return unpack(in, rule->ports, rule->port_range_count * sizeof(rule->ports[0]));
}

static void unpack_more(const uint8_t *in, struct m4h_key_grant *grant)
{
    struct packed_more front;

    in = unpack(in, &front, sizeof(front));
    grant->expires_wall_ms = front.expires_wall_ms;
    grant->fixed_port = front.fixed_port;
    grant->forbids_forwards = front.forbids_forwards;
    grant->operator_.channels_max = front.channels_max;
    grant->operator_.rule_count = front.rule_count;
    in = unpack_text(in, grant->from);
    in = unpack_text(in, grant->region);
    in = unpack_text(in, grant->labels);
    in = unpack_text(in, grant->operator_.name);
    for (size_t i = 0; i < front.rule_count; i++)
        in = unpack_rule(in, &grant->operator_.rules[i]);
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

static struct m4h_key *make(const uint8_t *blob, size_t len, const struct m4h_key_grant *grant,
                            const struct m4h_buffer *more)
{
    size_t name_size = strlen(grant->client_key) + 1;
    bool has_limits = m4h_device_limits_are_any(&grant->limits);
    size_t limits_size = has_limits ? packed_size(&grant->limits) : 0;
    struct m4h_key *key = calloc(1, sizeof(*key) + len + name_size + limits_size + more->len);
    uint8_t *at;

    if (key == NULL)
        return NULL;
    key->blob_len = (uint32_t)len;
    key->has_limits = has_limits;
    key->has_more = more->len > 0;
    at = key->bytes;
    memcpy(at, blob, len);
    memcpy(at + len, grant->client_key, name_size);
    at += len + name_size;
    if (has_limits)
        pack_limits(at, &grant->limits);
    if (more->len > 0)
        memcpy(at + limits_size, more->data, more->len);
    return key;
}

int m4h_keys_add(struct m4h_keys *keys, const uint8_t *blob, size_t len,
                 const struct m4h_key_grant *grant, struct m4h_key_place place,
                 struct m4h_key_place *other)
{
    struct m4h_key *key = find(keys, blob, len);
    struct m4h_buffer more = {.cap = sizeof(*grant) + 64};
    int error;

    if (key != NULL) {
        *other = key->place;
        return M4H_EEXIST;
    }
    if (keys->count == M4H_KEYS_MAX)
        return M4H_EFULL;
    error = pack_more(&more, grant);
    key = error == 0 ? make(blob, len, grant, &more) : NULL;
    m4h_buffer_free(&more);
    if (key == NULL)
        return M4H_ENOMEM;
    key->place = place;
    HASH_ADD_KEYPTR(hh, keys->by_blob, key->bytes, len, key);
    if (key->hh.tbl == NULL) {
        free(key);
        return M4H_ENOMEM;
    }
    keys->count++;
    return 0;
}

void m4h_key_read(const struct m4h_key *key, const uint8_t **blob, size_t *len,
                  struct m4h_key_grant *grant)
{
    const uint8_t *at = key->bytes + key->blob_len;

    *blob = key->bytes;
    *len = key->blob_len;
    memset(grant, 0, sizeof(*grant));
    at = unpack_text(at, grant->client_key);
    if (key->has_limits)
        at = unpack_limits(at, &grant->limits);
    if (key->has_more)
        unpack_more(at, grant);
}

bool m4h_keys_find(const struct m4h_keys *keys, const uint8_t *blob, size_t len,
                   struct m4h_key_grant *grant)
{
    const struct m4h_key *key = find(keys, blob, len);

    if (key != NULL)
        m4h_key_read(key, &blob, &len, grant);
    return key != NULL;
}

const struct m4h_key *m4h_keys_next(const struct m4h_keys *keys, const struct m4h_key *key)
{
    return key == NULL ? keys->by_blob : key->hh.next;
}

/* ---- shared names -------------------------------------------------------------- */

static int by_client_key(const void *a, const void *b)
{
    const struct m4h_key *key_a = *(const struct m4h_key *const *)a;
    const struct m4h_key *key_b = *(const struct m4h_key *const *)b;
    int order = strcmp(client_key_of(key_a), client_key_of(key_b));

    if (order != 0)
        return order;
    if (key_a->place.file != key_b->place.file)
        return key_a->place.file < key_b->place.file ? -1 : 1;
    return key_a->place.line < key_b->place.line ? -1 : key_a->place.line > key_b->place.line;
}

size_t m4h_keys_count_shared(const struct m4h_keys *keys, const char **client_key,
                             struct m4h_key_place *place, struct m4h_key_place *other)
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
            *place = sorted[i - 1]->place;
            *other = sorted[i]->place;
        }
    }
    free(sorted);
    return shared;
}
