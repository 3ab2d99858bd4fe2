/* Dispatch: even, proportional, never where it must not be; reservations, fallback, pace. */
#include "lib/base/error.h"
#include "tests/unit/master_world.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SLAVES 10

/* Up to ten slaves that have started, of the regions that a test wants. */
struct scene {
    struct world *world;
    struct fake_slave slaves[SLAVES];
    unsigned given[SLAVES];
    size_t count;
};

static struct scene scene;

static void begin_with(const struct m4h_cluster_config *config)
{
    scene = (struct scene){.world = world_create(config)};
}

static int begin(void **state)
{
    (void)state;
    begin_with(NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_destroy(scene.world);
    for (size_t i = 0; i < scene.count; i++)
        fake_slave_free(&scene.slaves[i]);
    return 0;
}

static void restart_with(const struct m4h_cluster_config *config)
{
    end(NULL);
    begin_with(config);
}

static struct fake_slave *add_as(const char *region, uint32_t capacity, uint32_t weight,
                                 uint32_t handshakes_per_second)
{
    struct fake_slave *slave = &scene.slaves[scene.count];
    char id[M4H_ID_MAX + 1];

    snprintf(id, sizeof(id), "s%zu", scene.count);
    scene.count++;
    fake_slave_init(slave, id, region);
    slave->capacity = capacity;
    slave->weight = weight;
    slave->handshakes_per_second = handshakes_per_second;
    world_start(scene.world, slave);
    return slave;
}

static struct fake_slave *add(const char *region, uint32_t capacity)
{
    return add_as(region, capacity, 0, 0);
}

static void tell(struct m4h_event event)
{
    world_tell(scene.world, &event);
}

/* Asks for slots and counts where they are. */
static void ask(const char *region, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        const char *id = world_dispatch(scene.world, region, "", NULL);

        assert_int_equal(id[0], 's');
        scene.given[id[1] - '0']++;
    }
}

/* A device arrives. */
static void arrive(struct fake_slave *slave, const char *client_key)
{
    static uint64_t tunnel_id = 1;

    tunnel_id++;
    tell(fake_connect(slave, client_key, tunnel_id, tunnel_id));
}

static enum m4h_problem_code problem_of(const char *region)
{
    struct m4h_problem problem = {0};

    return world_dispatch(scene.world, region, "", &problem)[0] != '\0' ? 0 : problem.code;
}

static uint32_t reservations_at(const char *slave_id)
{
    return world_slave(scene.world, slave_id).reservations;
}

static void a_thousand_requests_at_once_spread_evenly(void **state)
{
    unsigned least = 1000, most = 0;

    (void)state;
    for (unsigned i = 0; i < SLAVES; i++)
        add("eu", 500);
    ask("eu", 1000);
    for (unsigned i = 0; i < SLAVES; i++) {
        least = scene.given[i] < least ? scene.given[i] : least;
        most = scene.given[i] > most ? scene.given[i] : most;
    }
    assert_true(most - least <= 1000 / SLAVES * 2 / 100 + 1);
}

static void slots_go_in_proportion_to_capacity(void **state)
{
    (void)state;
    add("eu", 100);
    add("eu", 200);
    add("eu", 700);
    ask("eu", 500);
    assert_in_range(scene.given[0], 49, 51);
    assert_in_range(scene.given[1], 99, 101);
    assert_in_range(scene.given[2], 349, 351);
}

static void tunnels_count_as_much_as_reservations(void **state)
{
    struct fake_slave *first = add("eu", 100);

    (void)state;
    add("eu", 100);
    arrive(first, "a");
    arrive(first, "b");
    ask("eu", 2);
    assert_int_equal(scene.given[1], 2);
    ask("eu", 2);
    assert_int_equal(scene.given[0], 1);
    assert_int_equal(scene.given[1], 3);
}

static void ties_go_to_the_lower_id(void **state)
{
    (void)state;
    add("eu", 100);
    add("eu", 100);
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
    add("eu", 100);
    assert_int_equal(m4h_cluster_dispatch(scene.world->cluster, &request, scene.world->moment, 0,
                                          &slot, &problem),
                     0);
    assert_string_equal(slot.slave_id, "s0");
    assert_string_equal(slot.region, "eu");
    assert_string_equal(slot.host, "s0.example");
    assert_int_equal(slot.port, 2222);
    assert_int_equal(slot.host_key_count, 1);
    assert_string_equal(slot.host_keys[0], "ssh-ed25519 AAAAs0");
    assert_int_equal(slot.expires_wall_ms, scene.world->moment.wall_ms + 2500);
}

