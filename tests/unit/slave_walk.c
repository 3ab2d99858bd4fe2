/* The roster on a long random walk beside a model that is as simple as can be:
 * an array, looked through from end to end. After every step both say the same.
 * The seed is printed; M4H_SEED=N walks the same way again. */
#include "lib/base/digest.h"
#include "services/slave/core/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define STEPS    20000
#define KEYS     4
#define CREW_MAX 12

/* What the model knows of one device. */
struct member {
    struct m4h_resident *resident;
    uint64_t session_id;
    int key;
    enum m4h_resident_state state;
    bool claimed; /* it has owned its key at some time */
    bool was_up;
};

struct walk {
    struct m4h_roster *roster;
    struct member crew[CREW_MAX];
    int count;
    uint64_t next_id;
    uint64_t random;
    unsigned takeovers, successions;
};

/* xorshift64*: the same walk from the same seed on every machine. */
static unsigned pick(struct walk *walk, unsigned below)
{
    walk->random ^= walk->random >> 12;
    walk->random ^= walk->random << 25;
    walk->random ^= walk->random >> 27;
    return (unsigned)((walk->random * 2685821657736338717u) >> 33) % below;
}

static const char *key_name(int key, char name[24])
{
    snprintf(name, 24, "device-%d", key);
    return name;
}

static struct member *model_owner(struct walk *walk, int key)
{
    for (int i = 0; i < walk->count; i++) {
        struct member *member = &walk->crew[i];

        if (member->key == key &&
            (member->state == M4H_RESIDENT_WAITING || member->state == M4H_RESIDENT_UP))
            return member;
    }
    return NULL;
}

/* Devices that have owned the key and are still leaving. */
static int model_leaving(const struct walk *walk, int key)
{
    int leaving = 0;

    for (int i = 0; i < walk->count; i++)
        leaving += walk->crew[i].key == key && walk->crew[i].claimed &&
                   walk->crew[i].state == M4H_RESIDENT_LEAVING;
    return leaving;
}

/* ---- steps ----------------------------------------------------------------------- */

static void step_add(struct walk *walk)
{
    struct member *member = &walk->crew[walk->count];
    struct m4h_tunnel tunnel = {0};

    if (walk->count == CREW_MAX)
        return;
    *member = (struct member){.session_id = ++walk->next_id, .key = (int)pick(walk, KEYS)};
    key_name(member->key, tunnel.client_key);
    assert_int_equal(
        m4h_roster_add(walk->roster, member->session_id, 0, &tunnel, &member->resident), 0);
    walk->count++;
}

static void step_claim(struct walk *walk, struct member *member)
{
    struct member *owner = model_owner(walk, member->key);
    struct m4h_resident *loser;
    bool now;

    if (member->state != M4H_RESIDENT_KNOWN)
        return;
    if (owner != NULL) {
        owner->state = M4H_RESIDENT_LEAVING;
        walk->takeovers++;
    }
    member->state = M4H_RESIDENT_WAITING;
    member->claimed = true;
    now = m4h_roster_claim(walk->roster, member->resident, &loser);
    assert_ptr_equal(loser, owner != NULL ? owner->resident : NULL);
    assert_int_equal(now, model_leaving(walk, member->key) == 0);
}

/* A waiting device whose predecessors are gone gets its port (or is refused it,
 * and waits on: then nothing happens). */
static void step_up(struct walk *walk, struct member *member)
{
    if (member->state != M4H_RESIDENT_WAITING || model_leaving(walk, member->key) > 0)
        return;
    member->resident->tunnel.tunnel_id = member->session_id * 7919;
    member->state = M4H_RESIDENT_UP;
    member->was_up = true;
    m4h_roster_up(walk->roster, member->resident, 0);
}

static void step_leave(struct walk *walk, struct member *member)
{
    member->state = M4H_RESIDENT_LEAVING;
    m4h_roster_leave(walk->roster, member->resident);
}

