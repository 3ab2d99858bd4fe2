/* Ports and ownership in the hub (io/tunnels.c, io/rivals.c), with the workers
 * played by the test: orders to them are kept here, reports of them are made here,
 * and a listener is as long on its way as the test wants. Ports are real ones. */
#include "lib/base/error.h"
#include "tests/unit/slave_hub_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "pump-1"

/* ---- a listener on its way ------------------------------------------------------------ */

static void a_successor_gets_the_port_whose_listener_came_too_late_for_the_loser(void **state)
{
    struct m4h_resident *first = admit(KEY), *second = admit(KEY);
    uint64_t first_id = first->session_id, second_id = second->session_id;
    struct m4h_order late;
    const struct m4h_order *order;

    (void)state;
    m4h_tunnels_forward(&hub->slave, first_id, 0);
    order = take_order(first_id, M4H_ORDER_FORWARDED);
    assert_non_null(order);
    late = *order;
    m4h_tunnels_forward(&hub->slave, second_id, 0);
    assert_non_null(take_order(first_id, M4H_ORDER_CLOSE));
    gone(first_id, M4H_DISCONNECT_CONNECTION_LOST, 0); /* it died before the listener came */
    assert_null(take_order(second_id, M4H_ORDER_FORWARDED));
    close(late.as.forwarded.fd);
    m4h_tunnels_late(&hub->slave, first_id);
    order = take_order(second_id, M4H_ORDER_FORWARDED);
    assert_non_null(order);
    assert_int_equal(order->as.forwarded.port, late.as.forwarded.port);
    close(order->as.forwarded.fd);
    assert_int_equal(hub->events[M4H_EVENT_DISCONNECT], 1);
    assert_int_equal(m4h_roster_tunnel_count(hub->slave.roster), 1);
}

static void a_port_is_in_use_until_its_late_listener_is_closed(void **state)
{
    struct m4h_resident *first = admit(KEY);
    uint64_t first_id = first->session_id;
    const struct m4h_order *order;
    uint16_t port;
    int fd;

    (void)state;
    m4h_tunnels_forward(&hub->slave, first_id, 0);
    order = take_order(first_id, M4H_ORDER_FORWARDED);
    assert_non_null(order);
    port = order->as.forwarded.port;
    fd = order->as.forwarded.fd;
    gone(first_id, M4H_DISCONNECT_CONNECTION_LOST, 0);
    assert_int_equal(forward(admit("other"), port), 0);
    assert_non_null(strstr(hub->last_refusal.detail, "is in use"));
    assert_int_equal(hub->events[M4H_EVENT_DISCONNECT], 0);
    close(fd);
    m4h_tunnels_late(&hub->slave, first_id);
    assert_int_equal(hub->events[M4H_EVENT_DISCONNECT], 1);
    assert_int_equal(forward(admit(KEY), 0), port);
    m4h_tunnels_late(&hub->slave, 999); /* nobody's: harmless */
}

static void a_device_that_got_its_listener_is_gone_at_once(void **state)
{
    struct m4h_resident *first = admit(KEY);
    uint16_t port = forward(first, 0);

    (void)state;
    gone(first->session_id, M4H_DISCONNECT_CLIENT_CLOSED, 1);
    assert_int_equal(m4h_roster_count(hub->slave.roster), 0);
    assert_int_equal(forward(admit(KEY), 0), port);
}

/* ---- which port -------------------------------------------------------------------------- */

static void a_certain_port_is_for_those_who_may_ask_for_it(void **state)
{
    static const struct {
        bool explicit_ports;
        uint8_t ranges; /* that a master named */
        uint16_t asked;
        bool given;
    } cases[] = {
        {true, 0, PORT_MIN + 5, true},
        {true, 0, 8022, false},
        {false, 0, PORT_MIN + 6, false},
        {true, 1, PORT_MIN + 7, false},
        {true, 1, PORT_MIN + 10, true},
        {true, 1, PORT_MIN + 12, true},
        {false, 1, PORT_MIN + 11, true},
        {true, 1, PORT_MIN + 13, false},
        {true, 2, 80, false}, /* allowed, yet not one of this slave's */
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_resident *resident;
        uint16_t port;
        char key[16];

        snprintf(key, sizeof(key), "case-%zu", i);
        resident = admit(key);
        resident->ports = calloc(2, sizeof(*resident->ports));
        assert_non_null(resident->ports);
        resident->ports[0] = (struct m4h_port_range){PORT_MIN + 10, PORT_MIN + 12};
        resident->ports[1] = (struct m4h_port_range){80, 80};
        resident->port_range_count = cases[i].ranges;
        hub->config.explicit_ports = cases[i].explicit_ports;
        port = forward(resident, cases[i].asked);
        if (port != (cases[i].given ? cases[i].asked : 0))
            fail_msg("case %zu: %u", i, port);
    }
}

