/* The fold: events in order, late, twice, missing, of other processes. */
#include "tests/unit/master_world.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One world with one slave that has started. */
struct scene {
    struct world *world;
    struct fake_slave slave;
};

static int begin(void **state)
{
    static struct scene scene;

    scene.world = world_create(NULL);
    fake_slave_init(&scene.slave, "s1", "eu");
    world_start(scene.world, &scene.slave);
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

static void tell(struct scene *scene, struct m4h_event event)
{
    world_tell(scene->world, &event);
}

static void a_slave_that_starts_is_synced_without_a_snapshot(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(scene->world->ticket_count, 0);
    assert_true(m4h_cluster_is_synced(scene->world->cluster));
    world_assert_same(scene->world, &scene->slave);
    assert_int_equal(scene->world->notes[M4H_NOTE_APPEARED], 1);
}

static void events_in_order_make_the_tunnels_of_the_slave(void **state)
{
    struct scene *scene = *state;

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    tell(scene, fake_connect(&scene->slave, "b", 2, 11));
    tell(scene, fake_disconnect(&scene->slave, "a", 1));
    tell(scene, fake_load(&scene->slave));
    assert_string_equal(world_owner(scene->world, "b"), "s1");
    assert_string_equal(world_owner(scene->world, "a"), "");
    world_assert_same(scene->world, &scene->slave);
    assert_int_equal(scene->world->ticket_count, 0);
}

static void a_tunnel_is_shown_as_its_event_told_it(void **state)
{
    struct scene *scene = *state;
    struct m4h_tunnel_status status;
    struct m4h_event event = fake_connect(&scene->slave, "käse 1", 0xabc, 1000);

    event.as.connect.ports[1] = 20001;
    event.as.connect.port_count = 2;
    tell(scene, event);
    assert_int_equal(m4h_cluster_tunnel(scene->world->cluster, "käse 1", &status), 0);
    assert_memory_equal(&status.tunnel, &event.as.connect, sizeof(status.tunnel));
    assert_string_equal(status.host, "s1.example");
    assert_string_equal(status.region, "eu");
}

static void the_ports_of_a_tunnel_may_change(void **state)
{
    struct scene *scene = *state;
    struct m4h_tunnel_status status;
    struct m4h_event event;

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    event = fake_connect(&scene->slave, "a", 1, 10);
    event.as.connect.ports[0] = 31000;
    tell(scene, event);
    tell(scene, fake_load(&scene->slave));
    assert_int_equal(m4h_cluster_tunnel(scene->world->cluster, "a", &status), 0);
    assert_int_equal(status.tunnel.ports[0], 31000);
    assert_int_equal(world_stats(scene->world).entries, 1);
    assert_int_equal(scene->world->ticket_count, 0);
}

static void a_duplicate_changes_nothing(void **state)
{
    struct scene *scene = *state;
    struct m4h_event connect = fake_connect(&scene->slave, "a", 1, 10);

    tell(scene, connect);
    tell(scene, connect);
    tell(scene, fake_disconnect(&scene->slave, "a", 1));
    tell(scene, connect);
    assert_string_equal(world_owner(scene->world, "a"), "");
    assert_int_equal(world_stats(scene->world).duplicates, 2);
    assert_int_equal(scene->world->ticket_count, 0);
}

/* A journal may try for minutes to get an event into the stream. */
static void a_repeat_is_no_sign_of_life(void **state)
{
    struct scene *scene = *state;
    struct m4h_event connect = fake_connect(&scene->slave, "a", 1, 10);

    tell(scene, connect);
    for (unsigned i = 0; i < 4; i++) {
        world_pass(scene->world, 2500);
        tell(scene, connect);
    }
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_SILENT);
    assert_string_equal(world_owner(scene->world, "a"), "");
    assert_int_equal(scene->world->ticket_count, 0);
    tell(scene, fake_load(&scene->slave));
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
}

