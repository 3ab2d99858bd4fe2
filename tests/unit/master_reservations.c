/* Room that is kept for a device: until it comes, or its time is over, or it asks again. */
#include "tests/unit/master_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_device_that_arrives_uses_up_a_reservation(void **state)
{
    struct fake_slave *first = scene_add("eu", 100);
    struct m4h_dispatch_stats stats;

    (void)state;
    scene_ask("eu", 3);
    assert_int_equal(scene_reservations("s0"), 3);
    scene_arrive(first, "a");
    assert_int_equal(scene_reservations("s0"), 2);
    m4h_cluster_dispatch_stats(scene.world->cluster, &stats);
    assert_int_equal(stats.reservations_used, 1);
    assert_int_equal(stats.reservations, 2);
}

static void a_reservation_expires(void **state)
{
    struct m4h_dispatch_stats stats;

    (void)state;
    scene_add("eu", 100);
    scene_ask("eu", 1);
    world_pass(scene.world, 1000);
    scene_ask("eu", 1);
    world_pass(scene.world, 1499);
    assert_int_equal(scene_reservations("s0"), 2);
    world_pass(scene.world, 1);
    assert_int_equal(scene_reservations("s0"), 1);
    world_pass(scene.world, 1000);
    assert_int_equal(scene_reservations("s0"), 0);
    m4h_cluster_dispatch_stats(scene.world->cluster, &stats);
    assert_int_equal(stats.reservations_expired, 2);
}

static void a_device_that_is_known_uses_its_own_reservation(void **state)
{
    struct fake_slave *second;

    (void)state;
    scene_add("eu", 100);
    second = scene_add("eu", 100);
    assert_string_equal(world_dispatch(scene.world, "eu", "mine", NULL), "s0");
    assert_string_equal(world_dispatch(scene.world, "eu", "", NULL), "s1");
    scene_arrive(second, "mine");
    assert_int_equal(scene_reservations("s0"), 0);
    assert_int_equal(scene_reservations("s1"), 1);
    scene_arrive(second, "somebody");
    assert_int_equal(scene_reservations("s1"), 0);
}

static void a_device_that_asks_again_holds_one_reservation(void **state)
{
    (void)state;
    scene_add("eu", 100);
    for (unsigned i = 0; i < 10; i++)
        world_dispatch(scene.world, "eu", "mine", NULL);
    assert_int_equal(scene_reservations("s0"), 1);
}

static void reservations_can_be_turned_off(void **state)
{
    struct m4h_cluster_config config = world_config();

    (void)state;
    config.dispatch.reservation_ms = 0;
    scene_restart(&config);
    scene_add("eu", 1);
    scene_ask("eu", 5);
    assert_int_equal(scene_reservations("s0"), 0);
}

static void a_slave_that_stops_has_no_reservations(void **state)
{
    struct fake_slave *first = scene_add("eu", 100);

    (void)state;
    scene_ask("eu", 3);
    scene_tell(fake_stop(first));
    assert_int_equal(scene_reservations("s0"), 0);
    world_pass(scene.world, 2500);
}

static void share(const char *slave_id, const char *client_key, uint32_t remaining_ms)
{
    struct m4h_shared_reservation shared = {.remaining_ms = remaining_ms};

    m4h_text_copy(shared.slave_id, sizeof(shared.slave_id), slave_id);
    m4h_text_copy(shared.client_key, sizeof(shared.client_key), client_key);
    m4h_cluster_shared(scene.world->cluster, &shared, scene.world->moment.now_ms);
}

static void what_another_master_gave_counts_until_it_is_used_or_over(void **state)
{
    struct fake_slave *slave;

    (void)state;
    slave = scene_add("eu", 100);
    scene_add("eu", 100);
    scene_ask("eu", 1);
    share("s0", "dev", 1000);
    share("s0", "", 500);
    share("s9", "", 500);
    assert_int_equal(scene_reservations("s0"), 3);
    share("s1", "dev", 1000); /* it asked again */
    assert_int_equal(scene_reservations("s0"), 2);
    assert_int_equal(scene_reservations("s1"), 1);
    world_pass(scene.world, 600);
    assert_int_equal(scene_reservations("s0"), 1);
    assert_true(m4h_cluster_keeps_slot(scene.world->cluster, "dev"));
    share("", "dev", 0);
    assert_false(m4h_cluster_keeps_slot(scene.world->cluster, "dev"));
    assert_int_equal(scene_reservations("s1"), 0);
    share("s0", "dev-2", 1000);
    scene_arrive(slave, "dev-2");
    assert_int_equal(scene_reservations("s0"), 1);
}

/* Of masters that keep room for different times. */
static void each_ends_in_its_time_whatever_came_before_it(void **state)
{
    (void)state;
    scene_add("eu", 100);
    share("s0", "a", 60000);
    share("s0", "b", 500);
    scene_ask("eu", 1); /* 2,500 */
    share("s0", "c", 70000);
    share("s0", "d", 1500);
    assert_int_equal(scene_reservations("s0"), 5);
    world_pass(scene.world, 500);
    assert_int_equal(scene_reservations("s0"), 4);
    world_pass(scene.world, 1000);
    assert_int_equal(scene_reservations("s0"), 3);
    world_pass(scene.world, 1000);
    assert_int_equal(scene_reservations("s0"), 2);
    share("", "a", 0);
    assert_int_equal(scene_reservations("s0"), 1);
    share("s0", "e", 100);
    assert_int_equal(scene_reservations("s0"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
        TEST(a_device_that_arrives_uses_up_a_reservation),
        TEST(a_reservation_expires),
        TEST(a_device_that_is_known_uses_its_own_reservation),
        TEST(a_device_that_asks_again_holds_one_reservation),
        TEST(reservations_can_be_turned_off),
        TEST(a_slave_that_stops_has_no_reservations),
        TEST(what_another_master_gave_counts_until_it_is_used_or_over),
        TEST(each_ends_in_its_time_whatever_came_before_it),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
