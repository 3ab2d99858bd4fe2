/* A record that is made of a line of authorized_keys. */
#include "services/master/core/device_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define KEY                                                                                        \
    "ssh-ed25519 "                                                                                 \
    "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"

static struct m4h_device_record made;
static struct m4h_problem problem;

static bool make(const char *line)
{
    memset(&made, 0, sizeof(made));
    memset(&problem, 0, sizeof(problem));
    return m4h_device_line_read(line, &made, &problem);
}

static void a_device_gets_what_its_line_says(void **state)
{
    (void)state;
    assert_true(make("client-key=\"pump-1\",labels=\"site=b,floor=2\",port=\"20022\",region=\"eu\","
                     "expiry-time=\"20300131120000Z\",max-channels=\"4\" " KEY " by the river"));
    assert_string_equal(made.client_key, "pump-1");
    assert_string_equal(made.labels, "floor=2,site=b");
    assert_int_equal(made.fixed_port, 20022);
    assert_string_equal(made.preferred_region, "eu");
    assert_int_equal(made.expires_wall_ms, 1896091200000);
    assert_int_equal(made.limits.channels_max, 4);
    assert_int_equal(made.public_key_len, 51);
    assert_memory_equal(made.public_key + 4, "ssh-ed25519", 11);
}

static void the_comment_names_a_device_where_no_option_does(void **state)
{
    (void)state;
    assert_true(make(KEY " pump-2"));
    assert_string_equal(made.client_key, "pump-2");
    assert_true(make(KEY));
    assert_string_equal(made.client_key, "");
}

static void an_operator_reaches_what_permitopen_says(void **state)
{
    (void)state;
    assert_true(make("operator=\"alice\",permitopen=\"berlin-*:22\" " KEY " alice@desk"));
    assert_string_equal(made.operator_.name, "alice");
    assert_string_equal(made.client_key, "");
    assert_int_equal(made.operator_.rule_count, 1);
    assert_string_equal(made.operator_.rules[0].client_key_pattern, "berlin-*");
    assert_int_equal(made.operator_.rules[0].ports[0].last, 22);
}

static void what_is_wrong_or_would_get_lost_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *line, *why;
    } bad[] = {
        {"", "no key in the line"},
        {"# " KEY, "no key in the line"},
        {"nonsense", "nonsense is not known"},
        {KEY "AAAA", "damaged"},
        {"what=\"x\" " KEY, "what"},
        {"from=\"10.0.0.0/8\" " KEY " a", "cannot keep option from"},
        {"no-port-forwarding " KEY " a", "no-port-forwarding"},
        {"cert-authority " KEY " a", "ca_keys"},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(bad); i++) {
        assert_false(make(bad[i].line));
        assert_int_equal(problem.code, M4H_PROBLEM_INVALID);
        if (strstr(problem.detail, bad[i].why) == NULL)
            fail_msg("%s: %s", bad[i].line, problem.detail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_gets_what_its_line_says),
        cmocka_unit_test(the_comment_names_a_device_where_no_option_does),
        cmocka_unit_test(an_operator_reaches_what_permitopen_says),
        cmocka_unit_test(what_is_wrong_or_would_get_lost_is_refused_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
