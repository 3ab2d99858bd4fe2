/* Each allocation of the core fails once: nothing breaks, nothing leaks, and the
 * picture is right again once there is memory. */
#include "tests/unit/master_world.h"

#include "lib/base/error.h"
#include "services/master/core/authorized_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The linker sends every allocation here (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned allowed; /* allocations until one fails */
static bool is_counting;
static bool has_failed;

static bool fails_now(void)
{
    if (!is_counting || has_failed || allowed-- > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __real_realloc(old, size);
}

/* From now on the allocation after so many others fails. */
static void fail_after(unsigned count)
{
    allowed = count;
    has_failed = false;
    is_counting = true;
}

/* ---- the cluster ---------------------------------------------------------------- */

static void tell(struct world *world, struct m4h_event event)
{
    world_tell(world, &event);
}

/* A bit of everything that allocates. */
static void live(struct world *world, struct fake_slave *s1, struct fake_slave *s2)
{
    char key[16];

    world_start(world, s1);
    fake_start(s2);
    fake_connect(s2, "dev-1", 901, 901);
    tell(world, fake_load(s2));
    for (unsigned i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "dev-%u", i);
        tell(world, fake_connect(s1, key, i + 1, i + 1));
        tell(world, fake_connect(s2, key, i + 1001, i + 1001));
        tell(world, fake_disconnect(s2, key, i + 1001));
        world_dispatch(world, "eu", i % 2 ? key : "", NULL);
    }
    world_sync(world, s2);
}

/* Load events, time and answers, until both are in sync. */
static void heal(struct world *world, struct fake_slave *s1, struct fake_slave *s2)
{
    for (unsigned i = 0; i < 60; i++) {
        tell(world, fake_load(s1));
        tell(world, fake_load(s2));
        world_sync(world, s1);
        world_sync(world, s2);
        world_pass(world, 1000);
    }
    assert_true(world_slave(world, "s1").synced);
    assert_true(world_slave(world, "s2").synced);
    assert_int_equal(world_slave(world, "s1").tunnels, s1->count);
    assert_int_equal(world_slave(world, "s2").tunnels, s2->count);
    assert_int_equal(world_slave(world, "s1").reservations, 0);
    assert_int_equal(world_slave(world, "s2").reservations, 0);
}

static void the_cluster_heals_from_any_allocation_that_fails(void **state)
{
    unsigned count = 0;

    (void)state;
    do {
        struct world *world = world_create(NULL);
        struct fake_slave s1, s2;

        fake_slave_init(&s1, "s1", "eu");
        fake_slave_init(&s2, "s2", "us");
        fail_after(count++);
        live(world, &s1, &s2);
        is_counting = false;
        heal(world, &s1, &s2);
        world_destroy(world);
        fake_slave_free(&s1);
        fake_slave_free(&s2);
    } while (has_failed);
    assert_true(count > 50);
}

static void a_cluster_that_cannot_be_made_leaves_nothing(void **state)
{
    struct m4h_cluster_config config = world_config();
    struct m4h_cluster *cluster;
    unsigned count = 0;
    int error;

    (void)state;
    do {
        fail_after(count++);
        error = m4h_cluster_create(&cluster, &config);
        is_counting = false;
        assert_int_equal(error, has_failed ? M4H_ENOMEM : 0);
        assert_int_equal(cluster == NULL, has_failed);
    } while (has_failed);
    m4h_cluster_destroy(cluster);
}

/* ---- keys --------------------------------------------------------------------------- */

static void keys_are_read_or_the_lack_of_memory_is_told(void **state)
{
    static struct m4h_key_report report;
    char text[4000] = "";
    unsigned count = 0;
    int error;

    (void)state;
    for (unsigned i = 0; i < 40; i++)
        snprintf(
            text + strlen(text), sizeof(text) - strlen(text),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%c%cBAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
            " key-%u\n",
            'A', 'A' + (int)(i % 26), i);
    do {
        struct m4h_keys keys = {0};

        fail_after(count++);
        report.fault_count = 0;
        error = m4h_authorized_keys_parse(&keys, text, strlen(text), 0, &report);
        is_counting = false;
        assert_int_equal(error, has_failed ? M4H_ENOMEM : 0);
        m4h_keys_free(&keys);
    } while (has_failed);
    assert_true(count > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cluster_heals_from_any_allocation_that_fails),
        cmocka_unit_test(a_cluster_that_cannot_be_made_leaves_nothing),
        cmocka_unit_test(keys_are_read_or_the_lack_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
