/* Who gets which port: leases, the very port asked for, a full range, ports that
 * other programs have. */
#include "services/slave/core/ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SHUN_MS 60000u

static struct m4h_ports *ports_of(uint16_t min, uint16_t max)
{
    struct m4h_ports *ports;

    assert_int_equal(m4h_ports_create(&ports, min, max), 0);
    return ports;
}

static const char *name_of(unsigned number, char name[24])
{
    snprintf(name, 24, "device-%u", number);
    return name;
}

static void a_device_gets_the_same_port_again(void **state)
{
    struct m4h_ports *ports = ports_of(20000, 29999);
    uint16_t port = m4h_ports_take(ports, "pump-1", 0);

    (void)state;
    assert_in_range(port, 20000, 29999);
    m4h_ports_give_back(ports, port);
    assert_int_equal(m4h_ports_take(ports, "pump-1", 1000), port);
    m4h_ports_destroy(ports);
}

static void the_first_choice_depends_on_the_key_alone(void **state)
{
    struct m4h_ports *here = ports_of(20000, 29999);
    struct m4h_ports *elsewhere = ports_of(20000, 29999);
    char name[24];

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        uint16_t port = m4h_ports_take(here, name_of(i, name), 0);

        m4h_ports_give_back(here, port);
        assert_int_equal(m4h_ports_take(elsewhere, name, 0), port);
        m4h_ports_give_back(elsewhere, port);
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
        had[i] = m4h_ports_take(ports, name_of(i, name), 0);
        assert_in_range(had[i], 30000, 30099);
        assert_false(seen[had[i] - 30000]);
        seen[had[i] - 30000] = true;
    }
    for (unsigned i = 0; i < COUNT; i++)
        m4h_ports_give_back(ports, had[i]);
    for (unsigned i = COUNT; i-- > 0;)
        assert_int_equal(m4h_ports_take(ports, name_of(i, name), 1), had[i]);
    m4h_ports_destroy(ports);
}

static void a_device_finds_each_of_its_several_ports_again(void **state)
{
    struct m4h_ports *ports = ports_of(20000, 20999);
    uint16_t had[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        had[i] = m4h_ports_take(ports, "pump-1", 0);
    for (int i = 0; i < 4; i++)
        m4h_ports_give_back(ports, had[i]);
    for (int i = 0; i < 4; i++)
        assert_int_equal(m4h_ports_take(ports, "pump-1", 1), had[i]);
    m4h_ports_destroy(ports);
}

/* As long as there are others, nobody takes what an absent device had. */
static void ports_that_nobody_had_go_first(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);
    uint16_t lease = m4h_ports_take(ports, "absent", 0);
    char name[24];

    (void)state;
    m4h_ports_give_back(ports, lease);
    for (unsigned i = 0; i < 9; i++)
        assert_int_not_equal(m4h_ports_take(ports, name_of(i, name), 0), lease);
    assert_int_equal(m4h_ports_take(ports, "one-more", 0), lease);
    assert_int_equal(m4h_ports_take(ports, "absent", 0), 0);
    m4h_ports_destroy(ports);
}

static void a_full_range_has_none_until_one_is_given_back(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30002);
    char name[24];

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_not_equal(m4h_ports_take(ports, name_of(i, name), 0), 0);
    assert_int_equal(m4h_ports_take(ports, "late", 0), 0);
    m4h_ports_give_back(ports, 30001);
    assert_int_equal(m4h_ports_take(ports, "late", 0), 30001);
    m4h_ports_destroy(ports);
}

