/* The table of tunnels, against a plain array that does the same. */
#include "services/master/core/tunnel_index.h"

#include "lib/base/digest.h"
#include "lib/base/stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOLDERS 3
#define KEYS    40
#define STEPS   20000

/* One tunnel as the plain array knows it. */
struct row {
    unsigned holder;
    char client_key[16];
    uint64_t tunnel_id;
    uint64_t stamp;
};

static struct m4h_tunnel_index table;
static struct m4h_holder holders[HOLDERS] = {
    {.slave_id = "s0"}, {.slave_id = "s1"}, {.slave_id = "s2"}};
static struct row rows[STEPS];
static size_t row_count;

static uint64_t next_random(void)
{
    static uint64_t counter;

    return m4h_digest_of(counter++);
}

/* True: there was none such. */
static bool put(unsigned holder, struct m4h_entry *entry)
{
    bool is_new;

    assert_int_equal(m4h_tunnel_index_insert(&table, &holders[holder], entry, &is_new), 0);
    return is_new;
}

static void add_to(unsigned holder)
{
    struct row row = {
        .holder = holder, .tunnel_id = next_random() | 1, .stamp = next_random() % 50};
    struct m4h_tunnel tunnel = {.tunnel_id = row.tunnel_id, .stamp = row.stamp, .port_count = 1};
    struct m4h_entry *entry;

    snprintf(row.client_key, sizeof(row.client_key), "key-%02u", (unsigned)(next_random() % KEYS));
    m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), row.client_key);
    entry = m4h_entry_create(NULL, &tunnel);
    assert_non_null(entry);
    assert_true(put(row.holder, entry));
    rows[row_count++] = row;
}

static void add(void)
{
    add_to((unsigned)(next_random() % HOLDERS));
}

static void forget_rows_of(unsigned holder)
{
    size_t kept = 0;

    for (size_t i = 0; i < row_count; i++)
        if (rows[i].holder != holder)
            rows[kept++] = rows[i];
    row_count = kept;
}

static void remove_one(void)
{
    size_t at = next_random() % row_count;
    const struct row *row = &rows[at];
    struct m4h_entry *entry =
        m4h_tunnel_index_find(&table, &holders[row->holder], row->client_key, row->tunnel_id);

    assert_non_null(entry);
    m4h_tunnel_index_remove(&table, entry);
    rows[at] = rows[--row_count];
}

static int in_order(const void *a, const void *b)
{
    const struct row *row_a = a, *row_b = b;
    int order = strcmp(row_a->client_key, row_b->client_key);

    if (order != 0)
        return order;
    return m4h_stamp_wins(row_a->stamp, row_a->tunnel_id, row_b->stamp, row_b->tunnel_id) ? -1 : 1;
}

/* Those of the client key of `rows[first]`: the owner, and the others as they would follow.
 * Returns how many they are. */
static size_t assert_same_key(size_t first)
{
    const struct m4h_entry *entry = m4h_tunnel_index_owner(&table, rows[first].client_key);
    size_t at = first;

    for (; at < row_count && strcmp(rows[at].client_key, rows[first].client_key) == 0; at++) {
        assert_non_null(entry);
        assert_int_equal(entry->tunnel_id, rows[at].tunnel_id);
        assert_int_equal(entry->is_owner, at == first);
        entry = m4h_entry_rival(entry);
    }
    assert_null(entry);
    return at - first;
}

static void assert_same_holders(void)
{
    uint64_t digests[HOLDERS] = {0};
    uint32_t counts[HOLDERS] = {0};

    for (size_t i = 0; i < row_count; i++) {
        counts[rows[i].holder]++;
        digests[rows[i].holder] ^= m4h_digest_of(rows[i].tunnel_id);
    }
    for (unsigned i = 0; i < HOLDERS; i++) {
        struct m4h_order_cursor cursor = m4h_order_seek(&holders[i].order, "", true);

        assert_int_equal(holders[i].count, counts[i]);
        assert_int_equal(holders[i].digest, digests[i]);
        for (; m4h_order_at(&cursor) != NULL; m4h_order_step(&cursor))
            counts[i]--;
        assert_int_equal(counts[i], 0);
    }
}

