/* Leases of ports: who has which, since when it is away, and how they come back
 * from text, whole, broken, older or of another range. */
#include "services/slave/core/leases.h"

#include "lib/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WALL_MS 1700000000000u

static struct m4h_leases *leases_of(uint16_t min, uint16_t max)
{
    struct m4h_leases *leases;

    assert_int_equal(m4h_leases_create(&leases, min, max), 0);
    return leases;
}

static void a_port_is_the_last_ones_that_had_it(void **state)
{
    struct m4h_leases *leases = leases_of(30000, 30009);

    (void)state;
    assert_int_equal(m4h_leases_holder(leases, 30003), 0);
    m4h_leases_grant(leases, 30003, 7);
    assert_int_equal(m4h_leases_holder(leases, 30003), 7);
    m4h_leases_grant(leases, 30003, 8);
    assert_int_equal(m4h_leases_holder(leases, 30003), 8);
    assert_int_equal(m4h_leases_next(leases, 7, 0), 0);
    assert_int_equal(m4h_leases_next(leases, 8, 0), 30003);
    m4h_leases_drop(leases, 30003);
    assert_int_equal(m4h_leases_holder(leases, 30003), 0);
    assert_int_equal(m4h_leases_next(leases, 8, 0), 0);
    m4h_leases_destroy(leases);
}

static void who_left_is_away_from_then_on_and_until_it_is_back(void **state)
{
    struct m4h_leases *leases = leases_of(30000, 30009);

    (void)state;
    m4h_leases_leave(leases, 30003, 50);
    assert_int_equal(m4h_leases_away_ms(leases, 30003, 100), 0);
    m4h_leases_grant(leases, 30003, 7);
    assert_int_equal(m4h_leases_away_ms(leases, 30003, 100), 0);
    m4h_leases_leave(leases, 30003, 100);
    assert_int_equal(m4h_leases_away_ms(leases, 30003, 100), 0);
    assert_int_equal(m4h_leases_away_ms(leases, 30003, 175), 75);
    m4h_leases_grant(leases, 30003, 7);
    assert_int_equal(m4h_leases_away_ms(leases, 30003, 200), 0);
    m4h_leases_destroy(leases);
}

/* 3, 19 and 35 meet in one bucket of the sixteen. */
static void the_ports_of_one_device_are_told_from_those_of_its_neighbours(void **state)
{
    struct m4h_leases *leases = leases_of(30000, 30009);
    uint16_t port;

    (void)state;
    m4h_leases_grant(leases, 30009, 3);
    m4h_leases_grant(leases, 30000, 19);
    m4h_leases_grant(leases, 30004, 3);
    m4h_leases_grant(leases, 30001, 35);
    m4h_leases_grant(leases, 30002, 3);
    port = m4h_leases_next(leases, 3, 0);
    assert_int_equal(port, 30009);
    port = m4h_leases_next(leases, 3, port);
    assert_int_equal(port, 30004);
    port = m4h_leases_next(leases, 3, port);
    assert_int_equal(port, 30002);
    assert_int_equal(m4h_leases_next(leases, 3, port), 0);
    assert_int_equal(m4h_leases_next(leases, 35, 0), 30001);
    assert_int_equal(m4h_leases_next(leases, 35, 30001), 0);
    m4h_leases_destroy(leases);
}

static void one_device_keeps_a_handful_of_ports_and_loses_the_oldest(void **state)
{
    struct m4h_leases *leases = leases_of(30000, 30099);
    uint32_t held = 0;

    (void)state;
    for (uint16_t port = 30000; port < 30050; port++) {
        m4h_leases_grant(leases, port, 7);
        m4h_leases_leave(leases, port, port);
    }
    for (uint16_t port = 0; (port = m4h_leases_next(leases, 7, port)) != 0; held++)
        assert_in_range(port, 30050 - M4H_LEASES_OF_ONE_MAX, 30049);
    assert_int_equal(held, M4H_LEASES_OF_ONE_MAX);
    m4h_leases_destroy(leases);
}

static void only_another_holder_is_another_version(void **state)
{
    struct m4h_leases *leases = leases_of(30000, 30009);
    uint64_t version = m4h_leases_version(leases);

    (void)state;
    m4h_leases_grant(leases, 30003, 7);
    assert_int_not_equal(m4h_leases_version(leases), version);
    version = m4h_leases_version(leases);
    m4h_leases_leave(leases, 30003, 5);
    m4h_leases_grant(leases, 30003, 7);
    assert_int_equal(m4h_leases_version(leases), version);
    m4h_leases_drop(leases, 30003);
    assert_int_not_equal(m4h_leases_version(leases), version);
    m4h_leases_destroy(leases);
}

