/* Do the loops of the workers turn? Each is asked by a letter, and answers by a number
 * that it writes down. It is asked again only when all have answered, so a worker that
 * stands still is not buried in letters. */
#include "services/slave/io/hub.h"

static bool answers(const struct m4h_slave *slave, uint32_t worker)
{
    return atomic_load_explicit(&slave->workers[worker]->stats.pulse, memory_order_relaxed) ==
           slave->pulse;
}

bool m4h_pulse_is_alive(void *context)
{
    struct m4h_slave *slave = context;
    bool alive = true;

    for (uint32_t i = 0; i < slave->worker_count; i++) {
        if (answers(slave, i))
            continue;
        alive = false;
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT, "worker=%u does not answer", i);
    }
    if (!alive)
        return false;
    slave->pulse++;
    for (uint32_t i = 0; i < slave->worker_count; i++)
        m4h_slave_order(slave,
                        &(struct m4h_order){.kind = M4H_ORDER_PULSE,
                                            .session_id = (uint64_t)i << M4H_SESSION_WORKER_SHIFT,
                                            .as.pulse = slave->pulse});
    return true;
}