static void assert_same(void)
{
    struct m4h_order_cursor cursor = m4h_order_seek(&table.order, "", true);
    size_t keys = 0;

    qsort(rows, row_count, sizeof(rows[0]), in_order);
    for (size_t i = 0; i < row_count; i += assert_same_key(i)) {
        const struct m4h_entry *owner = m4h_order_at(&cursor);

        assert_non_null(owner);
        assert_string_equal(m4h_entry_client_key(owner), rows[i].client_key);
        assert_int_equal(owner->tunnel_id, rows[i].tunnel_id);
        m4h_order_step(&cursor);
        keys++;
    }
    assert_null(m4h_order_at(&cursor));
    assert_int_equal(table.entries, row_count);
    assert_int_equal(table.owners.names.count, keys);
    assert_same_holders();
}

static void the_table_is_what_a_sorted_array_would_be(void **state)
{
    (void)state;
    assert_int_equal(m4h_tunnel_index_init(&table, 1), 0);
    for (unsigned i = 0; i < STEPS; i++) {
        if (row_count == 0 || next_random() % 200 < (row_count < 150 ? 120 : 80))
            add();
        else
            remove_one();
        if (i % 100 == 0)
            assert_same();
    }
    for (unsigned i = 0; i < HOLDERS; i++)
        m4h_tunnel_index_drop(&table, &holders[i]);
    row_count = 0;
    assert_same();
    m4h_tunnel_index_free(&table);
}

static void what_a_holder_has_goes_and_the_rest_stays(void **state)
{
    (void)state;
    assert_int_equal(m4h_tunnel_index_init(&table, 1), 0);
    for (unsigned share = 1; share <= 20; share++) {
        unsigned dropped = share % HOLDERS;

        for (unsigned i = 0; i < 200; i++)
            add_to(i % share == 0 ? dropped : (dropped + 1) % HOLDERS);
        m4h_tunnel_index_drop(&table, &holders[dropped]);
        forget_rows_of(dropped);
        assert_same();
    }
    for (unsigned i = 0; i < HOLDERS; i++)
        m4h_tunnel_index_drop(&table, &holders[i]);
    row_count = 0;
    assert_same();
    m4h_tunnel_index_free(&table);
}

static struct m4h_entry *entry_like(const struct row *row, uint64_t stamp)
{
    struct m4h_tunnel tunnel = {.tunnel_id = row->tunnel_id, .stamp = stamp, .port_count = 1};
    struct m4h_entry *entry;

    m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), row->client_key);
    entry = m4h_entry_create(NULL, &tunnel);
    assert_non_null(entry);
    return entry;
}

/* Of a holder's entries every third is confirmed, every third has changed, the others go. */
static void a_renewal_leaves_what_was_confirmed_or_put_in(void **state)
{
    (void)state;
    assert_int_equal(m4h_tunnel_index_init(&table, 1), 0);
    for (unsigned i = 0; i < 600; i++)
        add();
    m4h_tunnel_index_begin_renewal(&holders[1]);
    for (size_t i = row_count; i-- > 0;) {
        struct m4h_entry *entry;

        if (rows[i].holder != 1)
            continue;
        if (i % 3 == 2) {
            rows[i] = rows[--row_count];
            continue;
        }
        entry = entry_like(&rows[i], rows[i].stamp + (i % 3 == 1));
        rows[i].stamp += i % 3 == 1;
        if (i % 3 == 0)
            assert_non_null(m4h_tunnel_index_confirm(&table, &holders[1], entry));
        else {
            assert_null(m4h_tunnel_index_confirm(&table, &holders[1], entry));
            assert_false(put(1, entry));
        }
    }
    for (size_t before = table.entries; !m4h_tunnel_index_end_renewal(&table, &holders[1], 5);
         before = table.entries) {
        assert_true(before - table.entries <= 5);
        add_to(1);
    }
    assert_same();
    m4h_tunnel_index_begin_renewal(&holders[1]); /* for nothing */
    assert_true(m4h_tunnel_index_end_renewal(&table, &holders[1], SIZE_MAX / 64));
    forget_rows_of(1);
    assert_same();
    for (unsigned i = 0; i < HOLDERS; i++)
        m4h_tunnel_index_drop(&table, &holders[i]);
    row_count = 0;
    m4h_tunnel_index_free(&table);
}

