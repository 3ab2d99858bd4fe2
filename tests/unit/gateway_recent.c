#include "services/gateway/core/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_gateway_recent recent;

static int start(void **state)
{
    (void)state;
    memset(&recent, 0, sizeof(recent));
    return 0;
}

static bool has(const char *event_id, uint64_t live_since)
{
    return m4h_gateway_recent_has(m4h_gateway_recent_find(&recent, event_id), live_since);
}

static void what_was_given_is_not_given_again(void **state)
{
    (void)state;
    assert_false(has("s1:1:1", 0));
    m4h_gateway_recent_add(&recent, "s1:1:1");
    m4h_gateway_recent_add(&recent, "s1:1:2");
    assert_true(has("s1:1:1", 0));
    assert_true(has("s1:1:2", 0));
    assert_false(has("s1:1:3", 0));
}

static void a_reader_that_became_live_later_has_not_what_came_before(void **state)
{
    uint64_t live_since;

    (void)state;
    m4h_gateway_recent_add(&recent, "s1:1:1");
    live_since = recent.count;
    m4h_gateway_recent_add(&recent, "s1:1:2");
    assert_true(has("s1:1:1", 0));
    assert_false(has("s1:1:1", live_since));
    assert_true(has("s1:1:2", live_since));
}

static void the_oldest_are_forgotten(void **state)
{
    char event_id[32];

    (void)state;
    for (unsigned i = 0; i <= M4H_GATEWAY_RECENT_MAX; i++) {
        snprintf(event_id, sizeof(event_id), "s1:1:%u", i);
        m4h_gateway_recent_add(&recent, event_id);
    }
    assert_false(has("s1:1:0", 0));
    assert_true(has("s1:1:1", 0));
    assert_true(has(event_id, M4H_GATEWAY_RECENT_MAX));
    assert_false(has(event_id, M4H_GATEWAY_RECENT_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_given_is_not_given_again, start),
        cmocka_unit_test_setup(a_reader_that_became_live_later_has_not_what_came_before, start),
        cmocka_unit_test_setup(the_oldest_are_forgotten, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
