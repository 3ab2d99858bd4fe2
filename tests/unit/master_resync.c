/* Snapshots: asked one at a time, page by page, with backoff; nothing that comes
 * meanwhile is lost. */
#include "tests/unit/master_world.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A world, and a slave with tunnels "a" and "b" that is heard for the first time. */
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
    fake_start(&scene.slave);
    fake_connect(&scene.slave, "a", 1, 10);
    fake_connect(&scene.slave, "b", 2, 11);
    tell(&scene, fake_load(&scene.slave));
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

static void fail_attempt(struct scene *scene)
{
    struct ticket *ticket = world_ticket(scene->world, "s1");

    assert_non_null(ticket);
    ticket->is_open = false;
    m4h_cluster_snapshot_failed(scene->world->cluster, "s1", &ticket->ticket, "no answer",
                                scene->world->moment);
}

/* Milliseconds until the slave is asked again. */
static unsigned wait_for_question(struct scene *scene)
{
    unsigned waited = 0;

    while (world_ticket(scene->world, "s1") == NULL) {
        assert_true(waited < 60000);
        /* Its silence is not what this is about. */
        tell(scene, fake_load(&scene->slave));
        world_pass(scene->world, 100);
        waited += 100;
    }
    return waited;
}

static void a_snapshot_brings_tunnels_and_what_the_slave_is(void **state)
{
    struct scene *scene = *state;

    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
    assert_string_equal(world_slave(scene->world, "s1").info.host, "s1.example");
    assert_int_equal(scene->world->ticket_count, 1);
    assert_true(m4h_cluster_is_synced(scene->world->cluster));
}

static void a_snapshot_replaces_what_was_there(void **state)
{
    struct scene *scene = *state;

    world_sync(scene->world, &scene->slave);
    fake_disconnect(&scene->slave, "a", 1);
    tell(scene, fake_connect(&scene->slave, "c", 3, 12));
    assert_string_equal(world_owner(scene->world, "a"), "s1");
    wait_for_question(scene);
    world_sync(scene->world, &scene->slave);
    assert_string_equal(world_owner(scene->world, "a"), "");
    world_assert_same(scene->world, &scene->slave);
}

/* It was made before the drain, of which a load event told. */
static void a_snapshot_does_not_take_back_a_drain(void **state)
{
    struct scene *scene = *state;
    struct ticket *ticket = world_ticket(scene->world, "s1");
    struct m4h_snapshot_page page = fake_page(&scene->slave, 5, 0, true);

    fake_drain(&scene->slave);
    tell(scene, fake_load(&scene->slave));
    world_answer(scene->world, ticket, &page, scene->slave.tunnels, scene->slave.count);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_DRAINING);
    assert_string_equal(world_dispatch(scene->world, "", "", NULL), "");
}

static void one_snapshot_at_a_time(void **state)
{
    struct scene *scene = *state;

    fake_connect(&scene->slave, "lost", 9, 12);
    tell(scene, fake_connect(&scene->slave, "c", 3, 13));
    tell(scene, fake_load(&scene->slave));
    world_pass(scene->world, 1000);
    assert_int_equal(scene->world->ticket_count, 1);
}

static void pages_are_asked_for_one_after_the_other(void **state)
{
    struct scene *scene = *state;
    struct m4h_snapshot_page page = fake_page(&scene->slave, 5, 0, false);
    struct ticket *ticket = world_ticket(scene->world, "s1");

    assert_int_equal(ticket->ticket.request.snapshot_id, 0);
    world_answer(scene->world, ticket, &page, &scene->slave.tunnels[0], 1);
    assert_string_equal(world_owner(scene->world, "a"), "");
    ticket = world_ticket(scene->world, "s1");
    assert_int_equal(ticket->ticket.request.snapshot_id, 5);
    assert_int_equal(ticket->ticket.request.page, 1);
    page = fake_page(&scene->slave, 5, 1, true);
    world_answer(scene->world, ticket, &page, &scene->slave.tunnels[1], 1);
    world_assert_same(scene->world, &scene->slave);
}