static void a_gap_asks_for_one_snapshot_that_heals_it(void **state)
{
    struct scene *scene = *state;

    fake_connect(&scene->slave, "lost", 1, 10);
    tell(scene, fake_connect(&scene->slave, "b", 2, 11));
    tell(scene, fake_connect(&scene->slave, "c", 3, 12));
    assert_int_equal(scene->world->ticket_count, 1);
    assert_false(m4h_cluster_is_synced(scene->world->cluster));
    assert_string_equal(world_owner(scene->world, "b"), "s1");
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
    assert_int_equal(world_stats(scene->world).gaps, 1);
}

static void a_load_event_shows_that_the_last_events_are_missing(void **state)
{
    struct scene *scene = *state;

    fake_connect(&scene->slave, "lost", 1, 10);
    tell(scene, fake_load(&scene->slave));
    assert_int_equal(world_stats(scene->world).gaps, 1);
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
}

static void a_lost_refusal_is_a_gap_too(void **state)
{
    struct scene *scene = *state;

    fake_refuse(&scene->slave);
    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    assert_int_equal(scene->world->ticket_count, 1);
}

static void a_load_event_that_was_overtaken_is_no_news(void **state)
{
    struct scene *scene = *state;
    struct m4h_event late = fake_load(&scene->slave);

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    tell(scene, fake_drain(&scene->slave));
    tell(scene, late);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_DRAINING);
    assert_int_equal(scene->world->ticket_count, 0);
}

static void a_drain_counts_even_when_later_events_overtook_it(void **state)
{
    struct scene *scene = *state;
    struct m4h_event drain = fake_drain(&scene->slave);

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_READY);
    tell(scene, drain);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_DRAINING);
    assert_int_equal(world_stats(scene->world).duplicates, 1);
    assert_int_equal(scene->world->notes[M4H_NOTE_DRAINING], 1);
}

static void a_load_event_tells_of_a_drain_even_when_later_events_overtook_it(void **state)
{
    struct scene *scene = *state;
    struct m4h_event load;

    fake_drain(&scene->slave);
    load = fake_load(&scene->slave);
    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    tell(scene, load);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_DRAINING);
    assert_string_equal(world_owner(scene->world, "a"), "s1");
}

/* Nobody is there any more to give a snapshot. */
static void a_stop_counts_even_when_a_load_event_overtook_it(void **state)
{
    struct scene *scene = *state;
    struct m4h_event stop, load;

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    stop = fake_stop(&scene->slave);
    load = fake_load(&scene->slave);
    load.as.load.state = M4H_SLAVE_DRAINING;
    tell(scene, load);
    assert_string_equal(world_owner(scene->world, "a"), "s1");
    tell(scene, stop);
    tell(scene, stop);
    assert_string_equal(world_owner(scene->world, "a"), "");
    assert_true(m4h_cluster_is_synced(scene->world->cluster));
    assert_int_equal(scene->world->notes[M4H_NOTE_STOPPED], 1);
}

static void a_wrong_digest_asks_for_a_snapshot(void **state)
{
    struct scene *scene = *state;
    struct m4h_event load;

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    load = fake_load(&scene->slave);
    load.as.load.digest ^= 1;
    tell(scene, load);
    assert_int_equal(world_stats(scene->world).digest_mismatches, 1);
    assert_int_equal(scene->world->ticket_count, 1);
}

static void a_wrong_number_of_tunnels_asks_for_a_snapshot(void **state)
{
    struct scene *scene = *state;
    struct m4h_event load = fake_load(&scene->slave);

    load.as.load.tunnels = 2;
    tell(scene, load);
    assert_int_equal(world_stats(scene->world).digest_mismatches, 1);
    assert_int_equal(scene->world->ticket_count, 1);
}

