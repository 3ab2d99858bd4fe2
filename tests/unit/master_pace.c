/* The pace of slots: what the slaves can take, or what is configured, and what is said to
 * those that must wait. */
#include "tests/unit/master_scene.h"

#include "lib/base/error.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_region_gives_so_many_slots_a_second(void **state)
{
    struct m4h_cluster_config config = world_config();
    struct m4h_problem problem = {0};

    (void)state;
    config.dispatch.slots_per_second = 10;
    scene_restart(&config);
    scene_add("eu", 1000);
    scene_ask("eu", 10);
    assert_string_equal(world_dispatch(scene.world, "eu", "", &problem), "");
    assert_int_equal(problem.code, M4H_PROBLEM_THROTTLED);
    assert_in_range(problem.retry_after_ms, 1, 30000);
    world_pass(scene.world, 100);
    scene_ask("eu", 1);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_THROTTLED);
    world_pass(scene.world, 1000);
    scene_ask("eu", 10);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_THROTTLED);
}

static void pace_and_fallbacks_change_while_it_works(void **state)
{
    struct m4h_cluster_config config = world_config();
    char message[100];

    (void)state;
    config.dispatch.slots_per_second = 1;
    scene_restart(&config);
    scene_add("eu", 3);
    scene_add("us", 10);
    scene_ask("eu", 1);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_THROTTLED);
    config.dispatch.slots_per_second = 0;
    m4h_cluster_set_dispatch(scene.world->cluster, &config.dispatch);
    scene_ask("eu", 2);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_NO_CAPACITY);
    assert_int_equal(
        m4h_fallback_parse(&config.dispatch.fallback, "eu>us", message, sizeof(message)), 0);
    m4h_cluster_set_dispatch(scene.world->cluster, &config.dispatch);
    scene_ask("eu", 1);
    assert_int_equal(scene.given[1], 1);
}

static void pace_by_the_slaves(void)
{
    struct m4h_cluster_config config = world_config();

    config.dispatch.slots_per_second = M4H_DISPATCH_AUTO;
    config.dispatch.reservation_ms = 600000;
    scene_restart(&config);
}

static void a_slave_that_comes_back_empty_is_filled_smoothly(void **state)
{
    char key[16];

    (void)state;
    pace_by_the_slaves();
    for (unsigned i = 0; i < 3; i++) {
        struct fake_slave *full = scene_add_as("eu", 10000, 100, 0);

        for (unsigned j = 0; j < 1000; j++) {
            snprintf(key, sizeof(key), "d%u-%u", i, j);
            scene_arrive(full, key);
        }
    }
    scene_add_as("eu", 10000, 100, 50);
    scene_ask("eu", 600); /* all at once: it gets 2 s of what it can take */
    assert_int_equal(scene.given[3], 100);
    for (unsigned second = 1; second <= 5; second++) {
        world_pass(scene.world, 1000);
        scene_ask("eu", 200);
        assert_in_range(scene.given[3], 100 + second * 50 - 2, 100 + second * 50 + 2);
    }
}

static void a_storm_is_paced_by_what_the_slaves_can_take(void **state)
{
    struct m4h_problem problem = {0};

    (void)state;
    pace_by_the_slaves();
    scene_add_as("eu", 10000, 100, 100);
    scene_add_as("eu", 10000, 100, 300);
    scene_ask("eu", 800);
    assert_int_equal(scene.given[0], 200);
    assert_int_equal(scene.given[1], 600);
    assert_string_equal(world_dispatch(scene.world, "eu", "", &problem), "");
    assert_int_equal(problem.code, M4H_PROBLEM_THROTTLED);
    assert_in_range(problem.retry_after_ms, 1, 30000);
    world_pass(scene.world, 100);
    scene_ask("eu", 40);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_THROTTLED);
}

static void no_limit_of_any_kind_is_none(void **state)
{
    struct m4h_cluster_config config = world_config();

    (void)state;
    pace_by_the_slaves();
    scene_add_as("eu", 10000, 100, 1);
    scene_ask("eu", 2);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_THROTTLED);
    config.dispatch.slots_per_second = 0;
    m4h_cluster_set_dispatch(scene.world->cluster, &config.dispatch);
    scene_ask("eu", 1000);
}

static void a_throttled_region_does_not_spill_over(void **state)
{
    struct m4h_cluster_config config = world_config();
    char message[100];

    (void)state;
    config.dispatch.slots_per_second = 1;
    assert_int_equal(
        m4h_fallback_parse(&config.dispatch.fallback, "eu>us", message, sizeof(message)), 0);
    scene_restart(&config);
    scene_add("eu", 1000);
    scene_add("us", 1000);
    scene_ask("eu", 1);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_THROTTLED);
    scene_ask("", 1);
    assert_int_equal(scene.given[1], 1);
    assert_int_equal(scene_problem(""), M4H_PROBLEM_THROTTLED);
}

/* The more were refused, the longer the time over which they are spread. */
static void a_crowd_is_told_to_come_back_over_a_longer_time(void **state)
{
    struct m4h_cluster_config config = world_config();
    struct m4h_dispatch_request request = {.region = "eu"};
    uint32_t longest = 0, shortest = UINT32_MAX;

    (void)state;
    config.dispatch.slots_per_second = 100;
    scene_restart(&config);
    scene_add("eu", 4000);
    scene_ask("eu", 100);
    for (uint64_t i = 0; i < 2000; i++) {
        struct m4h_problem problem = {0};
        struct m4h_slot slot;

        assert_int_equal(m4h_cluster_dispatch(scene.world->cluster, &request, scene.world->moment,
                                              i * 7919, &slot, &problem),
                         M4H_EUNAVAILABLE);
        longest = problem.retry_after_ms > longest ? problem.retry_after_ms : longest;
        shortest = problem.retry_after_ms < shortest ? problem.retry_after_ms : shortest;
    }
    assert_true(shortest >= 1 && shortest < 1000);
    assert_in_range(longest, 10000, 21000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
        TEST(a_region_gives_so_many_slots_a_second),
        TEST(pace_and_fallbacks_change_while_it_works),
        TEST(a_slave_that_comes_back_empty_is_filled_smoothly),
        TEST(a_storm_is_paced_by_what_the_slaves_can_take),
        TEST(no_limit_of_any_kind_is_none),
        TEST(a_throttled_region_does_not_spill_over),
        TEST(a_crowd_is_told_to_come_back_over_a_longer_time),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
