/* Dispatch: even, proportional, never where it must not be; fallback regions. */
#include "tests/unit/master_scene.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_thousand_requests_at_once_spread_evenly(void **state)
{
    unsigned least = 1000, most = 0;

    (void)state;
    for (unsigned i = 0; i < SCENE_SLAVES; i++)
        scene_add("eu", 500);
    scene_ask("eu", 1000);
    for (unsigned i = 0; i < SCENE_SLAVES; i++) {
        least = scene.given[i] < least ? scene.given[i] : least;
        most = scene.given[i] > most ? scene.given[i] : most;
    }
    assert_true(most - least <= 1000 / SCENE_SLAVES * 2 / 100 + 1);
}

static void slots_go_in_proportion_to_capacity(void **state)
{
    (void)state;
    scene_add("eu", 100);
    scene_add("eu", 200);
    scene_add("eu", 700);
    scene_ask("eu", 500);
    assert_in_range(scene.given[0], 49, 51);
    assert_in_range(scene.given[1], 99, 101);
    assert_in_range(scene.given[2], 349, 351);
}

static void tunnels_count_as_much_as_reservations(void **state)
{
    struct fake_slave *first = scene_add("eu", 100);

    (void)state;
    scene_add("eu", 100);
    scene_arrive(first, "a");
    scene_arrive(first, "b");
    scene_ask("eu", 2);
    assert_int_equal(scene.given[1], 2);
    scene_ask("eu", 2);
    assert_int_equal(scene.given[0], 1);
    assert_int_equal(scene.given[1], 3);
}

static void ties_go_to_the_lower_id(void **state)
{
    (void)state;
    scene_add("eu", 100);
    scene_add("eu", 100);
    assert_string_equal(world_dispatch(scene.world, "eu", "", NULL), "s0");
    assert_string_equal(world_dispatch(scene.world, "eu", "", NULL), "s1");
    assert_string_equal(world_dispatch(scene.world, "eu", "", NULL), "s0");
}

static void a_slot_says_all_that_a_device_needs(void **state)
{
    struct m4h_dispatch_request request = {.region = "eu"};
    struct m4h_problem problem;
    struct m4h_slot slot;

    (void)state;
    scene_add("eu", 100);
    assert_int_equal(m4h_cluster_dispatch(scene.world->cluster, &request, scene.world->moment, 0,
                                          &slot, &problem),
                     0);
    assert_string_equal(slot.slave_id, "s0");
    assert_string_equal(slot.region, "eu");
    assert_string_equal(slot.host, "s0.example");
    assert_int_equal(slot.port, 2222);
    assert_int_equal(slot.host_key_count, 1);
    assert_string_equal(slot.host_keys[0], "ssh-ed25519 AAAAs0QQ");
    assert_int_equal(slot.expires_wall_ms, scene.world->moment.wall_ms + 2500);
}

static void a_draining_slave_is_never_chosen(void **state)
{
    struct fake_slave *first = scene_add("eu", 100);

    (void)state;
    scene_add("eu", 100);
    scene_tell(fake_drain(first));
    scene_ask("eu", 50);
    assert_int_equal(scene.given[0], 0);
}

static void a_slave_whose_load_event_says_draining_is_never_chosen(void **state)
{
    struct fake_slave *first = scene_add("eu", 100);

    (void)state;
    first->state = M4H_SLAVE_DRAINING;
    scene_tell(fake_load(first));
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_NO_CAPACITY);
}

static void a_stopped_slave_is_never_chosen(void **state)
{
    struct fake_slave *first = scene_add("eu", 100);

    (void)state;
    scene_tell(fake_stop(first));
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_NO_CAPACITY);
    fake_slave_restart(first);
    scene_tell(fake_start(first));
    assert_int_equal(scene_problem("eu"), 0);
}

static void a_full_slave_is_never_chosen(void **state)
{
    struct fake_slave *first = scene_add("eu", 2);

    (void)state;
    scene_ask("eu", 2);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_NO_CAPACITY);
    world_pass(scene.world, 2500);
    scene_arrive(first, "a");
    scene_arrive(first, "b");
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_NO_CAPACITY);
}

