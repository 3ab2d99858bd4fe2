/* The end of a slave's service, for a while or for good: no new device, and those that
 * are here are asked to leave, at the pace of core/drain.h. A device without operators
 * goes at once; one with operators when the last has left, which its worker sees; at the
 * deadline it is cut. Then, where the slave is to stop: `stop`, and the loop ends.
 *
 * A second signal makes the deadline now, a third does not wait even for the workers'
 * answers. Tunnels of which no end was heard are announced as gone before `stop`. */
#include "services/slave/io/hub.h"

#include "lib/base/walltime.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* After the deadline: for the last answers, and for saying good-bye to the bus. */
#define END_MAX_MS 10000u

static void count_waiting(void *context, struct m4h_resident *resident)
{
    uint32_t *waiting = context;

    *waiting += resident->state != M4H_RESIDENT_LEAVING && !resident->asked_to_leave;
}

static void ask_if_picked(void *context, struct m4h_resident *resident)
{
    struct m4h_slave *slave = context;

    if (resident->state != M4H_RESIDENT_LEAVING && !resident->asked_to_leave &&
        m4h_drain_plan_picks(&slave->drain))
        m4h_tunnels_ask_to_leave(slave, resident);
}

static void close_if_there(void *context, struct m4h_resident *resident)
{
    if (resident->state != M4H_RESIDENT_LEAVING)
        m4h_tunnels_close(context, resident, M4H_DISCONNECT_DRAINED);
}

static uint32_t count_channels(const struct m4h_slave *slave)
{
    uint32_t channels = 0;

    for (uint32_t i = 0; i < slave->worker_count; i++)
        channels += atomic_load_explicit(&slave->workers[i]->stats.channels, memory_order_relaxed);
    return channels;
}

/* Publishes how many are left; said at the beginning, now and then, and at the end. */
static void publish_progress(struct m4h_slave *slave)
{
    struct m4h_event event = {.type = M4H_EVENT_DRAIN};
    struct m4h_drain *drain = &event.as.drain;

    drain->deadline_wall_ms = slave->drain_deadline_wall_ms;
    drain->tunnels = m4h_roster_tunnel_count(slave->roster);
    drain->channels = count_channels(slave);
    memcpy(drain->actor, slave->drain_actor, sizeof(drain->actor));
    m4h_publisher_send(slave, &event);
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT,
            "slave=%s tunnels=%" PRIu32 " channels=%" PRIu32 " left_ms=%" PRIu64 " draining",
            slave->config->id, drain->tunnels, drain->channels, m4h_drain_left_ms(slave));
}

uint64_t m4h_drain_left_ms(const struct m4h_slave *slave)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);

    return slave->drain.deadline_ms > now_ms ? slave->drain.deadline_ms - now_ms : 0;
}

static void stop(struct m4h_slave *slave)
{
    struct m4h_event event = {.type = M4H_EVENT_STOP};
    uint32_t left = m4h_roster_count(slave->roster);

    if (slave->state == M4H_SLAVE_STOPPED) {
        m4h_loop_stop(slave->loop);
        return;
    }
    m4h_timer_stop(slave->drain_timer);
    m4h_timer_stop(slave->load_timer);
    m4h_tunnels_give_up(slave);
    slave->state = M4H_SLAVE_STOPPED;
    m4h_publisher_send(slave, &event);
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "slave=%s left=%u stopped", slave->config->id, left);
    m4h_outbox_io_finish(slave);
}

void m4h_drain_check(struct m4h_slave *slave)
{
    bool empty = m4h_roster_count(slave->roster) == 0;

    if (slave->state != M4H_SLAVE_DRAINING)
        return;
    if (empty && !slave->drained) {
        slave->drained = true;
        publish_progress(slave);
    }
    empty = empty && m4h_visitors_count(slave->visitors) == 0;
    if (empty)
        m4h_timer_stop(slave->drain_timer);
    if (slave->stopping &&
        (empty || m4h_drain_plan_gives_up(&slave->drain, m4h_loop_now_ms(slave->loop))))
        stop(slave);
}

static void on_round(void *context)
{
    struct m4h_slave *slave = context;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint32_t waiting = 0;

    m4h_roster_each(slave->roster, count_waiting, &waiting);
    if (m4h_drain_plan_round(&slave->drain, waiting, now_ms) > 0)
        m4h_roster_each(slave->roster, ask_if_picked, slave);
    if (m4h_drain_plan_is_over(&slave->drain, now_ms)) {
        m4h_roster_each(slave->roster, close_if_there, slave);
        m4h_visits_cut(slave);
    }
    if (m4h_drain_plan_tells(&slave->drain, now_ms))
        publish_progress(slave);
    m4h_timer_start(slave->drain_timer, m4h_drain_plan_next_ms(&slave->drain, now_ms) - now_ms, 0);
    m4h_drain_check(slave);
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        abort(); /* the kernel has a source of randomness since long before we start */
    return seed;
}

static void begin(struct m4h_slave *slave, const char *actor)
{
    char quoted[2 * M4H_ACTOR_MAX];

    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "slave=%s actor=%s drain begins", slave->config->id,
            m4h_log_quote(quoted, sizeof(quoted), actor));
    slave->state = M4H_SLAVE_DRAINING;
    m4h_text_copy(slave->drain_actor, sizeof(slave->drain_actor), actor);
    slave->drained = m4h_roster_count(slave->roster) == 0;
    m4h_drain_plan_begin(&slave->drain, (uint32_t)slave->config->drain_spread_ms,
                         (uint32_t)slave->config->drain_deadline_ms, random_seed(),
                         m4h_loop_now_ms(slave->loop));
    slave->drain_deadline_wall_ms = m4h_walltime_now_ms() + m4h_drain_left_ms(slave);
    publish_progress(slave);
    m4h_publisher_load(slave);
    for (uint32_t i = 0; i < slave->worker_count; i++)
        m4h_slave_order(slave,
                        &(struct m4h_order){.kind = M4H_ORDER_REFUSE_NEW,
                                            .session_id = (uint64_t)i << M4H_SESSION_WORKER_SHIFT});
    m4h_visits_leave(slave);
    m4h_timer_start(slave->drain_timer, 0, 0);
}

void m4h_drain_begin(struct m4h_slave *slave, const char *actor, bool stops)
{
    slave->stopping = slave->stopping || stops;
    if (slave->state == M4H_SLAVE_READY)
        begin(slave, actor);
    if (stops)
        m4h_supervisor_stopping(slave->supervisor, m4h_drain_left_ms(slave) + END_MAX_MS);
    m4h_drain_check(slave);
}

void m4h_drain_hurry(struct m4h_slave *slave)
{
    if (slave->hurried) {
        stop(slave);
        return;
    }
    slave->hurried = true;
    m4h_drain_plan_hurry(&slave->drain, m4h_loop_now_ms(slave->loop));
    m4h_timer_start(slave->drain_timer, 0, 0);
}

int m4h_drain_create(struct m4h_slave *slave)
{
    return m4h_timer_create(&slave->drain_timer, slave->loop, on_round, slave);
}
