/* Silence: no devices after 6 s, no tunnels after 10 s, forgotten after an hour. */
#include "tests/unit/master_world.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A world, and a slave with the tunnel "a". */
struct scene {
    struct world *world;
    struct fake_slave slave;
};

static void tell(struct scene *scene, struct m4h_event event)
{
    world_tell(scene->world, &event);
}

static int begin(void **state)
{
    static struct scene scene;

    scene.world = world_create(NULL);
    fake_slave_init(&scene.slave, "s1", "eu");
    world_start(scene.world, &scene.slave);
    tell(&scene, fake_connect(&scene.slave, "a", 1, 10));
    *state = &scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;

    world_destroy(scene->world);
    fake_slave_free(&scene->slave);
    return 0;
}

static void a_silent_slave_keeps_its_tunnels_and_gets_no_device(void **state)
{
    struct scene *scene = *state;

    world_pass(scene->world, 5999);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_READY);
    world_pass(scene->world, 1);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_SILENT);
    assert_string_equal(world_owner(scene->world, "a"), "s1");
    assert_string_equal(world_dispatch(scene->world, "", "", NULL), "");
    assert_int_equal(scene->world->notes[M4H_NOTE_SILENT], 1);
}

static void a_silent_slave_gets_no_device_though_the_tick_is_late(void **state)
{
    struct scene *scene = *state;

    scene->world->moment.now_ms += 6000;
    assert_string_equal(world_dispatch(scene->world, "", "", NULL), "");
}

static void any_event_counts_as_a_sign_of_life(void **state)
{
    struct scene *scene = *state;

    for (unsigned i = 0; i < 20; i++) {
        world_pass(scene->world, 5000);
        tell(scene, i % 2 ? fake_load(&scene->slave) : fake_refuse(&scene->slave));
    }
    assert_int_equal(scene->world->notes[M4H_NOTE_SILENT], 0);
}

static void a_silent_slave_that_speaks_in_time_is_back_at_once(void **state)
{
    struct scene *scene = *state;

    world_pass(scene->world, 7000);
    tell(scene, fake_load(&scene->slave));
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_READY);
    assert_string_equal(world_dispatch(scene->world, "", "", NULL), "s1");
    assert_int_equal(scene->world->ticket_count, 0);
    assert_int_equal(scene->world->notes[M4H_NOTE_BACK], 1);
    world_pass(scene->world, 6000);
    assert_int_equal(scene->world->notes[M4H_NOTE_SILENT], 2);
}

static void a_lost_slave_takes_its_tunnels_with_it(void **state)
{
    struct scene *scene = *state;

    world_pass(scene->world, 10000);
    assert_string_equal(world_owner(scene->world, "a"), "");
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_SILENT);
    assert_int_equal(world_slave(scene->world, "s1").tunnels, 0);
    assert_int_equal(scene->world->notes[M4H_NOTE_LOST], 1);
    assert_true(m4h_cluster_is_synced(scene->world->cluster));
}

static void a_lost_slave_that_returns_brings_its_tunnels_by_a_snapshot(void **state)
{
    struct scene *scene = *state;

    world_pass(scene->world, 15000);
    tell(scene, fake_load(&scene->slave));
    assert_false(m4h_cluster_is_synced(scene->world->cluster));
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
    assert_string_equal(world_dispatch(scene->world, "", "", NULL), "s1");
}

static void a_slave_is_forgotten_in_the_end(void **state)
{
    struct scene *scene = *state;

    world_pass(scene->world, 10000);
    world_pass(scene->world, 3589999);
    assert_string_equal(world_slave(scene->world, "s1").slave_id, "s1");
    world_pass(scene->world, 1);
    assert_string_equal(world_slave(scene->world, "s1").slave_id, "");
    assert_int_equal(scene->world->notes[M4H_NOTE_FORGOTTEN], 1);
    assert_int_equal(m4h_cluster_next_tick_ms(scene->world->cluster), UINT64_MAX);
}

/* Another slave, with as many tunnels as this one. */
static void add_big_slave(struct scene *scene, struct fake_slave *other, unsigned count)
{
    char key[16];

    fake_slave_init(other, "s2", "eu");
    world_start(scene->world, other);
    for (unsigned i = 0; i < count; i++) {
        snprintf(key, sizeof(key), "dev-%u", i);
        if (i > 0)
            tell(scene, fake_connect(&scene->slave, key, 100 + i, 1));
        tell(scene, fake_connect(other, key, 20000 + i, 2));
    }
}

/* So that the loop has a turn between the pieces. */
static void big_slaves_are_lost_piece_by_piece(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other;
    unsigned ticks = 0;

    add_big_slave(scene, &other, 2500);
    world_pass(scene->world, 10000);
    assert_int_equal(world_stats(scene->world).entries, 4000);
    while (world_stats(scene->world).entries > 0) {
        size_t before = world_stats(scene->world).entries;

        assert_true(m4h_cluster_next_tick_ms(scene->world->cluster) <=
                    scene->world->moment.now_ms + 1);
        world_pass(scene->world, 1);
        assert_true(before - world_stats(scene->world).entries <= 1500);
        assert_true(ticks++ < 10);
    }
    assert_int_equal(scene->world->notes[M4H_NOTE_LOST], 2);
    assert_int_equal(world_stats(scene->world).tunnels, 0);
    fake_slave_free(&other);
}