static void a_slave_of_which_fewer_tunnels_are_wanted_than_it_has_is_never_chosen(void **state)
{
    struct fake_slave *first = scene_add("eu", 100);

    (void)state;
    scene_arrive(first, "a");
    scene_arrive(first, "b");
    first->capacity = 2; /* fewer files than at its start, say */
    scene_tell(fake_load(first));
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_NO_CAPACITY);
    first->capacity = 3;
    scene_tell(fake_load(first));
    assert_int_equal(scene_problem("eu"), 0);
}

static void a_slave_that_refuses_because_it_is_full_is_full_and_no_more(void **state)
{
    struct fake_slave *first = scene_add("eu", 2);
    struct m4h_event refusal;

    (void)state;
    scene_arrive(first, "a");
    scene_arrive(first, "b");
    for (unsigned i = 0; i < 100; i++) {
        refusal = fake_refuse(first);
        refusal.as.refuse.reason = M4H_REFUSE_FULL;
        m4h_text_copy(refusal.as.refuse.client_key, sizeof(refusal.as.refuse.client_key), "a");
        scene_tell(refusal);
    }
    world_assert_same(scene.world, first);
    assert_int_equal(world_slave(scene.world, "s0").state, M4H_SLAVE_READY);
    assert_int_equal(scene.world->ticket_count, 0);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_NO_CAPACITY);
    scene_tell(fake_disconnect(first, "a", first->tunnels[0].tunnel_id));
    assert_int_equal(scene_problem("eu"), 0);
}

static void a_silent_slave_is_never_chosen(void **state)
{
    struct fake_slave *second;

    (void)state;
    scene_add("eu", 100);
    second = scene_add("eu", 100);
    world_pass(scene.world, 5000);
    scene_tell(fake_load(second));
    world_pass(scene.world, 1000);
    scene_ask("eu", 50);
    assert_int_equal(scene.given[0], 0);
}

static void a_slave_of_no_capacity_is_never_chosen(void **state)
{
    (void)state;
    scene_add("eu", 0);
    assert_int_equal(scene_problem("eu"), M4H_PROBLEM_NO_CAPACITY);
    scene_add("eu", 1);
    scene_ask("eu", 1);
    assert_int_equal(scene.given[1], 1);
}

static void an_unsynced_slave_counts_by_its_load_event(void **state)
{
    struct fake_slave *first = scene_add("eu", 100);
    char client_key[16];

    (void)state;
    scene_add("eu", 100);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(client_key, sizeof(client_key), "d%u", i);
        fake_connect(first, client_key, i + 100, i);
    }
    scene_tell(fake_load(first));
    scene_ask("eu", 40);
    assert_int_equal(scene.given[1], 40);
}

static void the_asked_region_comes_first_however_full(void **state)
{
    struct fake_slave *first = scene_add("eu", 4);

    (void)state;
    scene_add("us", 1000);
    scene_arrive(first, "a");
    scene_arrive(first, "b");
    scene_ask("eu", 2);
    assert_int_equal(scene.given[0], 2);
}

static void no_region_means_the_emptiest_of_all(void **state)
{
    struct fake_slave *first = scene_add("eu", 10);

    (void)state;
    scene_add("us", 10);
    scene_arrive(first, "a");
    scene_ask("", 1);
    assert_int_equal(scene.given[1], 1);
}

static void without_fallback_a_full_region_has_no_slot(void **state)
{
    struct m4h_problem problem = {0};

    (void)state;
    scene_add("eu", 0);
    scene_add("us", 10);
    assert_string_equal(world_dispatch(scene.world, "eu", "", &problem), "");
    assert_int_equal(problem.code, M4H_PROBLEM_NO_CAPACITY);
    assert_in_range(problem.retry_after_ms, 2000, 5000);
    assert_non_null(strstr(problem.detail, "'eu'"));
}

static void a_region_that_is_not_known_is_named_with_those_that_are(void **state)
{
    struct m4h_problem problem = {0};

    (void)state;
    scene_add("us", 10);
    scene_add("eu", 10);
    world_dispatch(scene.world, "mars", "", &problem);
    assert_int_equal(problem.code, M4H_PROBLEM_NO_CAPACITY);
    assert_string_equal(problem.detail,
                        "no slave of region 'mars' is known; the known regions are: eu, us");
}