static void an_old_epoch_changes_nothing(void **state)
{
    struct scene *scene = *state;
    struct m4h_event late;

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    late = fake_disconnect(&scene->slave, "a", 1);
    fake_slave_restart(&scene->slave);
    tell(scene, fake_start(&scene->slave));
    tell(scene, fake_connect(&scene->slave, "a", 1, 20));
    tell(scene, late);
    assert_string_equal(world_owner(scene->world, "a"), "s1");
    assert_int_equal(world_stats(scene->world).old_epochs, 1);
    assert_int_equal(scene->world->notes[M4H_NOTE_OLD_EPOCH], 1);
    assert_int_equal(scene->world->note_epoch, scene->slave.epoch);
    world_assert_same(scene->world, &scene->slave);
}

static void a_new_epoch_drops_what_the_process_before_had(void **state)
{
    struct scene *scene = *state;

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    fake_slave_restart(&scene->slave);
    tell(scene, fake_start(&scene->slave));
    assert_string_equal(world_owner(scene->world, "a"), "");
    world_assert_same(scene->world, &scene->slave);
    assert_int_equal(scene->world->notes[M4H_NOTE_RESTARTED], 1);
    assert_int_equal(scene->world->ticket_count, 0);
}

static void a_slave_that_starts_and_ends_without_pause_does_not_fill_the_log(void **state)
{
    struct scene *scene = *state;
    unsigned told;

    for (int i = 0; i < 1000; i++) {
        fake_slave_restart(&scene->slave);
        tell(scene, fake_start(&scene->slave));
        tell(scene, fake_stop(&scene->slave));
    }
    told = scene->world->notes[M4H_NOTE_RESTARTED] + scene->world->notes[M4H_NOTE_STOPPED];
    assert_in_range(told, 10, 40);
    scene->world->moment.now_ms += 60000;
    fake_slave_restart(&scene->slave);
    tell(scene, fake_start(&scene->slave));
    tell(scene, fake_stop(&scene->slave));
    assert_true(scene->world->notes[M4H_NOTE_RESTARTED] + scene->world->notes[M4H_NOTE_STOPPED] >
                told);
}

static void a_new_epoch_without_its_start_needs_a_snapshot(void **state)
{
    struct scene *scene = *state;

    fake_slave_restart(&scene->slave);
    fake_start(&scene->slave);
    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    assert_string_equal(world_slave(scene->world, "s1").slave_id, "");
    assert_string_equal(world_dispatch(scene->world, "eu", "", NULL), "");
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
    assert_string_equal(world_dispatch(scene->world, "eu", "", NULL), "s1");
}

static void an_epoch_from_the_future_gives_way_once_it_is_lost(void **state)
{
    struct scene *scene = *state;
    uint64_t right = scene->slave.epoch + 10;

    scene->slave.epoch += 1000000000;
    scene->slave.seq = 0;
    tell(scene, fake_start(&scene->slave));
    scene->slave.epoch = right;
    scene->slave.seq = 0;
    tell(scene, fake_start(&scene->slave));
    assert_int_equal(world_stats(scene->world).old_epochs, 1);
    world_pass(scene->world, 10000);
    tell(scene, fake_load(&scene->slave));
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
}

static void first_sight_of_a_running_slave_asks_for_a_snapshot(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other;

    fake_slave_init(&other, "s2", "us");
    fake_start(&other);
    fake_connect(&other, "x", 100, 10);
    tell(scene, fake_load(&other));
    assert_non_null(world_ticket(scene->world, "s2"));
    assert_string_equal(world_slave(scene->world, "s2").slave_id, "");
    world_sync(scene->world, &other);
    world_assert_same(scene->world, &other);
    fake_slave_free(&other);
}

static void first_sight_of_a_stopping_slave_is_no_slave(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other;

    fake_slave_init(&other, "s2", "us");
    tell(scene, fake_stop(&other));
    assert_null(world_ticket(scene->world, "s2"));
    assert_int_equal(scene->world->notes[M4H_NOTE_APPEARED], 1);
    fake_slave_free(&other);
}

