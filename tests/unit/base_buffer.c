/* lib/base/buffer: it grows up to its cap and no further. */
#include "lib/base/buffer.h"

#include "lib/base/error.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_is_added_comes_out_in_order(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(1024);

    (void)state;
    assert_int_equal(m4h_buffer_add(&buffer, "abc", 3), 0);
    assert_int_equal(m4h_buffer_printf(&buffer, "%d-%s", 42, "x"), 0);
    assert_int_equal(buffer.len, 7);
    assert_memory_equal(buffer.data, "abc42-x", 7);
    m4h_buffer_consume(&buffer, 3);
    assert_memory_equal(buffer.data, "42-x", 4);
    m4h_buffer_consume(&buffer, 4);
    assert_int_equal(buffer.len, 0);
    m4h_buffer_free(&buffer);
}

static void nothing_can_be_added_to_an_empty_one(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(0);

    (void)state;
    assert_int_equal(m4h_buffer_add(&buffer, NULL, 0), 0);
    assert_int_equal(m4h_buffer_add(&buffer, "a", 1), M4H_ETOOBIG);
    m4h_buffer_consume(&buffer, 0);
    m4h_buffer_clear(&buffer);
    m4h_buffer_free(&buffer);
    m4h_buffer_free(&buffer);
}

static void it_fills_to_its_cap_and_no_further(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(1000);
    char byte = 0;

    (void)state;
    for (size_t i = 0; i < 1000; i++, byte++)
        assert_int_equal(m4h_buffer_add(&buffer, &byte, 1), 0);
    assert_int_equal(m4h_buffer_add(&buffer, &byte, 1), M4H_ETOOBIG);
    assert_null(m4h_buffer_room(&buffer, 1));
    assert_int_equal(buffer.len, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(buffer.data[i], i & 0xff);
    m4h_buffer_free(&buffer);
}

static void text_fills_to_the_cap_and_no_further(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(5);

    (void)state;
    assert_int_equal(m4h_buffer_printf(&buffer, "%s", "abcdef"), M4H_ETOOBIG);
    assert_int_equal(buffer.len, 0);
    assert_int_equal(m4h_buffer_printf(&buffer, "%s", "abcde"), 0);
    assert_memory_equal(buffer.data, "abcde", 5);
    assert_int_equal(m4h_buffer_printf(&buffer, "%s", ""), 0);
    assert_int_equal(m4h_buffer_printf(&buffer, "x"), M4H_ETOOBIG);
    m4h_buffer_free(&buffer);
}

static void lengths_near_the_largest_do_not_wrap(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(100);

    (void)state;
    assert_int_equal(m4h_buffer_add(&buffer, "0123456789", 10), 0);
    assert_int_equal(m4h_buffer_add(&buffer, "", SIZE_MAX), M4H_ETOOBIG);
    assert_null(m4h_buffer_room(&buffer, SIZE_MAX - 5));
    assert_int_equal(buffer.len, 10);
    m4h_buffer_free(&buffer);
}

static void room_counts_only_what_was_written(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(4096);
    uint8_t *room = m4h_buffer_room(&buffer, 3000);

    (void)state;
    assert_non_null(room);
    memcpy(room, "hello", 5);
    m4h_buffer_added(&buffer, 5);
    assert_int_equal(buffer.len, 5);
    m4h_buffer_clear(&buffer);
    assert_true(buffer.allocated >= 3000);
    m4h_buffer_free(&buffer);
    assert_null(buffer.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_comes_out_in_order),
        cmocka_unit_test(nothing_can_be_added_to_an_empty_one),
        cmocka_unit_test(it_fills_to_its_cap_and_no_further),
        cmocka_unit_test(text_fills_to_the_cap_and_no_further),
        cmocka_unit_test(lengths_near_the_largest_do_not_wrap),
        cmocka_unit_test(room_counts_only_what_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
