/* Who gets which port: leases, the very port asked for, a full range, ports that
 * other programs have. */
#include "services/slave/core/ports.h"

#include "lib/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SHUN_MS  60000u
#define LEASE_MS 86400000u

static struct m4h_ports *ports_of(uint16_t min, uint16_t max)
{
    struct m4h_ports *ports;

    assert_int_equal(m4h_ports_create(&ports, min, max), 0);
    return ports;
}

static uint16_t take(struct m4h_ports *ports, const char *client_key, uint64_t now_ms)
{
    const struct m4h_port_wish wish = {.client_key = client_key, .lease_ms = LEASE_MS};

    return m4h_ports_take(ports, &wish, now_ms);
}

static int take_exactly(struct m4h_ports *ports, uint16_t port, const char *client_key,
                        uint64_t now_ms)
{
    const struct m4h_port_wish wish = {
        .client_key = client_key, .port = port, .lease_ms = LEASE_MS};

    return m4h_ports_take_exactly(ports, &wish, now_ms);
}

static const char *name_of(unsigned number, char name[24])
{
    snprintf(name, 24, "device-%u", number);
    return name;
}

static void a_device_gets_the_same_port_again(void **state)
{
    struct m4h_ports *ports = ports_of(20000, 29999);
    uint16_t port = take(ports, "pump-1", 0);

    (void)state;
    assert_in_range(port, 20000, 29999);
    m4h_ports_give_back(ports, port, 0);
    assert_int_equal(take(ports, "pump-1", 1000), port);
    m4h_ports_destroy(ports);
}

static void the_first_choice_depends_on_the_key_alone(void **state)
{
    struct m4h_ports *here = ports_of(20000, 29999);
    struct m4h_ports *elsewhere = ports_of(20000, 29999);
    char name[24];

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        uint16_t port = take(here, name_of(i, name), 0);

        m4h_ports_give_back(here, port, 0);
        assert_int_equal(take(elsewhere, name, 0), port);
        m4h_ports_give_back(elsewhere, port, 0);
    }
    m4h_ports_destroy(here);
    m4h_ports_destroy(elsewhere);
}

/* In half of a small range many homes collide; each device moves on, and finds
 * its own port again in whatever order they come back. */
static void devices_whose_homes_collide_keep_their_ports_apart(void **state)
{
    enum {
        COUNT = 50
    };
    struct m4h_ports *ports = ports_of(30000, 30099);
    uint16_t had[COUNT];
    bool seen[100] = {false};
    char name[24];

    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        had[i] = take(ports, name_of(i, name), 0);
        assert_in_range(had[i], 30000, 30099);
        assert_false(seen[had[i] - 30000]);
        seen[had[i] - 30000] = true;
    }
    for (unsigned i = 0; i < COUNT; i++)
        m4h_ports_give_back(ports, had[i], 0);
    for (unsigned i = COUNT; i-- > 0;)
        assert_int_equal(take(ports, name_of(i, name), 1), had[i]);
    m4h_ports_destroy(ports);
}

static void a_device_finds_each_of_its_several_ports_again(void **state)
{
    struct m4h_ports *ports = ports_of(20000, 20999);
    uint16_t had[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        had[i] = take(ports, "pump-1", 0);
    for (int i = 0; i < 4; i++)
        m4h_ports_give_back(ports, had[i], 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(take(ports, "pump-1", 1), had[i]);
    m4h_ports_destroy(ports);
}

/* As long as there are others, nobody takes what an absent device had. */
static void ports_that_nobody_had_go_first(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);
    uint16_t lease = take(ports, "absent", 0);
    char name[24];

    (void)state;
    m4h_ports_give_back(ports, lease, 0);
    for (unsigned i = 0; i < 9; i++)
        assert_int_not_equal(take(ports, name_of(i, name), 0), lease);
    assert_int_equal(take(ports, "one-more", 0), lease);
    assert_int_equal(take(ports, "absent", 0), 0);
    m4h_ports_destroy(ports);
}

static void a_full_range_has_none_until_one_is_given_back(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30002);
    char name[24];

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_not_equal(take(ports, name_of(i, name), 0), 0);
    assert_int_equal(take(ports, "late", 0), 0);
    m4h_ports_give_back(ports, 30001, 0);
    assert_int_equal(take(ports, "late", 0), 30001);
    m4h_ports_destroy(ports);
}

static void the_very_port_is_given_where_it_is_free_and_in_the_range(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);

    (void)state;
    assert_int_equal(take_exactly(ports, 29999, "pump-1", 0), M4H_EINVALID);
    assert_int_equal(take_exactly(ports, 30010, "pump-1", 0), M4H_EINVALID);
    assert_int_equal(take_exactly(ports, 0, "pump-1", 0), M4H_EINVALID);
    assert_int_equal(take_exactly(ports, 65535, "pump-1", 0), M4H_EINVALID);
    assert_int_equal(take_exactly(ports, 30000, "pump-1", 0), 0);
    assert_int_equal(take_exactly(ports, 30009, "pump-1", 0), 0);
    assert_int_equal(take_exactly(ports, 30000, "pump-2", 0), M4H_EEXIST);
    assert_int_equal(take_exactly(ports, 30000, "pump-1", 0), M4H_EEXIST);
    m4h_ports_give_back(ports, 30000, 0);
    assert_int_equal(take_exactly(ports, 30000, "pump-1", 0), 0);
    m4h_ports_destroy(ports);
}