static void an_event_that_claims_another_region_is_ignored(void **state)
{
    struct scene *scene = *state;
    struct m4h_event event = fake_connect(&scene->slave, "a", 1, 10);

    m4h_text_copy(event.region, sizeof(event.region), "us");
    tell(scene, event);
    assert_string_equal(world_owner(scene->world, "a"), "");
    assert_int_equal(world_stats(scene->world).wrong_regions, 1);
    assert_int_equal(scene->world->notes[M4H_NOTE_WRONG_REGION], 1);
    assert_string_equal(world_slave(scene->world, "s1").region, "eu");
}

static void a_region_that_was_a_lie_gives_way_once_it_is_lost(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other;
    struct m4h_event event;

    fake_slave_init(&other, "s2", "us");
    fake_start(&other);
    event = fake_connect(&other, "x", 100, 10);
    m4h_text_copy(event.region, sizeof(event.region), "mars");
    tell(scene, event);
    for (unsigned i = 0; i < 5; i++) {
        world_pass(scene->world, 2000);
        tell(scene, fake_load(&scene->slave));
        tell(scene, fake_load(&other));
    }
    world_sync(scene->world, &other);
    world_assert_same(scene->world, &other);
    assert_string_equal(world_slave(scene->world, "s2").region, "us");
    assert_int_equal(world_stats(scene->world).wrong_regions, 4);
    fake_slave_free(&other);
}

static void a_repeat_of_the_lie_does_not_prolong_it(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other;
    struct m4h_event lie;

    fake_slave_init(&other, "s2", "us");
    fake_start(&other);
    lie = fake_connect(&other, "x", 100, 10);
    m4h_text_copy(lie.region, sizeof(lie.region), "mars");
    tell(scene, lie);
    for (unsigned i = 0; i < 5; i++) {
        world_pass(scene->world, 2000);
        tell(scene, lie);
        tell(scene, fake_load(&scene->slave));
        tell(scene, fake_load(&other));
    }
    world_sync(scene->world, &other);
    assert_string_equal(world_slave(scene->world, "s2").region, "us");
    world_pass(scene->world, 10000);
    tell(scene, lie);
    assert_string_equal(world_slave(scene->world, "s2").region, "us");
    fake_slave_free(&other);
}

static void a_new_epoch_may_bring_another_region(void **state)
{
    struct scene *scene = *state;

    fake_slave_restart(&scene->slave);
    m4h_text_copy(scene->slave.region, sizeof(scene->slave.region), "us");
    tell(scene, fake_start(&scene->slave));
    assert_string_equal(world_slave(scene->world, "s1").region, "us");
    assert_string_equal(world_dispatch(scene->world, "us", "", NULL), "s1");
    assert_string_equal(world_dispatch(scene->world, "eu", "", NULL), "");
}

static void a_drain_shows_and_is_noted_once(void **state)
{
    struct scene *scene = *state;

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    tell(scene, fake_drain(&scene->slave));
    tell(scene, fake_load(&scene->slave));
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_DRAINING);
    assert_string_equal(world_owner(scene->world, "a"), "s1");
    assert_int_equal(scene->world->notes[M4H_NOTE_DRAINING], 1);
}

static void a_drain_that_goes_on_is_no_news_but_for_its_deadline(void **state)
{
    struct scene *scene = *state;
    struct m4h_event event = fake_drain(&scene->slave);

    event.as.drain.deadline_wall_ms = 1790000060000;
    tell(scene, event);
    assert_true(world_slave(scene->world, "s1").drain_deadline_wall_ms == 1790000060000);
    event = fake_drain(&scene->slave);
    event.as.drain.deadline_wall_ms = 1790000090000;
    tell(scene, event);
    assert_true(world_slave(scene->world, "s1").drain_deadline_wall_ms == 1790000090000);
    assert_int_equal(scene->world->notes[M4H_NOTE_DRAINING], 1);
    assert_int_equal(scene->world->ticket_count, 0);
    event = fake_load(&scene->slave);
    event.as.load.drain_deadline_wall_ms = 1790000091000;
    tell(scene, event);
    assert_true(world_slave(scene->world, "s1").drain_deadline_wall_ms == 1790000091000);
    tell(scene, fake_stop(&scene->slave));
    assert_true(world_slave(scene->world, "s1").drain_deadline_wall_ms == 0);
}

