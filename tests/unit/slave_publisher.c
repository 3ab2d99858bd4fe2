/* Refusals as lines and events (io/publisher.c), with the bus played by the test. */
#include "lib/wire/wire.h"
#include "services/slave/io/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static unsigned published;
static enum m4h_event_type last_type;
static enum m4h_refuse_reason last_reason;

int __wrap_m4h_bus_publish(struct m4h_bus *bus, const char *subject, enum m4h_bus_class class,
                           const char *message_id, const uint8_t *data, size_t len);

int __wrap_m4h_bus_publish(struct m4h_bus *bus, const char *subject, enum m4h_bus_class class,
                           const char *message_id, const uint8_t *data, size_t len)
{
    struct m4h_event event;

    (void)bus, (void)subject, (void)class, (void)message_id;
    assert_int_equal(m4h_wire_event_decode(data, len, &event), 0);
    last_type = event.type;
    if (event.type != M4H_EVENT_REFUSE)
        return 0;
    last_reason = event.as.refuse.reason;
    published++;
    return 0;
}

static void refuse(struct m4h_slave *slave, enum m4h_refuse_reason reason)
{
    struct m4h_refuse refuse = {.reason = reason, .remote_address = "192.0.2.1:5"};

    m4h_publisher_refuse(slave, &refuse);
}

static void begin(struct m4h_slave *slave, struct m4h_slave_config *config)
{
    *config = (struct m4h_slave_config){.id = (char *)"slave-1",
                                        .region = (char *)"local",
                                        .events_acknowledge = M4H_JOURNAL_NEVER,
                                        .outbox_messages = 16,
                                        .outbox_bytes = 65536,
                                        .ack_wait_ms = 1000};
    *slave = (struct m4h_slave){.config = config,
                                .epoch = 1,
                                .state = M4H_SLAVE_READY,
                                .capacity = 100,
                                .message = M4H_BUFFER_INIT(65536)};
    published = 0;
    last_type = M4H_EVENT_OTHER;
    assert_int_equal(m4h_loop_create(&slave->loop), 0);
    assert_int_equal(m4h_roster_create(&slave->roster), 0);
    assert_int_equal(m4h_outbox_io_create(slave), 0);
}

static void end(struct m4h_slave *slave)
{
    m4h_buffer_free(&slave->message);
    m4h_outbox_io_destroy(slave);
    m4h_roster_destroy(slave->roster);
    m4h_loop_destroy(slave->loop);
}

static void refusals_of_one_reason_do_not_hide_those_of_another(void **state)
{
    struct m4h_slave_config config;
    struct m4h_slave slave;
    unsigned of_strangers;

    (void)state;
    begin(&slave, &config);
    m4h_outbox_io_status(&slave, true);
    for (int i = 0; i < 1000; i++)
        refuse(&slave, M4H_REFUSE_TIMEOUT);
    of_strangers = published;
    assert_in_range(of_strangers, 1, 100);
    for (int reason = M4H_REFUSE_KEY_DENIED; reason < M4H_REFUSE_REASON_COUNT; reason++) {
        if (reason == M4H_REFUSE_TIMEOUT)
            continue;
        refuse(&slave, (enum m4h_refuse_reason)reason);
        assert_int_equal(last_reason, reason);
    }
    assert_int_equal(published, of_strangers + M4H_REFUSE_REASON_COUNT - 2);
    assert_int_equal(slave.counters.refusals[M4H_REFUSE_TIMEOUT], 1000);
    end(&slave);
}

static void a_load_event_waits_for_the_events_that_it_would_overtake(void **state)
{
    struct m4h_slave_config config;
    struct m4h_slave slave;

    (void)state;
    begin(&slave, &config);
    refuse(&slave, M4H_REFUSE_TIMEOUT); /* not connected yet: it waits */
    m4h_publisher_load(&slave);
    assert_int_equal(last_type, M4H_EVENT_OTHER);
    m4h_outbox_io_status(&slave, true);
    assert_int_equal(published, 1);
    assert_int_equal(last_type, M4H_EVENT_LOAD); /* after it */
    end(&slave);
}

static void a_load_event_waits_for_one_interval_at_most(void **state)
{
    struct m4h_slave_config config;
    struct m4h_slave slave;

    (void)state;
    begin(&slave, &config);
    refuse(&slave, M4H_REFUSE_TIMEOUT);
    m4h_publisher_load(&slave);
    assert_int_equal(last_type, M4H_EVENT_OTHER);
    m4h_publisher_load(&slave);
    assert_int_equal(last_type, M4H_EVENT_LOAD);
    assert_int_equal(published, 0);
    end(&slave);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_of_one_reason_do_not_hide_those_of_another),
        cmocka_unit_test(a_load_event_waits_for_the_events_that_it_would_overtake),
        cmocka_unit_test(a_load_event_waits_for_one_interval_at_most),
    };

    return cmocka_run_group_tests_name("slave: publisher", tests, NULL, NULL);
}
