/* Each allocation of the slave's decisions fails once: the caller is told, or
 * what the header promises for that case happens, and the state is as before.
 * This program takes the place of malloc. */
#include "lib/base/error.h"
#include "services/slave/core/decisions.h"
#include "services/slave/core/ports.h"
#include "services/slave/core/roster.h"
#include "services/slave/core/snapshots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static unsigned allocations_until_failure; /* 0: none fails */
static bool failed;

static bool fails(void)
{
    if (allocations_until_failure == 0 || --allocations_until_failure > 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

static void fail_from_now(unsigned nth)
{
    failed = false;
    allocations_until_failure = nth;
}

static bool stop_failing(void)
{
    allocations_until_failure = 0;
    return failed;
}

static struct m4h_tunnel tunnel_of(const char *client_key)
{
    struct m4h_tunnel tunnel = {.tunnel_id = 1};

    assert_true(m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), client_key));
    return tunnel;
}

static void nothing_is_made_where_memory_is_short(void **state)
{
    const struct m4h_decisions_limits limits = {10, 10};

    (void)state;
    for (unsigned nth = 1; nth <= 5; nth++) {
        struct m4h_ports *ports;
        struct m4h_roster *roster;
        struct m4h_decisions *decisions;

        fail_from_now(nth);
        assert_int_equal(m4h_ports_create(&ports, 1024, 2048), M4H_ENOMEM);
        assert_true(stop_failing());
        assert_null(ports);
        fail_from_now(1);
        assert_int_equal(m4h_roster_create(&roster), M4H_ENOMEM);
        assert_int_equal(stop_failing(), true);
        assert_null(roster);
        fail_from_now(1);
        assert_int_equal(m4h_decisions_create(&decisions, &limits), M4H_ENOMEM);
        assert_int_equal(stop_failing(), true);
        assert_null(decisions);
    }
}

static void a_device_that_does_not_fit_in_memory_is_not_added(void **state)
{
    struct m4h_tunnel tunnel = tunnel_of("pump-1");

    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct m4h_roster *roster;
        struct m4h_resident *resident;
        bool short_of_memory;
        int error;

        assert_int_equal(m4h_roster_create(&roster), 0);
        fail_from_now(nth);
        error = m4h_roster_add(roster, 1, 0, &tunnel, &resident);
        short_of_memory = stop_failing();
        assert_int_equal(error, short_of_memory ? M4H_ENOMEM : 0);
        assert_int_equal(m4h_roster_count(roster), short_of_memory ? 0 : 1);
        if (short_of_memory) {
            assert_null(resident);
            assert_int_equal(m4h_roster_add(roster, 1, 0, &tunnel, &resident), 0);
        }
        assert_ptr_equal(m4h_roster_find(roster, 1), resident);
        m4h_roster_destroy(roster);
        if (!short_of_memory)
            break;
    }
}

/* uthash grows its table now and then: adding many meets that, too. */
static void among_many_devices_each_failure_leaves_the_others_alone(void **state)
{
    enum {
        COUNT = 400
    };

    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct m4h_roster *roster;
        struct m4h_resident *resident;
        uint32_t added = 0;
        char key[16];
        bool short_of_memory;

        assert_int_equal(m4h_roster_create(&roster), 0);
        fail_from_now(nth);
        for (uint64_t id = 1; id <= COUNT; id++) {
            struct m4h_tunnel tunnel;

            snprintf(key, sizeof(key), "pump-%u", (unsigned)id);
            tunnel = tunnel_of(key);
            added += m4h_roster_add(roster, id, 0, &tunnel, &resident) == 0;
        }
        short_of_memory = stop_failing();
        /* Growing may be put off without a loss; nothing else may. */
        assert_true(added >= COUNT - 1);
        assert_int_equal(m4h_roster_count(roster), added);
        for (uint64_t id = 1; id <= COUNT; id++)
            added -= m4h_roster_find(roster, id) != NULL;
        assert_int_equal(added, 0);
        m4h_roster_destroy(roster);
        if (!short_of_memory)
            break;
    }
}

