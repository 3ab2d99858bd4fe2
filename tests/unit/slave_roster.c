/* Who owns a client key: claims, takeovers, successors that wait, and in which
 * order they go. */
#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "services/slave/core/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct m4h_roster *roster;

static int begin(void **state)
{
    (void)state;
    return m4h_roster_create(&roster);
}

static int end(void **state)
{
    (void)state;
    m4h_roster_destroy(roster);
    return 0;
}

static struct m4h_resident *add(uint64_t session_id, const char *client_key)
{
    struct m4h_tunnel tunnel = {.tunnel_id = session_id * 1000};
    struct m4h_resident *resident;

    assert_true(m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), client_key));
    assert_int_equal(m4h_roster_add(roster, session_id, 7, &tunnel, &resident), 0);
    return resident;
}

/* Claims, and checks who has to leave and whether it may go on. */
static void claim(struct m4h_resident *resident, const struct m4h_resident *expected_loser,
                  bool expected_now)
{
    struct m4h_resident *loser;
    bool now = m4h_roster_claim(roster, resident, &loser);

    assert_ptr_equal(loser, expected_loser);
    assert_int_equal(now, expected_now);
    assert_int_equal(resident->state, M4H_RESIDENT_WAITING);
    assert_ptr_equal(m4h_roster_owner(roster, resident->tunnel.client_key), resident);
}

static struct m4h_resident *add_up(uint64_t session_id, const char *client_key)
{
    struct m4h_resident *resident = add(session_id, client_key);

    claim(resident, NULL, true);
    m4h_roster_up(roster, resident, 100 * session_id);
    return resident;
}

static void go(struct m4h_resident *resident, const struct m4h_resident *expected_successor)
{
    struct m4h_resident *successor;

    m4h_roster_remove(roster, resident, &successor);
    assert_ptr_equal(successor, expected_successor);
}

static void a_device_that_is_known_owns_nothing_yet(void **state)
{
    struct m4h_resident *resident = add(1, "pump-1");

    (void)state;
    assert_int_equal(resident->state, M4H_RESIDENT_KNOWN);
    assert_int_equal(resident->owner_stamp, 7);
    assert_ptr_equal(m4h_roster_find(roster, 1), resident);
    assert_null(m4h_roster_find(roster, 2));
    assert_null(m4h_roster_owner(roster, "pump-1"));
    assert_int_equal(m4h_roster_count(roster), 1);
    assert_int_equal(m4h_roster_tunnel_count(roster), 0);
    assert_true(m4h_roster_digest(roster) == 0);
    go(resident, NULL);
    assert_int_equal(m4h_roster_count(roster), 0);
}

static void a_session_is_added_once(void **state)
{
    struct m4h_resident *first = add(1, "pump-1"), *second;

    (void)state;
    assert_int_equal(m4h_roster_add(roster, 1, 0, &first->tunnel, &second), M4H_EEXIST);
    assert_null(second);
    assert_int_equal(m4h_roster_count(roster), 1);
    assert_ptr_equal(m4h_roster_find(roster, 1), first);
}

static void the_first_to_ask_owns_the_key_and_goes_on_at_once(void **state)
{
    struct m4h_resident *resident = add_up(1, "pump-1");

    (void)state;
    assert_int_equal(resident->state, M4H_RESIDENT_UP);
    assert_true(resident->was_up);
    assert_int_equal(resident->up_since_ms, 100);
    assert_int_equal(m4h_roster_tunnel_count(roster), 1);
    assert_true(m4h_roster_digest(roster) == m4h_digest_of(1000));
    go(resident, NULL);
    assert_null(m4h_roster_owner(roster, "pump-1"));
    assert_int_equal(m4h_roster_tunnel_count(roster), 0);
    assert_true(m4h_roster_digest(roster) == 0);
}

static void devices_of_different_keys_do_not_touch_each_other(void **state)
{
    struct m4h_resident *one = add_up(1, "pump-1"), *two = add_up(2, "pump-2");

    (void)state;
    go(one, NULL);
    assert_int_equal(two->state, M4H_RESIDENT_UP);
    assert_ptr_equal(m4h_roster_owner(roster, "pump-2"), two);
}

static void the_newest_wins_and_waits_until_the_loser_is_gone(void **state)
{
    struct m4h_resident *old = add_up(1, "pump-1"), *new = add(2, "pump-1");

    (void)state;
    claim(new, old, false);
    assert_int_equal(old->state, M4H_RESIDENT_LEAVING);
    /* The loser is announced until it is gone. */
    assert_int_equal(m4h_roster_tunnel_count(roster), 1);
    assert_true(m4h_roster_digest(roster) == m4h_digest_of(1000));
    go(old, new);
    assert_int_equal(m4h_roster_tunnel_count(roster), 0);
    m4h_roster_up(roster, new, 5);
    assert_ptr_equal(m4h_roster_owner(roster, "pump-1"), new);
    assert_true(m4h_roster_digest(roster) == m4h_digest_of(2000));
}

