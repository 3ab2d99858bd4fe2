/* Who was let in by a certificate: noted once, judged again, and bounded. */
#include "services/master/core/certified.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_certified certified;
static unsigned seen;

static void note(unsigned number, const char *certificate)
{
    struct m4h_authorize_request request = {.remote_address = "192.0.2.1:50022"};

    snprintf(request.key_fingerprint, sizeof(request.key_fingerprint), "SHA256:%u", number);
    request.public_key_len = strlen(certificate);
    memcpy(request.public_key, certificate, request.public_key_len);
    m4h_certified_note(&certified, &request);
}

/* Of those with an odd number. */
static bool is_odd(void *context, const struct m4h_authorize_request *request)
{
    (void)context;
    seen++;
    assert_string_equal(request->remote_address, "192.0.2.1:50022");
    return (request->key_fingerprint[strlen(request->key_fingerprint) - 1] & 1) != 0;
}

static bool is_the_second(void *context, const struct m4h_authorize_request *request)
{
    (void)context;
    return request->public_key_len == 6 && memcmp(request->public_key, "second", 6) == 0;
}

static int end(void **state)
{
    (void)state;
    m4h_certified_free(&certified);
    return 0;
}

static void who_is_good_no_more_is_forgotten(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        note(i, "certificate");
    seen = 0;
    m4h_certified_review(&certified, is_odd, NULL);
    assert_int_equal(seen, 10);
    assert_int_equal(m4h_certified_count(&certified), 5);
    m4h_certified_review(&certified, is_odd, NULL);
    assert_int_equal(seen, 15);
}

static void the_last_certificate_of_a_key_counts(void **state)
{
    (void)state;
    note(1, "first");
    note(1, "second");
    m4h_certified_review(&certified, is_the_second, NULL);
    assert_int_equal(m4h_certified_count(&certified), 1);
}

static void beyond_the_bound_the_one_noted_longest_ago_goes(void **state)
{
    (void)state;
    note(0, "first");
    for (unsigned i = 1; i < M4H_CERTIFIED_MAX; i++)
        note(i, "x");
    note(0, "second"); /* noted anew */
    note(M4H_CERTIFIED_MAX, "x");
    assert_int_equal(m4h_certified_count(&certified), M4H_CERTIFIED_MAX);
    m4h_certified_review(&certified, is_the_second, NULL);
    assert_int_equal(m4h_certified_count(&certified), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(who_is_good_no_more_is_forgotten, end),
        cmocka_unit_test_teardown(the_last_certificate_of_a_key_counts, end),
        cmocka_unit_test_teardown(beyond_the_bound_the_one_noted_longest_ago_goes, end),
    };

    return cmocka_run_group_tests_name("master: certified", tests, NULL, NULL);
}
