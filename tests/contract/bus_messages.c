/* Publish and subscribe. */
#include "tests/contract/bus_owner.h"

#include "tests/support/nats_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 5000

static void a_message_comes_to_its_subscription_in_order(void **state)
{
    static const struct m4h_bus_subscription subscriptions[] = {
        {"a.one", NULL, on_topic_0},
        {"b.*.end", NULL, on_topic_1},
    };
    static struct owner owner;

    owner_create(&owner, m4h_nats_server_url(*state), subscriptions, 2);
    assert_false(m4h_bus_is_connected(owner.bus));
    run_until(&owner, NULL, owner.connected_count == 1);
    assert_true(m4h_bus_is_connected(owner.bus));
    for (int i = 0; i < 100; i++) {
        assert_int_equal(publish_number(&owner, "a.one", M4H_BUS_FRESH, i), 0);
        assert_int_equal(publish_number(&owner, "b.x.end", M4H_BUS_FRESH, i), 0);
        assert_int_equal(publish_number(&owner, "b.end", M4H_BUS_FRESH, -1), 0);
    }
    run_until(&owner, NULL, owner.note_count == 200);
    for (int i = 0, next[2] = {0, 0}; i < 200; i++)
        assert_int_equal(owner.notes[i].value, next[owner.notes[i].topic]++);
    assert_string_equal(owner.last_subject, "b.x.end");
    owner_destroy(&owner);
}