static void events_that_come_between_the_pages_are_kept(void **state)
{
    struct scene *scene = *state;
    struct m4h_tunnel at_that_time[2] = {scene->slave.tunnels[0], scene->slave.tunnels[1]};
    struct m4h_snapshot_page first = fake_page(&scene->slave, 5, 0, false);
    struct m4h_snapshot_page last = fake_page(&scene->slave, 5, 1, true);

    world_answer(scene->world, world_ticket(scene->world, "s1"), &first, &at_that_time[0], 1);
    tell(scene, fake_connect(&scene->slave, "c", 3, 12));
    tell(scene, fake_disconnect(&scene->slave, "b", 2));
    tell(scene, fake_refuse(&scene->slave));
    tell(scene, fake_drain(&scene->slave));
    world_answer(scene->world, world_ticket(scene->world, "s1"), &last, &at_that_time[1], 1);
    world_assert_same(scene->world, &scene->slave);
    assert_string_equal(world_owner(scene->world, "b"), "");
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_DRAINING);
    tell(scene, fake_load(&scene->slave));
    assert_int_equal(world_stats(scene->world).digest_mismatches, 0);
}

static void a_snapshot_newer_than_the_events_makes_them_duplicates(void **state)
{
    struct scene *scene = *state;
    struct m4h_event under_way = fake_disconnect(&scene->slave, "a", 1);

    world_sync(scene->world, &scene->slave);
    tell(scene, under_way);
    tell(scene, fake_load(&scene->slave));
    world_assert_same(scene->world, &scene->slave);
    assert_int_equal(world_stats(scene->world).duplicates, 1);
}

static void a_gap_while_a_snapshot_is_under_way_asks_again(void **state)
{
    struct scene *scene = *state;
    struct fake_slave then = scene->slave;
    struct m4h_tunnel at_that_time[2] = {scene->slave.tunnels[0], scene->slave.tunnels[1]};

    then.tunnels = at_that_time;
    fake_connect(&scene->slave, "lost", 3, 12);
    tell(scene, fake_connect(&scene->slave, "d", 4, 13));
    world_sync(scene->world, &then);
    assert_false(world_slave(scene->world, "s1").synced);
    assert_string_equal(world_owner(scene->world, "d"), "s1");
    wait_for_question(scene);
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
}

static void more_events_than_are_kept_ask_again(void **state)
{
    struct scene *scene = *state;
    struct ticket *ticket = world_ticket(scene->world, "s1");
    struct m4h_snapshot_page page = fake_page(&scene->slave, 5, 0, true);
    struct m4h_tunnel at_that_time[2] = {scene->slave.tunnels[0], scene->slave.tunnels[1]};

    for (unsigned i = 0; i < M4H_MASTER_KEPT_EVENTS_MAX + 1; i++)
        tell(scene, fake_refuse(&scene->slave));
    world_answer(scene->world, ticket, &page, at_that_time, 2);
    assert_false(world_slave(scene->world, "s1").synced);
    wait_for_question(scene);
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
}

/* A snapshot of 2500 tunnels, "dev-0" and so on, has come. */
static void answer_with_many(struct scene *scene)
{
    char key[16];

    for (unsigned i = 0; i < 2498; i++) {
        snprintf(key, sizeof(key), "dev-%u", i);
        fake_connect(&scene->slave, key, 100 + i, 100 + i);
    }
    tell(scene, fake_load(&scene->slave));
    world_sync(scene->world, &scene->slave);
}

static void a_big_snapshot_is_put_in_piece_by_piece(void **state)
{
    struct scene *scene = *state;
    struct ticket ticket = *world_ticket(scene->world, "s1");
    struct m4h_snapshot_page page;

    answer_with_many(scene);
    assert_int_equal(world_stats(scene->world).entries, 1000);
    assert_false(world_slave(scene->world, "s1").synced);
    assert_true(m4h_cluster_next_tick_ms(scene->world->cluster) <= scene->world->moment.now_ms + 1);
    /* What comes meanwhile: of a tunnel that is in, of one that is not, of a new one. */
    tell(scene, fake_disconnect(&scene->slave, "dev-2497", 100 + 2497));
    tell(scene, fake_disconnect(&scene->slave, "dev-3", 103));
    tell(scene, fake_connect(&scene->slave, "new", 9000, 9000));
    tell(scene, fake_load(&scene->slave));
    /* The answer comes twice. */
    page = fake_page(&scene->slave, 1, 0, true);
    m4h_cluster_snapshot(scene->world->cluster, "s1", &ticket.ticket, &page, scene->slave.tunnels,
                         scene->slave.count, scene->world->moment);
    world_pass(scene->world, 1);
    assert_int_equal(world_stats(scene->world).entries, 2000);
    world_pass(scene->world, 1);
    assert_true(world_slave(scene->world, "s1").synced);
    world_assert_same(scene->world, &scene->slave);
    assert_int_equal(scene->world->ticket_count, 1);
    assert_int_equal(world_stats(scene->world).snapshots_installed, 1);
}

