/* Up to ten slaves that have started, in a world, and the devices that ask for slots there:
 * what tests of dispatch have in common. There is one scene. */
#ifndef M4H_TESTS_MASTER_SCENE_H
#define M4H_TESTS_MASTER_SCENE_H

#include "tests/unit/master_world.h"

#define SCENE_SLAVES 10

struct scene {
    struct world *world;
    struct fake_slave slaves[SCENE_SLAVES]; /* s0, s1 ... */
    unsigned given[SCENE_SLAVES];           /* slots that were given there */
    size_t count;
};

extern struct scene scene;

/* The setup and the teardown of a test. */
int scene_begin(void **state);
int scene_end(void **state);
/* An empty one, of a cluster with these settings. */
void scene_restart(const struct m4h_cluster_config *config);

struct fake_slave *scene_add(const char *region, uint32_t capacity);
struct fake_slave *scene_add_as(const char *region, uint32_t capacity, uint32_t weight,
                                uint32_t handshakes_per_second);
void scene_tell(struct m4h_event event);
/* Asks for slots, all of which must be given, and counts where they are. */
void scene_ask(const char *region, unsigned times);
/* A device arrives. */
void scene_arrive(struct fake_slave *slave, const char *client_key);
/* Asks for one slot; 0: it is given. */
enum m4h_problem_code scene_problem(const char *region);
uint32_t scene_reservations(const char *slave_id);

#endif
