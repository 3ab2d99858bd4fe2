/* lib/bus/acknowledgement: what JetStream says of a message. */
#include "lib/base/attributes.h"
#include "lib/base/error.h"
#include "lib/bus/acknowledgement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static enum m4h_acknowledgement of(const char *answer)
{
    return m4h_acknowledgement_read(0, (const uint8_t *)answer, strlen(answer));
}

static void a_stream_and_a_number_is_stored(void **state)
{
    (void)state;
    assert_int_equal(of("{\"stream\":\"MAS4H_EVENTS\", \"seq\":7}"), M4H_ACKNOWLEDGEMENT_STORED);
    assert_int_equal(of("{\"stream\":\"MAS4H_EVENTS\", \"seq\":7,\"duplicate\": true}"),
                     M4H_ACKNOWLEDGEMENT_STORED);
}

static void an_error_is_for_ever_or_not(void **state)
{
    (void)state;
    assert_int_equal(of("{\"error\":{\"code\":400},\"stream\":\"S\",\"seq\":0}"),
                     M4H_ACKNOWLEDGEMENT_REFUSED);
    assert_int_equal(of("{\"error\":{\"code\":503},\"stream\":\"S\",\"seq\":0}"),
                     M4H_ACKNOWLEDGEMENT_FAILED);
}

static void what_is_no_answer_of_a_stream_failed(void **state)
{
    (void)state;
    assert_int_equal(of(""), M4H_ACKNOWLEDGEMENT_FAILED);
    assert_int_equal(of("+OK"), M4H_ACKNOWLEDGEMENT_FAILED);
    assert_int_equal(m4h_acknowledgement_read(M4H_EUNAVAILABLE, NULL, 0),
                     M4H_ACKNOWLEDGEMENT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_and_a_number_is_stored),
        cmocka_unit_test(an_error_is_for_ever_or_not),
        cmocka_unit_test(what_is_no_answer_of_a_stream_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