static void two_big_snapshots_take_turns(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other;
    char key[16];

    fake_slave_init(&other, "s2", "us");
    fake_start(&other);
    for (unsigned i = 0; i < 2500; i++) {
        snprintf(key, sizeof(key), "far-%u", i);
        fake_connect(&other, key, 100 + i, 100 + i);
    }
    tell(scene, fake_load(&other));
    answer_with_many(scene);
    world_sync(scene->world, &other);
    assert_int_equal(world_stats(scene->world).entries, 2000);
    for (unsigned i = 1; i <= 3; i++) {
        world_pass(scene->world, 1);
        assert_int_equal(world_stats(scene->world).entries, 2000 + i * 1000 - i / 3 * 500);
    }
    world_pass(scene->world, 0);
    world_assert_same(scene->world, &scene->slave);
    world_assert_same(scene->world, &other);
    assert_int_equal(world_stats(scene->world).snapshots_failed, 0);
    fake_slave_free(&other);
}

static void a_slave_that_stops_while_its_snapshot_is_put_in_is_empty(void **state)
{
    struct scene *scene = *state;

    answer_with_many(scene);
    tell(scene, fake_stop(&scene->slave));
    world_pass(scene->world, 1);
    world_pass(scene->world, 1);
    assert_int_equal(world_stats(scene->world).entries, 0);
    assert_int_equal(world_slave(scene->world, "s1").state, M4H_SLAVE_STOPPED);
}

static void a_gap_while_a_snapshot_is_put_in_asks_for_another(void **state)
{
    struct scene *scene = *state;

    answer_with_many(scene);
    fake_connect(&scene->slave, "unheard", 9000, 9000);
    tell(scene, fake_refuse(&scene->slave));
    for (unsigned i = 0; i < 10; i++)
        world_pass(scene->world, 1);
    assert_false(world_slave(scene->world, "s1").synced);
    wait_for_question(scene);
    world_sync(scene->world, &scene->slave);
    for (unsigned i = 0; i < 10; i++)
        world_pass(scene->world, 1);
    assert_true(world_slave(scene->world, "s1").synced);
    world_assert_same(scene->world, &scene->slave);
}

/* All devices of a slave come back at once, and one event in seven is lost. */
static void a_burst_with_holes_is_healed_by_few_snapshots(void **state)
{
    struct scene *scene = *state;
    char key[16];

    world_sync(scene->world, &scene->slave);
    for (unsigned i = 0; i < 9500; i++) {
        struct m4h_event event;

        snprintf(key, sizeof(key), "dev-%u", i);
        event = fake_connect(&scene->slave, key, 100 + i, 100 + i);
        if (i % 7 != 0)
            tell(scene, event);
        if (i % 500 == 0) {
            world_pass(scene->world, 100);
            world_sync(scene->world, &scene->slave);
        }
    }
    for (unsigned i = 0; i < 20 && !world_slave(scene->world, "s1").synced; i++) {
        tell(scene, fake_load(&scene->slave));
        world_pass(scene->world, 2000);
        world_sync(scene->world, &scene->slave);
    }
    world_assert_same(scene->world, &scene->slave);
    assert_true(world_slave(scene->world, "s1").synced);
    assert_true(scene->world->ticket_count <= 8);
}

static void failures_are_retried_with_pauses_of_a_second_at_most(void **state)
{
    struct scene *scene = *state;
    unsigned last = 0;

    for (unsigned i = 0; i < 10; i++) {
        unsigned waited;

        fail_attempt(scene);
        waited = wait_for_question(scene);
        assert_true(waited >= last);
        assert_true(waited <= 1100);
        last = waited;
    }
    assert_true(last >= 1000);
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
}

/* The slave's load events give another digest than its tunnels have. */
static unsigned contradict(struct scene *scene)
{
    struct m4h_event load = fake_load(&scene->slave);
    unsigned waited = 0;

    load.as.load.digest ^= 1;
    tell(scene, load);
    while (world_ticket(scene->world, "s1") == NULL) {
        assert_true(waited < 60000);
        tell(scene, load);
        world_pass(scene->world, 100);
        waited += 100;
    }
    world_sync(scene->world, &scene->slave);
    return waited;
}

