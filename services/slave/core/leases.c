/* A table of leases by port; those of one device are found through buckets of
 * its hash, chained through the table. The text has a line for each lease,
 *
 *   mas4h-leases 1
 *   PORT HOLDER LEFT     holder as 16 hex digits; left: Unix time in ms, 0: in use
 *   end COUNT
 *
 * in the order of the chains, which is that of a device's first, second ... port. */
#include "services/slave/core/leases.h"

#include "lib/base/error.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEADER      "mas4h-leases 1\n"
#define IN_USE      INT64_MAX
#define NONE        UINT32_MAX
#define HEX_DIGITS  16
#define PORT_DIGITS 5
#define TIME_DIGITS 15 /* years enough */

struct lease {
    uint64_t holder; /* 0: nobody */
    int64_t left_ms; /* may be before the clock's begin; IN_USE */
    uint32_t next;   /* index in the bucket's chain, or NONE */
};

struct m4h_leases {
    uint16_t min;
    uint32_t count;
    uint32_t buckets; /* a power of two */
    uint64_t version;
    struct lease *table; /* `count` of them */
    uint32_t *first;     /* of each bucket's chain */
};

static void clear(struct m4h_leases *leases)
{
    memset(leases->table, 0, leases->count * sizeof(*leases->table));
    for (uint32_t i = 0; i < leases->buckets; i++)
        leases->first[i] = NONE;
    leases->version++;
}

int m4h_leases_create(struct m4h_leases **leases, uint16_t min, uint16_t max)
{
    struct m4h_leases *made = calloc(1, sizeof(*made));

    assert(min > 0 && min <= max);
    *leases = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->min = min;
    made->count = (uint32_t)max - min + 1;
    for (made->buckets = 1; made->buckets < made->count;)
        made->buckets *= 2;
    made->table = calloc(made->count, sizeof(*made->table));
    made->first = calloc(made->buckets, sizeof(*made->first));
    if (made->table == NULL || made->first == NULL) {
        m4h_leases_destroy(made);
        return M4H_ENOMEM;
    }
    clear(made);
    *leases = made;
    return 0;
}

int m4h_leases_copy(struct m4h_leases **copy, const struct m4h_leases *leases)
{
    int error = m4h_leases_create(copy, leases->min, (uint16_t)(leases->min + leases->count - 1));

    if (error != 0)
        return error;
    memcpy((*copy)->table, leases->table, leases->count * sizeof(*leases->table));
    memcpy((*copy)->first, leases->first, leases->buckets * sizeof(*leases->first));
    (*copy)->version = leases->version;
    return 0;
}

void m4h_leases_destroy(struct m4h_leases *leases)
{
    if (leases == NULL)
        return;
    free(leases->table);
    free(leases->first);
    free(leases);
}

static struct lease *at(const struct m4h_leases *leases, uint16_t port)
{
    assert(port >= leases->min && (uint32_t)port - leases->min < leases->count);
    return &leases->table[port - leases->min];
}

static uint32_t *bucket_of(const struct m4h_leases *leases, uint64_t holder)
{
    return &leases->first[holder & (leases->buckets - 1)];
}

static void unlink_lease(struct m4h_leases *leases, uint32_t index)
{
    uint32_t *link = bucket_of(leases, leases->table[index].holder);

    while (*link != index)
        link = &leases->table[*link].next;
    *link = leases->table[index].next;
}

static void append(struct m4h_leases *leases, uint32_t index)
{
    uint32_t *link = bucket_of(leases, leases->table[index].holder);

    while (*link != NONE)
        link = &leases->table[*link].next;
    *link = index;
    leases->table[index].next = NONE;
}

void m4h_leases_drop(struct m4h_leases *leases, uint16_t port)
{
    struct lease *lease = at(leases, port);

    if (lease->holder == 0)
        return;
    unlink_lease(leases, (uint32_t)port - leases->min);
    *lease = (struct lease){0};
    leases->version++;
}

/* A device that asks for ever other ports must not keep them all from others. */
static void keep_few(struct m4h_leases *leases, uint64_t holder)
{
    uint32_t held = 0;
    uint16_t oldest = 0;

    for (uint16_t port = 0; (port = m4h_leases_next(leases, holder, port)) != 0; held++) {
        if (oldest == 0 || at(leases, port)->left_ms < at(leases, oldest)->left_ms)
            oldest = port;
    }
    if (held > M4H_LEASES_OF_ONE_MAX && at(leases, oldest)->left_ms != IN_USE)
        m4h_leases_drop(leases, oldest);
}

void m4h_leases_grant(struct m4h_leases *leases, uint16_t port, uint64_t holder)
{
    struct lease *lease = at(leases, port);

    assert(holder != 0);
    if (lease->holder != holder) {
        m4h_leases_drop(leases, port);
        lease->holder = holder;
        append(leases, (uint32_t)port - leases->min);
        leases->version++;
    }
    lease->left_ms = IN_USE;
    keep_few(leases, holder);
}

