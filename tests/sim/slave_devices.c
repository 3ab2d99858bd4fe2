/* A simulated slave, as far as devices go. It mirrors services/slave/io: admission.c, questions.c
 * and tunnels.c, and decides nothing that a core decides. */
#include "tests/sim/slave.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AUTHORIZE_TIMEOUT_MS 2000u
#define KEEPALIVE_MIN_MS     15000u
#define KEEPALIVE_MAX_MS     45000u

#define LABEL_SETS           3u

struct key_question {
    uint64_t session;
};

static struct sim_slave *slave_of(struct node *node)
{
    return M4H_CONTAINER_OF(node, struct sim_slave, node);
}

/* ---- sessions ------------------------------------------------------------- */

struct sim_session *sim_device_session(const struct sim_slave *slave, uint64_t id)
{
    struct sim_session *session = slave->sessions;

    while (session != NULL && session->id != id)
        session = session->next;
    return session;
}

static struct sim_session *find_attempt(const struct sim_slave *slave, unsigned device,
                                        uint32_t attempt)
{
    struct sim_session *session = slave->sessions;

    while (session != NULL && (session->device != device || session->attempt != attempt))
        session = session->next;
    return session;
}

void sim_device_end(struct sim *sim, struct sim_slave *slave, uint64_t id)
{
    struct sim_session **link = &slave->sessions, *session;

    while (*link != NULL && (*link)->id != id)
        link = &(*link)->next;
    session = *link;
    if (session == NULL)
        return; /* one of the bulk */
    *link = session->next;
    if (!session->is_dead)
        crowd_closed(sim, session->device, session->attempt);
    free(session);
}

/* ---- tunnels -------------------------------------------------------------- */

static void publish_connect(struct sim *sim, struct sim_slave *slave,
                            const struct m4h_resident *resident)
{
    struct m4h_event event = {.type = M4H_EVENT_CONNECT, .as.connect = resident->tunnel};

    sim_slave_publish(sim, slave, &event);
}

static void announce(struct sim *sim, struct sim_slave *slave, struct m4h_resident *resident)
{
    struct m4h_tunnel *tunnel = &resident->tunnel;

    tunnel->tunnel_id = sim_random_id(sim);
    tunnel->stamp =
        m4h_stamp_next(&slave->clock, sim_wall_ms(sim, &slave->node), resident->owner_stamp);
    tunnel->connected_wall_ms = sim_wall_ms(sim, &slave->node);
    m4h_roster_up(slave->roster, resident, sim_now_ms(sim, &slave->node));
    sim->coverage.tunnels++;
    slave->is_announcing = true;
    publish_connect(sim, slave, resident);
    slave->is_announcing = false;
}

void sim_device_open(struct sim *sim, struct sim_slave *slave, struct m4h_resident *resident)
{
    struct sim_session *session = sim_device_session(slave, resident->session_id);
    struct m4h_tunnel *tunnel = &resident->tunnel;

    tunnel->ports[tunnel->port_count++] = (uint16_t)sim_between(sim, 10000, 60000);
    announce(sim, slave, resident);
    if (session != NULL && !session->is_dead)
        crowd_up(sim, session->device, session->attempt);
}

static void announce_end(struct sim *sim, struct sim_slave *slave,
                         const struct m4h_resident *resident, enum m4h_disconnect_reason reason)
{
    struct m4h_event event = {.type = M4H_EVENT_DISCONNECT};

    memcpy(event.as.disconnect.client_key, resident->tunnel.client_key,
           sizeof(event.as.disconnect.client_key));
    event.as.disconnect.tunnel_id = resident->tunnel.tunnel_id;
    event.as.disconnect.reason = reason;
    sim_slave_publish(sim, slave, &event);
}

/* The connection is gone. */
void sim_device_remove(struct sim *sim, struct sim_slave *slave, uint64_t id,
                       enum m4h_disconnect_reason reason)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, id), *successor = NULL;

    if (resident != NULL) {
        if (resident->was_up)
            announce_end(sim, slave, resident, reason);
        m4h_roster_remove(slave->roster, resident, &successor);
    }
    sim_device_end(sim, slave, id);
    if (successor != NULL)
        sim_device_open(sim, slave, successor);
}

