/* The copies from which masters get their pages (core/snapshots.c). */
#include "services/slave/core/snapshots.h"

#include "lib/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#define PAGE       3u

static struct m4h_snapshots snapshots;
static struct m4h_roster *roster;
static uint64_t seq;
static enum m4h_slave_state slave_state;
static struct m4h_snapshot_page page;
static const struct m4h_tunnel *tunnels;
static size_t count;

static int begin(void **state)
{
    (void)state;
    seq = 0;
    slave_state = M4H_SLAVE_READY;
    m4h_snapshots_init(&snapshots, PAGE);
    return m4h_roster_create(&roster);
}

static int end(void **state)
{
    (void)state;
    m4h_snapshots_free(&snapshots);
    m4h_snapshots_free(&snapshots);
    m4h_roster_destroy(roster);
    return 0;
}

/* A device comes; `up`: it is announced. */
static void come(uint64_t id, bool up)
{
    struct m4h_tunnel tunnel = {.tunnel_id = id};
    struct m4h_resident *resident, *loser;

    snprintf(tunnel.client_key, sizeof(tunnel.client_key), "pump-%u", (unsigned)id);
    assert_int_equal(m4h_roster_add(roster, id, 0, &tunnel, &resident), 0);
    if (!up)
        return;
    assert_true(m4h_roster_claim(roster, resident, &loser));
    m4h_roster_up(roster, resident, 1);
    seq++;
}

static int ask(uint64_t id, uint32_t number, uint64_t now_ms)
{
    const struct m4h_snapshot_request request = {id, number, 0};
    const struct m4h_snapshot_source source = {roster, seq, slave_state};

    page = (struct m4h_snapshot_page){0};
    return m4h_snapshots_page(&snapshots, &request, &source, now_ms, &page, &tunnels, &count);
}

static void has(uint64_t id, uint64_t its_seq, size_t its_count, bool is_last)
{
    assert_int_equal(page.snapshot_id, id);
    assert_int_equal(page.seq, its_seq);
    assert_int_equal(count, its_count);
    assert_int_equal(page.last, is_last);
}

static void a_slave_without_tunnels_has_one_empty_page(void **state)
{
    (void)state;
    come(1, false);
    assert_int_equal(ask(0, 0, 10), 0);
    has(1, 0, 0, true);
    assert_int_equal(page.state, M4H_SLAVE_READY);
}

static void pages_together_hold_each_announced_tunnel_once(void **state)
{
    uint64_t seen = 0;

    (void)state;
    for (uint64_t id = 1; id <= 7; id++)
        come(id, true);
    come(8, false);
    for (uint32_t number = 0; number < 3; number++) {
        assert_int_equal(ask(number == 0 ? 0 : 1, number, 10), 0);
        has(1, 7, number < 2 ? 3 : 1, number == 2);
        assert_int_equal(page.page, number);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(seen & 1u << tunnels[i].tunnel_id, 0);
            seen |= 1u << tunnels[i].tunnel_id;
        }
    }
    assert_int_equal(seen, 0xfe);
}

static void a_full_last_page_is_the_last(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 2 * PAGE; id++)
        come(id, true);
    assert_int_equal(ask(0, 0, 10), 0);
    has(1, 6, 3, false);
    assert_int_equal(ask(1, 1, 10), 0);
    has(1, 6, 3, true);
}

static void a_copy_is_of_its_moment_whatever_happens_later(void **state)
{
    struct m4h_resident *resident, *successor;

    (void)state;
    for (uint64_t id = 1; id <= 5; id++)
        come(id, true);
    assert_int_equal(ask(0, 0, 10), 0);
    resident = m4h_roster_find(roster, 5);
    m4h_roster_remove(roster, resident, &successor);
    seq++;
    slave_state = M4H_SLAVE_DRAINING;
    assert_int_equal(ask(1, 1, 10), 0);
    has(1, 5, 2, true);
    assert_int_equal(page.state, M4H_SLAVE_READY);
    assert_int_equal(ask(0, 0, 10), 0);
    has(2, 6, 3, false);
    assert_int_equal(page.state, M4H_SLAVE_DRAINING);
}

static void who_asks_while_nothing_happens_gets_the_same_copy(void **state)
{
    (void)state;
    come(1, true);
    assert_int_equal(ask(0, 0, 10), 0);
    assert_int_equal(ask(0, 0, 20), 0);
    has(1, 1, 1, true);
    seq++;
    assert_int_equal(ask(0, 0, 30), 0);
    has(2, 2, 1, true);
    slave_state = M4H_SLAVE_DRAINING;
    assert_int_equal(ask(0, 0, 40), 0);
    has(3, 2, 1, true);
    come(2, true);
    seq--; /* tunnels that no number tells of */
    assert_int_equal(ask(0, 0, 50), 0);
    has(4, 2, 2, true);
}

static void a_page_that_is_not_there_begins_nothing(void **state)
{
    (void)state;
    come(1, true);
    assert_int_equal(ask(1, 0, 10), M4H_ENOTFOUND);
    assert_int_equal(ask(0, 0, 10), 0);
    assert_int_equal(ask(1, 1, 10), M4H_ENOTFOUND);
    assert_int_equal(ask(1, UINT32_MAX, 10), M4H_ENOTFOUND);
    assert_int_equal(ask(2, 0, 10), M4H_ENOTFOUND);
    assert_int_equal(page.snapshot_id, 0);
}

static void a_copy_goes_when_nobody_asks_for_it(void **state)
{
    (void)state;
    come(1, true);
    assert_int_equal(ask(0, 0, 10), 0);
    assert_int_equal(ask(1, 0, 10 + M4H_SNAPSHOTS_KEPT_MS), 0);
    assert_int_equal(ask(1, 0, 10 + 2 * M4H_SNAPSHOTS_KEPT_MS), 0);
    assert_int_equal(ask(1, 0, 11 + 3 * M4H_SNAPSHOTS_KEPT_MS), M4H_ENOTFOUND);
    for (size_t i = 0; i < M4H_SNAPSHOTS_KEPT; i++)
        assert_null(snapshots.kept[i].tunnels);
}

static void the_one_that_nobody_has_asked_for_longest_makes_room(void **state)
{
    (void)state;
    come(1, true);
    for (uint64_t id = 1; id <= M4H_SNAPSHOTS_KEPT; id++, seq++)
        assert_int_equal(ask(0, 0, 10 + id), 0);
    assert_int_equal(ask(1, 0, 20), 0);
    assert_int_equal(ask(0, 0, 21), 0);
    assert_int_equal(page.snapshot_id, M4H_SNAPSHOTS_KEPT + 1);
    assert_int_equal(ask(1, 0, 22), 0);
    assert_int_equal(ask(2, 0, 22), M4H_ENOTFOUND);
    assert_int_equal(ask(3, 0, 22), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_slave_without_tunnels_has_one_empty_page),
        TEST(pages_together_hold_each_announced_tunnel_once),
        TEST(a_full_last_page_is_the_last),
        TEST(a_copy_is_of_its_moment_whatever_happens_later),
        TEST(who_asks_while_nothing_happens_gets_the_same_copy),
        TEST(a_page_that_is_not_there_begins_nothing),
        TEST(a_copy_goes_when_nobody_asks_for_it),
        TEST(the_one_that_nobody_has_asked_for_longest_makes_room),
    };

    return cmocka_run_group_tests_name("slave: snapshots", tests, NULL, NULL);
}
