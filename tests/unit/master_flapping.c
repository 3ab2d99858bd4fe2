/* Devices with one key: who throws out whom is counted, and told to slaves, in the status and
 * in the log; and what a device brings along from where it was. */
#include "tests/unit/master_two_slaves.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_authorize_reply introduce(const struct scene *scene, const char *client_key)
{
    struct m4h_authorize_reply reply = {0};

    m4h_cluster_introduce(scene->world->cluster, client_key, scene->world->moment.now_ms, &reply);
    return reply;
}

static bool shows_flapping(const struct scene *scene, const char *client_key)
{
    struct m4h_tunnel_status tunnel;

    assert_int_equal(m4h_cluster_tunnel(scene->world->cluster, client_key, &tunnel), 0);
    return tunnel.flapping;
}

static uint32_t count_in_status(const struct scene *scene)
{
    static struct m4h_region_status regions[M4H_REGIONS_MAX];
    struct m4h_cluster_status status;
    size_t count;

    m4h_cluster_status(scene->world->cluster, &status, regions, &count);
    assert_int_equal(world_stats(scene->world).flapping, status.flapping);
    return status.flapping;
}

/* The device at the other slave takes the client key, and its slave says so. */
static void throw_out(struct scene *scene, struct fake_slave *from, struct fake_slave *to,
                      uint64_t tunnel_id)
{
    scene_tell(scene, fake_connect(to, "dev", tunnel_id, tunnel_id));
    scene_tell(scene, fake_replaced(from, "dev", tunnel_id - 1));
}

static void who_is_thrown_out_from_another_slave_is_counted_once(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 1));
    assert_int_equal(introduce(scene, "dev").evictions, 0);
    throw_out(scene, &scene->s1, &scene->s2, 2);
    world_pass(scene->world, 700);
    assert_int_equal(introduce(scene, "dev").evictions, 1);
    assert_int_equal(introduce(scene, "dev").evicted_ago_ms, 700);
    assert_int_equal(introduce(scene, "other").evictions, 0);
    assert_int_equal(world_stats(scene->world).evictions, 1);
}

static void who_is_thrown_out_on_its_own_slave_is_counted_once(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 1));
    scene_tell(scene, fake_replaced(&scene->s1, "dev", 1));
    scene_tell(scene, fake_connect(&scene->s1, "dev", 2, 2));
    assert_int_equal(introduce(scene, "dev").evictions, 1);
    scene_tell(scene, fake_connect(&scene->s1, "dev", 3, 3)); /* in the other order */
    scene_tell(scene, fake_replaced(&scene->s1, "dev", 2));
    assert_int_equal(introduce(scene, "dev").evictions, 2);
}

/* Another master has kicked it, and its end is heard before the winner. */
static void the_order_of_arrival_does_not_matter(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 1));
    scene_tell(scene, fake_replaced(&scene->s1, "dev", 1));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 2));
    assert_int_equal(introduce(scene, "dev").evictions, 1);
}

/* The return of a device whose connection was dead is no eviction. */
static void who_goes_for_another_reason_was_not_thrown_out(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 1));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 2));
    assert_int_equal(scene->world->kick_count, 1);
    assert_int_equal(introduce(scene, "dev").evictions, 0);
    scene_tell(scene, fake_disconnect(&scene->s1, "dev", 1));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 2)); /* new ports */
    scene_tell(scene, fake_disconnect(&scene->s2, "dev", 2));
    assert_int_equal(world_stats(scene->world).evictions, 0);
}

static void an_event_that_comes_twice_counts_once(void **state)
{
    struct scene *scene = *state;
    struct m4h_event event;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 1));
    event = fake_replaced(&scene->s1, "dev", 1);
    scene_tell(scene, event);
    scene_tell(scene, event);
    assert_int_equal(introduce(scene, "dev").evictions, 1);
}

static void a_snapshot_throws_nobody_out(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 1));
    fake_connect(&scene->s2, "dev", 2, 2);
    scene_tell(scene, fake_load(&scene->s2));
    world_sync(scene->world, &scene->s2);
    assert_string_equal(world_owner(scene->world, "dev"), "s2");
    assert_int_equal(scene->world->kick_count, 1);
    assert_int_equal(world_stats(scene->world).evictions, 0);
}

