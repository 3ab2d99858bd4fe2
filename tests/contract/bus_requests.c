/* Request and reply. */
#include "tests/contract/bus_owner.h"

#include "tests/support/nats_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS  10000
#define IN_FLIGHT 256

static const struct m4h_bus_subscription echo[] = {{"echo", NULL, on_topic_0}};
static const struct m4h_bus_subscription silent[] = {{"silent", NULL, on_topic_0}};

static struct owner client;
static struct owner server;

static void create_both(void **state, const struct m4h_bus_subscription *subscription)
{
    owner_create(&server, m4h_nats_server_url(*state), subscription, 1);
    server.echoes = subscription == echo;
    owner_create(&client, m4h_nats_server_url(*state), NULL, 0);
    run_until(&client, &server, client.connected_count + server.connected_count == 2);
}

static void destroy_both(void)
{
    owner_destroy(&client);
    owner_destroy(&server);
}

static void a_request_gets_its_answer(void **state)
{
    struct m4h_bus_stats stats;

    create_both(state, echo);
    assert_int_equal(request_number(&client, "echo", WAIT_MS, 42), 0);
    m4h_bus_stats(client.bus, &stats);
    assert_int_equal(stats.pending_requests, 1);
    run_until(&client, &server, client.replies == 1);
    assert_int_equal(client.last_reply, 42);
    m4h_bus_stats(client.bus, &stats);
    assert_int_equal(stats.pending_requests, 0);
    destroy_both();
}

/* The context of a request in flight: what its answer must be. */
struct flight {
    int value;
    int answers;
};

static int flights_done;

static void on_flight_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct flight *flight = context;
    char text[16];

    assert_int_equal(error, 0);
    snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)data);
    assert_int_equal(strtol(text, NULL, 10), flight->value);
    flight->answers++;
    flights_done++;
}

static void ten_thousand_requests_each_get_their_own_answer(void **state)
{
    static struct flight flights[REQUESTS];
    int started = 0;

    create_both(state, echo);
    flights_done = 0;
    while (flights_done < REQUESTS) {
        while (started < REQUESTS && started - flights_done < IN_FLIGHT) {
            struct flight *flight = &flights[started];
            char text[16];
            int len = snprintf(text, sizeof(text), "%d", started);
            uint64_t id;

            flight->value = started++;
            assert_int_equal(m4h_bus_request(client.bus, "echo", (const uint8_t *)text, (size_t)len,
                                             clock_ms(), WAIT_MS, on_flight_reply, flight, &id),
                             0);
        }
        owner_turn(&client);
        owner_turn(&server);
    }
    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(flights[i].answers, 1);
    destroy_both();
}

static void a_request_without_an_answer_ends_at_its_own_deadline(void **state)
{
    uint64_t start_ms;

    create_both(state, silent);
    start_ms = clock_ms();
    assert_int_equal(request_number(&client, "silent", 400, 1), 0);
    assert_int_equal(request_number(&client, "silent", 100, 2), 0);
    assert_in_range(m4h_bus_run(client.bus, start_ms), start_ms + 100, clock_ms() + 100);
    run_until(&client, &server, client.timeouts == 1);
    assert_in_range(clock_ms() - start_ms, 100, 399);
    run_until(&client, &server, client.timeouts == 2);
    assert_true(clock_ms() - start_ms >= 400);
    assert_int_equal(m4h_bus_run(client.bus, clock_ms()), UINT64_MAX);
    destroy_both();
}

static void nobody_there_is_known_at_once(void **state)
{
    uint64_t start_ms;

    create_both(state, echo);
    start_ms = clock_ms();
    assert_int_equal(request_number(&client, "nobody", WAIT_MS, 1), 0);
    run_until(&client, NULL, client.unavailable == 1);
    assert_true(clock_ms() - start_ms < 1000);
    destroy_both();
}

static void a_late_answer_is_ignored(void **state)
{
    create_both(state, echo);
    assert_int_equal(request_number(&client, "echo", 1, 1), 0);
    run_until(&client, NULL, client.timeouts == 1);
    assert_int_equal(request_number(&client, "echo", WAIT_MS, 2), 0);
    run_until(&client, &server, server.note_count == 2 && client.replies == 1);
    assert_int_equal(client.last_reply, 2);
    destroy_both();
}

static void a_cancelled_request_is_never_heard_of_again(void **state)
{
    uint64_t id;

    create_both(state, echo);
    assert_int_equal(m4h_bus_request(client.bus, "echo", (const uint8_t *)"1", 1, clock_ms(),
                                     WAIT_MS, on_reply, &client, &id),
                     0);
    m4h_bus_cancel(client.bus, id);
    m4h_bus_cancel(client.bus, id);
    assert_int_equal(request_number(&client, "echo", WAIT_MS, 2), 0);
    run_until(&client, &server, client.replies == 1);
    assert_int_equal(client.last_reply, 2);
    assert_int_equal(server.note_count, 2);
    destroy_both();
}