static void any_port_is_first_that_which_it_had_elsewhere_and_then_others(void **state)
{
    struct m4h_resident *resident = admit(KEY);
    uint16_t second;

    (void)state;
    resident->last_port = PORT_MIN + 77;
    assert_int_equal(forward(resident, 0), PORT_MIN + 77);
    second = forward(resident, 0);
    assert_in_range(second, PORT_MIN, PORT_MAX);
    assert_int_not_equal(second, PORT_MIN + 77);
    assert_int_equal(hub->events[M4H_EVENT_CONNECT], 2);
}

/* ---- two devices with one key -------------------------------------------------------- */

/* A live device takes the place of another, so often. Returns the one that is up. */
static struct m4h_resident *evict(unsigned times)
{
    struct m4h_resident *owner = admit(KEY);

    assert_int_not_equal(forward(owner, 0), 0);
    for (unsigned i = 0; i < times; i++) {
        struct m4h_resident *newcomer = admit(KEY);
        const struct m4h_order *order;

        m4h_tunnels_forward(&hub->slave, newcomer->session_id, 0);
        if (take_order(owner->session_id, M4H_ORDER_PROBE) != NULL)
            m4h_rivals_sign(&hub->slave, owner->session_id, true);
        assert_non_null(take_order(owner->session_id, M4H_ORDER_CLOSE));
        gone(owner->session_id, M4H_DISCONNECT_REPLACED, 1);
        order = take_order(newcomer->session_id, M4H_ORDER_FORWARDED);
        assert_non_null(order);
        close(order->as.forwarded.fd);
        owner = newcomer;
    }
    assert_int_equal(hub->refusals, 0);
    return owner;
}

static void expect_refused(uint64_t session_id)
{
    const struct m4h_order *order = take_order(session_id, M4H_ORDER_FORWARDED);

    assert_non_null(order);
    assert_int_equal(order->as.forwarded.fd, -1);
    assert_int_equal(hub->last_refusal.reason, M4H_REFUSE_FLAPPING);
}

static void while_a_key_flaps_the_owner_stays_as_long_as_it_lives(void **state)
{
    struct m4h_resident *owner = evict(3);
    struct m4h_resident *newcomer = admit(KEY);

    (void)state;
    m4h_tunnels_forward(&hub->slave, newcomer->session_id, 0);
    assert_non_null(take_order(owner->session_id, M4H_ORDER_PROBE));
    assert_null(take_order(newcomer->session_id, M4H_ORDER_FORWARDED));
    m4h_rivals_sign(&hub->slave, owner->session_id, true);
    expect_refused(newcomer->session_id);
    assert_null(take_order(owner->session_id, M4H_ORDER_CLOSE));
    assert_int_equal(owner->state, M4H_RESIDENT_UP);
    assert_ptr_equal(m4h_roster_owner(hub->slave.roster, KEY), owner);
}

static void it_is_reported_once_with_both_addresses(void **state)
{
    struct m4h_resident *owner = evict(3);

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct m4h_resident *newcomer = admit(KEY);

        m4h_tunnels_forward(&hub->slave, newcomer->session_id, 0);
        assert_non_null(take_order(owner->session_id, M4H_ORDER_PROBE));
        m4h_rivals_sign(&hub->slave, owner->session_id, true);
        expect_refused(newcomer->session_id);
        if (i == 0) {
            const struct m4h_flapping *flapping = &hub->last_event.as.flapping;

            assert_int_equal(hub->last_event.type, M4H_EVENT_FLAPPING);
            assert_string_equal(flapping->client_key, KEY);
            assert_int_equal(flapping->evictions, 3);
            assert_int_equal(flapping->window_ms, 60000);
            assert_int_equal(flapping->hold_ms, 10000);
            assert_string_equal(flapping->remote_address, newcomer->tunnel.remote_address);
            assert_string_equal(flapping->owner_address, owner->tunnel.remote_address);
        }
    }
    assert_int_equal(hub->events[M4H_EVENT_FLAPPING], 1);
    assert_int_equal(hub->slave.counters.flaps, 1);
    assert_int_equal(hub->refusals, 3);
}