static void step_remove(struct walk *walk, struct member *member)
{
    struct member gone = *member;
    struct m4h_resident *successor;
    struct member *owner;

    *member = walk->crew[--walk->count];
    owner = model_owner(walk, gone.key);
    if (!gone.claimed || model_leaving(walk, gone.key) > 0 ||
        (owner != NULL && owner->state != M4H_RESIDENT_WAITING))
        owner = NULL;
    m4h_roster_remove(walk->roster, gone.resident, &successor);
    assert_ptr_equal(successor, owner != NULL ? owner->resident : NULL);
    walk->successions += successor != NULL;
}

static void step(struct walk *walk)
{
    struct member *member = walk->count > 0 ? &walk->crew[pick(walk, (unsigned)walk->count)] : NULL;

    switch (member != NULL ? pick(walk, 10) : 0) {
    case 0:
    case 1:
    case 2:
        step_add(walk);
        break;
    case 3:
    case 4:
        step_claim(walk, member);
        break;
    case 5:
    case 6:
        step_up(walk, member);
        break;
    case 7:
        step_leave(walk, member);
        break;
    default:
        step_remove(walk, member);
        break;
    }
}

/* ---- what must hold -------------------------------------------------------------- */

static void count_one(void *context, struct m4h_resident *resident)
{
    (void)resident;
    ++*(uint32_t *)context;
}

static void check(struct walk *walk)
{
    uint64_t digest = 0;
    uint32_t tunnels = 0, visited = 0;
    char name[24];

    for (int i = 0; i < walk->count; i++) {
        const struct member *member = &walk->crew[i];

        assert_ptr_equal(m4h_roster_find(walk->roster, member->session_id), member->resident);
        assert_int_equal(member->resident->state, member->state);
        assert_int_equal(member->resident->was_up, member->was_up);
        if (!member->was_up)
            continue;
        tunnels++;
        digest ^= m4h_digest_of(member->session_id * 7919);
    }
    for (int key = 0; key < KEYS; key++) {
        struct member *owner = model_owner(walk, key);

        assert_ptr_equal(m4h_roster_owner(walk->roster, key_name(key, name)),
                         owner != NULL ? owner->resident : NULL);
    }
    m4h_roster_each(walk->roster, count_one, &visited);
    assert_int_equal(visited, walk->count);
    assert_int_equal(m4h_roster_count(walk->roster), walk->count);
    assert_int_equal(m4h_roster_tunnel_count(walk->roster), tunnels);
    assert_true(m4h_roster_digest(walk->roster) == digest);
}

static void the_roster_and_its_model_agree_after_every_step(void **state)
{
    const char *wanted = getenv("M4H_SEED");
    uint64_t seed = wanted != NULL ? strtoull(wanted, NULL, 10) : (uint64_t)time(NULL);
    struct walk walk = {.random = seed * 2 + 1};

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    assert_int_equal(m4h_roster_create(&walk.roster), 0);
    for (int i = 0; i < STEPS; i++) {
        step(&walk);
        check(&walk);
    }
    assert_true(walk.takeovers > 100);
    assert_true(walk.successions > 100);
    while (walk.count > 0)
        step_remove(&walk, &walk.crew[pick(&walk, (unsigned)walk.count)]);
    check(&walk);
    m4h_roster_destroy(walk.roster);
}

/* What is still there goes with the roster; a sanitizer sees a leak. */
static void a_roster_takes_its_residents_with_it(void **state)
{
    struct walk walk = {.random = 12345};

    (void)state;
    assert_int_equal(m4h_roster_create(&walk.roster), 0);
    for (int i = 0; i < 500 || walk.count == 0; i++)
        step(&walk);
    m4h_roster_destroy(walk.roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_roster_and_its_model_agree_after_every_step),
        cmocka_unit_test(a_roster_takes_its_residents_with_it),
    };

    return cmocka_run_group_tests_name("slave: walk", tests, NULL, NULL);
}