static void a_draining_slave_is_never_chosen(void **state)
{
    struct fake_slave *first = add("eu", 100);

    (void)state;
    add("eu", 100);
    tell(fake_drain(first));
    ask("eu", 50);
    assert_int_equal(scene.given[0], 0);
}

static void a_slave_whose_load_event_says_draining_is_never_chosen(void **state)
{
    struct fake_slave *first = add("eu", 100);

    (void)state;
    first->state = M4H_SLAVE_DRAINING;
    tell(fake_load(first));
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_NO_CAPACITY);
}

static void a_stopped_slave_is_never_chosen(void **state)
{
    struct fake_slave *first = add("eu", 100);

    (void)state;
    tell(fake_stop(first));
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_NO_CAPACITY);
    fake_slave_restart(first);
    tell(fake_start(first));
    assert_int_equal(problem_of("eu"), 0);
}

static void a_full_slave_is_never_chosen(void **state)
{
    struct fake_slave *first = add("eu", 2);

    (void)state;
    ask("eu", 2);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_NO_CAPACITY);
    world_pass(scene.world, 2500);
    arrive(first, "a");
    arrive(first, "b");
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_NO_CAPACITY);
}

static void a_slave_of_which_fewer_tunnels_are_wanted_than_it_has_is_never_chosen(void **state)
{
    struct fake_slave *first = add("eu", 100);

    (void)state;
    arrive(first, "a");
    arrive(first, "b");
    first->capacity = 2; /* fewer files than at its start, say */
    tell(fake_load(first));
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_NO_CAPACITY);
    first->capacity = 3;
    tell(fake_load(first));
    assert_int_equal(problem_of("eu"), 0);
}

static void a_slave_that_refuses_because_it_is_full_is_full_and_no_more(void **state)
{
    struct fake_slave *first = add("eu", 2);
    struct m4h_event refusal;

    (void)state;
    arrive(first, "a");
    arrive(first, "b");
    for (unsigned i = 0; i < 100; i++) {
        refusal = fake_refuse(first);
        refusal.as.refuse.reason = M4H_REFUSE_FULL;
        m4h_text_copy(refusal.as.refuse.client_key, sizeof(refusal.as.refuse.client_key), "a");
        tell(refusal);
    }
    world_assert_same(scene.world, first);
    assert_int_equal(world_slave(scene.world, "s0").state, M4H_SLAVE_READY);
    assert_int_equal(scene.world->ticket_count, 0);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_NO_CAPACITY);
    tell(fake_disconnect(first, "a", first->tunnels[0].tunnel_id));
    assert_int_equal(problem_of("eu"), 0);
}

static void a_silent_slave_is_never_chosen(void **state)
{
    struct fake_slave *second;

    (void)state;
    add("eu", 100);
    second = add("eu", 100);
    world_pass(scene.world, 5000);
    tell(fake_load(second));
    world_pass(scene.world, 1000);
    ask("eu", 50);
    assert_int_equal(scene.given[0], 0);
}

static void a_slave_of_no_capacity_is_never_chosen(void **state)
{
    (void)state;
    add("eu", 0);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_NO_CAPACITY);
    add("eu", 1);
    ask("eu", 1);
    assert_int_equal(scene.given[1], 1);
}

static void an_unsynced_slave_counts_by_its_load_event(void **state)
{
    struct fake_slave *first = add("eu", 100);
    char client_key[16];

    (void)state;
    add("eu", 100);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(client_key, sizeof(client_key), "d%u", i);
        fake_connect(first, client_key, i + 100, i);
    }
    tell(fake_load(first));
    ask("eu", 40);
    assert_int_equal(scene.given[1], 40);
}

static void a_device_that_arrives_uses_up_a_reservation(void **state)
{
    struct fake_slave *first = add("eu", 100);
    struct m4h_dispatch_stats stats;

    (void)state;
    ask("eu", 3);
    assert_int_equal(reservations_at("s0"), 3);
    arrive(first, "a");
    assert_int_equal(reservations_at("s0"), 2);
    m4h_cluster_dispatch_stats(scene.world->cluster, &stats);
    assert_int_equal(stats.reservations_used, 1);
    assert_int_equal(stats.reservations, 2);
}