static void a_third_takes_the_place_of_the_one_that_waits(void **state)
{
    struct m4h_resident *first = add_up(1, "pump-1"), *second = add(2, "pump-1");
    struct m4h_resident *third = add(3, "pump-1");

    (void)state;
    claim(second, first, false);
    claim(third, second, false);
    assert_int_equal(second->state, M4H_RESIDENT_LEAVING);
    go(first, NULL); /* the second is still leaving */
    go(second, third);
    m4h_roster_up(roster, third, 5);
    assert_int_equal(m4h_roster_tunnel_count(roster), 1);
}

static void it_does_not_matter_which_of_the_losers_goes_first(void **state)
{
    struct m4h_resident *first = add_up(1, "pump-1"), *second = add(2, "pump-1");
    struct m4h_resident *third = add(3, "pump-1");

    (void)state;
    claim(second, first, false);
    claim(third, second, false);
    go(second, NULL); /* it never was up: nothing of it is announced */
    assert_true(m4h_roster_digest(roster) == m4h_digest_of(1000));
    go(first, third);
    assert_true(m4h_roster_digest(roster) == 0);
}

static void a_successor_that_goes_before_its_turn_is_nobodys_successor(void **state)
{
    struct m4h_resident *old = add_up(1, "pump-1"), *new = add(2, "pump-1");

    (void)state;
    claim(new, old, false);
    go(new, NULL);
    assert_null(m4h_roster_owner(roster, "pump-1"));
    go(old, NULL);
    assert_int_equal(m4h_roster_count(roster), 0);
}

static void a_new_one_waits_for_a_loser_whose_successor_has_gone(void **state)
{
    struct m4h_resident *old = add_up(1, "pump-1"), *new = add(2, "pump-1"), *third;

    (void)state;
    claim(new, old, false);
    go(new, NULL);
    third = add(3, "pump-1");
    claim(third, NULL, false);
    go(old, third);
}

static void a_kicked_device_owns_nothing_and_is_announced_until_it_is_gone(void **state)
{
    struct m4h_resident *resident = add_up(1, "pump-1");

    (void)state;
    m4h_roster_leave(roster, resident);
    m4h_roster_leave(roster, resident); /* harmless */
    assert_int_equal(resident->state, M4H_RESIDENT_LEAVING);
    assert_null(m4h_roster_owner(roster, "pump-1"));
    assert_int_equal(m4h_roster_tunnel_count(roster), 1);
    go(resident, NULL);
    assert_int_equal(m4h_roster_tunnel_count(roster), 0);
}

static void a_device_that_comes_back_after_a_kick_waits_for_its_own_end(void **state)
{
    struct m4h_resident *kicked = add_up(1, "pump-1"), *back;

    (void)state;
    m4h_roster_leave(roster, kicked);
    back = add(2, "pump-1");
    claim(back, NULL, false);
    go(kicked, back);
}

static void a_waiting_one_may_be_kicked(void **state)
{
    struct m4h_resident *old = add_up(1, "pump-1"), *new = add(2, "pump-1");

    (void)state;
    claim(new, old, false);
    m4h_roster_leave(roster, new);
    assert_null(m4h_roster_owner(roster, "pump-1"));
    go(old, NULL);
    go(new, NULL);
}

static void a_known_one_that_leaves_frees_nobody(void **state)
{
    struct m4h_resident *owner = add_up(1, "pump-1"), *known = add(2, "pump-1");

    (void)state;
    m4h_roster_leave(roster, known);
    assert_ptr_equal(m4h_roster_owner(roster, "pump-1"), owner);
    go(known, NULL);
    assert_int_equal(owner->state, M4H_RESIDENT_UP);
}

static void a_successor_that_is_up_is_not_named_again(void **state)
{
    struct m4h_resident *first = add_up(1, "pump-1"), *second = add(2, "pump-1"), *third;

    (void)state;
    claim(second, first, false);
    go(first, second);
    m4h_roster_up(roster, second, 5);
    third = add(3, "pump-1");
    go(third, NULL);
    assert_int_equal(second->state, M4H_RESIDENT_UP);
}

static void count_up(void *context, struct m4h_resident *resident)
{
    unsigned *counts = context;

    counts[resident->state]++;
}

static void all_residents_are_visited_once(void **state)
{
    unsigned counts[4] = {0};
    struct m4h_resident *old = add_up(1, "pump-1"), *new = add(2, "pump-1");

    (void)state;
    claim(new, old, false);
    add_up(3, "pump-3");
    add(4, "pump-4");
    m4h_roster_each(roster, count_up, counts);
    for (size_t i = 0; i < M4H_COUNT(counts); i++)
        assert_int_equal(counts[i], 1);
}