static void fallback_regions_are_tried_in_order(void **state)
{
    struct m4h_cluster_config config = world_config();
    char message[100];

    (void)state;
    assert_int_equal(
        m4h_fallback_parse(&config.dispatch.fallback, "eu>ap>us", message, sizeof(message)), 0);
    scene_restart(&config);
    scene_add("us", 10);
    scene_add("ap", 1);
    scene_add("eu", 1);
    scene_ask("eu", 3);
    assert_int_equal(scene.given[2], 1);
    assert_int_equal(scene.given[1], 1);
    assert_int_equal(scene.given[0], 1);
    assert_int_equal(scene_problem("ap"), M4H_PROBLEM_NO_CAPACITY);
}

static void a_region_without_slaves_may_have_fallbacks(void **state)
{
    struct m4h_cluster_config config = world_config();
    char message[100];

    (void)state;
    assert_int_equal(
        m4h_fallback_parse(&config.dispatch.fallback, "mars>us", message, sizeof(message)), 0);
    scene_restart(&config);
    scene_add("us", 10);
    scene_ask("mars", 1);
    assert_int_equal(scene.given[0], 1);
}

static void slots_go_in_proportion_to_capacity_and_weight(void **state)
{
    (void)state;
    scene_add_as("eu", 1000, 100, 0);
    scene_add_as("eu", 1000, 50, 0);
    scene_add_as("eu", 500, 200, 0);
    scene_ask("eu", 250);
    assert_in_range(scene.given[0], 99, 101);
    assert_in_range(scene.given[1], 49, 51);
    assert_in_range(scene.given[2], 99, 101);
}

/* By its weight it looks empty, yet it is full. */
static void a_full_slave_of_great_weight_hides_no_other(void **state)
{
    (void)state;
    scene_add_as("eu", 4, 1000, 0);
    scene_add_as("eu", 100, 10, 0);
    scene_ask("eu", 50);
    assert_int_equal(scene.given[0], 4);
    assert_int_equal(scene.given[1], 46);
}

static void a_device_goes_back_where_it_was_within_the_band(void **state)
{
    struct m4h_cluster_config config = world_config();
    struct fake_slave *first;

    (void)state;
    config.dispatch.sticky_band = 5;
    scene_restart(&config);
    first = scene_add("eu", 100);
    scene_add("eu", 100);
    for (unsigned i = 0; i < 6; i++) {
        char key[8];

        snprintf(key, sizeof(key), "dev-%u", i);
        scene_arrive(first, key);
        if (i == 4)
            assert_string_equal(world_dispatch(scene.world, "eu", "dev-0", NULL), "s0");
    }
    world_pass(scene.world, 3000);
    assert_string_equal(world_dispatch(scene.world, "eu", "dev-0", NULL), "s1"); /* 6 % */
    assert_string_equal(world_dispatch(scene.world, "eu", "nobody", NULL), "s1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
        TEST(a_thousand_requests_at_once_spread_evenly),
        TEST(slots_go_in_proportion_to_capacity),
        TEST(tunnels_count_as_much_as_reservations),
        TEST(ties_go_to_the_lower_id),
        TEST(a_slot_says_all_that_a_device_needs),
        TEST(a_draining_slave_is_never_chosen),
        TEST(a_slave_whose_load_event_says_draining_is_never_chosen),
        TEST(a_stopped_slave_is_never_chosen),
        TEST(a_full_slave_is_never_chosen),
        TEST(a_slave_of_which_fewer_tunnels_are_wanted_than_it_has_is_never_chosen),
        TEST(a_slave_that_refuses_because_it_is_full_is_full_and_no_more),
        TEST(a_silent_slave_is_never_chosen),
        TEST(a_slave_of_no_capacity_is_never_chosen),
        TEST(an_unsynced_slave_counts_by_its_load_event),
        TEST(the_asked_region_comes_first_however_full),
        TEST(no_region_means_the_emptiest_of_all),
        TEST(without_fallback_a_full_region_has_no_slot),
        TEST(a_region_that_is_not_known_is_named_with_those_that_are),
        TEST(fallback_regions_are_tried_in_order),
        TEST(a_region_without_slaves_may_have_fallbacks),
        TEST(slots_go_in_proportion_to_capacity_and_weight),
        TEST(a_full_slave_of_great_weight_hides_no_other),
        TEST(a_device_goes_back_where_it_was_within_the_band),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
