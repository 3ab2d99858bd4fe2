/* Keys that were denied a moment ago, and again. */
#include "services/slave/core/denials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_denials denials;

static int begin(void **state)
{
    (void)state;
    denials = (struct m4h_denials){0};
    return 0;
}

static void the_first_denial_is_not_kept_and_the_next_one_is_for_a_moment(void **state)
{
    (void)state;
    m4h_denials_note(&denials, "SHA256:a", "no", 2000, 10000);
    assert_null(m4h_denials_find(&denials, "SHA256:a", 10001));
    m4h_denials_note(&denials, "SHA256:a", "still no", 2000, 11000);
    assert_string_equal(m4h_denials_find(&denials, "SHA256:a", 12999), "still no");
    assert_null(m4h_denials_find(&denials, "SHA256:b", 12999));
    assert_null(m4h_denials_find(&denials, "SHA256:a", 13000));
}

static void one_that_comes_back_later_begins_anew(void **state)
{
    (void)state;
    m4h_denials_note(&denials, "SHA256:a", "no", 2000, 10000);
    m4h_denials_note(&denials, "SHA256:a", "no", 2000, 12000);
    assert_null(m4h_denials_find(&denials, "SHA256:a", 12001));
}

static void it_is_kept_no_longer_than_a_master_says_nor_than_a_moment(void **state)
{
    static const struct {
        uint32_t valid_for_ms;
        uint64_t kept_ms;
    } cases[] = {{0, 0}, {500, 500}, {2000, 2000}, {60000, 2000}};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        denials = (struct m4h_denials){0};
        m4h_denials_note(&denials, "SHA256:a", "no", cases[i].valid_for_ms, 10000);
        m4h_denials_note(&denials, "SHA256:a", "no", cases[i].valid_for_ms, 10000);
        if (cases[i].kept_ms > 0)
            assert_non_null(m4h_denials_find(&denials, "SHA256:a", 9999 + cases[i].kept_ms));
        assert_null(m4h_denials_find(&denials, "SHA256:a", 10000 + cases[i].kept_ms));
    }
}

static void any_number_of_keys_fit_and_none_is_taken_for_another(void **state)
{
    char fingerprint[M4H_FINGERPRINT_MAX + 1];
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(fingerprint, sizeof(fingerprint), "SHA256:%u", i);
        assert_null(m4h_denials_find(&denials, fingerprint, 10000));
        m4h_denials_note(&denials, fingerprint, fingerprint, 2000, 10000);
        m4h_denials_note(&denials, fingerprint, fingerprint, 2000, 10000);
    }
    for (unsigned i = 0; i < 10000; i++) {
        const char *detail;

        snprintf(fingerprint, sizeof(fingerprint), "SHA256:%u", i);
        detail = m4h_denials_find(&denials, fingerprint, 10000);
        if (detail != NULL)
            assert_string_equal(detail, fingerprint);
        found += detail != NULL;
    }
    assert_in_range(found, 500, M4H_DENIALS_PLACES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_denial_is_not_kept_and_the_next_one_is_for_a_moment,
                               begin),
        cmocka_unit_test_setup(one_that_comes_back_later_begins_anew, begin),
        cmocka_unit_test_setup(it_is_kept_no_longer_than_a_master_says_nor_than_a_moment, begin),
        cmocka_unit_test_setup(any_number_of_keys_fit_and_none_is_taken_for_another, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
