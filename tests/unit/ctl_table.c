#include "lib/base/attributes.h"
#include "services/ctl/core/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct m4h_ctl_column columns[] = {{"NAME", false}, {"COUNT", true}, {"LAST", false}};

static struct m4h_ctl_table table;
static struct m4h_ctl_page page;

static int begin(void **state)
{
    (void)state;
    m4h_ctl_page_begin(&page, false);
    m4h_ctl_table_begin(&table, columns, M4H_COUNT(columns));
    return 0;
}

static int end(void **state)
{
    (void)state;
    m4h_ctl_table_end(&table);
    m4h_ctl_page_end(&page);
    return 0;
}

static void add_row(const char *name, int count, const char *last)
{
    m4h_ctl_table_cell(&table, M4H_CTL_GOOD, "%s", name);
    m4h_ctl_table_cell(&table, M4H_CTL_PLAIN, "%d", count);
    m4h_ctl_table_cell(&table, M4H_CTL_PLAIN, "%s", last);
}

static void expect(const char *text)
{
    assert_int_equal(page.error, 0);
    assert_int_equal(m4h_buffer_add(&page.text, "", 1), 0);
    assert_string_equal((char *)page.text.data, text);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    add_row("a", 1, "x");
    add_row("longer", 123456, "y");
    m4h_ctl_table_write(&table, &page);
    expect("NAME     COUNT  LAST\n"
           "a            1  x\n"
           "longer  123456  y\n");
}

static void a_second_part_has_no_titles_and_keeps_the_widths(void **state)
{
    (void)state;
    add_row("longer", 1, "x");
    m4h_ctl_table_write(&table, &page);
    m4h_buffer_clear(&page.text);
    add_row("b", 2, "y");
    m4h_ctl_table_write(&table, &page);
    expect("b           2  y\n");
}

static void characters_count_not_bytes(void **state)
{
    (void)state;
    add_row("Tür-7", 1, "x");
    add_row("door-8", 2, "y");
    m4h_ctl_table_write(&table, &page);
    expect("NAME    COUNT  LAST\n"
           "Tür-7       1  x\n"
           "door-8      2  y\n");
}

static void colors_do_not_move_columns(void **state)
{
    (void)state;
    page.is_colored = true;
    add_row("a", 1, "x");
    m4h_ctl_table_write(&table, &page);
    expect("\x1b[1mNAME\x1b[0m  \x1b[1mCOUNT\x1b[0m  \x1b[1mLAST\x1b[0m\n"
           "\x1b[32ma\x1b[0m         1  x\n");
}

static void an_endless_cell_is_cut_between_characters(void **state)
{
    char name[401];
    size_t len;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(name); i += 2)
        memcpy(name + i, "ü", 2);
    name[400] = '\0';
    add_row(name, 1, "x");
    m4h_ctl_table_write(&table, &page);
    assert_int_equal(page.error, 0);
    len = page.text.len;
    assert_true(len < 400);
    assert_int_equal(m4h_buffer_add(&page.text, "", 1), 0);
    assert_non_null(strstr((char *)page.text.data, "üü~ "));
}

static void an_empty_list_shows_its_titles(void **state)
{
    (void)state;
    m4h_ctl_table_write(&table, &page);
    expect("NAME  COUNT  LAST\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(columns_are_as_wide_as_their_widest_cell, begin, end),
        cmocka_unit_test_setup_teardown(a_second_part_has_no_titles_and_keeps_the_widths, begin,
                                        end),
        cmocka_unit_test_setup_teardown(characters_count_not_bytes, begin, end),
        cmocka_unit_test_setup_teardown(colors_do_not_move_columns, begin, end),
        cmocka_unit_test_setup_teardown(an_endless_cell_is_cut_between_characters, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_list_shows_its_titles, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
