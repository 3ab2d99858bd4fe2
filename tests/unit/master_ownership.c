/* One device, several slaves: the newest connection shows, the others are kicked. */
#include "lib/base/stamp.h"
#include "tests/unit/master_two_slaves.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_only_kick(const struct scene *scene, const char *slave_id, uint64_t tunnel_id)
{
    assert_int_equal(scene->world->kick_count, 1);
    assert_string_equal(scene->world->kicks[0].slave_id, slave_id);
    assert_string_equal(scene->world->kicks[0].client_key, "dev");
    assert_int_equal(scene->world->kicks[0].tunnel_id, tunnel_id);
}

static void the_newer_connection_wins_and_the_older_is_kicked(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 10));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    assert_string_equal(world_owner(scene->world, "dev"), "s2");
    assert_int_equal(m4h_cluster_owner_stamp(scene->world->cluster, "dev"), 20);
    assert_only_kick(scene, "s1", 1);
    assert_int_equal(world_stats(scene->world).tunnels, 1);
}

static void the_order_of_arrival_does_not_matter(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 10));
    assert_string_equal(world_owner(scene->world, "dev"), "s2");
    assert_only_kick(scene, "s1", 1);
}

static void equal_stamps_are_decided_by_the_tunnel_id(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 9, 20));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    assert_string_equal(world_owner(scene->world, "dev"), "s1");
    assert_only_kick(scene, "s2", 2);
}

static void a_late_disconnect_of_the_loser_changes_nothing(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 10));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    scene_tell(scene, fake_disconnect(&scene->s1, "dev", 1));
    assert_string_equal(world_owner(scene->world, "dev"), "s2");
    assert_int_equal(world_stats(scene->world).entries, 1);
    assert_int_equal(scene->world->kick_count, 1);
}

static void a_loser_that_was_never_kicked_shows_again_when_the_winner_goes(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 10));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    scene_tell(scene, fake_disconnect(&scene->s2, "dev", 2));
    assert_string_equal(world_owner(scene->world, "dev"), "s1");
    assert_int_equal(m4h_cluster_owner_stamp(scene->world->cluster, "dev"), 10);
}

static void the_loser_is_at_its_slave_until_the_slave_says_otherwise(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 10));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    scene_tell(scene, fake_load(&scene->s1));
    scene_tell(scene, fake_load(&scene->s2));
    assert_int_equal(world_slave(scene->world, "s1").tunnels, 1);
    assert_int_equal(scene->world->ticket_count, 0);
}

static void a_slave_replaces_its_own_by_itself(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 10));
    scene_tell(scene, fake_connect(&scene->s1, "dev", 2, 20));
    assert_int_equal(scene->world->kick_count, 0);
    assert_int_equal(m4h_cluster_owner_stamp(scene->world->cluster, "dev"), 20);
    scene_tell(scene, fake_disconnect(&scene->s1, "dev", 1));
    world_assert_same(scene->world, &scene->s1);
}

static void new_ports_of_the_winner_kick_nobody_again(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 10));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    assert_int_equal(scene->world->kick_count, 1);
}

static void a_snapshot_kicks_the_losers_that_it_brings(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    fake_connect(&scene->s1, "dev", 1, 10);
    scene_tell(scene, fake_load(&scene->s1));
    world_sync(scene->world, &scene->s1);
    assert_string_equal(world_owner(scene->world, "dev"), "s2");
    assert_only_kick(scene, "s1", 1);
}

/* What the snapshot confirms is kicked again where it loses, whatever else its slave had. */
static void a_snapshot_kicks_again_who_still_loses(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 10));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 5, 50));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 6, 60));
    assert_int_equal(scene->world->kick_count, 2);
    fake_disconnect(&scene->s2, "dev", 5); /* is not heard */
    scene_tell(scene, fake_load(&scene->s2));
    world_sync(scene->world, &scene->s2);
    assert_int_equal(scene->world->kick_count, 3);
    assert_string_equal(scene->world->kicks[2].slave_id, "s1");
    assert_int_equal(scene->world->kicks[2].tunnel_id, 1);
    world_assert_same(scene->world, &scene->s2);
    assert_int_equal(world_stats(scene->world).entries, 2);
}