static void a_claim_needs_no_memory(void **state)
{
    struct m4h_tunnel tunnel = tunnel_of("pump-1");
    struct m4h_roster *roster;
    struct m4h_resident *resident, *loser;

    (void)state;
    assert_int_equal(m4h_roster_create(&roster), 0);
    assert_int_equal(m4h_roster_add(roster, 1, 0, &tunnel, &resident), 0);
    fail_from_now(1);
    assert_true(m4h_roster_claim(roster, resident, &loser));
    assert_false(stop_failing());
    assert_null(loser);
    assert_ptr_equal(m4h_roster_owner(roster, "pump-1"), resident);
    m4h_roster_destroy(roster);
}

static void a_takeover_needs_no_memory(void **state)
{
    struct m4h_tunnel tunnel = tunnel_of("pump-1");
    struct m4h_roster *roster;
    struct m4h_resident *old, *new, *loser;

    (void)state;
    assert_int_equal(m4h_roster_create(&roster), 0);
    assert_int_equal(m4h_roster_add(roster, 1, 0, &tunnel, &old), 0);
    assert_int_equal(m4h_roster_add(roster, 2, 0, &tunnel, &new), 0);
    assert_true(m4h_roster_claim(roster, old, &loser));
    fail_from_now(1);
    assert_false(m4h_roster_claim(roster, new, &loser));
    assert_false(stop_failing());
    assert_ptr_equal(loser, old);
    m4h_roster_destroy(roster);
}

/* One that would be kept without its answer would allow too much. */
static void where_memory_is_short_a_decision_is_not_kept(void **state)
{
    static const uint8_t answer[] = {1};
    const struct m4h_decisions_limits limits = {10, 1000};
    const struct m4h_decision allowed = {
        .allowed = true, .client_key = "pump-1", .answer = answer, .answer_len = 1};

    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct m4h_decisions *decisions;
        bool short_of_memory;

        assert_int_equal(m4h_decisions_create(&decisions, &limits), 0);
        fail_from_now(nth);
        m4h_decisions_keep(decisions, "SHA256:a", &allowed, 1000, 0);
        short_of_memory = stop_failing();
        assert_int_equal(m4h_decisions_find(decisions, "SHA256:a", false, 0) == NULL,
                         short_of_memory);
        m4h_decisions_keep(decisions, "SHA256:a", &allowed, 1000, 0);
        assert_non_null(m4h_decisions_find(decisions, "SHA256:a", false, 0));
        m4h_decisions_destroy(decisions);
        if (!short_of_memory)
            break;
    }
}

static void where_memory_is_short_the_snapshots_that_are_kept_stay(void **state)
{
    const struct m4h_snapshot_request anew = {0}, again = {.snapshot_id = 1};
    struct m4h_snapshots snapshots;
    struct m4h_snapshot_source source = {0};
    struct m4h_snapshot_page page;
    const struct m4h_tunnel *tunnels;
    struct m4h_roster *roster;
    size_t count;

    (void)state;
    assert_int_equal(m4h_roster_create(&roster), 0);
    source.roster = roster;
    m4h_snapshots_init(&snapshots, 1);
    for (unsigned i = 0; i < M4H_SNAPSHOTS_KEPT; i++, source.seq++)
        assert_int_equal(m4h_snapshots_page(&snapshots, &anew, &source, 5, &page, &tunnels, &count),
                         0);
    fail_from_now(1);
    assert_int_equal(m4h_snapshots_page(&snapshots, &anew, &source, 6, &page, &tunnels, &count),
                     M4H_ENOMEM);
    assert_true(stop_failing());
    assert_int_equal(m4h_snapshots_page(&snapshots, &again, &source, 7, &page, &tunnels, &count),
                     0);
    m4h_snapshots_free(&snapshots);
    m4h_roster_destroy(roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_made_where_memory_is_short),
        cmocka_unit_test(a_device_that_does_not_fit_in_memory_is_not_added),
        cmocka_unit_test(among_many_devices_each_failure_leaves_the_others_alone),
        cmocka_unit_test(a_claim_needs_no_memory),
        cmocka_unit_test(a_takeover_needs_no_memory),
        cmocka_unit_test(where_memory_is_short_a_decision_is_not_kept),
        cmocka_unit_test(where_memory_is_short_the_snapshots_that_are_kept_stay),
    };

    return cmocka_run_group_tests_name("slave: memory", tests, NULL, NULL);
}
