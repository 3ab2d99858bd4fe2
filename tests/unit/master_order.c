/* The order of tunnels, against a sorted array. The client keys are such as hints are wrong
 * about: some are the beginning of others, some differ only far behind, some in bytes of
 * which a careless comparison makes negative numbers. */
#include "services/master/core/order.h"

#include "lib/base/digest.h"
#include "services/master/core/tunnel_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ENTRIES 20000u

static struct m4h_order order;
static struct m4h_entry *sorted[ENTRIES]; /* that are in, unless a test says otherwise */
static size_t count;

static uint64_t next_random(void)
{
    static uint64_t counter;

    return m4h_digest_of(counter++);
}

static void name(char *key, size_t size, unsigned i)
{
    static const char *const stems[] = {"",      "a",        "aa",        "aaa",
                                        "\xff",  "\x80z",    "device-",   "device-0000000000",
                                        "\x01a", "\xff\xff", "dev/0\x7f", "SHA256:abcdefgh"};

    snprintf(key, size, "%s%0*u", stems[i % 12], (int)(i % 5), i / 12);
}

static struct m4h_entry *make(const char *client_key, uint64_t tunnel_id)
{
    struct m4h_tunnel tunnel = {.tunnel_id = tunnel_id};
    struct m4h_entry *entry;

    m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), client_key);
    entry = m4h_entry_create(NULL, &tunnel);
    assert_non_null(entry);
    return entry;
}

static int by_order(const void *a, const void *b)
{
    const struct m4h_entry *left = *(struct m4h_entry *const *)a;
    const struct m4h_entry *right = *(struct m4h_entry *const *)b;
    int order_of_keys = strcmp(m4h_entry_client_key(left), m4h_entry_client_key(right));

    if (order_of_keys != 0)
        return order_of_keys;
    return left->tunnel_id < right->tunnel_id ? -1 : 1;
}

static void assert_same(void)
{
    struct m4h_order_cursor cursor = m4h_order_seek(&order, "", true);

    qsort(sorted, count, sizeof(sorted[0]), by_order);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(m4h_order_at(&cursor), sorted[i]);
        m4h_order_step(&cursor);
    }
    assert_null(m4h_order_at(&cursor));
    assert_int_equal(order.root == NULL, count == 0);
}

/* Where `sorted` says that it is. */
static void assert_found(size_t i)
{
    const char *client_key = m4h_entry_client_key(sorted[i]);
    size_t first = i, after = i;
    struct m4h_order_cursor cursor = m4h_order_find(&order, sorted[i]);

    assert_ptr_equal(m4h_order_at(&cursor), sorted[i]);
    while (first > 0 && m4h_entry_same_key(sorted[first - 1], sorted[i]))
        first--;
    while (after < count && m4h_entry_same_key(sorted[after], sorted[i]))
        after++;
    cursor = m4h_order_seek(&order, client_key, true);
    assert_ptr_equal(m4h_order_at(&cursor), sorted[first]);
    cursor = m4h_order_seek(&order, client_key, false);
    assert_ptr_equal(m4h_order_at(&cursor), after < count ? sorted[after] : NULL);
}

static void put(struct m4h_entry *entry)
{
    assert_int_equal(m4h_order_insert(&order, entry), 0);
    sorted[count++] = entry;
}

static void take(size_t i)
{
    m4h_order_remove(&order, sorted[i]);
    m4h_entry_destroy(sorted[i]);
    sorted[i] = sorted[--count];
}

static void put_all(unsigned how_many)
{
    char key[64];

    for (unsigned i = 0; i < how_many; i++) {
        name(key, sizeof(key), (unsigned)(next_random() % (how_many / 2)));
        put(make(key, next_random()));
    }
}

static void take_all(void)
{
    while (count > 0)
        take(next_random() % count);
    assert_same();
}

static void it_is_what_a_sorted_array_would_be(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        put_all(3000);
        assert_same();
        for (size_t i = 0; i < count; i += 7)
            assert_found(i);
        while (count > 400 * round)
            take(next_random() % count);
        assert_same();
        for (size_t i = 0; i < count; i++)
            assert_found(i);
    }
    take_all();
}

static void entries_may_come_and_go_in_order_or_against_it(void **state)
{
    char key[64];

    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        for (unsigned i = 0; i < ENTRIES; i++) {
            snprintf(key, sizeof(key), "key-%08u", way % 2 == 0 ? i : ENTRIES - i);
            put(make(key, i));
        }
        assert_same();
        for (size_t i = 0; i < count; i += 97)
            assert_found(i);
        for (unsigned i = 0; i < ENTRIES; i++) {
            m4h_order_remove(&order, sorted[way < 2 ? i : ENTRIES - 1 - i]);
            m4h_entry_destroy(sorted[way < 2 ? i : ENTRIES - 1 - i]);
        }
        count = 0;
        assert_same();
    }
}

static void what_is_between_is_sought_as_well(void **state)
{
    struct m4h_order_cursor cursor = m4h_order_seek(&order, "a", true);
    char key[64];

    (void)state;
    assert_null(m4h_order_at(&cursor));
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "long-common-part-%04u", 2 * i);
        put(make(key, 1));
    }
    assert_same();
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "long-common-part-%04u", 2 * i + 1);
        cursor = m4h_order_seek(&order, key, i % 2 == 0);
        assert_ptr_equal(m4h_order_at(&cursor), i + 1 < count ? sorted[i + 1] : NULL);
    }
    cursor = m4h_order_seek(&order, "long", true);
    assert_ptr_equal(m4h_order_at(&cursor), sorted[0]);
    cursor = m4h_order_seek(&order, "longer", true);
    assert_null(m4h_order_at(&cursor));
    cursor = m4h_order_seek(&order, "long-common-part-0", false);
    assert_ptr_equal(m4h_order_at(&cursor), sorted[0]);
    take_all();
}

static void an_entry_may_be_replaced_by_another_of_its_client_key(void **state)
{
    char key[64];

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "key-%u", i);
        put(make(key, next_random()));
    }
    for (size_t i = 0; i < count; i++) {
        struct m4h_entry *heir = make(m4h_entry_client_key(sorted[i]), next_random());

        m4h_order_replace(&order, sorted[i], heir);
        m4h_entry_destroy(sorted[i]);
        sorted[i] = heir;
    }
    assert_same();
    for (size_t i = 0; i < count; i++)
        assert_found(i);
    take_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_a_sorted_array_would_be),
        cmocka_unit_test(entries_may_come_and_go_in_order_or_against_it),
        cmocka_unit_test(what_is_between_is_sought_as_well),
        cmocka_unit_test(an_entry_may_be_replaced_by_another_of_its_client_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