static void an_owner_that_gives_no_sign_makes_room_for_the_newcomer(void **state)
{
    struct m4h_resident *owner = evict(3);
    struct m4h_resident *newcomer = admit(KEY);
    uint64_t owner_id = owner->session_id;
    const struct m4h_order *order;

    (void)state;
    m4h_tunnels_forward(&hub->slave, newcomer->session_id, 0);
    m4h_rivals_sign(&hub->slave, owner_id, false);
    assert_non_null(take_order(owner_id, M4H_ORDER_CLOSE));
    gone(owner_id, M4H_DISCONNECT_KEEPALIVE_TIMEOUT, 1);
    order = take_order(newcomer->session_id, M4H_ORDER_FORWARDED);
    assert_non_null(order);
    assert_true(order->as.forwarded.fd >= 0);
    close(order->as.forwarded.fd);
    assert_int_equal(hub->refusals, 0);
}

static void an_owner_that_leaves_meanwhile_makes_room_too(void **state)
{
    struct m4h_resident *owner = evict(3);
    struct m4h_resident *newcomer = admit(KEY);
    const struct m4h_order *order;

    (void)state;
    newcomer->owner_stamp = 1; /* the master named the owner */
    m4h_tunnels_forward(&hub->slave, newcomer->session_id, 0);
    gone(owner->session_id, M4H_DISCONNECT_CLIENT_CLOSED, 1);
    order = take_order(newcomer->session_id, M4H_ORDER_FORWARDED);
    assert_non_null(order);
    assert_true(order->as.forwarded.fd >= 0);
    close(order->as.forwarded.fd);
}

static void a_newcomer_that_leaves_meanwhile_changes_nothing(void **state)
{
    struct m4h_resident *owner = evict(3);
    struct m4h_resident *newcomer = admit(KEY);
    uint64_t newcomer_id = newcomer->session_id;

    (void)state;
    m4h_tunnels_forward(&hub->slave, newcomer_id, 0);
    gone(newcomer_id, M4H_DISCONNECT_CONNECTION_LOST, 0);
    m4h_rivals_sign(&hub->slave, owner->session_id, false);
    assert_null(take_order(owner->session_id, M4H_ORDER_CLOSE));
    assert_int_equal(owner->state, M4H_RESIDENT_UP);
    newcomer = admit(KEY); /* and the next one is asked about anew */
    m4h_tunnels_forward(&hub->slave, newcomer->session_id, 0);
    assert_non_null(take_order(owner->session_id, M4H_ORDER_PROBE));
}

static void of_two_newcomers_the_newer_one_waits(void **state)
{
    struct m4h_resident *owner = evict(2);
    struct m4h_resident *first = admit(KEY), *second = admit(KEY);
    const struct m4h_order *order;

    (void)state;
    m4h_tunnels_forward(&hub->slave, first->session_id, 0);
    m4h_tunnels_forward(&hub->slave, second->session_id, 0);
    order = take_order(first->session_id, M4H_ORDER_FORWARDED);
    assert_non_null(order);
    assert_int_equal(order->as.forwarded.fd, -1);
    assert_int_equal(hub->last_refusal.reason, M4H_REFUSE_REPLACED);
    m4h_rivals_sign(&hub->slave, owner->session_id, true); /* the third eviction is allowed */
    assert_non_null(take_order(owner->session_id, M4H_ORDER_CLOSE));
    assert_int_equal(second->state, M4H_RESIDENT_WAITING);
}

/* Then each further return is one to a dead connection, and no eviction. */
static void power_cuts_in_a_row_are_not_taken_for_flapping(void **state)
{
    struct m4h_resident *owner = evict(2);

    (void)state;
    for (int i = 0; i < 10; i++) {
        struct m4h_resident *newcomer = admit(KEY);
        const struct m4h_order *order;

        m4h_tunnels_forward(&hub->slave, newcomer->session_id, 0);
        assert_non_null(take_order(owner->session_id, M4H_ORDER_PROBE));
        m4h_rivals_sign(&hub->slave, owner->session_id, false);
        gone(owner->session_id, M4H_DISCONNECT_KEEPALIVE_TIMEOUT, 1);
        order = take_order(newcomer->session_id, M4H_ORDER_FORWARDED);
        assert_non_null(order);
        assert_true(order->as.forwarded.fd >= 0);
        close(order->as.forwarded.fd);
        owner = newcomer;
    }
    assert_int_equal(hub->refusals, 0);
    assert_int_equal(hub->events[M4H_EVENT_FLAPPING], 0);
}

/* Power cuts and bad links: each return finds a dead connection in its way. */
static void returns_of_a_device_whose_old_connection_is_dead_are_no_evictions(void **state)
{
    struct m4h_resident *owner = admit(KEY);

    (void)state;
    assert_int_not_equal(forward(owner, 0), 0);
    for (int i = 0; i < 10; i++) {
        struct m4h_resident *newcomer = admit(KEY);
        const struct m4h_order *order;

        m4h_tunnels_forward(&hub->slave, newcomer->session_id, 0);
        assert_non_null(take_order(owner->session_id, M4H_ORDER_CLOSE));
        gone(owner->session_id, M4H_DISCONNECT_KEEPALIVE_TIMEOUT, 1);
        order = take_order(newcomer->session_id, M4H_ORDER_FORWARDED);
        assert_non_null(order);
        close(order->as.forwarded.fd);
        owner = newcomer;
    }
    assert_int_equal(hub->refusals, 0);
    assert_int_equal(hub->events[M4H_EVENT_FLAPPING], 0);
}