static void three_in_a_minute_are_flapping(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 1));
    scene_tell(scene, fake_connect(&scene->s1, "quiet", 100, 100));
    throw_out(scene, &scene->s1, &scene->s2, 2);
    throw_out(scene, &scene->s2, &scene->s1, 3);
    assert_false(shows_flapping(scene, "dev"));
    assert_int_equal(scene->world->flapping_told, 0);
    throw_out(scene, &scene->s1, &scene->s2, 4);
    assert_true(shows_flapping(scene, "dev"));
    assert_false(shows_flapping(scene, "quiet"));
    assert_int_equal(count_in_status(scene), 1);
    throw_out(scene, &scene->s2, &scene->s1, 5);
    assert_int_equal(scene->world->flapping_told, 1);
    assert_string_equal(scene->world->told.as.flapping.client_key, "dev");
    assert_string_equal(scene->world->told.slave_id, "s1");
    assert_int_equal(scene->world->told.as.flapping.evictions, 3);
}

static void flapping_ends_when_one_of_them_stays_away(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 1));
    throw_out(scene, &scene->s1, &scene->s2, 2);
    throw_out(scene, &scene->s2, &scene->s1, 3);
    throw_out(scene, &scene->s1, &scene->s2, 4);
    for (unsigned i = 0; i < 14; i++) {
        world_pass(scene->world, 4000);
        scene_tell(scene, fake_load(&scene->s1));
        scene_tell(scene, fake_load(&scene->s2));
    }
    assert_int_equal(count_in_status(scene), 1);
    assert_true(m4h_cluster_next_tick_ms(scene->world->cluster) <=
                scene->world->moment.now_ms + 4000);
    world_pass(scene->world, 4000);
    assert_false(shows_flapping(scene, "dev"));
    assert_int_equal(count_in_status(scene), 0);
    assert_int_equal(introduce(scene, "dev").evictions, 0);
    assert_int_equal(introduce(scene, "dev").evicted_ago_ms, 0);
}

static void what_a_slave_reports_is_flapping(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 1));
    scene_tell(scene, fake_flapping(&scene->s1, "dev"));
    assert_true(shows_flapping(scene, "dev"));
    assert_int_equal(count_in_status(scene), 1);
    assert_int_equal(scene->world->flapping_told, 1);
    assert_int_equal(introduce(scene, "dev").evictions, 0);
    world_assert_same(scene->world, &scene->s1);
}

/* ---- what it brings along --------------------------------------------------- */

static void the_last_port_is_known_after_the_device_has_gone(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(introduce(scene, "dev").last_port, 0);
    scene_tell(scene, fake_connect(&scene->s1, "dev", 7, 1));
    assert_int_equal(introduce(scene, "dev").last_port, 10007);
    assert_int_equal(introduce(scene, "dev").owner_stamp, 1);
    scene_tell(scene, fake_disconnect(&scene->s1, "dev", 7));
    assert_int_equal(introduce(scene, "dev").last_port, 10007);
    assert_int_equal(introduce(scene, "dev").owner_stamp, 0);
    scene_tell(scene, fake_connect(&scene->s2, "dev", 9, 20));
    scene_tell(scene, fake_connect(&scene->s1, "dev", 8, 10)); /* late: it has lost already */
    assert_int_equal(introduce(scene, "dev").last_port, 10009);
}

static void the_last_port_comes_with_a_snapshot(void **state)
{
    struct scene *scene = *state;

    fake_connect(&scene->s1, "dev", 7, 1);
    scene_tell(scene, fake_load(&scene->s1));
    world_sync(scene->world, &scene->s1);
    assert_int_equal(introduce(scene, "dev").last_port, 10007);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
        TEST(who_is_thrown_out_from_another_slave_is_counted_once),
        TEST(who_is_thrown_out_on_its_own_slave_is_counted_once),
        TEST(the_order_of_arrival_does_not_matter),
        TEST(who_goes_for_another_reason_was_not_thrown_out),
        TEST(an_event_that_comes_twice_counts_once),
        TEST(a_snapshot_throws_nobody_out),
        TEST(three_in_a_minute_are_flapping),
        TEST(flapping_ends_when_one_of_them_stays_away),
        TEST(what_a_slave_reports_is_flapping),
        TEST(the_last_port_is_known_after_the_device_has_gone),
        TEST(the_last_port_comes_with_a_snapshot),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