static void snapshots_that_do_not_help_are_asked_for_ever_less_often(void **state)
{
    struct scene *scene = *state;
    unsigned last = 0;

    world_sync(scene->world, &scene->slave);
    for (unsigned i = 0; i < 10; i++) {
        unsigned waited = contradict(scene);

        assert_true(waited >= last);
        assert_true(waited <= 30100);
        last = waited;
    }
    assert_true(last >= 30000);
    tell(scene, fake_load(&scene->slave));
    assert_true(contradict(scene) <= 100);
}

static void a_gap_does_not_wait_for_the_pause_of_a_wrong_digest(void **state)
{
    struct scene *scene = *state;
    unsigned waited = 0;

    world_sync(scene->world, &scene->slave);
    for (unsigned i = 0; i < 10; i++)
        (void)contradict(scene);
    fake_refuse(&scene->slave);
    tell(scene, fake_load(&scene->slave));
    for (; world_ticket(scene->world, "s1") == NULL && waited < 60000; waited += 100)
        world_pass(scene->world, 100);
    assert_true(waited <= 1100);
}

static void a_load_event_that_agrees_ends_a_long_pause(void **state)
{
    struct scene *scene = *state;
    struct m4h_event lie = fake_load(&scene->slave);
    unsigned waited = 0;

    lie.as.load.digest ^= 1;
    world_sync(scene->world, &scene->slave);
    for (unsigned i = 0; i < 10; i++)
        (void)contradict(scene);
    tell(scene, lie);
    world_pass(scene->world, 2000);
    assert_null(world_ticket(scene->world, "s1"));
    tell(scene, fake_load(&scene->slave));
    for (; world_ticket(scene->world, "s1") == NULL && waited < 60000; waited += 100)
        world_pass(scene->world, 100);
    assert_true(waited <= 1100);
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
}

static void the_pauses_are_short_again_once_a_load_event_agrees(void **state)
{
    struct scene *scene = *state;

    for (unsigned i = 0; i < 5; i++) {
        fail_attempt(scene);
        wait_for_question(scene);
    }
    world_sync(scene->world, &scene->slave);
    tell(scene, fake_load(&scene->slave));
    fake_refuse(&scene->slave);
    tell(scene, fake_load(&scene->slave));
    assert_non_null(world_ticket(scene->world, "s1"));
}

static void a_page_that_never_comes_is_given_up(void **state)
{
    struct scene *scene = *state;
    struct ticket *ticket = world_ticket(scene->world, "s1");

    ticket->is_open = false;
    for (unsigned i = 0; i < 11; i++) {
        tell(scene, fake_load(&scene->slave));
        world_pass(scene->world, 1000);
    }
    assert_int_equal(world_stats(scene->world).snapshots_failed, 1);
    assert_non_null(world_ticket(scene->world, "s1"));
}

static void an_answer_that_comes_too_late_is_ignored(void **state)
{
    struct scene *scene = *state;
    struct ticket *first = world_ticket(scene->world, "s1");
    struct m4h_snapshot_page page = fake_page(&scene->slave, 5, 0, true);

    fail_attempt(scene);
    wait_for_question(scene);
    world_answer(scene->world, first, &page, scene->slave.tunnels, 2);
    assert_string_equal(world_owner(scene->world, "a"), "");
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
}

/* Each of these pages ends the attempt; the next attempt is good. */
static void a_page_that_does_not_fit_is_refused(void **state)
{
    struct scene *scene = *state;
    struct m4h_snapshot_page good = fake_page(&scene->slave, 5, 0, true), bad[6];

    for (size_t i = 0; i < M4H_COUNT(bad); i++)
        bad[i] = good;
    m4h_text_copy(bad[0].slave_id, sizeof(bad[0].slave_id), "s2");
    m4h_text_copy(bad[1].region, sizeof(bad[1].region), "us");
    bad[2].page = 1;
    bad[3].epoch--;
    bad[4].seq--;
    bad[5].snapshot_id = 0;
    for (size_t i = 0; i < M4H_COUNT(bad); i++) {
        world_answer(scene->world, world_ticket(scene->world, "s1"), &bad[i], scene->slave.tunnels,
                     2);
        assert_int_equal(world_stats(scene->world).snapshots_failed, i + 1);
        assert_string_equal(world_owner(scene->world, "a"), "");
        wait_for_question(scene);
    }
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
}

