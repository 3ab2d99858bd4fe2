/* The hub on a long random walk beside workers that answer late: letters wait in
 * both directions, devices die at any moment, listeners come for the dead. After
 * every step nobody's port is another one's, and when all letters are read nobody
 * waits for an answer. The seed is printed; M4H_SEED=N walks the same way again. */
#include "tests/unit/slave_hub_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEPS       20000
#define KEYS        3
#define CREW_MAX    10
#define REPORTS_MAX 64
#define PORTS_MAX   2

/* A device as its worker has it. */
struct member {
    uint64_t session_id;
    bool lives;
    bool asks; /* for a port, and has no answer */
    int fds[PORTS_MAX];
    uint32_t ports;
};

struct walk {
    struct member crew[CREW_MAX];
    int count;
    struct m4h_report reports[REPORTS_MAX]; /* on their way to the hub */
    int report_count;
    uint64_t random;
    unsigned late, takeovers, signs;
};

static unsigned pick(struct walk *walk, unsigned below)
{
    walk->random ^= walk->random >> 12;
    walk->random ^= walk->random << 25;
    walk->random ^= walk->random >> 27;
    return (unsigned)((walk->random * 2685821657736338717u) >> 33) % below;
}

static struct member *find(struct walk *walk, uint64_t session_id)
{
    for (int i = 0; i < walk->count; i++) {
        if (walk->crew[i].session_id == session_id)
            return &walk->crew[i];
    }
    return NULL;
}

/* ---- a worker --------------------------------------------------------------------- */

static void report(struct walk *walk, struct m4h_report report)
{
    assert_true(walk->report_count < REPORTS_MAX);
    walk->reports[walk->report_count++] = report;
}

static void die(struct walk *walk, struct member *member, enum m4h_disconnect_reason reason)
{
    struct m4h_report last = {.kind = M4H_REPORT_GONE, .session_id = member->session_id};

    last.as.gone.reason = reason;
    last.as.gone.listeners = member->ports;
    while (member->ports > 0)
        close(member->fds[--member->ports]);
    report(walk, last);
    *member = walk->crew[--walk->count];
}

static void take_answer(struct walk *walk, struct member *member, const struct m4h_order *order)
{
    int fd = order->as.forwarded.fd;

    if (member != NULL) {
        assert_true(member->asks); /* one answer for each question */
        member->asks = false;
        if (fd >= 0)
            member->fds[member->ports++] = fd;
    } else if (fd >= 0) {
        close(fd);
        walk->late++;
        report(walk, (struct m4h_report){.kind = M4H_REPORT_LATE, .session_id = order->session_id});
    }
}

static void worker_reads(struct walk *walk)
{
    struct m4h_order order = hub->orders[0];
    struct member *member = find(walk, order.session_id);

    hub->order_count--;
    memmove(&hub->orders[0], &hub->orders[1], hub->order_count * sizeof(hub->orders[0]));
    if (order.kind == M4H_ORDER_FORWARDED) {
        take_answer(walk, member, &order);
    } else if (order.kind == M4H_ORDER_CLOSE && member != NULL) {
        walk->takeovers += order.as.close.reason == M4H_DISCONNECT_REPLACED;
        die(walk, member, order.as.close.reason);
    } else if (order.kind == M4H_ORDER_PROBE && member != NULL) {
        walk->signs++;
        report(walk, (struct m4h_report){.kind = M4H_REPORT_SIGN,
                                         .session_id = order.session_id,
                                         .as.sign = {pick(walk, 2) == 0}});
    }
}

static void hub_reads(struct walk *walk)
{
    struct m4h_report first = walk->reports[0];

    walk->report_count--;
    memmove(&walk->reports[0], &walk->reports[1],
            (size_t)walk->report_count * sizeof(walk->reports[0]));
    switch (first.kind) {
    case M4H_REPORT_FORWARD:
        m4h_tunnels_forward(&hub->slave, first.session_id, first.as.forward.port);
        break;
    case M4H_REPORT_GONE:
        m4h_tunnels_gone(&hub->slave, &first);
        break;
    case M4H_REPORT_LATE:
        m4h_tunnels_late(&hub->slave, first.session_id);
        break;
    default:
        m4h_rivals_sign(&hub->slave, first.session_id, first.as.sign.alive);
        break;
    }
}

/* ---- steps --------------------------------------------------------------------------- */

