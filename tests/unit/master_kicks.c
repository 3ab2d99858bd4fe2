/* Kicks: which to send, when again, and when not any more. */
#include "tests/unit/master_two_slaves.h"

#include "lib/base/error.h"
#include "services/master/core/kicks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* A device came to s1 and then to s2, so the tunnel 1 of s1 is a loser. */
struct stage {
    struct scene *scene;
    struct m4h_kicks *kicks;
};

static int begin(void **state)
{
    static struct stage stage;

    scene_begin((void **)&stage.scene);
    scene_tell(stage.scene, fake_connect(&stage.scene->s1, "a", 1, 10));
    scene_tell(stage.scene, fake_connect(&stage.scene->s2, "a", 2, 20));
    assert_int_equal(m4h_kicks_create(&stage.kicks), 0);
    *state = &stage;
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;

    m4h_kicks_destroy(stage->kicks);
    return scene_end((void **)&stage->scene);
}

static uint64_t now_ms(const struct stage *stage)
{
    return stage->scene->world->moment.now_ms;
}

static bool take(struct stage *stage, struct m4h_kick *kick)
{
    return m4h_kicks_take(stage->kicks, stage->scene->world->cluster, now_ms(stage), kick);
}

static void want(struct stage *stage, const char *slave_id, uint64_t tunnel_id)
{
    assert_int_equal(m4h_kicks_want(stage->kicks, slave_id, "a", tunnel_id, now_ms(stage)), 0);
}

static void a_loser_is_kicked_at_once_and_once(void **state)
{
    struct stage *stage = *state;
    struct m4h_kick kick;

    assert_true(m4h_kicks_next_ms(stage->kicks) == UINT64_MAX);
    want(stage, "s1", 1);
    want(stage, "s1", 1);
    assert_true(m4h_kicks_next_ms(stage->kicks) <= now_ms(stage));
    assert_true(take(stage, &kick));
    assert_string_equal(kick.slave_id, "s1");
    assert_string_equal(kick.client_key, "a");
    assert_int_equal(kick.tunnel_id, 1);
    assert_int_equal(kick.tries, 1);
    want(stage, "s1", 1);
    assert_false(take(stage, &kick));
    assert_int_equal(m4h_kicks_count(stage->kicks), 1);
    m4h_kicks_answered(stage->kicks, &kick, true, now_ms(stage));
    assert_int_equal(m4h_kicks_count(stage->kicks), 0);
}

static void the_owner_is_not_kicked(void **state)
{
    struct stage *stage = *state;
    struct m4h_kick kick;

    want(stage, "s2", 2);
    assert_false(take(stage, &kick));
    assert_int_equal(m4h_kicks_count(stage->kicks), 0);
}

static void a_tunnel_that_is_gone_is_not_kicked_again(void **state)
{
    struct stage *stage = *state;
    struct m4h_kick kick;

    want(stage, "s1", 1);
    assert_true(take(stage, &kick));
    m4h_kicks_answered(stage->kicks, &kick, false, now_ms(stage));
    scene_tell(stage->scene, fake_disconnect(&stage->scene->s1, "a", 1));
    world_pass(stage->scene->world, 500);
    assert_false(take(stage, &kick));
    assert_int_equal(m4h_kicks_count(stage->kicks), 0);
}

static void a_loser_that_becomes_the_owner_is_left_alone(void **state)
{
    struct stage *stage = *state;
    struct m4h_kick kick;

    want(stage, "s1", 1);
    scene_tell(stage->scene, fake_disconnect(&stage->scene->s2, "a", 2));
    assert_false(take(stage, &kick));
}

static void failures_are_tried_again_for_as_long_as_it_is_right(void **state)
{
    static const unsigned pauses_ms[] = {500, 1000, 1000, 1000};
    struct stage *stage = *state;
    struct m4h_kick kick;

    want(stage, "s1", 1);
    for (unsigned i = 0; i < 100; i++) {
        unsigned pause_ms = i < M4H_COUNT(pauses_ms) ? pauses_ms[i] : M4H_KICKS_PAUSE_MAX_MS;

        assert_true(take(stage, &kick));
        assert_int_equal(kick.tries, i + 1);
        m4h_kicks_answered(stage->kicks, &kick, false, now_ms(stage));
        assert_int_equal(m4h_kicks_next_ms(stage->kicks), now_ms(stage) + pause_ms);
        scene_tell(stage->scene, fake_load(&stage->scene->s1));
        scene_tell(stage->scene, fake_load(&stage->scene->s2));
        world_pass(stage->scene->world, pause_ms - 1);
        assert_false(take(stage, &kick));
        world_pass(stage->scene->world, 1);
    }
}

static void one_tunnel_id_at_two_slaves_is_two_kicks(void **state)
{
    struct stage *stage = *state;
    struct m4h_kick kick;

    scene_tell(stage->scene, fake_connect(&stage->scene->s2, "b", 1, 10));
    scene_tell(stage->scene, fake_connect(&stage->scene->s1, "b", 3, 20));
    want(stage, "s1", 1);
    assert_int_equal(m4h_kicks_want(stage->kicks, "s2", "b", 1, now_ms(stage)), 0);
    assert_int_equal(m4h_kicks_count(stage->kicks), 2);
    assert_true(take(stage, &kick));
    m4h_kicks_answered(stage->kicks, &kick, true, now_ms(stage));
    assert_int_equal(m4h_kicks_count(stage->kicks), 1);
    assert_true(take(stage, &kick));
}

static void an_answer_that_nobody_waits_for_changes_nothing(void **state)
{
    struct stage *stage = *state;
    struct m4h_kick kick = {.slave_id = "s1", .client_key = "a", .tunnel_id = 1, .tries = 1};

    m4h_kicks_answered(stage->kicks, &kick, true, 0);
    m4h_kicks_answered(stage->kicks, &kick, false, 0);
    assert_int_equal(m4h_kicks_count(stage->kicks), 0);
    want(stage, "s1", 1);
    m4h_kicks_answered(stage->kicks, &kick, true, 0);
    assert_int_equal(m4h_kicks_count(stage->kicks), 1);
}

static void beyond_the_bound_a_kick_is_not_taken(void **state)
{
    struct stage *stage = *state;

    for (uint64_t id = 1; id <= M4H_KICKS_MAX; id++)
        want(stage, "s1", id);
    assert_int_equal(m4h_kicks_want(stage->kicks, "s1", "a", M4H_KICKS_MAX + 1, 0), M4H_EFULL);
    assert_int_equal(m4h_kicks_want(stage->kicks, "s1", "a", 7, 0), 0);
    assert_int_equal(m4h_kicks_count(stage->kicks), M4H_KICKS_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_loser_is_kicked_at_once_and_once),
        TEST(the_owner_is_not_kicked),
        TEST(a_tunnel_that_is_gone_is_not_kicked_again),
        TEST(a_loser_that_becomes_the_owner_is_left_alone),
        TEST(failures_are_tried_again_for_as_long_as_it_is_right),
        TEST(one_tunnel_id_at_two_slaves_is_two_kicks),
        TEST(an_answer_that_nobody_waits_for_changes_nothing),
        TEST(beyond_the_bound_a_kick_is_not_taken),
    };

    return cmocka_run_group_tests_name("master: kicks", tests, NULL, NULL);
}
