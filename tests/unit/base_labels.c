/* lib/base/labels: their one form, what may be in it, and how they are compared. */
#include "lib/base/labels.h"

#include "lib/base/error.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_is_written_comes_out_in_one_form(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"  ", ""},
        {"a=1", "a=1"},
        {"b=2, a=1", "a=1,b=2"},
        {" c=3 ,b=2,a=1 ", "a=1,b=2,c=3"},
        {"b=2,c=3,a=1", "a=1,b=2,c=3"},
        {"a-b=1,a=2", "a=2,a-b=1"}, /* by name, not by text */
        {"a=", "a="},
        {"site=Berlin.Mitte_2-x", "site=Berlin.Mitte_2-x"},
    };
    char out[M4H_LABELS_TEXT_MAX + 1];

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        assert_int_equal(m4h_labels_normalize(cases[i][0], out), 0);
        assert_string_equal(out, cases[i][1]);
        assert_int_equal(m4h_labels_normalize(cases[i][1], out), 0);
        assert_string_equal(out, cases[i][1]);
    }
}

static void what_may_not_be_is_refused(void **state)
{
    static const struct {
        const char *text;
        int error;
    } cases[] = {
        {"a", M4H_EINVALID},
        {"=1", M4H_EINVALID},
        {"a=1,", M4H_EINVALID},
        {",a=1", M4H_EINVALID},
        {"a=1,,b=2", M4H_EINVALID},
        {"A=1", M4H_EINVALID},
        {"-a=1", M4H_EINVALID},
        {"a.=1", M4H_EINVALID},
        {"a b=1", M4H_EINVALID},
        {"a =1", M4H_EINVALID},
        {"a=b=c", M4H_EINVALID},
        {"a=\xc3\xa9", M4H_EINVALID},
        {"a=1\n", M4H_EINVALID},
        {"a=*", M4H_EINVALID},
        {"a=1,b=2,a=3", M4H_EEXIST},
        {"a=1,a=1", M4H_EEXIST},
        {"0123456789012345678901234567890123456789012345678901234567890123=1", M4H_EINVALID},
        {"a=0123456789012345678901234567890123456789012345678901234567890123", M4H_EINVALID},
        {"a=,b=,c=,d=,e=,f=,g=,h=,i=,j=,k=,l=,m=,n=,o=,p=,q=", M4H_ETOOBIG},
    };
    char out[M4H_LABELS_TEXT_MAX + 1];

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        int error = m4h_labels_normalize(cases[i].text, out);

        if (error != cases[i].error)
            fail_msg("\"%s\": %d", cases[i].text, error);
        assert_string_equal(out, "");
    }
}

static void the_text_is_filled_to_its_last_byte(void **state)
{
    char labels[M4H_LABELS_TEXT_MAX + 1] = "", value[M4H_LABEL_VALUE_MAX + 1], before[256];

    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (char name[] = "d"; name[0] > 'a'; name[0]--) /* 3 of 65 bytes, and 2 commas */
        assert_int_equal(m4h_labels_add(labels, name, value), 0);
    assert_int_equal(strlen(labels), 197);
    memcpy(before, labels, sizeof(labels));
    value[56] = '\0';
    assert_int_equal(m4h_labels_add(labels, "a", value), M4H_ETOOBIG);
    assert_string_equal(labels, before);
    value[55] = '\0';
    assert_int_equal(m4h_labels_add(labels, "a", value), 0);
    assert_int_equal(strlen(labels), M4H_LABELS_TEXT_MAX);
    assert_int_equal(labels[0], 'a');
}

static void all_that_are_wanted_must_be_there(void **state)
{
    static const struct {
        const char *labels, *wanted;
        bool match;
    } cases[] = {
        {"", "", true},
        {"a=1", "", true},
        {"", "a=1", false},
        {"a=1,b=2,c=3", "b=2", true},
        {"a=1,b=2,c=3", "a=1,c=3", true},
        {"a=1,b=2,c=3", "a=1,d=4", false},
        {"a=1,b=2,c=3", "b=3", false},
        {"a=1,b=22", "b=2", false},
        {"ab=1", "b=1", false},
        {"a=1,a-b=2", "a-b=2", true},
        {"a=", "a=", true},
        {"a=x", "a=", false},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        if (m4h_labels_match(cases[i].labels, cases[i].wanted) != cases[i].match)
            fail_msg("\"%s\" of \"%s\"", cases[i].wanted, cases[i].labels);
    }
}

static void they_are_read_one_by_one(void **state)
{
    const char *at = "a=1,b=,c=3";
    struct m4h_label label;

    (void)state;
    at = m4h_labels_next(at, &label);
    assert_non_null(at);
    assert_string_equal(label.name, "a");
    assert_string_equal(label.value, "1");
    at = m4h_labels_next(at, &label);
    assert_non_null(at);
    assert_string_equal(label.name, "b");
    assert_string_equal(label.value, "");
    at = m4h_labels_next(at, &label);
    assert_non_null(at);
    assert_string_equal(label.value, "3");
    assert_null(m4h_labels_next(at, &label));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_comes_out_in_one_form),
        cmocka_unit_test(what_may_not_be_is_refused),
        cmocka_unit_test(the_text_is_filled_to_its_last_byte),
        cmocka_unit_test(all_that_are_wanted_must_be_there),
        cmocka_unit_test(they_are_read_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
