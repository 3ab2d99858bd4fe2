/* The end of a slave's service: no new device, and those that are here are sent
 * away in batches, so that they do not all come to the other slaves at once. */
#include "services/slave/io/hub.h"

#include "lib/base/walltime.h"

#define BATCH_EVERY_MS 100u
/* Devices that have been sent away get so long to be gone. */
#define GRACE_MS 2000u

struct batch {
    struct m4h_slave *slave;
    uint32_t left; /* how many may still be sent away in this batch */
};

static void send_away(void *context, struct m4h_resident *resident)
{
    struct batch *batch = context;

    if (batch->left == 0 || resident->state == M4H_RESIDENT_LEAVING)
        return;
    batch->left--;
    m4h_tunnels_close(batch->slave, resident, M4H_DISCONNECT_DRAINED);
}

static void finish(struct m4h_slave *slave)
{
    struct m4h_event event = {.type = M4H_EVENT_STOP};

    m4h_timer_stop(slave->drain_timer);
    slave->state = M4H_SLAVE_STOPPED;
    m4h_publisher_send(slave, &event);
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "slave=%s left=%u stopped", slave->config->id,
            m4h_roster_count(slave->roster));
    m4h_loop_stop(slave->loop);
}

void m4h_drain_check(struct m4h_slave *slave)
{
    bool empty = m4h_roster_count(slave->roster) == 0;

    if (slave->state != M4H_SLAVE_DRAINING)
        return;
    if (empty)
        m4h_timer_stop(slave->drain_timer);
    if (slave->stopping &&
        (empty || m4h_loop_now_ms(slave->loop) >= slave->drain_deadline_ms + GRACE_MS))
        finish(slave);
}

static void on_batch(void *context)
{
    struct m4h_slave *slave = context;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint32_t count = m4h_roster_count(slave->roster);
    struct batch batch = {slave, count};

    if (now_ms < slave->drain_deadline_ms) {
        uint64_t batches = (slave->drain_deadline_ms - now_ms) / BATCH_EVERY_MS + 1;

        batch.left = (uint32_t)((count + batches - 1) / batches);
    }
    m4h_roster_each(slave->roster, send_away, &batch);
    m4h_drain_check(slave);
}

void m4h_drain_begin(struct m4h_slave *slave, const char *actor, bool stop)
{
    struct m4h_event event = {.type = M4H_EVENT_DRAIN};
    uint64_t spread_ms = (uint64_t)slave->config->drain_ms;
    char quoted[2 * M4H_ACTOR_MAX];

    if (stop && !slave->stopping)
        m4h_supervisor_stopping(slave->supervisor, spread_ms + 2 * GRACE_MS);
    slave->stopping = slave->stopping || stop;
    if (slave->state == M4H_SLAVE_READY) {
        slave->state = M4H_SLAVE_DRAINING;
        slave->drain_deadline_ms = m4h_loop_now_ms(slave->loop) + spread_ms;
        event.as.drain.deadline_wall_ms = m4h_walltime_now_ms() + spread_ms;
        event.as.drain.tunnels = m4h_roster_tunnel_count(slave->roster);
        m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "slave=%s actor=%s tunnels=%u draining",
                slave->config->id, m4h_log_quote(quoted, sizeof(quoted), actor),
                event.as.drain.tunnels);
        m4h_publisher_send(slave, &event);
        for (uint32_t i = 0; i < slave->worker_count; i++)
            m4h_slave_order(
                slave, &(struct m4h_order){.kind = M4H_ORDER_REFUSE_NEW,
                                           .session_id = (uint64_t)i << M4H_SESSION_WORKER_SHIFT});
        m4h_timer_start(slave->drain_timer, 0, BATCH_EVERY_MS);
    }
    m4h_drain_check(slave);
}

int m4h_drain_create(struct m4h_slave *slave)
{
    return m4h_timer_create(&slave->drain_timer, slave->loop, on_batch, slave);
}