static void the_same_tunnel_again_replaces_itself(void **state)
{
    struct m4h_tunnel tunnel = {.client_key = "k", .tunnel_id = 7, .stamp = 1, .port_count = 1};
    struct m4h_tunnel read;

    (void)state;
    assert_int_equal(m4h_tunnel_index_init(&table, 1), 0);
    assert_true(put(0, m4h_entry_create(NULL, &tunnel)));
    tunnel.stamp = 2;
    tunnel.ports[0] = 99;
    assert_false(put(0, m4h_entry_create(NULL, &tunnel)));
    assert_int_equal(table.entries, 1);
    m4h_entry_read(m4h_tunnel_index_owner(&table, "k"), &read);
    assert_int_equal(read.ports[0], 99);
    m4h_tunnel_index_drop(&table, &holders[0]);
    m4h_tunnel_index_free(&table);
}

static struct m4h_entry *numbered(unsigned number)
{
    struct m4h_tunnel tunnel = {.tunnel_id = number + 1, .stamp = 1, .port_count = 1};
    struct m4h_entry *entry;

    snprintf(tunnel.client_key, sizeof(tunnel.client_key), "device-%06u", number);
    entry = m4h_entry_create(NULL, &tunnel);
    assert_non_null(entry);
    return entry;
}

static void assert_owned(unsigned first, unsigned end, bool owned)
{
    char key[32];

    for (unsigned i = first; i < end; i++) {
        const struct m4h_entry *owner;

        snprintf(key, sizeof(key), "device-%06u", i);
        owner = m4h_tunnel_index_owner(&table, key);
        assert_int_equal(owner != NULL, owned);
        if (owned)
            assert_string_equal(m4h_entry_client_key(owner), key);
    }
}

/* The hash table grows bucket by bucket: all are looked for after each of some steps. */
static void every_owner_is_found_however_many_there_are(void **state)
{
    const unsigned most = 5 * M4H_NAME_TABLE_PIECE;

    (void)state;
    assert_int_equal(m4h_tunnel_index_init(&table, 1), 0);
    for (unsigned i = 0; i < most; i++) {
        put(0, numbered(i));
        if (i % 499 == 0)
            assert_owned(0, i + 1, true);
    }
    assert_owned(0, most, true);
    assert_owned(most, most + 100, false);
    assert_int_equal(table.owners.names.buckets, most);
    m4h_tunnel_index_drop_some(&table, &holders[0], 1000);
    assert_owned(0, 1000, false);
    assert_owned(1000, most, true);
    m4h_tunnel_index_drop(&table, &holders[0]);
    assert_owned(0, most, false);
    assert_int_equal(table.owners.names.count, 0);
    m4h_tunnel_index_free(&table);
}

static void the_longest_of_everything_fits(void **state)
{
    struct m4h_tunnel tunnel = {.tunnel_id = 7, .stamp = 1, .port_count = M4H_TUNNEL_PORTS_MAX};
    struct m4h_tunnel read;

    (void)state;
    memset(tunnel.client_key, 'k', M4H_CLIENT_KEY_MAX);
    memset(tunnel.remote_address, 'r', sizeof(tunnel.remote_address) - 1);
    memset(tunnel.key_fingerprint, 'f', M4H_FINGERPRINT_MAX);
    memset(tunnel.client_version, 'v', M4H_CLIENT_VERSION_MAX);
    for (unsigned i = 0; i < M4H_TUNNEL_PORTS_MAX; i++)
        tunnel.ports[i] = (uint16_t)(65535 - i);
    assert_int_equal(m4h_tunnel_index_init(&table, 1), 0);
    put(0, m4h_entry_create(NULL, &tunnel));
    m4h_entry_read(m4h_tunnel_index_owner(&table, tunnel.client_key), &read);
    assert_memory_equal(&read, &tunnel, sizeof(read));
    m4h_tunnel_index_drop(&table, &holders[0]);
    m4h_tunnel_index_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_what_a_sorted_array_would_be),
        cmocka_unit_test(what_a_holder_has_goes_and_the_rest_stays),
        cmocka_unit_test(a_renewal_leaves_what_was_confirmed_or_put_in),
        cmocka_unit_test(the_same_tunnel_again_replaces_itself),
        cmocka_unit_test(every_owner_is_found_however_many_there_are),
        cmocka_unit_test(the_longest_of_everything_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