static void a_lost_owner_leaves_the_key_to_who_else_has_it(void **state)
{
    struct scene *scene = *state;

    scene_tell(scene, fake_connect(&scene->s1, "dev", 1, 10));
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2, 20));
    for (unsigned i = 0; i < 5; i++) {
        world_pass(scene->world, 2000);
        scene_tell(scene, fake_load(&scene->s1));
    }
    assert_string_equal(world_owner(scene->world, "dev"), "s1");
}

/* The device leaves a slave whose clock is five minutes ahead for one that is right. */
static void a_clock_that_is_minutes_off_does_not_keep_the_newest_from_winning(void **state)
{
    struct scene *scene = *state;
    const uint64_t wall_ms = 1800000000000u, ahead_ms = 5 * 60 * 1000;
    struct m4h_stamp_clock fast = {0}, right = {0};
    struct m4h_authorize_reply reply = {0};

    scene_tell(scene,
               fake_connect(&scene->s1, "dev", 1, m4h_stamp_next(&fast, wall_ms + ahead_ms, 0)));
    m4h_cluster_introduce(scene->world->cluster, "dev", scene->world->moment.now_ms, &reply);
    scene_tell(scene, fake_connect(&scene->s2, "dev", 2,
                                   m4h_stamp_next(&right, wall_ms + 1000, reply.owner_stamp)));
    assert_string_equal(world_owner(scene->world, "dev"), "s2");
    assert_only_kick(scene, "s1", 1);
}

/* Whatever the events say of the time: who is silent is told by the master's own clock. */
static void a_slaves_clock_does_not_make_it_silent_or_keep_it_alive(void **state)
{
    struct scene *scene = *state;
    struct m4h_event early = fake_load(&scene->s1), late = fake_load(&scene->s2);

    early.wall_ms = 1;
    late.wall_ms = UINT64_MAX / 2;
    scene_tell(scene, early);
    scene_tell(scene, late);
    world_pass(scene->world, 5999);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_READY);
    assert_int_equal(world_slave(scene->world, "s2").state, M4H_SLAVE_READY);
    world_pass(scene->world, 1);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_SILENT);
    assert_int_equal(world_slave(scene->world, "s2").state, M4H_SLAVE_SILENT);
}

static void two_masters_choose_the_same_owner(void **state)
{
    struct scene *scene = *state;
    struct world *other = world_create(NULL);
    struct m4h_event starts[2], connects[2];

    scene->s1.seq = 0;
    scene->s2.seq = 0;
    starts[0] = fake_start(&scene->s1);
    starts[1] = fake_start(&scene->s2);
    connects[0] = fake_connect(&scene->s1, "dev", 5, 20);
    connects[1] = fake_connect(&scene->s2, "dev", 6, 20);
    scene_tell(scene, connects[0]);
    scene_tell(scene, connects[1]);
    for (size_t i = 2; i-- > 0;) {
        world_tell(other, &starts[i]);
        world_tell(other, &connects[i]);
    }
    assert_string_equal(world_owner(scene->world, "dev"), "s2");
    assert_string_equal(world_owner(other, "dev"), "s2");
    world_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
        TEST(the_newer_connection_wins_and_the_older_is_kicked),
        TEST(the_order_of_arrival_does_not_matter),
        TEST(equal_stamps_are_decided_by_the_tunnel_id),
        TEST(a_late_disconnect_of_the_loser_changes_nothing),
        TEST(a_loser_that_was_never_kicked_shows_again_when_the_winner_goes),
        TEST(the_loser_is_at_its_slave_until_the_slave_says_otherwise),
        TEST(a_slave_replaces_its_own_by_itself),
        TEST(new_ports_of_the_winner_kick_nobody_again),
        TEST(a_snapshot_kicks_the_losers_that_it_brings),
        TEST(a_snapshot_kicks_again_who_still_loses),
        TEST(a_lost_owner_leaves_the_key_to_who_else_has_it),
        TEST(a_clock_that_is_minutes_off_does_not_keep_the_newest_from_winning),
        TEST(a_slaves_clock_does_not_make_it_silent_or_keep_it_alive),
        TEST(two_masters_choose_the_same_owner),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