/* A lease bars others for its time and no longer, from the moment of leaving on. */
static void the_very_port_is_kept_for_its_device_while_the_lease_holds(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);
    uint16_t port = take(ports, "absent", 0);

    (void)state;
    m4h_ports_give_back(ports, port, 5000);
    assert_int_equal(take_exactly(ports, port, "pump-1", 5000 + LEASE_MS - 1), M4H_EUNAVAILABLE);
    assert_int_equal(take_exactly(ports, port, "pump-1", 5000 + LEASE_MS), 0);
    assert_int_not_equal(take(ports, "absent", 5000 + LEASE_MS), port);
    m4h_ports_destroy(ports);
}

static void a_device_gets_its_own_port_even_after_the_lease_while_nobody_took_it(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);
    uint16_t port = take(ports, "absent", 0);

    (void)state;
    m4h_ports_give_back(ports, port, 0);
    assert_int_equal(take(ports, "absent", 2 * LEASE_MS), port);
    m4h_ports_destroy(ports);
}

static void a_lease_that_is_over_goes_before_one_that_holds(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30001);
    uint16_t old = take(ports, "old", 0);
    uint16_t young = take(ports, "young", 0);

    (void)state;
    m4h_ports_give_back(ports, old, 0);
    m4h_ports_give_back(ports, young, LEASE_MS);
    assert_int_equal(take(ports, "other", LEASE_MS), old);
    m4h_ports_destroy(ports);
}

static void where_all_are_kept_the_one_left_longest_ago_goes(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30002);
    uint16_t first = take(ports, "first", 0);
    uint16_t second = take(ports, "second", 0);
    uint16_t third = take(ports, "third", 0);

    (void)state;
    m4h_ports_give_back(ports, first, 300);
    m4h_ports_give_back(ports, second, 100);
    m4h_ports_give_back(ports, third, 200);
    assert_int_equal(take(ports, "other", 400), second);
    assert_int_equal(take(ports, "third", 400), third);
    m4h_ports_destroy(ports);
}

static void a_lease_of_no_time_bars_nobody(void **state)
{
    const struct m4h_port_wish wish = {.client_key = "pump-1", .port = 30000};
    struct m4h_ports *ports = ports_of(30000, 30009);

    (void)state;
    assert_int_equal(take_exactly(ports, 30000, "absent", 7), 0);
    m4h_ports_give_back(ports, 30000, 7);
    assert_int_equal(m4h_ports_take_exactly(ports, &wish, 7), 0);
    m4h_ports_destroy(ports);
}

/* It moved here from another slave, where it had that port. */
static void the_port_that_it_had_elsewhere_is_tried_first(void **state)
{
    const struct m4h_port_wish wish = {.client_key = "pump-1", .port = 30005, .lease_ms = LEASE_MS};
    const struct m4h_port_wish outside = {.client_key = "pump-2", .port = 80, .lease_ms = LEASE_MS};
    struct m4h_ports *ports = ports_of(30000, 30009);
    uint16_t port = take(ports, "pump-1", 0);

    (void)state;
    m4h_ports_give_back(ports, port, 0);
    assert_int_equal(m4h_ports_take(ports, &wish, 1), 30005);
    assert_int_not_equal(m4h_ports_take(ports, &wish, 1), 30005);
    assert_int_not_equal(m4h_ports_take(ports, &outside, 1), 0);
    m4h_ports_destroy(ports);
}

static void the_port_that_it_had_elsewhere_may_be_another_ones_here(void **state)
{
    const struct m4h_port_wish wish = {.client_key = "pump-1", .port = 30005, .lease_ms = LEASE_MS};
    struct m4h_ports *ports = ports_of(30000, 30009);
    uint16_t port;

    (void)state;
    assert_int_equal(take_exactly(ports, 30005, "absent", 0), 0);
    m4h_ports_give_back(ports, 30005, 0);
    port = m4h_ports_take(ports, &wish, 1);
    assert_in_range(port, 30000, 30009);
    assert_int_not_equal(port, 30005);
    m4h_ports_destroy(ports);
}

static void where_a_device_has_ranges_it_gets_a_port_of_theirs_while_there_is_one(void **state)
{
    static const struct m4h_port_range ranges[] = {{80, 80}, {30007, 30008}};
    const struct m4h_port_wish wish = {
        .client_key = "pump-1",
        .port = 30001, /* had elsewhere, not of its ranges */
        .ranges = ranges,
        .range_count = 2,
        .lease_ms = LEASE_MS,
    };
    struct m4h_ports *ports = ports_of(30000, 30009);

    (void)state;
    assert_int_equal(take_exactly(ports, 30003, "pump-1", 0), 0);
    m4h_ports_give_back(ports, 30003, 0);
    assert_int_equal(m4h_ports_take(ports, &wish, 1), 30007);
    assert_int_equal(m4h_ports_take(ports, &wish, 1), 30008);
    assert_int_equal(m4h_ports_take(ports, &wish, 1), 30003);
    m4h_ports_give_back(ports, 30008, 2);
    assert_int_equal(m4h_ports_take(ports, &wish, 3), 30008);
    m4h_ports_destroy(ports);
}