void m4h_leases_leave(struct m4h_leases *leases, uint16_t port, uint64_t now_ms)
{
    if (at(leases, port)->holder != 0)
        at(leases, port)->left_ms = (int64_t)now_ms;
}

uint64_t m4h_leases_holder(const struct m4h_leases *leases, uint16_t port)
{
    return at(leases, port)->holder;
}

uint64_t m4h_leases_away_ms(const struct m4h_leases *leases, uint16_t port, uint64_t now_ms)
{
    const struct lease *lease = at(leases, port);

    if (lease->holder == 0 || lease->left_ms >= (int64_t)now_ms)
        return 0;
    return (uint64_t)((int64_t)now_ms - lease->left_ms);
}

uint16_t m4h_leases_next(const struct m4h_leases *leases, uint64_t holder, uint16_t port)
{
    uint32_t index = port == 0 ? *bucket_of(leases, holder) : at(leases, port)->next;

    while (index != NONE && leases->table[index].holder != holder)
        index = leases->table[index].next;
    return index == NONE ? 0 : (uint16_t)(leases->min + index);
}

uint64_t m4h_leases_version(const struct m4h_leases *leases)
{
    return leases->version;
}

/* ---- as text ------------------------------------------------------------------ */

static uint64_t left_wall_ms(const struct lease *lease, uint64_t now_ms, uint64_t wall_ms)
{
    int64_t left;

    if (lease->left_ms == IN_USE)
        return 0;
    left = (int64_t)wall_ms - ((int64_t)now_ms - lease->left_ms);
    return left > 0 ? (uint64_t)left : 1;
}

int m4h_leases_write(const struct m4h_leases *leases, uint64_t now_ms, uint64_t wall_ms,
                     struct m4h_buffer *text)
{
    uint32_t count = 0;
    int error = m4h_buffer_add(text, HEADER, strlen(HEADER));

    for (uint32_t bucket = 0; bucket < leases->buckets; bucket++) {
        for (uint32_t i = leases->first[bucket]; i != NONE && error == 0; count++) {
            const struct lease *lease = &leases->table[i];

            error =
                m4h_buffer_printf(text, "%" PRIu32 " %016" PRIx64 " %" PRIu64 "\n", leases->min + i,
                                  lease->holder, left_wall_ms(lease, now_ms, wall_ms));
            i = lease->next;
        }
    }
    return error != 0 ? error : m4h_buffer_printf(text, "end %" PRIu32 "\n", count);
}

struct reader {
    const char *at, *end;
};

static bool reads(struct reader *reader, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
        return false;
    reader->at += len;
    return true;
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* Reads a number of 1 to `digits` digits, which cannot overflow. */
static bool reads_number(struct reader *reader, unsigned base, unsigned digits, uint64_t *number)
{
    const char *start = reader->at;

    *number = 0;
    while (reader->at < reader->end && reader->at < start + digits && digit_of(*reader->at) < base)
        *number = *number * base + digit_of(*reader->at++);
    return reader->at > start;
}

static bool reads_lease(struct reader *reader, struct m4h_leases *leases, uint64_t now_ms,
                        uint64_t wall_ms)
{
    uint64_t port, holder, left;

    if (!reads_number(reader, 10, PORT_DIGITS, &port) || !reads(reader, " ") ||
        !reads_number(reader, 16, HEX_DIGITS, &holder) || !reads(reader, " ") ||
        !reads_number(reader, 10, TIME_DIGITS, &left) || !reads(reader, "\n") || holder == 0)
        return false;
    if (port < leases->min || port >= (uint64_t)leases->min + leases->count)
        return true;
    if (m4h_leases_holder(leases, (uint16_t)port) != 0)
        return false; /* twice */
    if (left == 0 || left > wall_ms)
        left = wall_ms;
    m4h_leases_grant(leases, (uint16_t)port, holder);
    at(leases, (uint16_t)port)->left_ms = (int64_t)now_ms - (int64_t)(wall_ms - left);
    return true;
}

int m4h_leases_read(struct m4h_leases *leases, const char *text, size_t len, uint64_t now_ms,
                    uint64_t wall_ms)
{
    struct reader reader = {text, text + len};
    uint64_t count = 0, expected = 0;
    bool whole = reads(&reader, HEADER);

    clear(leases);
    while (whole && !reads(&reader, "end ")) {
        whole = reads_lease(&reader, leases, now_ms, wall_ms);
        count++;
    }
    whole = whole && reads_number(&reader, 10, PORT_DIGITS, &expected) && reads(&reader, "\n") &&
            reader.at == reader.end && expected == count;
    if (!whole)
        clear(leases);
    return whole ? 0 : M4H_EINVALID;
}