static void open_requests_are_bounded(void **state)
{
    struct m4h_bus_config config;

    owner_create(&server, m4h_nats_server_url(*state), silent, 1);
    config = owner_config(&client, m4h_nats_server_url(*state));
    config.queue_messages = 8;
    owner_create_with(&client, &config);
    run_until(&client, &server, client.connected_count + server.connected_count == 2);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(request_number(&client, "silent", WAIT_MS, i), 0);
        run_until(&server, NULL, server.note_count == i + 1);
    }
    assert_int_equal(request_number(&client, "silent", WAIT_MS, 8), M4H_EFULL);
    destroy_both();
}

static void answers_that_a_stranger_makes_up_are_ignored(void **state)
{
    struct m4h_nats_wire *wire = m4h_nats_wire_connect(m4h_nats_server_port(*state));
    static const char *const endings[] = {"0000000000000000", "ffffffffffffffff", "x", "1"};
    struct m4h_nats_wire_message message;
    char forged[300];
    size_t prefix;

    assert_non_null(wire);
    assert_true(m4h_nats_wire_subscribe(wire, "asked"));
    create_both(state, silent);
    assert_int_equal(request_number(&client, "asked", WAIT_MS, 1), 0);
    assert_true(m4h_nats_wire_next(wire, &message));
    prefix = strlen(message.reply) - 16;
    for (size_t i = 0; i < M4H_COUNT(endings); i++) {
        snprintf(forged, sizeof(forged), "%.*s%s", (int)prefix, message.reply, endings[i]);
        assert_true(m4h_nats_wire_publish(wire, forged, "13"));
    }
    assert_true(m4h_nats_wire_publish(wire, message.reply, "7"));
    assert_true(m4h_nats_wire_publish(wire, message.reply, "8"));
    run_until(&client, NULL, client.replies == 1);
    assert_int_equal(client.last_reply, 7);
    assert_int_equal(request_number(&client, "nobody", WAIT_MS, 1), 0);
    run_until(&client, NULL, client.unavailable == 1);
    assert_int_equal(client.replies, 1);
    m4h_nats_wire_close(wire);
    destroy_both();
}

static int publish_acknowledged(const char *subject, const char *id, int value, uint64_t token)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d", value);

    return m4h_bus_publish_acknowledged(client.bus, subject, id, (const uint8_t *)text, (size_t)len,
                                        token);
}

static void what_is_acknowledged_brings_its_token_back(void **state)
{
    create_both(state, echo);
    assert_int_equal(publish_acknowledged("echo", "id-1", 42, UINT64_MAX), 0);
    run_until(&client, &server, client.acks == 1);
    assert_true(client.last_ack == UINT64_MAX);
    assert_int_equal(client.last_reply, 42);
    for (uint64_t token = 0; token < 1000; token++)
        assert_int_equal(publish_acknowledged("echo", "id", 1, token), 0);
    run_until(&client, &server, client.acks == 1001);
    assert_int_equal(client.last_ack, 999);
    assert_int_equal(client.replies, 0);
    destroy_both();
}

static void that_nobody_acknowledges_is_known_at_once(void **state)
{
    create_both(state, silent);
    assert_int_equal(publish_acknowledged("nobody", "id-1", 1, 7), 0);
    run_until(&client, &server, client.acks_unavailable == 1);
    assert_int_equal(client.last_ack, 7);
    assert_int_equal(client.acks, 0);
    assert_int_equal(publish_acknowledged("echo", "an id", 1, 7), M4H_EINVALID);
    destroy_both();
}

static void what_waits_for_its_acknowledgement_is_not_kept_for_an_outage(void **state)
{
    struct m4h_bus_stats stats;

    create_both(state, silent);
    m4h_nats_server_kill(*state);
    run_until(&client, &server, client.disconnected_count == 1);
    assert_int_equal(publish_acknowledged("silent", "id-1", 1, 7), M4H_EUNAVAILABLE);
    m4h_bus_stats(client.bus, &stats);
    assert_int_equal(stats.queued_messages, 0);
    destroy_both();
}

#define with_server(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

const struct CMUnitTest bus_request_tests[] = {
    with_server(a_request_gets_its_answer),
    with_server(ten_thousand_requests_each_get_their_own_answer),
    with_server(a_request_without_an_answer_ends_at_its_own_deadline),
    with_server(nobody_there_is_known_at_once),
    with_server(a_late_answer_is_ignored),
    with_server(a_cancelled_request_is_never_heard_of_again),
    with_server(open_requests_are_bounded),
    with_server(answers_that_a_stranger_makes_up_are_ignored),
    with_server(what_is_acknowledged_brings_its_token_back),
    with_server(that_nobody_acknowledges_is_known_at_once),
    with_server(what_waits_for_its_acknowledgement_is_not_kept_for_an_outage),
};
const size_t bus_request_test_count = M4H_COUNT(bus_request_tests);