static void a_port_asked_for_by_number_is_a_lease_too(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);

    (void)state;
    assert_int_equal(take_exactly(ports, 30007, "pump-1", 0), 0);
    m4h_ports_give_back(ports, 30007, 0);
    assert_int_equal(take(ports, "pump-1", 0), 30007);
    m4h_ports_destroy(ports);
}

static void a_shunned_port_is_left_alone_until_its_time_is_over(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30001);
    uint16_t port = take(ports, "pump-1", 1000);
    uint16_t other;

    (void)state;
    m4h_ports_shun(ports, port, 1000);
    other = take(ports, "pump-1", 1000);
    assert_int_not_equal(other, 0);
    assert_int_not_equal(other, port);
    assert_int_equal(take(ports, "pump-2", 1000 + SHUN_MS - 1), 0);
    assert_int_equal(take_exactly(ports, port, "pump-2", 1000 + SHUN_MS - 1), M4H_EAGAIN);
    assert_int_equal(take(ports, "pump-2", 1000 + SHUN_MS), port);
    m4h_ports_destroy(ports);
}

static void a_shunned_port_is_nobodys_lease(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);
    uint16_t port = take(ports, "pump-1", 0);
    uint16_t instead;

    (void)state;
    m4h_ports_shun(ports, port, 0);
    instead = take(ports, "pump-1", 0);
    m4h_ports_give_back(ports, instead, 0);
    assert_int_equal(take(ports, "pump-1", SHUN_MS), instead);
    m4h_ports_destroy(ports);
}

static void trying_and_shunning_ends_when_every_port_is_in_use_elsewhere(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30031);
    unsigned tries = 0;
    uint16_t port;

    (void)state;
    while ((port = take(ports, "pump-1", 5)) != 0) {
        m4h_ports_shun(ports, port, 5);
        tries++;
    }
    assert_int_equal(tries, 32);
    m4h_ports_destroy(ports);
}

static void a_range_may_be_one_port_or_end_at_the_last(void **state)
{
    struct m4h_ports *one = ports_of(65535, 65535);
    struct m4h_ports *last = ports_of(65530, 65535);
    char name[24];

    (void)state;
    assert_int_equal(take(one, "pump-1", 0), 65535);
    assert_int_equal(take(one, "pump-2", 0), 0);
    for (unsigned i = 0; i < 6; i++)
        assert_in_range(take(last, name_of(i, name), 0), 65530, 65535);
    assert_int_equal(take(last, "late", 0), 0);
    m4h_ports_destroy(one);
    m4h_ports_destroy(last);
}

static void nothing_is_destroyed_harmlessly(void **state)
{
    (void)state;
    m4h_ports_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_gets_the_same_port_again),
        cmocka_unit_test(the_first_choice_depends_on_the_key_alone),
        cmocka_unit_test(devices_whose_homes_collide_keep_their_ports_apart),
        cmocka_unit_test(a_device_finds_each_of_its_several_ports_again),
        cmocka_unit_test(ports_that_nobody_had_go_first),
        cmocka_unit_test(a_full_range_has_none_until_one_is_given_back),
        cmocka_unit_test(the_very_port_is_given_where_it_is_free_and_in_the_range),
        cmocka_unit_test(the_very_port_is_kept_for_its_device_while_the_lease_holds),
        cmocka_unit_test(a_device_gets_its_own_port_even_after_the_lease_while_nobody_took_it),
        cmocka_unit_test(a_lease_that_is_over_goes_before_one_that_holds),
        cmocka_unit_test(where_all_are_kept_the_one_left_longest_ago_goes),
        cmocka_unit_test(a_lease_of_no_time_bars_nobody),
        cmocka_unit_test(the_port_that_it_had_elsewhere_is_tried_first),
        cmocka_unit_test(the_port_that_it_had_elsewhere_may_be_another_ones_here),
        cmocka_unit_test(where_a_device_has_ranges_it_gets_a_port_of_theirs_while_there_is_one),
        cmocka_unit_test(a_port_asked_for_by_number_is_a_lease_too),
        cmocka_unit_test(a_shunned_port_is_left_alone_until_its_time_is_over),
        cmocka_unit_test(a_shunned_port_is_nobodys_lease),
        cmocka_unit_test(trying_and_shunning_ends_when_every_port_is_in_use_elsewhere),
        cmocka_unit_test(a_range_may_be_one_port_or_end_at_the_last),
        cmocka_unit_test(nothing_is_destroyed_harmlessly),
    };

    return cmocka_run_group_tests_name("slave: ports", tests, NULL, NULL);
}
