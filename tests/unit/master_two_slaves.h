/* A world with two slaves, s1 in eu and s2 in us, both known to the cluster: for one device
 * that comes to either. */
#ifndef M4H_TESTS_MASTER_TWO_SLAVES_H
#define M4H_TESTS_MASTER_TWO_SLAVES_H

#include "tests/unit/master_world.h"

struct scene {
    struct world *world;
    struct fake_slave s1;
    struct fake_slave s2;
};

/* Set-up and tear-down of a test whose state is a scene. */
int scene_begin(void **state);
int scene_end(void **state);
void scene_tell(struct scene *scene, struct m4h_event event);

#endif
