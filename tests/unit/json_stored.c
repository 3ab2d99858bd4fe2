#include "lib/base/error.h"
#include "lib/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_buffer out = M4H_BUFFER_INIT(4096);
static struct m4h_json_stored stored;

static int empty(void **state)
{
    (void)state;
    m4h_buffer_free(&out);
    out.cap = 4096;
    return 0;
}

static int parse(const char *text)
{
    return m4h_json_stored_parse((const uint8_t *)text, strlen(text), &stored, &out);
}

static void a_consumer_begins_at_its_number_and_keeps_nothing(void **state)
{
    const struct m4h_json_consumer consumer = {"S", "c-1", "_INBOX.x", 7, 2000, 30000};

    (void)state;
    assert_int_equal(m4h_json_consumer(&out, &consumer), 0);
    assert_int_equal(m4h_buffer_add(&out, "", 1), 0);
    assert_string_equal(
        (const char *)out.data,
        "{\"stream_name\":\"S\",\"config\":{\"name\":\"c-1\",\"deliver_subject\":\"_INBOX.x\","
        "\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":7,\"ack_policy\":\"none\","
        "\"replay_policy\":\"instant\",\"flow_control\":true,\"idle_heartbeat\":2000000000,"
        "\"inactive_threshold\":30000000000,\"mem_storage\":true,\"num_replicas\":1}}");
}

static void a_message_has_its_number_subject_and_bytes(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"type\":\"x\",\"message\":{\"subject\":\"a.b\",\"seq\":7,"
                           "\"hdrs\":\"TkFUUw==\",\"data\":\"YWIA\"}}"),
                     0);
    assert_int_equal(stored.seq, 7);
    assert_string_equal(stored.subject, "a.b");
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "ab\0", 3);
}

static void a_message_may_be_empty(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"message\":{\"subject\":\"a\",\"seq\":1}}"), 0);
    assert_int_equal(out.len, 0);
}

static void what_is_not_there_is_told_from_what_cannot_be_said_now(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"error\":{\"code\":404,\"err_code\":10037}}"), M4H_ENOTFOUND);
    assert_int_equal(parse("{\"error\":{\"code\":503,\"err_code\":10008}}"), M4H_EUNAVAILABLE);
}

static void what_is_no_message_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"message\":7}",
        "{\"message\":{\"seq\":7}}",
        "{\"message\":{\"subject\":\"a\"}}",
        "{\"message\":{\"subject\":\"a\",\"seq\":-7}}",
        "{\"message\":{\"subject\":\"a\",\"seq\":\"7\"}}",
        "{\"message\":{\"subject\":\"a\",\"seq\":7,\"data\":\"=\"}}",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        assert_int_not_equal(parse(wrong[i]), 0);
        assert_int_equal(out.len, 0);
    }
    out.cap = 2;
    assert_int_equal(parse("{\"message\":{\"subject\":\"a\",\"seq\":7,\"data\":\"YWIA\"}}"),
                     M4H_ETOOBIG);
}

static void a_streams_state_has_its_first_and_last_number(void **state)
{
    static const char there[] = "{\"config\":{},\"state\":{\"first_seq\":3,\"last_seq\":9}}";
    static const char gone[] = "{\"error\":{\"code\":404,\"err_code\":10059}}";
    uint64_t first_seq, last_seq;

    (void)state;
    assert_int_equal(m4h_json_stream_state_parse((const uint8_t *)there, sizeof(there) - 1,
                                                 &first_seq, &last_seq),
                     0);
    assert_int_equal(first_seq, 3);
    assert_int_equal(last_seq, 9);
    assert_int_equal(
        m4h_json_stream_state_parse((const uint8_t *)gone, sizeof(gone) - 1, &first_seq, &last_seq),
        M4H_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_consumer_begins_at_its_number_and_keeps_nothing, empty),
        cmocka_unit_test_teardown(a_message_has_its_number_subject_and_bytes, empty),
        cmocka_unit_test_teardown(a_message_may_be_empty, empty),
        cmocka_unit_test_teardown(what_is_not_there_is_told_from_what_cannot_be_said_now, empty),
        cmocka_unit_test_teardown(what_is_no_message_is_refused, empty),
        cmocka_unit_test_teardown(a_streams_state_has_its_first_and_last_number, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