/* ---- text -------------------------------------------------------------------------- */

static struct m4h_buffer text_of(const struct m4h_leases *leases, uint64_t now_ms, uint64_t wall_ms)
{
    struct m4h_buffer text = M4H_BUFFER_INIT(M4H_LEASES_TEXT_MAX);

    assert_int_equal(m4h_leases_write(leases, now_ms, wall_ms, &text), 0);
    return text;
}

static int read_buffer(struct m4h_leases *leases, const struct m4h_buffer *text, uint64_t now_ms,
                       uint64_t wall_ms)
{
    return m4h_leases_read(leases, (const char *)text->data, text->len, now_ms, wall_ms);
}

/* The second process's clock begins anew, and an hour has passed. */
static void they_come_back_from_text_with_their_time_away(void **state)
{
    struct m4h_leases *before = leases_of(30000, 30009);
    struct m4h_leases *after = leases_of(30000, 30009);
    struct m4h_buffer text;

    (void)state;
    m4h_leases_grant(before, 30009, 3);
    m4h_leases_grant(before, 30001, 3);
    m4h_leases_grant(before, 30002, UINT64_MAX);
    m4h_leases_leave(before, 30009, 1000);
    m4h_leases_leave(before, 30001, 2000);
    text = text_of(before, 5000, WALL_MS);
    assert_int_equal(read_buffer(after, &text, 20, WALL_MS + 3600000), 0);
    assert_int_equal(m4h_leases_next(after, 3, 0), 30009);
    assert_int_equal(m4h_leases_next(after, 3, 30009), 30001);
    assert_int_equal(m4h_leases_away_ms(after, 30009, 20), 3604000);
    assert_int_equal(m4h_leases_away_ms(after, 30001, 21), 3603001);
    assert_true(m4h_leases_holder(after, 30002) == UINT64_MAX);
    assert_int_equal(m4h_leases_away_ms(after, 30002, 25), 5); /* was there as it was written */
    m4h_buffer_free(&text);
    m4h_leases_destroy(before);
    m4h_leases_destroy(after);
}

static void a_copy_says_the_same_and_lives_on(void **state)
{
    struct m4h_leases *leases = leases_of(30000, 30009), *copy;
    struct m4h_buffer text, again;

    (void)state;
    m4h_leases_grant(leases, 30009, 3);
    m4h_leases_leave(leases, 30009, 10);
    m4h_leases_grant(leases, 30001, 19);
    assert_int_equal(m4h_leases_copy(&copy, leases), 0);
    assert_int_equal(m4h_leases_version(copy), m4h_leases_version(leases));
    text = text_of(leases, 50, WALL_MS);
    m4h_leases_destroy(leases);
    again = text_of(copy, 50, WALL_MS);
    assert_int_equal(again.len, text.len);
    assert_memory_equal(again.data, text.data, text.len);
    m4h_buffer_free(&text);
    m4h_buffer_free(&again);
    m4h_leases_destroy(copy);
}

static void a_clock_that_went_back_makes_nobody_away_for_ages(void **state)
{
    static const char text[] = "mas4h-leases 1\n30001 0000000000000007 1700000009999\nend 1\n";
    struct m4h_leases *leases = leases_of(30000, 30009);

    (void)state;
    assert_int_equal(m4h_leases_read(leases, text, strlen(text), 50, WALL_MS), 0);
    assert_int_equal(m4h_leases_away_ms(leases, 30001, 60), 10);
    m4h_leases_destroy(leases);
}

static void ports_out_of_the_range_are_left_out(void **state)
{
    struct m4h_leases *before = leases_of(30000, 30009);
    struct m4h_leases *after = leases_of(30005, 30014);
    struct m4h_buffer text;

    (void)state;
    for (uint16_t port = 30000; port <= 30009; port++)
        m4h_leases_grant(before, port, port);
    text = text_of(before, 0, WALL_MS);
    assert_int_equal(read_buffer(after, &text, 0, WALL_MS), 0);
    for (uint16_t port = 30005; port <= 30014; port++)
        assert_int_equal(m4h_leases_holder(after, port), port <= 30009 ? port : 0);
    m4h_buffer_free(&text);
    m4h_leases_destroy(before);
    m4h_leases_destroy(after);
}