static void an_event_of_a_later_version_leaves_no_gap(void **state)
{
    struct scene *scene = *state;

    tell(scene, fake_other(&scene->slave));
    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    assert_int_equal(world_stats(scene->world).gaps, 0);
    assert_int_equal(world_stats(scene->world).events[M4H_EVENT_OTHER], 1);
    world_assert_same(scene->world, &scene->slave);
}

static void a_stop_takes_the_tunnels_with_it(void **state)
{
    struct scene *scene = *state;

    tell(scene, fake_connect(&scene->slave, "a", 1, 10));
    tell(scene, fake_stop(&scene->slave));
    assert_string_equal(world_owner(scene->world, "a"), "");
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_STOPPED);
    assert_true(m4h_cluster_is_synced(scene->world->cluster));
    tell(scene, fake_load(&scene->slave));
    assert_int_equal(scene->world->ticket_count, 0);
    world_pass(scene->world, 20000);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_STOPPED);
    assert_int_equal(scene->world->notes[M4H_NOTE_LOST], 0);
}

static void slaves_past_the_bound_are_not_taken(void **state)
{
    struct scene *scene = *state;
    struct m4h_event event = fake_load(&scene->slave);
    unsigned known = 1;

    for (unsigned i = 0; i < 5000; i++) {
        snprintf(event.slave_id, sizeof(event.slave_id), "many-%u", i);
        tell(scene, event);
    }
    for (enum m4h_slave_state each = 0; each <= M4H_SLAVE_SILENT; each++)
        known += (unsigned)world_stats(scene->world).slaves[each];
    assert_int_equal(known, 4096 + 1);
    assert_int_equal(world_stats(scene->world).not_taken, 5000 - 4095);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(a_slave_that_starts_is_synced_without_a_snapshot),
        TEST(events_in_order_make_the_tunnels_of_the_slave),
        TEST(a_tunnel_is_shown_as_its_event_told_it),
        TEST(the_ports_of_a_tunnel_may_change),
        TEST(a_duplicate_changes_nothing),
        TEST(a_repeat_is_no_sign_of_life),
        TEST(a_gap_asks_for_one_snapshot_that_heals_it),
        TEST(a_load_event_shows_that_the_last_events_are_missing),
        TEST(a_lost_refusal_is_a_gap_too),
        TEST(a_load_event_that_was_overtaken_is_no_news),
        TEST(a_drain_counts_even_when_later_events_overtook_it),
        TEST(a_load_event_tells_of_a_drain_even_when_later_events_overtook_it),
        TEST(a_stop_counts_even_when_a_load_event_overtook_it),
        TEST(a_wrong_digest_asks_for_a_snapshot),
        TEST(a_wrong_number_of_tunnels_asks_for_a_snapshot),
        TEST(an_old_epoch_changes_nothing),
        TEST(a_new_epoch_drops_what_the_process_before_had),
        TEST(a_slave_that_starts_and_ends_without_pause_does_not_fill_the_log),
        TEST(a_new_epoch_without_its_start_needs_a_snapshot),
        TEST(an_epoch_from_the_future_gives_way_once_it_is_lost),
        TEST(first_sight_of_a_running_slave_asks_for_a_snapshot),
        TEST(first_sight_of_a_stopping_slave_is_no_slave),
        TEST(an_event_that_claims_another_region_is_ignored),
        TEST(a_region_that_was_a_lie_gives_way_once_it_is_lost),
        TEST(a_repeat_of_the_lie_does_not_prolong_it),
        TEST(a_new_epoch_may_bring_another_region),
        TEST(a_drain_shows_and_is_noted_once),
        TEST(a_drain_that_goes_on_is_no_news_but_for_its_deadline),
        TEST(an_event_of_a_later_version_leaves_no_gap),
        TEST(a_stop_takes_the_tunnels_with_it),
        TEST(slaves_past_the_bound_are_not_taken),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