struct ending {
    uint64_t session;
    enum m4h_disconnect_reason reason;
};

static void on_gone(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    const struct ending *ending = owned;

    (void)argument;
    sim_device_remove(sim, slave_of(node), ending->session, ending->reason);
}

static void end_later(struct sim *sim, struct sim_slave *slave, uint64_t session, uint64_t delay_ms,
                      enum m4h_disconnect_reason reason)
{
    struct ending *ending = malloc(sizeof(*ending));

    if (ending == NULL)
        abort();
    *ending = (struct ending){session, reason};
    sim_later(sim, delay_ms, &slave->node, on_gone, 0, ending);
}

/* Its worker is told to close it, which takes a moment. */
void sim_device_close(struct sim *sim, struct sim_slave *slave, struct m4h_resident *resident,
                      enum m4h_disconnect_reason reason)
{
    m4h_roster_leave(slave->roster, resident);
    end_later(sim, slave, resident->session_id, sim_between(sim, 1, 30), reason);
}

static void on_forward(struct sim *sim, struct node *node, uint64_t session_id, void *owned)
{
    struct sim_slave *slave = slave_of(node);
    struct m4h_resident *resident = m4h_roster_find(slave->roster, session_id), *loser;
    bool now;

    (void)owned;
    if (resident == NULL || resident->state != M4H_RESIDENT_KNOWN)
        return;
    now = m4h_roster_claim(slave->roster, resident, &loser);
    if (loser != NULL)
        end_later(sim, slave, loser->session_id, sim_between(sim, 1, 30), M4H_DISCONNECT_REPLACED);
    if (now)
        sim_device_open(sim, slave, resident);
}

/* ---- admission ------------------------------------------------------------ */

static void refuse(struct sim *sim, struct sim_slave *slave, uint64_t session_id,
                   enum m4h_refuse_reason reason)
{
    struct m4h_event event = {.type = M4H_EVENT_REFUSE, .as.refuse = {.reason = reason}};

    m4h_text_copy(event.as.refuse.remote_address, sizeof(event.as.refuse.remote_address),
                  "203.0.113.7:50022");
    sim_slave_publish(sim, slave, &event);
    sim_device_end(sim, slave, session_id);
}

/* A few sets of labels, and none, so that tunnels share them and devices change theirs. */
static void label(struct m4h_tunnel *tunnel, const struct sim_session *session)
{
    if (session->id % LABEL_SETS != 0)
        snprintf(tunnel->labels, sizeof(tunnel->labels), "site=s%llu",
                 (unsigned long long)session->id % LABEL_SETS);
}

static void admit(struct sim *sim, struct sim_slave *slave, const struct sim_session *session,
                  uint64_t owner_stamp)
{
    struct m4h_tunnel tunnel = {0};
    struct m4h_resident *resident;

    if (slave->state != M4H_SLAVE_READY) {
        refuse(sim, slave, session->id, M4H_REFUSE_DRAINING);
        return;
    }
    m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key),
                  crowd_key(sim->crowd.devices[session->device].key));
    m4h_text_copy(tunnel.remote_address, sizeof(tunnel.remote_address), "203.0.113.7:50022");
    m4h_text_copy(tunnel.key_fingerprint, sizeof(tunnel.key_fingerprint), "SHA256:key");
    m4h_text_copy(tunnel.client_version, sizeof(tunnel.client_version), "OpenSSH_9.2");
    label(&tunnel, session);
    if (m4h_roster_add(slave->roster, session->id, owner_stamp, &tunnel, &resident) != 0)
        abort();
    sim_later(sim, sim_between(sim, 1, 50), &slave->node, on_forward, session->id, NULL);
}