static void the_whole_range_fits_into_the_longest_text(void **state)
{
    struct m4h_leases *leases = leases_of(1024, 65535);
    struct m4h_leases *after = leases_of(1024, 65535);
    struct m4h_buffer text;

    (void)state;
    for (uint32_t port = 1024; port <= 65535; port++) {
        m4h_leases_grant(leases, (uint16_t)port, UINT64_MAX - port);
        m4h_leases_leave(leases, (uint16_t)port, 0);
    }
    text = text_of(leases, 0, 999999999999999); /* as late as the text can say */
    assert_int_equal(read_buffer(after, &text, 0, 999999999999999), 0);
    assert_true(m4h_leases_holder(after, 65535) == UINT64_MAX - 65535);
    m4h_buffer_free(&text);
    m4h_leases_destroy(leases);
    m4h_leases_destroy(after);
}

static void a_text_that_is_not_whole_is_refused_and_leaves_none(void **state)
{
    static const char *const texts[] = {
        "",
        "mas4h-leases 2\nend 0\n",
        "mas4h-leases 1\n",
        "mas4h-leases 1\nend 1\n",
        "mas4h-leases 1\nend 0\nmore",
        "mas4h-leases 1\nend 0",
        "mas4h-leases 1\n30001 7 0\nend 2\n",
        "mas4h-leases 1\n30001 7 0\n30001 8 0\nend 2\n",
        "mas4h-leases 1\n30001 0 0\nend 1\n",
        "mas4h-leases 1\n30001 7\nend 1\n",
        "mas4h-leases 1\n30001 7 0 \nend 1\n",
        "mas4h-leases 1\n-3001 7 0\nend 1\n",
        "mas4h-leases 1\n300010 7 0\nend 1\n",
        "mas4h-leases 1\n30001 X 0\nend 1\n",
        "mas4h-leases 1\n30001 00000000000000007 0\nend 1\n",
        "mas4h-leases 1\n30001 7 9999999999999999\nend 1\n",
    };
    struct m4h_leases *leases = leases_of(30000, 30009);

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(texts); i++) {
        m4h_leases_grant(leases, 30002, 9);
        if (m4h_leases_read(leases, texts[i], strlen(texts[i]), 0, WALL_MS) != M4H_EINVALID)
            fail_msg("taken: %s", texts[i]);
        assert_int_equal(m4h_leases_holder(leases, 30001), 0);
        assert_int_equal(m4h_leases_holder(leases, 30002), 0);
    }
    m4h_leases_destroy(leases);
}

/* The file of a machine that lost its power: any beginning, any byte another. */
static void no_cut_and_no_broken_byte_does_harm(void **state)
{
    static const char whole[] = "mas4h-leases 1\n30001 0000000000000007 1700000000000\n"
                                "30002 0000000000000009 0\nend 2\n";
    struct m4h_leases *leases = leases_of(30000, 30009);
    char *text = malloc(sizeof(whole));

    (void)state;
    assert_non_null(text);
    for (size_t len = 0; len < strlen(whole); len++) {
        char *cut = malloc(len > 0 ? len : 1); /* so that a sanitizer sees its end */

        assert_non_null(cut);
        memcpy(cut, whole, len);
        assert_int_equal(m4h_leases_read(leases, cut, len, 0, WALL_MS), M4H_EINVALID);
        free(cut);
    }
    for (size_t i = 0; i < strlen(whole); i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(text, whole, sizeof(whole));
            text[i] = (char)byte;
            (void)!m4h_leases_read(leases, text, strlen(whole), 0, WALL_MS);
        }
    }
    free(text);
    m4h_leases_destroy(leases);
}

static void nothing_is_destroyed_harmlessly(void **state)
{
    (void)state;
    m4h_leases_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_is_the_last_ones_that_had_it),
        cmocka_unit_test(who_left_is_away_from_then_on_and_until_it_is_back),
        cmocka_unit_test(the_ports_of_one_device_are_told_from_those_of_its_neighbours),
        cmocka_unit_test(one_device_keeps_a_handful_of_ports_and_loses_the_oldest),
        cmocka_unit_test(only_another_holder_is_another_version),
        cmocka_unit_test(they_come_back_from_text_with_their_time_away),
        cmocka_unit_test(a_copy_says_the_same_and_lives_on),
        cmocka_unit_test(a_clock_that_went_back_makes_nobody_away_for_ages),
        cmocka_unit_test(ports_out_of_the_range_are_left_out),
        cmocka_unit_test(the_whole_range_fits_into_the_longest_text),
        cmocka_unit_test(a_text_that_is_not_whole_is_refused_and_leaves_none),
        cmocka_unit_test(no_cut_and_no_broken_byte_does_harm),
        cmocka_unit_test(nothing_is_destroyed_harmlessly),
    };

    return cmocka_run_group_tests_name("slave: leases", tests, NULL, NULL);
}
