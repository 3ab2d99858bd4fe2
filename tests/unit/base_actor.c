/* lib/base/actor: one text for who gave an order over REST. */
#include "lib/base/actor.h"
#include "lib/base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_order_by_a_token_names_it_and_where_it_came_from(void **state)
{
    char actor[M4H_ACTOR_MAX + 1], name[M4H_ACTOR_MAX + 1], address[M4H_ADDRESS_TEXT_MAX];

    (void)state;
    m4h_actor_format(actor, "ops", "[2001:db8::1]:4711", "r-1");
    assert_string_equal(actor, "rest token=ops peer=[2001:db8::1]:4711 request_id=r-1");
    m4h_actor_split(actor, name, address);
    assert_string_equal(name, "ops");
    assert_string_equal(address, "[2001:db8::1]:4711");
}

static void without_a_token_it_is_local(void **state)
{
    char actor[M4H_ACTOR_MAX + 1], address[M4H_ADDRESS_TEXT_MAX];

    (void)state;
    m4h_actor_format(actor, "", "127.0.0.1:1", "r-1");
    m4h_actor_split(actor, actor, address);
    assert_string_equal(actor, M4H_ACTOR_LOCAL);
    assert_string_equal(address, "127.0.0.1:1");
}

static void another_actor_stays_as_it_is(void **state)
{
    char name[M4H_ACTOR_MAX + 1], address[M4H_ADDRESS_TEXT_MAX];

    (void)state;
    m4h_actor_split("restless token=x peer=y", name, address);
    assert_string_equal(name, "restless token=x peer=y");
    assert_string_equal(address, "");
}

static void an_address_that_is_too_long_is_left_out(void **state)
{
    char name[M4H_ACTOR_MAX + 1], address[M4H_ADDRESS_TEXT_MAX];
    char actor[M4H_ACTOR_MAX + 1] = "rest token=a peer=";

    (void)state;
    memset(actor + strlen(actor), '1', M4H_ADDRESS_TEXT_MAX);
    m4h_actor_split(actor, name, address);
    assert_string_equal(name, "a");
    assert_string_equal(address, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_by_a_token_names_it_and_where_it_came_from),
        cmocka_unit_test(without_a_token_it_is_local),
        cmocka_unit_test(another_actor_stays_as_it_is),
        cmocka_unit_test(an_address_that_is_too_long_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