static void a_reservation_expires(void **state)
{
    struct m4h_dispatch_stats stats;

    (void)state;
    add("eu", 100);
    ask("eu", 1);
    world_pass(scene.world, 1000);
    ask("eu", 1);
    world_pass(scene.world, 1499);
    assert_int_equal(reservations_at("s0"), 2);
    world_pass(scene.world, 1);
    assert_int_equal(reservations_at("s0"), 1);
    world_pass(scene.world, 1000);
    assert_int_equal(reservations_at("s0"), 0);
    m4h_cluster_dispatch_stats(scene.world->cluster, &stats);
    assert_int_equal(stats.reservations_expired, 2);
}

static void a_device_that_is_known_uses_its_own_reservation(void **state)
{
    struct fake_slave *second;

    (void)state;
    add("eu", 100);
    second = add("eu", 100);
    assert_string_equal(world_dispatch(scene.world, "eu", "mine", NULL), "s0");
    assert_string_equal(world_dispatch(scene.world, "eu", "", NULL), "s1");
    arrive(second, "mine");
    assert_int_equal(reservations_at("s0"), 0);
    assert_int_equal(reservations_at("s1"), 1);
    arrive(second, "somebody");
    assert_int_equal(reservations_at("s1"), 0);
}

static void a_device_that_asks_again_holds_one_reservation(void **state)
{
    (void)state;
    add("eu", 100);
    for (unsigned i = 0; i < 10; i++)
        world_dispatch(scene.world, "eu", "mine", NULL);
    assert_int_equal(reservations_at("s0"), 1);
}

static void reservations_can_be_turned_off(void **state)
{
    struct m4h_cluster_config config = world_config();

    (void)state;
    config.dispatch.reservation_ms = 0;
    restart_with(&config);
    add("eu", 1);
    ask("eu", 5);
    assert_int_equal(reservations_at("s0"), 0);
}

static void a_slave_that_stops_has_no_reservations(void **state)
{
    struct fake_slave *first = add("eu", 100);

    (void)state;
    ask("eu", 3);
    tell(fake_stop(first));
    assert_int_equal(reservations_at("s0"), 0);
    world_pass(scene.world, 2500);
}

static void the_asked_region_comes_first_however_full(void **state)
{
    struct fake_slave *first = add("eu", 4);

    (void)state;
    add("us", 1000);
    arrive(first, "a");
    arrive(first, "b");
    ask("eu", 2);
    assert_int_equal(scene.given[0], 2);
}

static void no_region_means_the_emptiest_of_all(void **state)
{
    struct fake_slave *first = add("eu", 10);

    (void)state;
    add("us", 10);
    arrive(first, "a");
    ask("", 1);
    assert_int_equal(scene.given[1], 1);
}

static void without_fallback_a_full_region_has_no_slot(void **state)
{
    struct m4h_problem problem = {0};

    (void)state;
    add("eu", 0);
    add("us", 10);
    assert_string_equal(world_dispatch(scene.world, "eu", "", &problem), "");
    assert_int_equal(problem.code, M4H_PROBLEM_NO_CAPACITY);
    assert_in_range(problem.retry_after_ms, 2000, 5000);
    assert_non_null(strstr(problem.detail, "'eu'"));
}

static void a_region_that_is_not_known_is_named_with_those_that_are(void **state)
{
    struct m4h_problem problem = {0};

    (void)state;
    add("us", 10);
    add("eu", 10);
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
    restart_with(&config);
    add("us", 10);
    add("ap", 1);
    add("eu", 1);
    ask("eu", 3);
    assert_int_equal(scene.given[2], 1);
    assert_int_equal(scene.given[1], 1);
    assert_int_equal(scene.given[0], 1);
    assert_int_equal(problem_of("ap"), M4H_PROBLEM_NO_CAPACITY);
}

static void a_region_without_slaves_may_have_fallbacks(void **state)
{
    struct m4h_cluster_config config = world_config();
    char message[100];

    (void)state;
    assert_int_equal(
        m4h_fallback_parse(&config.dispatch.fallback, "mars>us", message, sizeof(message)), 0);
    restart_with(&config);
    add("us", 10);
    ask("mars", 1);
    assert_int_equal(scene.given[0], 1);
}