static void pages_of_two_moments_do_not_mix(void **state)
{
    struct scene *scene = *state;
    struct m4h_snapshot_page first = fake_page(&scene->slave, 5, 0, false), second;

    world_answer(scene->world, world_ticket(scene->world, "s1"), &first, scene->slave.tunnels, 1);
    tell(scene, fake_connect(&scene->slave, "c", 3, 12));
    second = fake_page(&scene->slave, 5, 1, true);
    world_answer(scene->world, world_ticket(scene->world, "s1"), &second, scene->slave.tunnels + 1,
                 2);
    assert_int_equal(world_stats(scene->world).snapshots_failed, 1);
    assert_false(world_slave(scene->world, "s1").synced);
}

static void a_snapshot_may_be_the_first_word_of_a_new_process(void **state)
{
    struct scene *scene = *state;

    fake_slave_restart(&scene->slave);
    fake_start(&scene->slave);
    fake_connect(&scene->slave, "z", 9, 20);
    world_sync(scene->world, &scene->slave);
    world_assert_same(scene->world, &scene->slave);
    assert_int_equal(world_slave(scene->world, "s1").epoch, scene->slave.epoch);
    assert_int_equal(scene->world->notes[M4H_NOTE_RESTARTED], 1);
    tell(scene, fake_connect(&scene->slave, "y", 10, 21));
    world_assert_same(scene->world, &scene->slave);
}

static void a_restart_ends_the_snapshot_of_the_process_before(void **state)
{
    struct scene *scene = *state;
    struct ticket *ticket = world_ticket(scene->world, "s1");
    struct m4h_snapshot_page page = fake_page(&scene->slave, 5, 0, true);
    struct m4h_tunnel tunnel = scene->slave.tunnels[0];

    fake_slave_restart(&scene->slave);
    tell(scene, fake_start(&scene->slave));
    world_answer(scene->world, ticket, &page, &tunnel, 1);
    assert_string_equal(world_owner(scene->world, "a"), "");
    world_assert_same(scene->world, &scene->slave);
}

static void only_so_many_snapshots_are_under_way_at_once(void **state)
{
    struct scene *scene = *state;
    struct fake_slave other = scene->slave;

    for (unsigned i = 0; i < 60; i++) {
        snprintf(other.id, sizeof(other.id), "many-%02u", i);
        tell(scene, fake_load(&other));
    }
    assert_int_equal(scene->world->ticket_count, M4H_MASTER_SNAPSHOTS_MAX);
    world_sync(scene->world, &scene->slave);
    assert_int_equal(scene->world->ticket_count, M4H_MASTER_SNAPSHOTS_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(a_snapshot_brings_tunnels_and_what_the_slave_is),
        TEST(a_snapshot_replaces_what_was_there),
        TEST(a_snapshot_does_not_take_back_a_drain),
        TEST(one_snapshot_at_a_time),
        TEST(pages_are_asked_for_one_after_the_other),
        TEST(events_that_come_between_the_pages_are_kept),
        TEST(a_snapshot_newer_than_the_events_makes_them_duplicates),
        TEST(a_gap_while_a_snapshot_is_under_way_asks_again),
        TEST(more_events_than_are_kept_ask_again),
        TEST(a_big_snapshot_is_put_in_piece_by_piece),
        TEST(two_big_snapshots_take_turns),
        TEST(a_slave_that_stops_while_its_snapshot_is_put_in_is_empty),
        TEST(a_gap_while_a_snapshot_is_put_in_asks_for_another),
        TEST(a_burst_with_holes_is_healed_by_few_snapshots),
        TEST(failures_are_retried_with_pauses_of_a_second_at_most),
        TEST(snapshots_that_do_not_help_are_asked_for_ever_less_often),
        TEST(a_load_event_that_agrees_ends_a_long_pause),
        TEST(a_gap_does_not_wait_for_the_pause_of_a_wrong_digest),
        TEST(the_pauses_are_short_again_once_a_load_event_agrees),
        TEST(a_page_that_never_comes_is_given_up),
        TEST(an_answer_that_comes_too_late_is_ignored),
        TEST(a_page_that_does_not_fit_is_refused),
        TEST(pages_of_two_moments_do_not_mix),
        TEST(a_snapshot_may_be_the_first_word_of_a_new_process),
        TEST(a_restart_ends_the_snapshot_of_the_process_before),
        TEST(only_so_many_snapshots_are_under_way_at_once),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
