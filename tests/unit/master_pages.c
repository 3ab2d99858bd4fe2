/* Status: pages in order, stable while tunnels come and go, filtered, totalled. */
#include "tests/unit/master_world.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TUNNELS 500

/* Two slaves of two regions, with even tunnels at the one and odd ones at the other. */
struct scene {
    struct world *world;
    struct fake_slave slaves[2];
    struct m4h_tunnel_status page[M4H_PAGE_SIZE_MAX];
    size_t count;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    char prefix[M4H_CLIENT_KEY_MAX + 1];
    const char *labels;
};

static void name(char out[16], unsigned i)
{
    snprintf(out, 16, "device-%04u", i);
}

static void connect(struct scene *scene, unsigned i)
{
    struct m4h_event event;
    char key[16];

    name(key, i);
    event = fake_connect(&scene->slaves[i % 2], key, i + 1, i + 1);
    world_tell(scene->world, &event);
}

static void disconnect(struct scene *scene, unsigned i)
{
    struct m4h_event event;
    char key[16];

    name(key, i);
    event = fake_disconnect(&scene->slaves[i % 2], key, i + 1);
    world_tell(scene->world, &event);
}

static int begin(void **state)
{
    static struct scene scene;

    scene.world = world_create(NULL);
    scene.token[0] = '\0';
    scene.prefix[0] = '\0';
    scene.labels = "";
    fake_slave_init(&scene.slaves[0], "s0", "eu");
    fake_slave_init(&scene.slaves[1], "s1", "us");
    world_start(scene.world, &scene.slaves[0]);
    world_start(scene.world, &scene.slaves[1]);
    for (unsigned i = 0; i < TUNNELS; i++)
        connect(&scene, i * 7 % TUNNELS);
    *state = &scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;

    world_destroy(scene->world);
    fake_slave_free(&scene->slaves[0]);
    fake_slave_free(&scene->slaves[1]);
    return 0;
}

/* Gets the page after the one before. False: there is none. */
static bool turn(struct scene *scene, const char *region, const char *slave_id, uint32_t size)
{
    struct m4h_page_request request = {.page_size = size};

    m4h_text_copy(request.region, sizeof(request.region), region);
    m4h_text_copy(request.slave_id, sizeof(request.slave_id), slave_id);
    m4h_text_copy(request.page_token, sizeof(request.page_token), scene->token);
    m4h_text_copy(request.client_key_prefix, sizeof(request.client_key_prefix), scene->prefix);
    m4h_text_copy(request.labels, sizeof(request.labels), scene->labels);
    m4h_cluster_tunnels(scene->world->cluster, &request, scene->page, &scene->count, scene->token);
    return scene->token[0] != '\0';
}

static void pages_give_each_tunnel_once_in_order(void **state)
{
    struct scene *scene = *state;
    unsigned next = 0;
    bool more;

    do {
        more = turn(scene, "", "", 33);
        for (size_t i = 0; i < scene->count; i++) {
            char key[16];

            name(key, next++);
            assert_string_equal(scene->page[i].tunnel.client_key, key);
        }
    } while (more);
    assert_int_equal(next, TUNNELS);
}

/* The tunnel comes up anew with these. */
static void label(struct scene *scene, unsigned i, const char *labels)
{
    struct m4h_event event;
    char key[16];

    disconnect(scene, i);
    name(key, i);
    event = fake_connect(&scene->slaves[i % 2], key, i + 1, i + 1);
    m4h_text_copy(event.as.connect.labels, sizeof(event.as.connect.labels), labels);
    world_tell(scene->world, &event);
}

static size_t count_labelled(struct scene *scene, const char *labels, const char *region)
{
    size_t all = 0;
    bool more;

    scene->labels = labels;
    do {
        more = turn(scene, region, "", 7);
        for (size_t i = 0; i < scene->count; i++)
            assert_non_null(strstr(scene->page[i].tunnel.labels, labels));
        all += scene->count;
    } while (more);
    return all;
}

static void pages_hold_only_tunnels_with_all_labels_that_are_asked_for(void **state)
{
    struct scene *scene = *state;

    for (unsigned i = 0; i < 60; i++)
        label(scene, i, i % 3 == 0 ? "env=prod,site=a" : "env=test,site=a");
    assert_int_equal(count_labelled(scene, "env=prod", ""), 20);
    assert_int_equal(count_labelled(scene, "site=a", ""), 60);
    assert_int_equal(count_labelled(scene, "env=prod,site=a", ""), 20);
    assert_int_equal(count_labelled(scene, "env=prod", "eu"), 10);
    assert_int_equal(count_labelled(scene, "env=prod,site=b", ""), 0);
    assert_int_equal(count_labelled(scene, "", ""), TUNNELS);
}

