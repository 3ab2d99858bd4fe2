/* A table by name grows a little with each name, and never at once. */
#include "services/master/core/name_table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A hundred times what the table holds at first. */
#define THINGS 100000u

struct thing {
    struct m4h_name_link link;
    char name[16];
};

static struct m4h_name_table table;
static struct thing *things;

static const char *name_of(const struct m4h_name_link *link)
{
    return ((const struct thing *)(const void *)link)->name;
}

static int begin(void **state)
{
    (void)state;
    things = calloc(THINGS, sizeof(*things));
    assert_non_null(things);
    for (unsigned i = 0; i < THINGS; i++)
        snprintf(things[i].name, sizeof(things[i].name), "device-%u", i);
    return m4h_name_table_init(&table, name_of, 7);
}

static int end(void **state)
{
    (void)state;
    m4h_name_table_free(&table);
    free(things);
    return 0;
}

/* Returns how many others were looked at in all; `*most`: by one call. */
static size_t add_all(size_t *most)
{
    size_t sum = 0;

    *most = 0;
    for (unsigned i = 0; i < THINGS; i++) {
        size_t looked_at = m4h_name_table_add(&table, &things[i].link);

        sum += looked_at;
        if (looked_at > *most)
            *most = looked_at;
    }
    return sum;
}

static void assert_in(unsigned first, unsigned after, bool is_in)
{
    for (unsigned i = first; i < after; i++) {
        const struct m4h_name_link *found = *m4h_name_table_find(&table, things[i].name);

        if (found != (is_in ? &things[i].link : NULL))
            fail_msg("%s is %s", things[i].name, found == NULL ? "not found" : "there");
    }
}

static void no_name_moves_more_than_a_handful_of_others(void **state)
{
    size_t sum, most;

    (void)state;
    sum = add_all(&most);
    assert_int_equal(table.count, THINGS);
    assert_int_equal(table.buckets, THINGS); /* so chains stay short */
    assert_in_range(most, 1, 20);
    assert_in_range(sum, THINGS / 2, 2 * THINGS);
    assert_in(0, THINGS, true);
}

static void what_was_taken_out_is_not_found_and_the_rest_is(void **state)
{
    size_t most;

    (void)state;
    add_all(&most);
    for (unsigned i = 0; i < THINGS / 2; i++)
        m4h_name_table_remove(&table, &things[i].link);
    assert_int_equal(table.count, THINGS - THINGS / 2);
    assert_in(0, THINGS / 2, false);
    assert_in(THINGS / 2, THINGS, true);
}

/* Room that was made once is used again. */
static void names_that_come_and_go_take_no_more_room(void **state)
{
    (void)state;
    for (unsigned i = 0; i < THINGS; i++) {
        assert_int_equal(m4h_name_table_add(&table, &things[i].link), 0);
        if (i >= 500)
            m4h_name_table_remove(&table, &things[i - 500].link);
    }
    assert_int_equal(table.count, 500);
    assert_int_equal(table.buckets, M4H_NAME_TABLE_PIECE);
}

static void two_of_one_name_are_one_name_until_both_are_gone(void **state)
{
    struct m4h_name_link **first;

    (void)state;
    memcpy(things[1].name, things[0].name, sizeof(things[1].name));
    m4h_name_table_add(&table, &things[0].link);
    first = m4h_name_table_find(&table, things[0].name);
    things[1].link.next = *first;
    *first = &things[1].link;
    m4h_name_table_remove(&table, &things[1].link);
    assert_int_equal(table.count, 1);
    assert_in(0, 1, true);
    m4h_name_table_remove(&table, &things[0].link);
    assert_int_equal(table.count, 0);
    assert_in(0, 1, false);
}

static void each_is_taken_out_once_at_the_end(void **state)
{
    size_t from = 0, count = 0, most;

    (void)state;
    add_all(&most);
    while (m4h_name_table_take_any(&table, &from) != NULL)
        count++;
    assert_int_equal(count, THINGS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_name_moves_more_than_a_handful_of_others),
        TEST(what_was_taken_out_is_not_found_and_the_rest_is),
        TEST(names_that_come_and_go_take_no_more_room),
        TEST(two_of_one_name_are_one_name_until_both_are_gone),
        TEST(each_is_taken_out_once_at_the_end),
    };

    return cmocka_run_group_tests_name("master: a table by name", tests, NULL, NULL);
}
