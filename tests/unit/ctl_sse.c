#include "lib/base/error.h"
#include "services/ctl/core/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

static struct m4h_ctl_sse sse;
static char seen[4096]; /* "event:data;" of each message */
static bool is_enough;

static bool on_message(void *context, const struct m4h_ctl_sse_message *message)
{
    size_t len = strlen(seen);

    (void)context;
    snprintf(seen + len, sizeof(seen) - len, "%s:%s;", message->event, message->data);
    assert_int_equal(message->data_len, strlen(message->data));
    return !is_enough;
}

static int begin(void **state)
{
    (void)state;
    m4h_ctl_sse_begin(&sse, on_message, NULL);
    seen[0] = '\0';
    is_enough = false;
    return 0;
}

static int end(void **state)
{
    (void)state;
    m4h_ctl_sse_end(&sse);
    return 0;
}

static int feed(const char *text)
{
    return m4h_ctl_sse_feed(&sse, (const uint8_t *)text, strlen(text));
}

static void messages_have_a_name_data_and_an_id(void **state)
{
    (void)state;
    assert_int_equal(feed("retry: 2500\nevent: hello\ndata: {}\n\n: heartbeat\n\n"
                          "id: 7\ndata: a\ndata:  b\n\ndata\n\n"),
                     0);
    assert_string_equal(seen, "hello:{};message:a\n b;message:;");
    assert_string_equal(sse.last_id, "7");
    assert_int_equal(sse.retry_ms, 2500);
}

static void it_does_not_matter_how_the_bytes_are_cut_or_how_lines_end(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "event: a\r\ndata: a\r\n\r\ndata: b\r\revent: c\ndata: d\n\n";

    (void)state;
    for (size_t size = 1; size < sizeof(text); size++) {
        begin(NULL);
        for (size_t at = 0; at + 1 < sizeof(text); at += size) {
            size_t len = sizeof(text) - 1 - at;

            assert_int_equal(
                m4h_ctl_sse_feed(&sse, (const uint8_t *)text + at, len < size ? len : size), 0);
        }
        assert_string_equal(seen, "a:a;message:b;c:d;");
        end(NULL);
    }
    begin(NULL);
}

static void what_was_cut_off_by_the_end_of_a_connection_counts_as_never_sent(void **state)
{
    (void)state;
    assert_int_equal(feed("id: 1\ndata: a\n\nid: 2\ndata: half"), 0);
    m4h_ctl_sse_restart(&sse);
    assert_string_equal(sse.last_id, "1");
    assert_int_equal(feed("data: b\n\n"), 0);
    assert_string_equal(seen, "message:a;message:b;");
    assert_string_equal(sse.last_id, "1");
}

static void a_reader_that_has_enough_ends_it(void **state)
{
    (void)state;
    is_enough = true;
    assert_int_equal(feed("data: a\n\ndata: b\n\n"), M4H_ECLOSED);
    assert_string_equal(seen, "message:a;");
}

static void a_message_without_end_is_refused(void **state)
{
    char line[1025];
    int error = 0;

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    for (size_t i = 0; error == 0 && i < 1000; i++)
        error = feed(line);
    assert_int_equal(error, M4H_ETOOBIG);
}

static void fields_that_do_not_fit_are_as_if_not_said(void **state)
{
    char text[1024];

    (void)state;
    snprintf(text, sizeof(text), "id: 5\nevent: %0100d\nid: %0300d\nretry: soon\ndata: a\n\n", 1,
             2);
    assert_int_equal(feed(text), 0);
    assert_string_equal(seen, "message:a;");
    assert_string_equal(sse.last_id, "5");
    assert_int_equal(sse.retry_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_have_a_name_data_and_an_id, begin, end),
        cmocka_unit_test_setup_teardown(it_does_not_matter_how_the_bytes_are_cut_or_how_lines_end,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            what_was_cut_off_by_the_end_of_a_connection_counts_as_never_sent, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_that_has_enough_ends_it, begin, end),
        cmocka_unit_test_setup_teardown(a_message_without_end_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(fields_that_do_not_fit_are_as_if_not_said, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
