#include "lib/base/error.h"
#include "services/gateway/core/access.h"
#include "services/gateway/core/problem.h"
#include "services/gateway/core/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void each_problem_has_its_status_and_advice(void **state)
{
    static const struct {
        struct m4h_problem problem;
        unsigned status;
        uint32_t retry_ms;
    } cases[] = {
        {{.code = M4H_PROBLEM_INVALID}, 400, 0},
        {{.code = M4H_PROBLEM_INVALID, .retry_after_ms = 5}, 400, 0},
        {{.code = M4H_PROBLEM_NOT_FOUND}, 404, 0},
        {{.code = M4H_PROBLEM_NO_CAPACITY}, 503, 1000},
        {{.code = M4H_PROBLEM_NO_CAPACITY, .retry_after_ms = 70}, 503, 70},
        {{.code = M4H_PROBLEM_THROTTLED, .retry_after_ms = 250}, 429, 250},
        {{.code = M4H_PROBLEM_UNAVAILABLE}, 503, 1000},
        {{.code = M4H_PROBLEM_INTERNAL}, 500, 0},
        {{.code = (enum m4h_problem_code)99}, 500, 0},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        assert_int_equal(m4h_gateway_problem_status(&cases[i].problem), cases[i].status);
        assert_int_equal(m4h_gateway_problem_retry_ms(&cases[i].problem), cases[i].retry_ms);
    }
}

static void a_question_without_an_answer_is_a_problem_that_names_whom(void **state)
{
    static const struct {
        int error;
        enum m4h_problem_code code;
    } cases[] = {
        {M4H_EUNAVAILABLE, M4H_PROBLEM_UNAVAILABLE}, {M4H_ETIMEOUT, M4H_PROBLEM_UNAVAILABLE},
        {M4H_EFULL, M4H_PROBLEM_UNAVAILABLE},        {M4H_ECLOSED, M4H_PROBLEM_UNAVAILABLE},
        {M4H_EPROTOCOL, M4H_PROBLEM_INTERNAL},       {M4H_ENOMEM, M4H_PROBLEM_INTERNAL},
    };
    struct m4h_problem problem;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        m4h_gateway_problem_of_error(&problem, cases[i].error, "slave s7");
        assert_int_equal(problem.code, cases[i].code);
        if (cases[i].error != M4H_ECLOSED)
            assert_non_null(strstr(problem.detail, "slave s7"));
    }
}

static void only_loopback_is_loopback(void **state)
{
    static const char *const yes[] = {"localhost", "127.0.0.1", "127.9.9.9", "::1"};
    static const char *const no[] = {
        "0.0.0.0",         "::",          "10.0.0.1", "128.0.0.1",
        "192.168.1.1",     "example.com", "",         "127.0.0.1.example.com",
        "::ffff:127.0.0.1"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(yes); i++)
        assert_true(m4h_gateway_host_is_loopback(yes[i]));
    for (size_t i = 0; i < M4H_COUNT(no); i++)
        assert_false(m4h_gateway_host_is_loopback(no[i]));
}

static void a_slaves_subject_fits_the_longest_id(void **state)
{
    char id[M4H_ID_MAX + 1], subject[M4H_GATEWAY_SUBJECT_MAX];

    (void)state;
    assert_string_equal(m4h_gateway_slave_subject(subject, "s1", "drain"),
                        "mas4h.v1.slave.s1.drain");
    memset(id, 'a', M4H_ID_MAX);
    id[M4H_ID_MAX] = '\0';
    assert_non_null(strstr(m4h_gateway_slave_subject(subject, id, "drain"), "a.drain"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_problem_has_its_status_and_advice),
        cmocka_unit_test(a_question_without_an_answer_is_a_problem_that_names_whom),
        cmocka_unit_test(only_loopback_is_loopback),
        cmocka_unit_test(a_slaves_subject_fits_the_longest_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
