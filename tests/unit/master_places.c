/* Where a device hangs, and whose host key one is. */
#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "tests/unit/master_world.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t keys[][8] = {"key-one", "key-two", "another", "unknown"};

struct scene {
    struct world *world;
    struct fake_slave slaves[2];
};

/* A slave starts, and shows these two keys. */
static void start_with(struct scene *scene, struct fake_slave *slave, size_t first, size_t second)
{
    struct m4h_event event = fake_start(slave);
    const size_t shown[] = {first, second};
    char text[M4H_BASE64_SIZE(sizeof(keys[0]))];

    for (size_t i = 0; i < 2; i++)
        snprintf(event.as.start.host_keys[i], sizeof(event.as.start.host_keys[i]),
                 "ssh-ed25519 %s%s", m4h_base64_encode(keys[shown[i]], sizeof(keys[0]), text),
                 i == 0 ? " root@host" : "");
    event.as.start.host_key_count = 2;
    world_tell(scene->world, &event);
}

static int begin(void **state)
{
    static struct scene scene;

    scene.world = world_create(NULL);
    fake_slave_init(&scene.slaves[0], "s0", "eu");
    fake_slave_init(&scene.slaves[1], "s1", "us");
    start_with(&scene, &scene.slaves[0], 0, 1);
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

static const char *whose(const struct scene *scene, size_t key)
{
    const char *slave_id =
        m4h_cluster_find_host_key(scene->world->cluster, keys[key], sizeof(keys[key]));

    return slave_id != NULL ? slave_id : "nobody's";
}

static void each_host_key_of_a_slave_is_known(void **state)
{
    struct scene *scene = *state;

    assert_string_equal(whose(scene, 0), "s0");
    assert_string_equal(whose(scene, 1), "s0");
    assert_string_equal(whose(scene, 2), "nobody's");
    start_with(scene, &scene->slaves[1], 2, 2);
    assert_string_equal(whose(scene, 2), "s1");
    assert_string_equal(whose(scene, 1), "s0");
}

static void a_key_must_be_the_whole_one(void **state)
{
    struct scene *scene = *state;
    uint8_t long_key[4096] = {0};

    assert_null(m4h_cluster_find_host_key(scene->world->cluster, keys[0], 3));
    assert_null(m4h_cluster_find_host_key(scene->world->cluster, keys[0], 0));
    assert_null(m4h_cluster_find_host_key(scene->world->cluster, long_key, sizeof(long_key)));
}

static void a_slave_that_starts_with_other_keys_has_no_more_the_old_ones(void **state)
{
    struct scene *scene = *state;

    fake_slave_restart(&scene->slaves[0]);
    start_with(scene, &scene->slaves[0], 1, 2);
    assert_string_equal(whose(scene, 0), "nobody's");
    assert_string_equal(whose(scene, 1), "s0");
    assert_string_equal(whose(scene, 2), "s0");
}

static void the_keys_of_a_lost_slave_are_nobodys(void **state)
{
    struct scene *scene = *state;

    world_pass(scene->world, 9000);
    assert_string_equal(whose(scene, 0), "s0");
    world_pass(scene->world, 2000);
    assert_string_equal(whose(scene, 0), "nobody's");
}

static void a_key_that_two_slaves_have_is_that_of_the_one_that_lives(void **state)
{
    struct scene *scene = *state;
    struct m4h_event load;

    start_with(scene, &scene->slaves[1], 0, 2);
    for (unsigned i = 0; i < 6; i++) {
        world_pass(scene->world, 2000);
        load = fake_load(&scene->slaves[1]);
        world_tell(scene->world, &load);
    }
    assert_string_equal(whose(scene, 0), "s1");
}

static void a_device_is_located_with_all_that_reaching_it_takes(void **state)
{
    struct scene *scene = *state;
    struct m4h_event event = fake_connect(&scene->slaves[0], "door", 7, 1);
    struct m4h_located located = {0};

    assert_int_equal(m4h_cluster_locate(scene->world->cluster, "door", &located), M4H_ENOTFOUND);
    world_tell(scene->world, &event);
    assert_int_equal(m4h_cluster_locate(scene->world->cluster, "door", &located), 0);
    assert_string_equal(located.tunnel.client_key, "door");
    assert_int_equal(located.tunnel.tunnel_id, 7);
    assert_string_equal(located.slave_id, "s0");
    assert_string_equal(located.region, "eu");
    assert_string_not_equal(located.host, "");
    assert_int_not_equal(located.port, 0);
    assert_int_equal(located.host_key_count, 2);
    assert_non_null(strstr(located.host_keys[0], "ssh-ed25519 "));
}

static void a_device_is_located_where_its_newest_tunnel_is(void **state)
{
    struct scene *scene = *state;
    struct m4h_event event = fake_connect(&scene->slaves[0], "door", 7, 1);
    struct m4h_located located = {0};

    world_tell(scene->world, &event);
    start_with(scene, &scene->slaves[1], 2, 2);
    event = fake_connect(&scene->slaves[1], "door", 8, 2);
    world_tell(scene->world, &event);
    assert_int_equal(m4h_cluster_locate(scene->world->cluster, "door", &located), 0);
    assert_string_equal(located.slave_id, "s1");
}

/* It is heard of by its tunnels, before a snapshot tells the rest. */
static void a_slave_that_has_not_said_where_it_is_cannot_be_reached(void **state)
{
    struct scene *scene = *state;
    struct m4h_event event = fake_connect(&scene->slaves[1], "gate", 9, 1);
    struct m4h_located located = {0};

    world_tell(scene->world, &event);
    assert_int_not_equal(m4h_cluster_locate(scene->world->cluster, "gate", &located), 0);
    world_sync(scene->world, &scene->slaves[1]);
    assert_int_equal(m4h_cluster_locate(scene->world->cluster, "gate", &located), 0);
    assert_string_equal(located.slave_id, "s1");
}

#define IN_SCENE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(each_host_key_of_a_slave_is_known),
        IN_SCENE(a_key_must_be_the_whole_one),
        IN_SCENE(a_slave_that_starts_with_other_keys_has_no_more_the_old_ones),
        IN_SCENE(the_keys_of_a_lost_slave_are_nobodys),
        IN_SCENE(a_key_that_two_slaves_have_is_that_of_the_one_that_lives),
        IN_SCENE(a_device_is_located_with_all_that_reaching_it_takes),
        IN_SCENE(a_device_is_located_where_its_newest_tunnel_is),
        IN_SCENE(a_slave_that_has_not_said_where_it_is_cannot_be_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