/* They may have changed while this master heard nothing. */
static void a_snapshot_brings_the_labels_of_now(void **state)
{
    struct scene *scene = *state;
    struct fake_slave *slave = &scene->slaves[0];
    struct m4h_event event;

    label(scene, 0, "env=test");
    m4h_text_copy(slave->tunnels[slave->count - 1].labels, M4H_LABELS_TEXT_MAX + 1, "env=prod");
    event = fake_refuse(slave); /* is not told: a gap */
    event = fake_refuse(slave);
    world_tell(scene->world, &event);
    world_sync(scene->world, slave);
    assert_int_equal(count_labelled(scene, "env=test", ""), 0);
    assert_int_equal(count_labelled(scene, "env=prod", ""), 1);
}

static void pages_stay_in_place_while_tunnels_come_and_go(void **state)
{
    struct scene *scene = *state;
    unsigned seen[TUNNELS] = {0}, round = 0;
    bool more;

    do {
        more = turn(scene, "", "", 10);
        for (size_t i = 0; i < scene->count; i++) {
            unsigned number;

            if (sscanf(scene->page[i].tunnel.client_key, "device-%u", &number) == 1)
                seen[number]++;
        }
        /* Multiples of 5 change all the time, also the last one of the page. */
        for (unsigned i = round % 5 * 5; i < TUNNELS; i += 25)
            disconnect(scene, i);
        for (unsigned i = round % 5 * 5; i < TUNNELS; i += 25)
            connect(scene, i);
        round++;
    } while (more);
    for (unsigned i = 0; i < TUNNELS; i++)
        if (i % 5 != 0)
            assert_int_equal(seen[i], 1);
        else
            assert_true(seen[i] <= 1);
}

static void the_tunnel_that_ended_a_page_may_be_gone(void **state)
{
    struct scene *scene = *state;

    turn(scene, "", "", 10);
    disconnect(scene, 9);
    disconnect(scene, 10);
    turn(scene, "", "", 10);
    assert_string_equal(scene->page[0].tunnel.client_key, "device-0011");
}

static void a_filter_leaves_the_tunnels_of_a_region_or_a_slave(void **state)
{
    struct scene *scene = *state;

    assert_false(turn(scene, "us", "", 500));
    assert_int_equal(scene->count, TUNNELS / 2);
    assert_string_equal(scene->page[0].tunnel.client_key, "device-0001");
    assert_false(turn(scene, "", "s0", 500));
    assert_int_equal(scene->count, TUNNELS / 2);
    assert_string_equal(scene->page[0].region, "eu");
    assert_false(turn(scene, "us", "s0", 500));
    assert_int_equal(scene->count, 0);
}

#define FEW 37

/* The keys of `few`, of which 12 are before all others and the rest is behind them. */
static void name_few(char out[16], unsigned i)
{
    snprintf(out, 16, i < 12 ? "area-%02u" : "zone-%02u", i);
}

static void connect_few(struct scene *scene, struct fake_slave *few)
{
    fake_slave_init(few, "s2", "asia");
    world_start(scene->world, few);
    for (unsigned i = 0; i < FEW; i++) {
        struct m4h_event event;
        char key[16];

        name_few(key, i * 7 % FEW);
        event = fake_connect(few, key, 5000 + i, 5000 + i);
        world_tell(scene->world, &event);
    }
}

static void a_filter_that_leaves_few_of_many_gives_full_pages(void **state)
{
    struct scene *scene = *state;
    struct fake_slave few;
    unsigned next = 0;
    bool more;

    connect_few(scene, &few);
    do {
        more = turn(scene, next % 2 ? "asia" : "", next % 2 ? "" : "s2", 11);
        assert_int_equal(scene->count, next == 33 ? 4 : 11);
        for (size_t i = 0; i < scene->count; i++) {
            char key[16];

            name_few(key, next++);
            assert_string_equal(scene->page[i].tunnel.client_key, key);
        }
    } while (more);
    assert_int_equal(next, FEW);
    assert_false(turn(scene, "", "s2", FEW + 1)); /* all of it in one */
    assert_int_equal(scene->count, FEW);
    fake_slave_free(&few);
}