static void many_messages_arrive_in_order_and_none_is_lost(void **state)
{
    static const struct m4h_bus_subscription subscriptions[] = {{"many", NULL, on_topic_0}};
    static struct owner sender;
    static struct owner receiver;
    int sent = 0;

    owner_create(&receiver, m4h_nats_server_url(*state), subscriptions, 1);
    owner_create(&sender, m4h_nats_server_url(*state), NULL, 0);
    run_until(&sender, &receiver, sender.connected_count + receiver.connected_count == 2);
    while (sent < COUNT) {
        int error = publish_number(&sender, "many", M4H_BUS_KEEP, sent);

        if (error == 0)
            sent++;
        else
            assert_int_equal(error, M4H_EFULL);
        if (error != 0 || sent % 100 == 0)
            owner_turn(&receiver);
    }
    run_until(&sender, &receiver, receiver.note_count == COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(receiver.notes[i].value, i);
    owner_destroy(&sender);
    owner_destroy(&receiver);
}

static void a_queue_group_gets_each_message_once(void **state)
{
    static const struct m4h_bus_subscription member[] = {{"work", "group", on_topic_0}};
    static struct owner a;
    static struct owner b;

    owner_create(&a, m4h_nats_server_url(*state), member, 1);
    owner_create(&b, m4h_nats_server_url(*state), member, 1);
    run_until(&a, &b, a.connected_count + b.connected_count == 2);
    for (int i = 0; i < 200; i++)
        assert_int_equal(publish_number(&a, "work", M4H_BUS_FRESH, i), 0);
    run_until(&a, &b, a.note_count + b.note_count >= 200);
    assert_int_equal(a.note_count + b.note_count, 200);
    assert_true(a.note_count > 0);
    assert_true(b.note_count > 0);
    owner_destroy(&a);
    owner_destroy(&b);
}

static void who_leaves_a_queue_group_loses_nothing_and_gets_no_more(void **state)
{
    static const struct m4h_bus_subscription member[] = {{"work", "group", on_topic_0},
                                                         {"own", NULL, on_topic_1}};
    static struct owner a, b;
    int before;

    owner_create(&a, m4h_nats_server_url(*state), member, 2);
    owner_create(&b, m4h_nats_server_url(*state), member, 1);
    run_until(&a, &b, a.connected_count + b.connected_count == 2);
    for (int i = 0; i < 4000; i++) {
        if (i == 2000) { /* in the middle of what it is given */
            run_until(&a, &b, a.note_count > 0);
            m4h_bus_leave_queues(a.bus);
        }
        assert_int_equal(publish_number(&b, "work", M4H_BUS_FRESH, i), 0);
    }
    run_until(&a, &b, a.note_count + b.note_count >= 4000);
    assert_int_equal(a.note_count + b.note_count, 4000);
    before = a.note_count;
    assert_true(before > 0);
    for (int i = 0; i < 400; i++)
        assert_int_equal(publish_number(&b, "work", M4H_BUS_FRESH, i), 0);
    assert_int_equal(publish_number(&b, "own", M4H_BUS_FRESH, 7), 0);
    run_until(&a, &b, a.note_count + b.note_count >= 4401);
    assert_int_equal(a.note_count, before + 1);
    assert_int_equal(a.notes[before].topic, 1);
    owner_destroy(&a);
    owner_destroy(&b);
}

static void the_last_one_leaves_nobody_and_the_asker_hears_it_at_once(void **state)
{
    static const struct m4h_bus_subscription member[] = {{"work", "group", on_topic_0}};
    static struct owner a, b;

    owner_create(&a, m4h_nats_server_url(*state), member, 1);
    owner_create(&b, m4h_nats_server_url(*state), NULL, 0);
    a.echoes = true;
    run_until(&a, &b, a.connected_count + b.connected_count == 2);
    assert_int_equal(request_number(&b, "work", WAIT_MS, 1), 0);
    run_until(&a, &b, b.replies == 1);
    m4h_bus_leave_queues(a.bus);
    m4h_bus_leave_queues(a.bus);
    for (int asked = 1; b.unavailable == 0; asked++) {
        assert_int_equal(request_number(&b, "work", WAIT_MS, 2), 0);
        run_until(&a, &b, b.replies + b.unavailable == 1 + asked);
    }
    owner_destroy(&a);
    owner_destroy(&b);
}

static void the_message_id_is_a_header(void **state)
{
    struct m4h_nats_wire *wire = m4h_nats_wire_connect(m4h_nats_server_port(*state));
    struct m4h_nats_wire_message message;
    static struct owner owner;

    assert_non_null(wire);
    assert_true(m4h_nats_wire_subscribe(wire, "events.>"));
    owner_create(&owner, m4h_nats_server_url(*state), NULL, 0);
    run_until(&owner, NULL, owner.connected_count == 1);
    assert_int_equal(
        m4h_bus_publish(owner.bus, "events.a", M4H_BUS_KEEP, "s1:7:42", (const uint8_t *)"x\0y", 3),
        0);
    assert_true(m4h_nats_wire_next(wire, &message));
    assert_string_equal(message.subject, "events.a");
    assert_string_equal(message.headers, "NATS/1.0\r\nNats-Msg-Id: s1:7:42\r\n\r\n");
    assert_int_equal(message.len, 3);
    assert_memory_equal(message.data, "x\0y", 3);
    m4h_nats_wire_close(wire);
    owner_destroy(&owner);
}

static void what_a_stream_delivers_to_our_subjects_does_not_come(void **state)
{
    static const struct m4h_bus_subscription subscriptions[] = {
        {"mas4h.v1.control.revoke", NULL, on_topic_0}, {"_INBOX.feed", NULL, on_topic_1}};
    static const char from_stream[] = "$STREAM.c.1"; /* a server sends "$JS.ACK..." alone */
    struct m4h_nats_wire *wire = m4h_nats_wire_connect(m4h_nats_server_port(*state));
    static struct owner owner;
    char line[128];

    assert_non_null(wire);
    owner_create(&owner, m4h_nats_server_url(*state), subscriptions, 2);
    run_until(&owner, NULL, owner.connected_count == 1);
    for (int i = 0; i < 2; i++) {
        /* The reply subject stands behind the subject. */
        snprintf(line, sizeof(line), "%s %s", subscriptions[i].subject, from_stream);
        assert_true(m4h_nats_wire_publish(wire, line, "1"));
    }
    assert_true(m4h_nats_wire_publish(wire, "mas4h.v1.control.revoke", "2"));
    run_until(&owner, NULL, owner.note_count == 2);
    assert_int_equal(owner.notes[0].topic, 1);
    assert_int_equal(owner.notes[1].topic, 0);
    assert_int_equal(owner.notes[1].value, 2);
    m4h_nats_wire_close(wire);
    owner_destroy(&owner);
}

static void an_empty_message_is_a_message(void **state)
{
    static const struct m4h_bus_subscription subscriptions[] = {{"empty", NULL, on_topic_0}};
    static struct owner owner;

    owner_create(&owner, m4h_nats_server_url(*state), subscriptions, 1);
    run_until(&owner, NULL, owner.connected_count == 1);
    assert_int_equal(m4h_bus_publish(owner.bus, "empty", M4H_BUS_FRESH, NULL, NULL, 0), 0);
    run_until(&owner, NULL, owner.note_count == 1);
    owner_destroy(&owner);
}

static void what_would_break_the_protocol_is_refused(void **state)
{
    static const char *const subjects[] = {"", "a b", "a\r\nPUB x 0", "a\tb"};
    static const char *const ids[] = {"", "a b", "a\r\nX: y", "\xff"};
    static struct owner owner;

    owner_create(&owner, m4h_nats_server_url(*state), NULL, 0);
    for (size_t i = 0; i < M4H_COUNT(subjects); i++)
        assert_int_equal(publish_number(&owner, subjects[i], M4H_BUS_KEEP, 1), M4H_EINVALID);
    for (size_t i = 0; i < M4H_COUNT(ids); i++)
        assert_int_equal(m4h_bus_publish(owner.bus, "a", M4H_BUS_KEEP, ids[i], NULL, 0),
                         M4H_EINVALID);
    owner_destroy(&owner);
}

static void a_message_too_big_for_the_server_is_refused(void **state)
{
    static uint8_t data[(1 << 20) + 1];
    static struct owner owner;

    owner_create(&owner, m4h_nats_server_url(*state), NULL, 0);
    run_until(&owner, NULL, owner.connected_count == 1);
    assert_int_equal(m4h_bus_publish(owner.bus, "big", M4H_BUS_FRESH, NULL, data, sizeof(data)),
                     M4H_ETOOBIG);
    assert_int_equal(m4h_bus_publish(owner.bus, "big", M4H_BUS_FRESH, "id", data, 1 << 20),
                     M4H_ETOOBIG);
    assert_int_equal(m4h_bus_publish(owner.bus, "big", M4H_BUS_FRESH, NULL, data, 1 << 20), 0);
    owner_destroy(&owner);
}

static void a_wrong_configuration_is_refused(void **state)
{
    static const char *const urls[] = {"",           "http://x:1", "nats://",
                                       "nats://a:x", "nats://:1",  "nats://a:1,,nats://b:2"};
    static const struct m4h_bus_subscription spaced[] = {{"a b", NULL, on_topic_0}};
    static struct owner owner;
    struct m4h_bus_config config = owner_config(&owner, "");
    struct m4h_bus *bus = (struct m4h_bus *)&owner;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(urls); i++) {
        config.url = urls[i];
        assert_int_equal(m4h_bus_create(&bus, &config), M4H_EINVALID);
        assert_null(bus);
    }
    config.url = "nats://127.0.0.1:1";
    config.credentials = "/nonexistent";
    assert_int_equal(m4h_bus_create(&bus, &config), M4H_EINVALID);
    config.credentials = NULL;
    config.tls_ca = "/nonexistent";
    assert_int_equal(m4h_bus_create(&bus, &config), M4H_EINVALID);
    config.tls_ca = NULL;
    config.subscriptions = spaced;
    config.subscription_count = 1;
    assert_int_equal(m4h_bus_create(&bus, &config), M4H_EINVALID);
}