static void a_region_gives_so_many_slots_a_second(void **state)
{
    struct m4h_cluster_config config = world_config();
    struct m4h_problem problem = {0};

    (void)state;
    config.dispatch.slots_per_second = 10;
    restart_with(&config);
    add("eu", 1000);
    ask("eu", 10);
    assert_string_equal(world_dispatch(scene.world, "eu", "", &problem), "");
    assert_int_equal(problem.code, M4H_PROBLEM_THROTTLED);
    assert_in_range(problem.retry_after_ms, 1, 30000);
    world_pass(scene.world, 100);
    ask("eu", 1);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_THROTTLED);
    world_pass(scene.world, 1000);
    ask("eu", 10);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_THROTTLED);
}

static void pace_and_fallbacks_change_while_it_works(void **state)
{
    struct m4h_cluster_config config = world_config();
    char message[100];

    (void)state;
    config.dispatch.slots_per_second = 1;
    restart_with(&config);
    add("eu", 3);
    add("us", 10);
    ask("eu", 1);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_THROTTLED);
    config.dispatch.slots_per_second = 0;
    m4h_cluster_set_dispatch(scene.world->cluster, &config.dispatch);
    ask("eu", 2);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_NO_CAPACITY);
    assert_int_equal(
        m4h_fallback_parse(&config.dispatch.fallback, "eu>us", message, sizeof(message)), 0);
    m4h_cluster_set_dispatch(scene.world->cluster, &config.dispatch);
    ask("eu", 1);
    assert_int_equal(scene.given[1], 1);
}

static void slots_go_in_proportion_to_capacity_and_weight(void **state)
{
    (void)state;
    add_as("eu", 1000, 100, 0);
    add_as("eu", 1000, 50, 0);
    add_as("eu", 500, 200, 0);
    ask("eu", 250);
    assert_in_range(scene.given[0], 99, 101);
    assert_in_range(scene.given[1], 49, 51);
    assert_in_range(scene.given[2], 99, 101);
}

/* By its weight it looks empty, yet it is full. */
static void a_full_slave_of_great_weight_hides_no_other(void **state)
{
    (void)state;
    add_as("eu", 4, 1000, 0);
    add_as("eu", 100, 10, 0);
    ask("eu", 50);
    assert_int_equal(scene.given[0], 4);
    assert_int_equal(scene.given[1], 46);
}

static void pace_by_the_slaves(void)
{
    struct m4h_cluster_config config = world_config();

    config.dispatch.slots_per_second = M4H_DISPATCH_AUTO;
    config.dispatch.reservation_ms = 600000;
    restart_with(&config);
}

static void a_slave_that_comes_back_empty_is_filled_smoothly(void **state)
{
    char key[16];

    (void)state;
    pace_by_the_slaves();
    for (unsigned i = 0; i < 3; i++) {
        struct fake_slave *full = add_as("eu", 10000, 100, 0);

        for (unsigned j = 0; j < 1000; j++) {
            snprintf(key, sizeof(key), "d%u-%u", i, j);
            arrive(full, key);
        }
    }
    add_as("eu", 10000, 100, 50);
    ask("eu", 600); /* all at once: it gets 2 s of what it can take */
    assert_int_equal(scene.given[3], 100);
    for (unsigned second = 1; second <= 5; second++) {
        world_pass(scene.world, 1000);
        ask("eu", 200);
        assert_in_range(scene.given[3], 100 + second * 50 - 2, 100 + second * 50 + 2);
    }
}

static void a_storm_is_paced_by_what_the_slaves_can_take(void **state)
{
    struct m4h_problem problem = {0};

    (void)state;
    pace_by_the_slaves();
    add_as("eu", 10000, 100, 100);
    add_as("eu", 10000, 100, 300);
    ask("eu", 800);
    assert_int_equal(scene.given[0], 200);
    assert_int_equal(scene.given[1], 600);
    assert_string_equal(world_dispatch(scene.world, "eu", "", &problem), "");
    assert_int_equal(problem.code, M4H_PROBLEM_THROTTLED);
    assert_in_range(problem.retry_after_ms, 1, 30000);
    world_pass(scene.world, 100);
    ask("eu", 40);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_THROTTLED);
}

static void no_limit_of_any_kind_is_none(void **state)
{
    struct m4h_cluster_config config = world_config();

    (void)state;
    pace_by_the_slaves();
    add_as("eu", 10000, 100, 1);
    ask("eu", 2);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_THROTTLED);
    config.dispatch.slots_per_second = 0;
    m4h_cluster_set_dispatch(scene.world->cluster, &config.dispatch);
    ask("eu", 1000);
}