static void the_very_port_is_given_where_it_is_free_and_in_the_range(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);

    (void)state;
    assert_false(m4h_ports_take_exactly(ports, 29999, "pump-1", 0));
    assert_false(m4h_ports_take_exactly(ports, 30010, "pump-1", 0));
    assert_false(m4h_ports_take_exactly(ports, 0, "pump-1", 0));
    assert_false(m4h_ports_take_exactly(ports, 65535, "pump-1", 0));
    assert_true(m4h_ports_take_exactly(ports, 30000, "pump-1", 0));
    assert_true(m4h_ports_take_exactly(ports, 30009, "pump-1", 0));
    assert_false(m4h_ports_take_exactly(ports, 30000, "pump-2", 0));
    assert_false(m4h_ports_take_exactly(ports, 30000, "pump-1", 0));
    m4h_ports_give_back(ports, 30000);
    assert_true(m4h_ports_take_exactly(ports, 30000, "pump-2", 0));
    m4h_ports_destroy(ports);
}

static void the_very_port_may_be_one_that_another_device_had(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);
    uint16_t port = m4h_ports_take(ports, "absent", 0);

    (void)state;
    m4h_ports_give_back(ports, port);
    assert_true(m4h_ports_take_exactly(ports, port, "pump-1", 0));
    assert_int_not_equal(m4h_ports_take(ports, "absent", 0), port);
    m4h_ports_destroy(ports);
}

static void a_port_asked_for_by_number_is_a_lease_too(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);

    (void)state;
    assert_true(m4h_ports_take_exactly(ports, 30007, "pump-1", 0));
    m4h_ports_give_back(ports, 30007);
    assert_int_equal(m4h_ports_take(ports, "pump-1", 0), 30007);
    m4h_ports_destroy(ports);
}

static void a_shunned_port_is_left_alone_until_its_time_is_over(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30001);
    uint16_t port = m4h_ports_take(ports, "pump-1", 1000);
    uint16_t other;

    (void)state;
    m4h_ports_shun(ports, port, 1000);
    other = m4h_ports_take(ports, "pump-1", 1000);
    assert_int_not_equal(other, 0);
    assert_int_not_equal(other, port);
    assert_int_equal(m4h_ports_take(ports, "pump-2", 1000 + SHUN_MS - 1), 0);
    assert_false(m4h_ports_take_exactly(ports, port, "pump-2", 1000 + SHUN_MS - 1));
    assert_int_equal(m4h_ports_take(ports, "pump-2", 1000 + SHUN_MS), port);
    m4h_ports_destroy(ports);
}

static void a_shunned_port_is_nobodys_lease(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30009);
    uint16_t port = m4h_ports_take(ports, "pump-1", 0);
    uint16_t instead;

    (void)state;
    m4h_ports_shun(ports, port, 0);
    instead = m4h_ports_take(ports, "pump-1", 0);
    m4h_ports_give_back(ports, instead);
    assert_int_equal(m4h_ports_take(ports, "pump-1", SHUN_MS), instead);
    m4h_ports_destroy(ports);
}

static void trying_and_shunning_ends_when_every_port_is_in_use_elsewhere(void **state)
{
    struct m4h_ports *ports = ports_of(30000, 30031);
    unsigned tries = 0;
    uint16_t port;

    (void)state;
    while ((port = m4h_ports_take(ports, "pump-1", 5)) != 0) {
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
    assert_int_equal(m4h_ports_take(one, "pump-1", 0), 65535);
    assert_int_equal(m4h_ports_take(one, "pump-2", 0), 0);
    for (unsigned i = 0; i < 6; i++)
        assert_in_range(m4h_ports_take(last, name_of(i, name), 0), 65530, 65535);
    assert_int_equal(m4h_ports_take(last, "late", 0), 0);
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
        cmocka_unit_test(the_very_port_may_be_one_that_another_device_had),
        cmocka_unit_test(a_port_asked_for_by_number_is_a_lease_too),
        cmocka_unit_test(a_shunned_port_is_left_alone_until_its_time_is_over),
        cmocka_unit_test(a_shunned_port_is_nobodys_lease),
        cmocka_unit_test(trying_and_shunning_ends_when_every_port_is_in_use_elsewhere),
        cmocka_unit_test(a_range_may_be_one_port_or_end_at_the_last),
        cmocka_unit_test(nothing_is_destroyed_harmlessly),
    };

    return cmocka_run_group_tests_name("slave: ports", tests, NULL, NULL);
}