static void step_come(struct walk *walk)
{
    struct m4h_resident *resident;
    char key[16];

    if (walk->count == CREW_MAX)
        return;
    snprintf(key, sizeof(key), "pump-%u", pick(walk, KEYS));
    resident = admit(key);
    resident->owner_stamp = pick(walk, 2);
    resident->evictions = pick(walk, 4);
    resident->last_port = pick(walk, 2) == 0 ? (uint16_t)(PORT_MIN + pick(walk, 5)) : 0;
    walk->crew[walk->count++] = (struct member){.session_id = resident->session_id, .lives = true};
}

static void step_ask(struct walk *walk, struct member *member)
{
    struct m4h_report question = {.kind = M4H_REPORT_FORWARD, .session_id = member->session_id};

    if (member->asks || member->ports == PORTS_MAX)
        return;
    if (pick(walk, 4) == 0)
        question.as.forward.port = (uint16_t)(PORT_MIN + pick(walk, 5));
    member->asks = true;
    report(walk, question);
}

static void step(struct walk *walk)
{
    struct member *member = walk->count > 0 ? &walk->crew[pick(walk, (unsigned)walk->count)] : NULL;

    switch (member != NULL ? pick(walk, 12) : 0) {
    case 0:
    case 1:
        step_come(walk);
        break;
    case 2:
    case 3:
    case 4:
        step_ask(walk, member);
        break;
    case 5:
        die(walk, member, M4H_DISCONNECT_CONNECTION_LOST);
        break;
    case 6:
        hub->config.flapping_evictions = pick(walk, 4);
        break;
    case 7:
    case 8:
        if (hub->order_count > 0)
            worker_reads(walk);
        break;
    default:
        if (walk->report_count > 0)
            hub_reads(walk);
        break;
    }
    /* Letters do not wait for ever. */
    while (hub->order_count > ORDERS_MAX / 2)
        worker_reads(walk);
    while (walk->report_count > REPORTS_MAX / 2)
        hub_reads(walk);
}

static void read_all(struct walk *walk)
{
    while (hub->order_count > 0 || walk->report_count > 0) {
        if (hub->order_count > 0)
            worker_reads(walk);
        if (walk->report_count > 0)
            hub_reads(walk);
    }
}

/* ---- what must hold -------------------------------------------------------------------- */

static void check_rest(struct walk *walk)
{
    uint32_t up = 0;

    assert_int_equal(m4h_roster_count(hub->slave.roster), walk->count);
    for (int i = 0; i < walk->count; i++) {
        const struct member *member = &walk->crew[i];
        const struct m4h_resident *resident =
            m4h_roster_find(hub->slave.roster, member->session_id);

        assert_false(member->asks); /* nobody waits */
        assert_non_null(resident);
        assert_int_equal(resident->tunnel.port_count, member->ports);
        assert_int_equal(resident->state == M4H_RESIDENT_UP, member->ports > 0);
        up += member->ports > 0;
        if (member->ports > 0)
            assert_ptr_equal(m4h_roster_owner(hub->slave.roster, resident->tunnel.client_key),
                             resident);
    }
    assert_int_equal(m4h_roster_tunnel_count(hub->slave.roster), up);
    assert_int_equal(hub->events[M4H_EVENT_CONNECT] >= hub->events[M4H_EVENT_DISCONNECT], true);
}

static void no_port_is_given_twice_and_nobody_waits_for_ever(void **state)
{
    const char *wanted = getenv("M4H_SEED");
    uint64_t seed = wanted != NULL ? strtoull(wanted, NULL, 10) : (uint64_t)time(NULL);
    struct walk walk = {.random = seed * 2 + 1};

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    m4h_log_set_level(M4H_LOG_ERROR);
    for (int i = 0; i < STEPS; i++) {
        step(&walk);
        /* A port whose listener was still open would be one of another program. */
        assert_int_equal(hub->shunned, 0);
        if (i % 50 == 0) {
            read_all(&walk);
            check_rest(&walk);
        }
    }
    assert_true(walk.late > 20);
    assert_true(walk.takeovers > 20);
    assert_true(walk.signs > 20);
    while (walk.count > 0)
        die(&walk, &walk.crew[0], M4H_DISCONNECT_CLIENT_CLOSED);
    read_all(&walk);
    check_rest(&walk);
    assert_int_equal(m4h_roster_count(hub->slave.roster), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_port_is_given_twice_and_nobody_waits_for_ever, hub_begin,
                                        hub_end),
    };

    return cmocka_run_group_tests_name("slave: hub walk", tests, NULL, NULL);
}