static void a_device_goes_back_where_it_was_within_the_band(void **state)
{
    struct m4h_cluster_config config = world_config();
    struct fake_slave *first;

    (void)state;
    config.dispatch.sticky_band = 5;
    restart_with(&config);
    first = add("eu", 100);
    add("eu", 100);
    for (unsigned i = 0; i < 6; i++) {
        char key[8];

        snprintf(key, sizeof(key), "dev-%u", i);
        arrive(first, key);
        if (i == 4)
            assert_string_equal(world_dispatch(scene.world, "eu", "dev-0", NULL), "s0");
    }
    world_pass(scene.world, 3000);
    assert_string_equal(world_dispatch(scene.world, "eu", "dev-0", NULL), "s1"); /* 6 % */
    assert_string_equal(world_dispatch(scene.world, "eu", "nobody", NULL), "s1");
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
    slave = add("eu", 100);
    add("eu", 100);
    ask("eu", 1);
    share("s0", "dev", 1000);
    share("s0", "", 500);
    share("s9", "", 500);
    assert_int_equal(reservations_at("s0"), 3);
    share("s1", "dev", 1000); /* it asked again */
    assert_int_equal(reservations_at("s0"), 2);
    assert_int_equal(reservations_at("s1"), 1);
    world_pass(scene.world, 600);
    assert_int_equal(reservations_at("s0"), 1);
    share("", "dev", 0);
    assert_int_equal(reservations_at("s1"), 0);
    share("s0", "dev-2", 1000);
    arrive(slave, "dev-2");
    assert_int_equal(reservations_at("s0"), 1);
}

static void a_throttled_region_does_not_spill_over(void **state)
{
    struct m4h_cluster_config config = world_config();
    char message[100];

    (void)state;
    config.dispatch.slots_per_second = 1;
    assert_int_equal(
        m4h_fallback_parse(&config.dispatch.fallback, "eu>us", message, sizeof(message)), 0);
    restart_with(&config);
    add("eu", 1000);
    add("us", 1000);
    ask("eu", 1);
    assert_int_equal(problem_of("eu"), M4H_PROBLEM_THROTTLED);
    ask("", 1);
    assert_int_equal(scene.given[1], 1);
    assert_int_equal(problem_of(""), M4H_PROBLEM_THROTTLED);
}

/* The more were refused, the longer the time over which they are spread. */
static void a_crowd_is_told_to_come_back_over_a_longer_time(void **state)
{
    struct m4h_cluster_config config = world_config();
    struct m4h_dispatch_request request = {.region = "eu"};
    uint32_t longest = 0, shortest = UINT32_MAX;

    (void)state;
    config.dispatch.slots_per_second = 100;
    restart_with(&config);
    add("eu", 4000);
    ask("eu", 100);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
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
        TEST(a_device_that_arrives_uses_up_a_reservation),
        TEST(a_reservation_expires),
        TEST(a_device_that_is_known_uses_its_own_reservation),
        TEST(a_device_that_asks_again_holds_one_reservation),
        TEST(reservations_can_be_turned_off),
        TEST(a_slave_that_stops_has_no_reservations),
        TEST(the_asked_region_comes_first_however_full),
        TEST(no_region_means_the_emptiest_of_all),
        TEST(without_fallback_a_full_region_has_no_slot),
        TEST(a_region_that_is_not_known_is_named_with_those_that_are),
        TEST(fallback_regions_are_tried_in_order),
        TEST(a_region_without_slaves_may_have_fallbacks),
        TEST(a_region_gives_so_many_slots_a_second),
        TEST(pace_and_fallbacks_change_while_it_works),
        TEST(slots_go_in_proportion_to_capacity_and_weight),
        TEST(a_full_slave_of_great_weight_hides_no_other),
        TEST(a_slave_that_comes_back_empty_is_filled_smoothly),
        TEST(a_storm_is_paced_by_what_the_slaves_can_take),
        TEST(no_limit_of_any_kind_is_none),
        TEST(a_device_goes_back_where_it_was_within_the_band),
        TEST(what_another_master_gave_counts_until_it_is_used_or_over),
        TEST(a_throttled_region_does_not_spill_over),
        TEST(a_crowd_is_told_to_come_back_over_a_longer_time),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
