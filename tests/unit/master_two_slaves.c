/* Two slaves that start before each test. */
#include "tests/unit/master_two_slaves.h"

int scene_begin(void **state)
{
    static struct scene scene;

    scene.world = world_create(NULL);
    fake_slave_init(&scene.s1, "s1", "eu");
    fake_slave_init(&scene.s2, "s2", "us");
    world_start(scene.world, &scene.s1);
    world_start(scene.world, &scene.s2);
    *state = &scene;
    return 0;
}

int scene_end(void **state)
{
    struct scene *scene = *state;

    world_destroy(scene->world);
    fake_slave_free(&scene->s1);
    fake_slave_free(&scene->s2);
    return 0;
}

void scene_tell(struct scene *scene, struct m4h_event event)
{
    world_tell(scene->world, &event);
}
