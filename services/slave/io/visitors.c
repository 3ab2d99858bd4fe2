/* Operators and other slaves: how they come, and how they are made to leave. */
#include "services/slave/io/access.h"

#include <inttypes.h>

/* They are counted apart: operators who fill the slave keep no other slave out, whose operators
 * have been let in there, nor do many slaves keep operators out. */
static bool has_room(const struct m4h_slave *slave, bool is_hop)
{
    uint64_t max = (uint64_t)slave->config->operator_sessions_max;
    uint32_t hops = m4h_visitors_hop_count(slave->visitors);

    return is_hop ? hops < max * M4H_HOP_SHARE : m4h_visitors_count(slave->visitors) - hops < max;
}

const char *m4h_visits_admit(struct m4h_slave *slave, uint64_t session_id,
                             const struct m4h_authorize_request *request,
                             const struct m4h_authorize_reply *reply)
{
    char name[2 * M4H_CLIENT_KEY_MAX];
    const struct m4h_visitor *visitor;

    if (!has_room(slave, reply->slave_id[0] != '\0'))
        return "as many operators as may be here";
    if (m4h_visitors_add(slave->visitors, session_id, request, reply,
                         m4h_loop_now_ms(slave->loop)) != 0)
        return "out of memory";
    visitor = m4h_visitors_find(slave->visitors, session_id);
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "%s=%s peer=%s key=%s is here",
            visitor->is_hop ? "hop" : "operator", m4h_log_quote(name, sizeof(name), visitor->name),
            visitor->remote_address, visitor->key_fingerprint);
    return NULL;
}

bool m4h_visits_gone(struct m4h_slave *slave, uint64_t session_id)
{
    struct m4h_visitor *visitor = m4h_visitors_find(slave->visitors, session_id);
    char name[2 * M4H_CLIENT_KEY_MAX];

    if (visitor == NULL)
        return false;
    m4h_visits_end_all(slave, visitor);
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "%s=%s peer=%s age_s=%" PRIu64 " has left",
            visitor->is_hop ? "hop" : "operator", m4h_log_quote(name, sizeof(name), visitor->name),
            visitor->remote_address, (m4h_loop_now_ms(slave->loop) - visitor->since_ms) / 1000);
    m4h_visitors_remove(slave->visitors, visitor);
    m4h_drain_check(slave);
    return true;
}

void m4h_visits_close(struct m4h_slave *slave, struct m4h_visitor *visitor,
                      enum m4h_disconnect_reason reason)
{
    if (visitor->leaving)
        return;
    visitor->leaving = true;
    m4h_slave_order(slave, &(struct m4h_order){.kind = M4H_ORDER_CLOSE,
                                               .session_id = visitor->session_id,
                                               .as.close.reason = reason});
}

static void ask_to_leave(void *context, struct m4h_visitor *visitor)
{
    m4h_slave_order(
        context, &(struct m4h_order){.kind = M4H_ORDER_LEAVE, .session_id = visitor->session_id});
}

void m4h_visits_leave(struct m4h_slave *slave)
{
    m4h_visitors_each(slave->visitors, ask_to_leave, slave);
}

static void cut(void *context, struct m4h_visitor *visitor)
{
    m4h_visits_close(context, visitor, M4H_DISCONNECT_DRAINED);
}

void m4h_visits_cut(struct m4h_slave *slave)
{
    m4h_visitors_each(slave->visitors, cut, slave);
}