static void what_is_queued_is_sent_before_the_end(void **state)
{
    struct m4h_nats_wire *wire = m4h_nats_wire_connect(m4h_nats_server_port(*state));
    struct m4h_nats_wire_message message;
    static struct owner owner;
    char text[16];

    assert_non_null(wire);
    assert_true(m4h_nats_wire_subscribe(wire, "last"));
    owner_create(&owner, m4h_nats_server_url(*state), NULL, 0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(publish_number(&owner, "last", M4H_BUS_KEEP, i), 0);
    owner_destroy(&owner);
    for (int i = 0; i < 500; i++) {
        assert_true(m4h_nats_wire_next(wire, &message));
        snprintf(text, sizeof(text), "%d", i);
        assert_string_equal(message.data, text);
    }
    m4h_nats_wire_close(wire);
}

static void a_full_inbound_queue_drops_and_counts(void **state)
{
    static const struct m4h_bus_subscription subscriptions[] = {{"flood", NULL, on_topic_0}};
    static struct owner sender;
    static struct owner receiver;
    struct m4h_bus_config config = owner_config(&receiver, m4h_nats_server_url(*state));
    struct m4h_bus_stats stats;

    config.queue_messages = 10;
    config.subscriptions = subscriptions;
    config.subscription_count = 1;
    owner_create_with(&receiver, &config);
    owner_create(&sender, m4h_nats_server_url(*state), NULL, 0);
    run_until(&sender, &receiver, sender.connected_count + receiver.connected_count == 2);
    for (int i = 0; i < 100; i++)
        assert_int_equal(publish_number(&sender, "flood", M4H_BUS_FRESH, i), 0);
    do {
        owner_turn(&sender);
        m4h_bus_stats(receiver.bus, &stats);
    } while (stats.received_messages < 100);
    assert_int_equal(stats.dropped_in, 90);
    run_until(&receiver, NULL, receiver.note_count == 10);
    assert_int_equal(receiver.notes[9].value, 9);
    owner_destroy(&sender);
    owner_destroy(&receiver);
}

#define with_server(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

const struct CMUnitTest bus_message_tests[] = {
    with_server(a_message_comes_to_its_subscription_in_order),
    with_server(many_messages_arrive_in_order_and_none_is_lost),
    with_server(a_queue_group_gets_each_message_once),
    with_server(who_leaves_a_queue_group_loses_nothing_and_gets_no_more),
    with_server(the_last_one_leaves_nobody_and_the_asker_hears_it_at_once),
    with_server(the_message_id_is_a_header),
    with_server(what_a_stream_delivers_to_our_subjects_does_not_come),
    with_server(an_empty_message_is_a_message),
    with_server(what_would_break_the_protocol_is_refused),
    with_server(a_message_too_big_for_the_server_is_refused),
    cmocka_unit_test(a_wrong_configuration_is_refused),
    with_server(what_is_queued_is_sent_before_the_end),
    with_server(a_full_inbound_queue_drops_and_counts),
};
const size_t bus_message_test_count = M4H_COUNT(bus_message_tests);