static void on_authorized(struct sim *sim, struct node *node, void *context, int error,
                          const uint8_t *data, size_t len)
{
    const struct key_question *question = context;
    struct sim_slave *slave = slave_of(node);
    struct sim_session *session = sim_device_session(slave, question->session);
    struct m4h_authorize_reply reply = {0};
    struct m4h_problem problem;
    unsigned key;

    if (session == NULL)
        return;
    key = sim->crowd.devices[session->device].key;
    if (error == 0 && m4h_wire_authorize_reply_decode(data, len, &reply, &problem) != 0)
        sim_fail(sim, "%s cannot read a decision", node->id);
    if (error == 0) {
        slave->knows[key] = true;
        m4h_stamp_see(&slave->clock, sim_wall_ms(sim, node), reply.owner_stamp);
    }
    if (slave->knows[key])
        admit(sim, slave, session, reply.owner_stamp);
    else
        refuse(sim, slave, session->id, M4H_REFUSE_NO_MASTER);
}

static void ask_for_key(struct sim *sim, struct sim_slave *slave, const struct sim_session *session)
{
    struct m4h_authorize_request request = {.public_key = "key", .public_key_len = 3};
    struct key_question *question = malloc(sizeof(*question));

    if (question == NULL)
        abort();
    question->session = session->id;
    m4h_text_copy(request.slave_id, sizeof(request.slave_id), slave->node.id);
    m4h_text_copy(request.region, sizeof(request.region), slave->region);
    m4h_text_copy(request.username, sizeof(request.username),
                  crowd_key(sim->crowd.devices[session->device].key));
    m4h_text_copy(request.key_fingerprint, sizeof(request.key_fingerprint), "SHA256:key");
    m4h_text_copy(request.remote_address, sizeof(request.remote_address), "203.0.113.7:50022");
    m4h_buffer_clear(&slave->out);
    if (m4h_wire_authorize_request_encode(&request, &slave->out) != 0)
        abort();
    network_ask(sim, &slave->node, NULL, TOPIC_AUTHORIZE, &slave->out, AUTHORIZE_TIMEOUT_MS,
                on_authorized, question);
}

struct arrival {
    unsigned device;
    uint32_t attempt;
};

static void on_arrival(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    const struct arrival *arrival = owned;
    struct sim_slave *slave = slave_of(node);
    struct sim_session *session;

    (void)argument;
    if (!crowd_waits(sim, arrival->device, arrival->attempt))
        return;
    session = calloc(1, sizeof(*session));
    if (session == NULL)
        abort();
    session->id = ++sim->last_id;
    session->device = arrival->device;
    session->attempt = arrival->attempt;
    session->next = slave->sessions;
    slave->sessions = session;
    ask_for_key(sim, slave, session);
}

bool sim_slave_connect(struct sim *sim, struct sim_slave *slave, unsigned device, uint32_t attempt)
{
    struct arrival *arrival;

    if (!slave->node.lives || slave->state != M4H_SLAVE_READY)
        return false;
    arrival = malloc(sizeof(*arrival));
    if (arrival == NULL)
        abort();
    *arrival = (struct arrival){device, attempt};
    sim_later(sim, sim_between(sim, 1, 40), &slave->node, on_arrival, 0, arrival);
    return true;
}

void sim_slave_hang_up(struct sim *sim, struct sim_slave *slave, unsigned device, uint32_t attempt,
                       bool silently)
{
    struct sim_session *session = find_attempt(slave, device, attempt);

    if (session == NULL || session->is_dead)
        return;
    session->is_dead = true;
    if (silently)
        end_later(sim, slave, session->id, sim_between(sim, KEEPALIVE_MIN_MS, KEEPALIVE_MAX_MS),
                  M4H_DISCONNECT_KEEPALIVE_TIMEOUT);
    else
        end_later(sim, slave, session->id, sim_between(sim, 1, 20), M4H_DISCONNECT_CLIENT_CLOSED);
}

void sim_slave_change_ports(struct sim *sim, struct sim_slave *slave, unsigned device,
                            uint32_t attempt)
{
    const struct sim_session *session = find_attempt(slave, device, attempt);
    struct m4h_resident *resident =
        session != NULL ? m4h_roster_find(slave->roster, session->id) : NULL;

    if (resident == NULL || resident->state != M4H_RESIDENT_UP || slave->node.paused_until_ms != 0)
        return;
    if (resident->tunnel.port_count > 1)
        resident->tunnel.port_count--;
    else
        resident->tunnel.ports[resident->tunnel.port_count++] =
            (uint16_t)sim_between(sim, 10000, 60000);
    publish_connect(sim, slave, resident);
}