static void a_big_slave_that_restarts_loses_its_tunnels_piece_by_piece(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other;
    unsigned ticks = 0;

    add_big_slave(scene, &other, 2500);
    fake_slave_restart(&other);
    tell(scene, fake_start(&other));
    tell(scene, fake_connect(&other, "dev-1", 50001, 3));
    assert_int_equal(world_slave(scene->world, "s2").tunnels, 1501);
    assert_string_equal(world_owner(scene->world, "dev-1"), "s2");
    tell(scene, fake_connect(&other, "new", 50002, 3));
    tell(scene, fake_disconnect(&other, "new", 50002));
    while (!world_slave(scene->world, "s2").synced) {
        assert_true(m4h_cluster_next_tick_ms(scene->world->cluster) <=
                    scene->world->moment.now_ms + 1);
        world_pass(scene->world, 1);
        assert_true(ticks++ < 3);
    }
    world_assert_same(scene->world, &other);
    assert_string_equal(world_owner(scene->world, "dev-2"), "s1");
    assert_int_equal(scene->world->ticket_count, 0);
    assert_true(m4h_cluster_is_synced(scene->world->cluster));
    fake_slave_free(&other);
}

static void a_big_slave_that_restarts_unheard_is_replaced_by_its_snapshot(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other;

    add_big_slave(scene, &other, 2500);
    fake_slave_restart(&other);
    fake_start(&other);
    tell(scene, fake_connect(&other, "new", 50002, 3));
    world_sync(scene->world, &other);
    for (unsigned i = 0; i < 4; i++)
        world_pass(scene->world, 1);
    world_assert_same(scene->world, &other);
    assert_true(world_slave(scene->world, "s2").synced);
    fake_slave_free(&other);
}

static void a_slave_that_returns_while_it_is_lost_has_all_its_tunnels_again(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other;

    add_big_slave(scene, &other, 2500);
    world_pass(scene->world, 10000);
    tell(scene, fake_load(&other));
    world_sync(scene->world, &other);
    for (unsigned i = 0; i < 10; i++)
        world_pass(scene->world, 1);
    world_assert_same(scene->world, &other);
    assert_true(world_slave(scene->world, "s2").synced);
    assert_int_equal(world_stats(scene->world).entries, 2500);
    fake_slave_free(&other);
}

static void one_long_pause_of_the_master_does_it_all_at_once(void **state)
{
    struct scene *scene = *state;

    world_pass(scene->world, 4000000);
    assert_string_equal(world_slave(scene->world, "s1").slave_id, "");
    assert_int_equal(world_stats(scene->world).entries, 0);
}

static void nobody_grows_silent_while_the_master_is_cut_off(void **state)
{
    struct scene *scene = *state;

    world_pass(scene->world, 3000);
    m4h_cluster_set_online(scene->world->cluster, false, scene->world->moment.now_ms);
    world_pass(scene->world, 60000);
    assert_string_equal(world_owner(scene->world, "a"), "s1");
    m4h_cluster_set_online(scene->world->cluster, true, scene->world->moment.now_ms);
    world_pass(scene->world, 2999);
    assert_int_equal(scene->world->notes[M4H_NOTE_SILENT], 0);
    world_pass(scene->world, 1);
    assert_int_equal(scene->world->notes[M4H_NOTE_SILENT], 1);
    assert_int_equal(scene->world->notes[M4H_NOTE_LOST], 0);
}

static void the_cluster_says_when_it_must_be_woken(void **state)
{
    struct scene *scene = *state;
    uint64_t now_ms = scene->world->moment.now_ms;

    assert_int_equal(m4h_cluster_next_tick_ms(scene->world->cluster), now_ms + 6000);
    world_dispatch(scene->world, "", "", NULL);
    assert_int_equal(m4h_cluster_next_tick_ms(scene->world->cluster), now_ms + 2500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(a_silent_slave_keeps_its_tunnels_and_gets_no_device),
        TEST(a_silent_slave_gets_no_device_though_the_tick_is_late),
        TEST(any_event_counts_as_a_sign_of_life),
        TEST(a_silent_slave_that_speaks_in_time_is_back_at_once),
        TEST(a_lost_slave_takes_its_tunnels_with_it),
        TEST(a_lost_slave_that_returns_brings_its_tunnels_by_a_snapshot),
        TEST(a_slave_is_forgotten_in_the_end),
        TEST(one_long_pause_of_the_master_does_it_all_at_once),
        TEST(big_slaves_are_lost_piece_by_piece),
        TEST(a_big_slave_that_restarts_loses_its_tunnels_piece_by_piece),
        TEST(a_big_slave_that_restarts_unheard_is_replaced_by_its_snapshot),
        TEST(a_slave_that_returns_while_it_is_lost_has_all_its_tunnels_again),
        TEST(nobody_grows_silent_while_the_master_is_cut_off),
        TEST(the_cluster_says_when_it_must_be_woken),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