/* Masters count by the reason, so it waits until that is known. */
static void a_device_that_lost_its_key_to_another_slave_is_asked_before_it_is_closed(void **state)
{
    struct m4h_resident *resident = admit(KEY);
    const struct m4h_order *order;

    (void)state;
    assert_int_not_equal(forward(resident, 0), 0);
    m4h_rivals_part(&hub->slave, resident);
    assert_non_null(take_order(resident->session_id, M4H_ORDER_PROBE));
    assert_null(take_order(resident->session_id, M4H_ORDER_CLOSE));
    m4h_rivals_sign(&hub->slave, resident->session_id, false);
    order = take_order(resident->session_id, M4H_ORDER_CLOSE);
    assert_non_null(order);
    assert_int_equal(order->as.close.reason, M4H_DISCONNECT_REPLACED); /* the worker knows better */
    m4h_rivals_sign(&hub->slave, resident->session_id, true);
    assert_null(take_order(resident->session_id, M4H_ORDER_CLOSE));
}

static void an_owner_on_another_slave_stays_too_and_one_that_is_not_there_bars_nobody(void **state)
{
    static const struct {
        uint64_t owner_stamp;
        uint32_t evictions;
        bool given;
    } cases[] = {{7, 3, false}, {0, 3, true}, {7, 2, true}};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_resident *newcomer;
        char key[16];

        snprintf(key, sizeof(key), "case-%zu", i);
        newcomer = admit(key);
        newcomer->owner_stamp = cases[i].owner_stamp;
        newcomer->evictions = cases[i].evictions;
        newcomer->evicted_ms = m4h_loop_now_ms(hub->slave.loop);
        if ((forward(newcomer, 0) != 0) != cases[i].given)
            fail_msg("case %zu", i);
    }
    assert_int_equal(hub->events[M4H_EVENT_FLAPPING], 1);
    assert_string_equal(hub->last_refusal.client_key, "case-0");
    assert_int_equal(hub->last_refusal.reason, M4H_REFUSE_FLAPPING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_begin, hub_end)

/* ---- a port that a master gave ---------------------------------------------------------- */

static void a_device_gets_the_port_that_a_master_gave_it_and_no_other(void **state)
{
    struct m4h_resident *first = admit(KEY), *other = admit("pump-2");

    (void)state;
    first->fixed_port = other->fixed_port = PORT_MIN + 55;
    first->last_port = PORT_MIN + 77;
    assert_int_equal(forward(first, 0), PORT_MIN + 55);
    assert_int_not_equal(forward(first, 0), 0); /* its second may be any */
    assert_int_equal(forward(other, 0), 0);
    assert_int_equal(hub->last_refusal.reason, M4H_REFUSE_PORT_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_successor_gets_the_port_whose_listener_came_too_late_for_the_loser),
        TEST(a_port_is_in_use_until_its_late_listener_is_closed),
        TEST(a_device_that_got_its_listener_is_gone_at_once),
        TEST(a_certain_port_is_for_those_who_may_ask_for_it),
        TEST(any_port_is_first_that_which_it_had_elsewhere_and_then_others),
        TEST(while_a_key_flaps_the_owner_stays_as_long_as_it_lives),
        TEST(it_is_reported_once_with_both_addresses),
        TEST(an_owner_that_gives_no_sign_makes_room_for_the_newcomer),
        TEST(an_owner_that_leaves_meanwhile_makes_room_too),
        TEST(a_newcomer_that_leaves_meanwhile_changes_nothing),
        TEST(of_two_newcomers_the_newer_one_waits),
        TEST(power_cuts_in_a_row_are_not_taken_for_flapping),
        TEST(returns_of_a_device_whose_old_connection_is_dead_are_no_evictions),
        TEST(a_device_that_lost_its_key_to_another_slave_is_asked_before_it_is_closed),
        TEST(an_owner_on_another_slave_stays_too_and_one_that_is_not_there_bars_nobody),
        cmocka_unit_test_setup_teardown(a_device_gets_the_port_that_a_master_gave_it_and_no_other,
                                        hub_begin, hub_end),
    };

    return cmocka_run_group_tests_name("slave: hub", tests, NULL, NULL);
}
