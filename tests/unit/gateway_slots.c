#include "lib/base/log.h"
#include "lib/wire/wire.h"
#include "tests/unit/gateway_fixture.h"
#include "tests/unit/websocket_client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT 65536

static struct gateway_fixture fixture;
static char text[TEXT];

static int start(void **state)
{
    (void)state;
    gateway_fixture_start(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gateway_fixture_stop(&fixture);
    return 0;
}

static int dial(void)
{
    return websocket_dial(&fixture.http, "/v1/slots");
}

static void ask(int fd, const char *message)
{
    websocket_send_text(fd, FIN | TEXT_FRAME, message);
}

/* Reads the next message into `text`, which holds `part`. */
static void expect(int fd, const char *part)
{
    size_t len;

    assert_int_equal(websocket_read(fd, (uint8_t *)text, TEXT - 1, &len), FIN | TEXT_FRAME);
    text[len] = '\0';
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in: %s", part, text);
}

static void a_request_is_answered_by_a_slot_with_its_id(void **state)
{
    int fd = dial();

    (void)state;
    ask(fd, "{\"request_id\": \"1\", \"region\": \"eu\"}");
    expect(fd, "{\"request_id\":\"1\",\"slot\":{\"slave_id\":\"slave-1\"");
    assert_non_null(strstr(gateway_fixture_asked(&fixture)->dispatch.request_id, "/1"));
    close(fd);
}

static void answers_come_in_order_of_completion(void **state)
{
    int fd = dial();

    (void)state;
    ask(fd, "{\"request_id\": \"first\", \"region\": \"later\"}");
    ask(fd, "{\"request_id\": \"second\", \"region\": \"eu\"}");
    expect(fd, "{\"request_id\":\"second\",\"slot\"");
    expect(fd, "{\"request_id\":\"first\",\"slot\"");
    close(fd);
}

static void what_is_wrong_is_answered_by_an_error(void **state)
{
    int fd = dial();

    (void)state;
    ask(fd, "{\"request_id\": \"1\", \"region\": \"full\"}");
    expect(fd, "{\"request_id\":\"1\",\"error\":{\"type\":\"urn:mas4h:problem:no_capacity\"");
    assert_non_null(strstr(text, "\"status\":503"));
    assert_non_null(strstr(text, "\"retry_after_ms\":2500"));
    ask(fd, "{\"request_id\": \"2\", \"region\": 1}");
    expect(fd, "{\"request_id\":\"2\",\"error\":{");
    assert_non_null(strstr(text, "\"status\":400"));
    ask(fd, "not JSON");
    expect(fd, "{\"request_id\":\"\",\"error\":{");
    ask(fd, "{\"request_id\": \"3\"}");
    expect(fd, "{\"request_id\":\"3\",\"slot\"");
    close(fd);
}

static void publish_drain(void *context)
{
    struct gateway_fixture *played = context;

    assert_int_equal(m4h_bus_publish(played->bus, "mas4h.v1.events.eu.slave-1.drain", M4H_BUS_FRESH,
                                     NULL, (const uint8_t *)"", 0),
                     0);
}

static void a_connection_is_told_once_when_the_slave_of_its_slots_drains(void **state)
{
    int fd = dial(), other = dial();

    (void)state;
    ask(fd, "{\"request_id\": \"1\"}");
    expect(fd, "{\"request_id\":\"1\",\"slot\"");
    ask(fd, "{\"request_id\": \"2\"}");
    expect(fd, "{\"request_id\":\"2\",\"slot\"");
    http_fixture_run(&fixture.http, publish_drain, &fixture);
    http_fixture_run(&fixture.http, publish_drain, &fixture);
    expect(fd,
           "{\"notice\":{\"type\":\"drain\",\"slave_id\":\"slave-1\",\"slots\":[\"1\",\"2\"]}}");
    ask(fd, "{\"request_id\": \"3\"}");
    expect(fd, "{\"request_id\":\"3\",\"slot\"");
    ask(other, "{\"request_id\": \"4\"}");
    expect(other, "{\"request_id\":\"4\",\"slot\"");
    close(fd);
    close(other);
}

static void too_many_requests_at_once_are_refused(void **state)
{
    int fd = dial();

    (void)state;
    for (int i = 0; i < 3; i++)
        ask(fd, "{\"request_id\": \"s\", \"region\": \"silent\"}");
    ask(fd, "{\"request_id\": \"4\", \"region\": \"eu\"}");
    expect(fd, "{\"request_id\":\"4\",\"error\":{\"type\":\"urn:mas4h:problem:throttled\"");
    assert_non_null(strstr(text, "\"status\":429"));
    for (int i = 0; i < 3; i++)
        expect(fd, "{\"request_id\":\"s\",\"error\":{");
    ask(fd, "{\"request_id\": \"5\", \"region\": \"eu\"}");
    expect(fd, "{\"request_id\":\"5\",\"slot\"");
    close(fd);
}

/* ---- the subprotocol of protobuf ---------------------------------------------------- */

static int dial_protobuf(void)
{
    int fd = http_connect(&fixture.http);

    http_send(fd, WEBSOCKET_HANDSHAKE("/v1/slots") "Sec-WebSocket-Protocol: "
                                                   "mas4h.slot.v1.protobuf\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 101);
    assert_non_null(strstr(text, "Sec-WebSocket-Protocol: mas4h.slot.v1.protobuf\r\n"));
    return fd;
}

static void ask_protobuf(int fd, const char *request_id, const char *region)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(4096);
    struct m4h_dispatch_request request = {0};

    snprintf(request.request_id, sizeof(request.request_id), "%s", request_id);
    snprintf(request.region, sizeof(request.region), "%s", region);
    assert_int_equal(m4h_wire_slot_request_encode(&request, &message), 0);
    websocket_send(fd, FIN | BINARY, message.data, message.len);
    m4h_buffer_free(&message);
}

struct answer {
    char request_id[M4H_REQUEST_ID_MAX + 1];
    struct m4h_slot slot;
    struct m4h_problem problem;
};

static void read_answer(int fd, struct answer *answer)
{
    size_t len;

    assert_int_equal(websocket_read(fd, (uint8_t *)text, TEXT, &len), FIN | BINARY);
    assert_int_equal(m4h_wire_slot_answer_decode((const uint8_t *)text, len, answer->request_id,
                                                 &answer->slot, &answer->problem),
                     0);
}

static void protobuf_gets_the_same_answers(void **state)
{
    struct answer answer;
    int fd = dial_protobuf();

    (void)state;
    ask_protobuf(fd, "1", "eu");
    read_answer(fd, &answer);
    assert_string_equal(answer.request_id, "1");
    assert_int_equal(answer.problem.code, 0);
    assert_string_equal(answer.slot.slave_id, "slave-1");
    assert_non_null(strstr(gateway_fixture_asked(&fixture)->dispatch.request_id, "/1"));
    ask_protobuf(fd, "2", "full");
    read_answer(fd, &answer);
    assert_string_equal(answer.request_id, "2");
    assert_int_equal(answer.problem.code, M4H_PROBLEM_NO_CAPACITY);
    assert_int_equal(answer.problem.retry_after_ms, 2500);
    close(fd);
}

static void what_is_wrong_in_protobuf_is_answered_by_a_problem(void **state)
{
    struct answer answer;
    int fd = dial_protobuf();

    (void)state;
    ask_protobuf(fd, "1", "NO REGION");
    read_answer(fd, &answer);
    assert_string_equal(answer.request_id, "1");
    assert_int_equal(answer.problem.code, M4H_PROBLEM_INVALID);
    assert_non_null(strstr(answer.problem.detail, "region"));
    ask_protobuf(fd, "", "eu");
    read_answer(fd, &answer);
    assert_string_equal(answer.problem.detail, "request_id is missing or empty");
    websocket_send(fd, FIN | BINARY, "\xff\xff", 2);
    read_answer(fd, &answer);
    assert_string_equal(answer.request_id, "");
    assert_string_equal(answer.problem.detail, "not a SlotMessage");
    websocket_send(fd, FIN | BINARY, "", 0);
    read_answer(fd, &answer);
    assert_string_equal(answer.problem.detail, "the message holds no request");
    close(fd);
}

static void protobuf_is_told_of_drains_too(void **state)
{
    struct m4h_drain_notice notice;
    struct answer answer;
    int fd = dial_protobuf();
    size_t len;

    (void)state;
    ask_protobuf(fd, "1", "eu");
    read_answer(fd, &answer);
    http_fixture_run(&fixture.http, publish_drain, &fixture);
    assert_int_equal(websocket_read(fd, (uint8_t *)text, TEXT, &len), FIN | BINARY);
    assert_int_equal(m4h_wire_drain_notice_decode((const uint8_t *)text, len, &notice), 0);
    assert_string_equal(notice.slave_id, "slave-1");
    assert_int_equal(notice.count, 1);
    assert_string_equal(notice.request_ids[0], "1");
    close(fd);
}

static void a_text_message_where_protobuf_is_spoken_gets_1003(void **state)
{
    int fd = dial_protobuf();

    (void)state;
    websocket_send_text(fd, FIN | TEXT_FRAME, "{\"request_id\": \"1\"}");
    websocket_expect_close(fd, 1003);
    close(fd);
}

static void a_binary_message_ends_the_connection_with_1003(void **state)
{
    int fd = dial();

    (void)state;
    websocket_send_text(fd, FIN | BINARY, "{}");
    websocket_expect_close(fd, 1003);
    close(fd);
}

static void a_client_that_leaves_takes_its_questions_along(void **state)
{
    int fd = dial();

    (void)state;
    ask(fd, "{\"request_id\": \"1\", \"region\": \"silent\"}");
    gateway_fixture_await_region(&fixture, "silent");
    close(fd);
    do {
        gateway_fixture_ask(&fixture, "GET /metrics HTTP/1.1", "", text, TEXT);
    } while (strstr(text, "mas4h_gateway_websockets 0\n") == NULL ||
             strstr(text, "mas4h_gateway_rpc_failures_total 0\n") == NULL);
}

static void a_clean_end_closes_with_1001(void **state)
{
    int fd = dial();

    (void)state;
    ask(fd, "{\"request_id\": \"1\"}");
    expect(fd, "\"slot\"");
    gateway_fixture_drain(&fixture);
    websocket_expect_close(fd, 1001);
    websocket_send(fd, FIN | CLOSE, "\x03\xe9", 2);
    assert_true(http_is_closed(fd));
    close(fd);
}

static void what_was_asked_before_the_drain_is_answered_before_the_close(void **state)
{
    int fd = dial();

    (void)state;
    ask(fd, "{\"request_id\": \"1\", \"region\": \"once\"}");
    gateway_fixture_await_region(&fixture, "once");
    gateway_fixture_drain(&fixture);
    expect(fd, "{\"request_id\":\"1\",\"slot\"");
    websocket_expect_close(fd, 1001);
    close(fd);
}

static void what_is_asked_after_the_drain_is_refused(void **state)
{
    int fd = dial();

    (void)state;
    ask(fd, "{\"request_id\": \"1\", \"region\": \"silent\"}");
    gateway_fixture_await_region(&fixture, "silent");
    gateway_fixture_drain(&fixture);
    ask(fd, "{\"request_id\": \"2\"}");
    expect(fd, "{\"request_id\":\"2\",\"error\":{\"type\":\"urn:mas4h:problem:unavailable\"");
    expect(fd, "{\"request_id\":\"1\",\"error\"");
    websocket_expect_close(fd, 1001);
    close(fd);
}

static void an_end_at_once_leaves_nothing_behind(void **state)
{
    int fd = dial();

    (void)state;
    ask(fd, "{\"request_id\": \"1\", \"region\": \"silent\"}");
    gateway_fixture_await_region(&fixture, "silent");
    gateway_fixture_stop(&fixture);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_by_a_slot_with_its_id),
        TEST(answers_come_in_order_of_completion),
        TEST(what_is_wrong_is_answered_by_an_error),
        TEST(a_connection_is_told_once_when_the_slave_of_its_slots_drains),
        TEST(too_many_requests_at_once_are_refused),
        TEST(a_binary_message_ends_the_connection_with_1003),
        TEST(protobuf_gets_the_same_answers),
        TEST(what_is_wrong_in_protobuf_is_answered_by_a_problem),
        TEST(protobuf_is_told_of_drains_too),
        TEST(a_text_message_where_protobuf_is_spoken_gets_1003),
        TEST(a_client_that_leaves_takes_its_questions_along),
        TEST(a_clean_end_closes_with_1001),
        TEST(what_was_asked_before_the_drain_is_answered_before_the_close),
        TEST(what_is_asked_after_the_drain_is_refused),
        cmocka_unit_test_setup(an_end_at_once_leaves_nothing_behind, start),
    };

    m4h_log_set_level(M4H_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
