/* Where devices were last. */
#include "services/master/core/last_places.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int begin(void **state)
{
    static struct m4h_last_places places;

    *state = &places;
    return m4h_last_places_init(&places, 7);
}

static int end(void **state)
{
    m4h_last_places_free(*state);
    return 0;
}

static void a_device_that_was_never_here_has_none(void **state)
{
    assert_int_equal(m4h_last_places_find(*state, "dev").port, 0);
    m4h_last_places_set(*state, "dev", 40000, 4095);
    assert_int_equal(m4h_last_places_find(*state, "dev-2").port, 0);
}

static void the_latest_port_is_found(void **state)
{
    m4h_last_places_set(*state, "dev", 40000, 4095);
    m4h_last_places_set(*state, "dev", 65535, 7);
    assert_int_equal(m4h_last_places_find(*state, "dev").port, 65535);
    assert_int_equal(m4h_last_places_find(*state, "dev").slave, 7);
}

/* So many that some push others out: what is found is never the port of another device. */
static void what_is_pushed_out_is_not_known_and_never_wrong(void **state)
{
    unsigned known = 0;
    char key[16];

    for (unsigned i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "dev-%u", i);
        m4h_last_places_set(*state, key, (uint16_t)(1 + i % 65535),
                            (uint16_t)(i % M4H_LAST_PLACES_SLAVES));
    }
    for (unsigned i = 0; i < 100000; i++) {
        struct m4h_last_place place;

        snprintf(key, sizeof(key), "dev-%u", i);
        place = m4h_last_places_find(*state, key);
        assert_true(place.port == 0 ||
                    (place.port == 1 + i % 65535 && place.slave == i % M4H_LAST_PLACES_SLAVES));
        known += place.port != 0;
    }
    assert_true(known > 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(a_device_that_was_never_here_has_none),
        TEST(the_latest_port_is_found),
        TEST(what_is_pushed_out_is_not_known_and_never_wrong),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
