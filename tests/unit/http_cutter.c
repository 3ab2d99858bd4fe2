#include "lib/http/cutter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Heads in each form of a length, with and without a mask. */
static const struct {
    const char *head;
    size_t head_len;
    uint64_t payload_len;
} forms[] = {
    {"\x81\x85mask", 6, 5},
    {"\x81\x80mask", 6, 0},
    {"\x81\x05", 2, 5},
    {"\x82\xfe\x01\x2cmask", 8, 300},
    {"\x82\x7e\x01\x2c", 4, 300},
    {"\x00\xff\0\0\0\0\0\x01\0\0mask", 14, 65536},
    {"\x00\x7f\0\0\0\0\0\x01\0\0", 10, 65536},
};

static size_t write_frame(uint8_t *out, size_t form)
{
    memcpy(out, forms[form].head, forms[form].head_len);
    memset(out + forms[form].head_len, 0x88, (size_t)forms[form].payload_len);
    return forms[form].head_len + (size_t)forms[form].payload_len;
}

static void a_frame_is_taken_to_its_end_and_no_further(void **state)
{
    uint8_t *data = malloc(2 * 70000);

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct m4h_cutter cutter = {0};
        size_t len = write_frame(data, i);

        memset(data + len, 0x81, 100);
        assert_int_equal(m4h_cutter_take(&cutter, data, len + 100), len);
        assert_true(m4h_cutter_is_between(&cutter));
    }
    free(data);
}

static void it_may_come_in_pieces_of_any_size(void **state)
{
    uint8_t *data = malloc(70000);

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t len = write_frame(data, i);

        for (size_t size = 1; size < 16; size++) {
            struct m4h_cutter cutter = {0};
            size_t taken = 0;

            while (taken < len) {
                size_t piece = len - taken < size ? len - taken : size;

                assert_int_equal(m4h_cutter_take(&cutter, data + taken, piece), piece);
                taken += piece;
                assert_int_equal(m4h_cutter_is_between(&cutter), taken == len);
            }
        }
    }
    free(data);
}

static void the_length_of_a_message_is_known_with_the_head(void **state)
{
    struct m4h_cutter cutter = {0};

    (void)state;
    m4h_cutter_take(&cutter, (const uint8_t *)"\x82\xfe\x01\x2cmas", 7);
    assert_int_equal(m4h_cutter_data_len(&cutter), 0);
    m4h_cutter_take(&cutter, (const uint8_t *)"k", 1);
    assert_int_equal(m4h_cutter_data_len(&cutter), 300);
    cutter = (struct m4h_cutter){0};
    m4h_cutter_take(&cutter, (const uint8_t *)"\x89\xfe\x01\x2cmask", 8);
    assert_int_equal(m4h_cutter_data_len(&cutter), 0);
}

static void the_longest_length_of_all_ends_nowhere(void **state)
{
    struct m4h_cutter cutter = {0};
    uint8_t data[100] = {0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    (void)state;
    assert_int_equal(m4h_cutter_take(&cutter, data, sizeof(data)), sizeof(data));
    assert_false(m4h_cutter_is_between(&cutter));
    assert_true(m4h_cutter_data_len(&cutter) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_taken_to_its_end_and_no_further),
        cmocka_unit_test(it_may_come_in_pieces_of_any_size),
        cmocka_unit_test(the_length_of_a_message_is_known_with_the_head),
        cmocka_unit_test(the_longest_length_of_all_ends_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