static void a_prefix_leaves_the_client_keys_that_begin_so(void **state)
{
    static const struct {
        const char *prefix;
        unsigned first, count;
    } cases[] = {{"", 0, TUNNELS},        {"device-", 0, TUNNELS},
                 {"device-01", 100, 100}, {"device-049", 490, 10},
                 {"device-0123", 123, 1}, {"device-05", 0, 0},
                 {"zone", 0, 0},          {"a", 0, 0}};
    struct scene *scene = *state;

    for (size_t c = 0; c < M4H_COUNT(cases); c++) {
        unsigned seen = 0;
        bool more;

        m4h_text_copy(scene->prefix, sizeof(scene->prefix), cases[c].prefix);
        scene->token[0] = '\0';
        do {
            more = turn(scene, "", "", 7);
            for (size_t i = 0; i < scene->count; i++) {
                char key[16];

                name(key, cases[c].first + seen++);
                assert_string_equal(scene->page[i].tunnel.client_key, key);
            }
        } while (more);
        assert_int_equal(seen, cases[c].count);
    }
}

static void a_prefix_and_a_slave_leave_what_both_leave(void **state)
{
    struct scene *scene = *state;

    m4h_text_copy(scene->prefix, sizeof(scene->prefix), "device-012");
    assert_true(turn(scene, "", "s1", 3));
    assert_string_equal(scene->page[2].tunnel.client_key, "device-0125");
    assert_false(turn(scene, "", "s1", 3));
    assert_int_equal(scene->count, 2);
    assert_string_equal(scene->page[1].tunnel.client_key, "device-0129");
}

static void a_full_last_page_has_no_token(void **state)
{
    struct scene *scene = *state;

    assert_false(turn(scene, "", "", 500));
    assert_int_equal(scene->count, TUNNELS);
}

static void a_device_at_two_slaves_is_one_row(void **state)
{
    struct scene *scene = *state;
    struct m4h_event event = fake_connect(&scene->slaves[1], "device-0000", 9001, 9001);

    world_tell(scene->world, &event);
    turn(scene, "", "", 2);
    assert_string_equal(scene->page[0].slave_id, "s1");
    assert_string_equal(scene->page[1].tunnel.client_key, "device-0001");
    scene->token[0] = '\0';
    turn(scene, "eu", "", 2);
    assert_string_equal(scene->page[0].tunnel.client_key, "device-0002");
}

static void slaves_come_in_pages_too(void **state)
{
    struct scene *scene = *state;
    struct m4h_page_request request = {.page_size = 1};
    struct m4h_slave_status slave;
    size_t count;

    m4h_cluster_slaves(scene->world->cluster, &request, &slave, &count, scene->token);
    assert_string_equal(slave.slave_id, "s0");
    assert_int_equal(slave.tunnels, TUNNELS / 2);
    assert_string_equal(scene->token, "s0");
    m4h_text_copy(request.page_token, sizeof(request.page_token), scene->token);
    m4h_cluster_slaves(scene->world->cluster, &request, &slave, &count, scene->token);
    assert_string_equal(slave.slave_id, "s1");
    assert_string_equal(scene->token, "");
}

static void the_totals_add_up(void **state)
{
    struct scene *scene = *state;
    struct m4h_region_status regions[M4H_REGIONS_MAX];
    struct m4h_cluster_status status;
    struct m4h_event event;
    size_t count;

    event = fake_drain(&scene->slaves[0]);
    world_tell(scene->world, &event);
    m4h_cluster_status(scene->world->cluster, &status, regions, &count);
    assert_int_equal(status.slaves, 2);
    assert_int_equal(status.slaves_ready, 1);
    assert_int_equal(status.tunnels, TUNNELS);
    assert_int_equal(status.capacity, WORLD_TUNNELS_MAX);
    assert_true(status.synced);
    assert_int_equal(count, 2);
    assert_string_equal(regions[0].region, "eu");
    assert_int_equal(regions[0].slaves_ready, 0);
    assert_int_equal(regions[0].tunnels, TUNNELS / 2);
    assert_string_equal(regions[1].region, "us");
    assert_int_equal(regions[1].capacity, WORLD_TUNNELS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(pages_give_each_tunnel_once_in_order),
        TEST(pages_hold_only_tunnels_with_all_labels_that_are_asked_for),
        TEST(a_snapshot_brings_the_labels_of_now),
        TEST(pages_stay_in_place_while_tunnels_come_and_go),
        TEST(the_tunnel_that_ended_a_page_may_be_gone),
        TEST(a_filter_leaves_the_tunnels_of_a_region_or_a_slave),
        TEST(a_filter_that_leaves_few_of_many_gives_full_pages),
        TEST(a_prefix_leaves_the_client_keys_that_begin_so),
        TEST(a_prefix_and_a_slave_leave_what_both_leave),
        TEST(a_full_last_page_has_no_token),
        TEST(a_device_at_two_slaves_is_one_row),
        TEST(slaves_come_in_pages_too),
        TEST(the_totals_add_up),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
