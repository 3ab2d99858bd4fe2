/* The scene: a world, its slaves, and what devices ask of it. */
#include "tests/unit/master_scene.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct scene scene;

static void start_with(const struct m4h_cluster_config *config)
{
    scene = (struct scene){.world = world_create(config)};
}

int scene_begin(void **state)
{
    (void)state;
    start_with(NULL);
    return 0;
}

int scene_end(void **state)
{
    (void)state;
    world_destroy(scene.world);
    for (size_t i = 0; i < scene.count; i++)
        fake_slave_free(&scene.slaves[i]);
    return 0;
}

void scene_restart(const struct m4h_cluster_config *config)
{
    scene_end(NULL);
    start_with(config);
}

struct fake_slave *scene_add_as(const char *region, uint32_t capacity, uint32_t weight,
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

struct fake_slave *scene_add(const char *region, uint32_t capacity)
{
    return scene_add_as(region, capacity, 0, 0);
}

void scene_tell(struct m4h_event event)
{
    world_tell(scene.world, &event);
}

void scene_ask(const char *region, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        const char *id = world_dispatch(scene.world, region, "", NULL);

        assert_int_equal(id[0], 's');
        scene.given[id[1] - '0']++;
    }
}

void scene_arrive(struct fake_slave *slave, const char *client_key)
{
    static uint64_t tunnel_id = 1;

    tunnel_id++;
    scene_tell(fake_connect(slave, client_key, tunnel_id, tunnel_id));
}

enum m4h_problem_code scene_problem(const char *region)
{
    struct m4h_problem problem = {0};

    return world_dispatch(scene.world, region, "", &problem)[0] != '\0' ? 0 : problem.code;
}

uint32_t scene_reservations(const char *slave_id)
{
    return world_slave(scene.world, slave_id).reservations;
}