/* Five of one key, up or waiting as they came, gone in each of the 120 orders:
 * a successor is named exactly once, when the last of the others goes, unless it
 * is itself gone by then. */
static void remove_in_order(const int order[5])
{
    struct m4h_resident *residents[5], *successor;
    int gone = 0, named = 0;
    bool newest_gone = false;

    for (int i = 0; i < 5; i++) {
        struct m4h_resident *loser;
        bool now;

        residents[i] = add((uint64_t)i + 1, "pump-1");
        now = m4h_roster_claim(roster, residents[i], &loser);
        assert_int_equal(now, i == 0);
        assert_ptr_equal(loser, i == 0 ? NULL : residents[i - 1]);
        if (now)
            m4h_roster_up(roster, residents[i], 1);
    }
    for (int i = 0; i < 5; i++) {
        newest_gone = newest_gone || order[i] == 4;
        m4h_roster_remove(roster, residents[order[i]], &successor);
        gone++;
        if (successor == NULL)
            continue;
        named++;
        assert_int_equal(gone, 4);
        assert_false(newest_gone);
        assert_ptr_equal(successor, residents[4]);
    }
    assert_int_equal(named, order[4] == 4 ? 1 : 0);
    assert_int_equal(m4h_roster_count(roster), 0);
    assert_int_equal(m4h_roster_tunnel_count(roster), 0);
    assert_true(m4h_roster_digest(roster) == 0);
    assert_null(m4h_roster_owner(roster, "pump-1"));
}

static unsigned permute(int order[5], int fixed)
{
    unsigned orders = 0;

    if (fixed == 5) {
        remove_in_order(order);
        return 1;
    }
    for (int i = fixed; i < 5; i++) {
        int other = order[i];

        order[i] = order[fixed];
        order[fixed] = other;
        orders += permute(order, fixed + 1);
        order[fixed] = order[i];
        order[i] = other;
    }
    return orders;
}

static void five_of_one_key_may_go_in_any_order(void **state)
{
    int order[5] = {0, 1, 2, 3, 4};

    (void)state;
    assert_int_equal(permute(order, 0), 120);
}

static void nothing_is_destroyed_harmlessly(void **state)
{
    (void)state;
    m4h_roster_destroy(NULL);
}

static void surplus(uint32_t max, const struct m4h_resident *expected)
{
    assert_ptr_equal(m4h_roster_surplus(roster, "pump-1", max), expected);
}

static void of_those_who_asked_for_no_port_yet_the_oldest_is_the_surplus(void **state)
{
    struct m4h_resident *owner, *known[4], *successor;

    (void)state;
    surplus(0, NULL);
    owner = add_up(1, "pump-1");
    surplus(0, NULL);
    for (uint64_t i = 0; i < 4; i++)
        known[i] = add(2 + i, "pump-1");
    (void)add(9, "pump-2");
    surplus(4, NULL);
    surplus(3, known[0]);
    m4h_roster_leave(roster, known[0]);
    m4h_roster_leave(roster, known[0]);
    surplus(3, NULL);
    surplus(2, known[1]);
    claim(known[2], owner, false);
    surplus(2, NULL);
    surplus(1, known[1]);
    m4h_roster_remove(roster, known[1], &successor);
    assert_null(successor);
    surplus(1, NULL);
    surplus(0, known[3]);
    m4h_roster_remove(roster, owner, &successor);
    assert_ptr_equal(successor, known[2]);
}

#define roster_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        roster_test(a_device_that_is_known_owns_nothing_yet),
        roster_test(a_session_is_added_once),
        roster_test(the_first_to_ask_owns_the_key_and_goes_on_at_once),
        roster_test(devices_of_different_keys_do_not_touch_each_other),
        roster_test(the_newest_wins_and_waits_until_the_loser_is_gone),
        roster_test(a_third_takes_the_place_of_the_one_that_waits),
        roster_test(it_does_not_matter_which_of_the_losers_goes_first),
        roster_test(a_successor_that_goes_before_its_turn_is_nobodys_successor),
        roster_test(a_new_one_waits_for_a_loser_whose_successor_has_gone),
        roster_test(a_kicked_device_owns_nothing_and_is_announced_until_it_is_gone),
        roster_test(a_device_that_comes_back_after_a_kick_waits_for_its_own_end),
        roster_test(a_waiting_one_may_be_kicked),
        roster_test(a_known_one_that_leaves_frees_nobody),
        roster_test(a_successor_that_is_up_is_not_named_again),
        roster_test(all_residents_are_visited_once),
        roster_test(five_of_one_key_may_go_in_any_order),
        roster_test(of_those_who_asked_for_no_port_yet_the_oldest_is_the_surplus),
        cmocka_unit_test(nothing_is_destroyed_harmlessly),
    };

    return cmocka_run_group_tests_name("slave: roster", tests, NULL, NULL);
}
