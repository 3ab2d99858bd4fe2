/* The io/ of a simulated slave, as far as devices go. It mirrors services/slave/io:
 * admission.c, tunnels.c, rivals.c, commands.c and drain.c, and decides nothing that a core
 * decides. */
#include "tests/sim/slave.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/sim/sim.h"
#include "tests/sim/truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD_EVERY_MS        2000u
#define AUTHORIZE_TIMEOUT_MS 2000u
#define KEEPALIVE_MIN_MS     15000u
#define KEEPALIVE_MAX_MS     45000u
#define SIGN_OF_LIFE_MAX_MS  1000u
#define DRAIN_MAX_MS         2000u
#define FLUSH_MS             1000u

struct key_question {
    uint64_t session;
};

static struct sim_slave *slave_of(struct node *node)
{
    return M4H_CONTAINER_OF(node, struct sim_slave, node);
}

/* ---- sessions ------------------------------------------------------------- */

static struct sim_session *find_session(const struct sim_slave *slave, uint64_t id)
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

static void end_session(struct sim *sim, struct sim_slave *slave, uint64_t id)
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

static void open_for(struct sim *sim, struct sim_slave *slave, struct m4h_resident *resident)
{
    struct sim_session *session = find_session(slave, resident->session_id);
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
static void remove_session(struct sim *sim, struct sim_slave *slave, uint64_t id,
                           enum m4h_disconnect_reason reason)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, id), *successor = NULL;

    if (resident != NULL) {
        if (resident->was_up)
            announce_end(sim, slave, resident, reason);
        m4h_roster_remove(slave->roster, resident, &successor);
    }
    end_session(sim, slave, id);
    if (successor != NULL)
        open_for(sim, slave, successor);
}

struct ending {
    uint64_t session;
    enum m4h_disconnect_reason reason;
};

static void on_gone(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    const struct ending *ending = owned;

    (void)argument;
    remove_session(sim, slave_of(node), ending->session, ending->reason);
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
static void close_resident(struct sim *sim, struct sim_slave *slave, struct m4h_resident *resident,
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
        open_for(sim, slave, resident);
}

/* ---- admission ------------------------------------------------------------ */

static void refuse(struct sim *sim, struct sim_slave *slave, uint64_t session_id,
                   enum m4h_refuse_reason reason)
{
    struct m4h_event event = {.type = M4H_EVENT_REFUSE, .as.refuse = {.reason = reason}};

    m4h_text_copy(event.as.refuse.remote_address, sizeof(event.as.refuse.remote_address),
                  "203.0.113.7:50022");
    sim_slave_publish(sim, slave, &event);
    end_session(sim, slave, session_id);
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
    if (m4h_roster_add(slave->roster, session->id, owner_stamp, &tunnel, &resident) != 0)
        abort();
    sim_later(sim, sim_between(sim, 1, 50), &slave->node, on_forward, session->id, NULL);
}

static void on_authorized(struct sim *sim, struct node *node, void *context, int error,
                          const uint8_t *data, size_t len)
{
    const struct key_question *question = context;
    struct sim_slave *slave = slave_of(node);
    struct sim_session *session = find_session(slave, question->session);
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

/* ---- commands ------------------------------------------------------------- */

static void on_sign(struct sim *sim, struct node *node, uint64_t session_id, void *owned)
{
    struct sim_slave *slave = slave_of(node);
    struct m4h_resident *resident = m4h_roster_find(slave->roster, session_id);
    const struct sim_session *session = find_session(slave, session_id);

    (void)owned;
    if (resident == NULL || resident->state == M4H_RESIDENT_LEAVING)
        return;
    close_resident(sim, slave, resident,
                   session != NULL && session->is_dead ? M4H_DISCONNECT_KEEPALIVE_TIMEOUT
                                                       : M4H_DISCONNECT_REPLACED);
}

static void on_kick(struct sim *sim, struct sim_slave *slave, const struct letter *letter)
{
    struct m4h_kick_request request;
    struct m4h_problem problem = {0};
    struct m4h_resident *resident;

    if (m4h_wire_kick_request_decode(letter->data, letter->len, &request) != 0)
        sim_fail(sim, "%s cannot read a kick", slave->node.id);
    resident = m4h_roster_owner(slave->roster, request.client_key);
    if (resident == NULL || request.tunnel_id != resident->tunnel.tunnel_id)
        m4h_problem_set(&problem, M4H_PROBLEM_NOT_FOUND, "no such tunnel here");
    else
        sim_later(sim, sim_between(sim, 1, SIGN_OF_LIFE_MAX_MS), &slave->node, on_sign,
                  resident->session_id, NULL);
    m4h_buffer_clear(&slave->out);
    if (m4h_wire_kick_reply_encode(&problem, &slave->out) != 0)
        abort();
    network_reply(sim, letter, slave->out.data, slave->out.len);
}

static void receive(struct sim *sim, struct node *node, const struct letter *letter)
{
    struct sim_slave *slave = slave_of(node);

    if (letter->topic == TOPIC_KICK)
        on_kick(sim, slave, letter);
    else if (letter->topic == TOPIC_SNAPSHOT)
        sim_slave_on_snapshot(sim, slave, letter);
    else if (letter->topic == TOPIC_EVENT)
        sim_slave_on_acknowledgement(sim, slave, letter);
}

/* ---- life ----------------------------------------------------------------- */

static void on_load_due(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)argument;
    (void)owned;
    sim_slave_publish_load(sim, slave_of(node));
    sim_later(sim, LOAD_EVERY_MS, node, on_load_due, 0, NULL);
}

static void linked(struct sim *sim, struct node *node, bool up)
{
    sim_slave_linked(sim, slave_of(node), up);
}

static void resumed(struct sim *sim, struct node *node)
{
    (void)sim;
    (void)node;
}

static const struct node_role role = {receive, linked, resumed};

/* Tunnels of devices that never move. */
static void add_bulk(struct sim *sim, struct sim_slave *slave)
{
    for (unsigned i = 0; i < slave->bulk; i++) {
        struct m4h_tunnel tunnel = {0};
        struct m4h_resident *resident, *loser;

        snprintf(tunnel.client_key, sizeof(tunnel.client_key), "bulk-%s-%u", slave->node.id, i);
        m4h_text_copy(tunnel.remote_address, sizeof(tunnel.remote_address), "203.0.113.8:50022");
        if (m4h_roster_add(slave->roster, ++sim->last_id, 0, &tunnel, &resident) != 0 ||
            !m4h_roster_claim(slave->roster, resident, &loser))
            abort();
        open_for(sim, slave, resident);
    }
}

void sim_slave_start(struct sim *sim, struct sim_slave *slave)
{
    struct node *node = &slave->node;
    struct m4h_event event = {.type = M4H_EVENT_START};
    uint64_t wall_ms = sim_wall_ms(sim, node);

    node->lives = true;
    node->paused_until_ms = 0;
    node->link = sim->network.faults.out ? LINK_DOWN : LINK_UP;
    if (m4h_roster_create(&slave->roster) != 0)
        abort();
    slave->clock = (struct m4h_stamp_clock){0};
    slave->state = M4H_SLAVE_READY;
    slave->epoch = wall_ms > slave->epoch_kept ? wall_ms : slave->epoch_kept + 1;
    slave->epoch_kept = slave->epoch;
    memset(slave->knows, 0, sizeof(slave->knows));
    sim_say(sim, "%s starts epoch %llu", node->id, (unsigned long long)slave->epoch);
    sim_slave_begin_events(sim, slave);
    sim_slave_fill_info(slave, &event.as.start);
    sim_slave_publish(sim, slave, &event);
    add_bulk(sim, slave);
    sim_later(sim, sim_between(sim, 1, LOAD_EVERY_MS), node, on_load_due, 0, NULL);
}

void sim_slave_create(struct sim *sim, unsigned index)
{
    struct sim_slave *slave = &sim->slaves[index];

    slave->out.cap = M4H_WIRE_MESSAGE_MAX;
    slave->page_tunnels = slave->bulk > 0 ? M4H_SNAPSHOT_PAGE_TUNNELS : sim_between(sim, 1, 10);
    slave->capacity = sim_between(sim, 8, 64) + slave->bulk;
    snprintf(slave->node.id, sizeof(slave->node.id), "slave-%u", index + 1);
    snprintf(slave->region, sizeof(slave->region), "%s", index % 2 == 0 ? "eu" : "us");
    sim_add_node(sim, &slave->node, NODE_SLAVE, index, &role);
    sim_slave_start(sim, slave);
}

static void free_core(struct sim_slave *slave)
{
    m4h_roster_destroy(slave->roster);
    slave->roster = NULL;
    sim_slave_end_events(slave);
}

void sim_slave_kill(struct sim *sim, struct sim_slave *slave)
{
    sim_say(sim, "%s is killed", slave->node.id);
    slave->node.lives = false;
    slave->node.life++;
    network_forget(sim, &slave->node);
    while (slave->sessions != NULL)
        end_session(sim, slave, slave->sessions->id);
    free_core(slave);
}

/* The stop is kept by the stream, or it was waited for long enough. */
static void on_flush_look(struct sim *sim, struct node *node, uint64_t until_ms, void *owned)
{
    (void)owned;
    if (sim->now_ms >= until_ms || sim_slave_is_flushed(slave_of(node)))
        sim_slave_kill(sim, slave_of(node));
    else
        sim_later(sim, 10, node, on_flush_look, until_ms, NULL);
}

static void on_stopped(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    struct sim_slave *slave = slave_of(node);
    struct m4h_event event = {.type = M4H_EVENT_STOP};
    struct m4h_resident *resident;

    (void)argument;
    (void)owned;
    while ((resident = m4h_roster_any(slave->roster)) != NULL)
        remove_session(sim, slave, resident->session_id, M4H_DISCONNECT_DRAINED);
    slave->state = M4H_SLAVE_STOPPED;
    sim_slave_publish(sim, slave, &event);
    sim_later(sim, 10, node, on_flush_look, sim->now_ms + FLUSH_MS, NULL);
}

void sim_slave_stop(struct sim *sim, struct sim_slave *slave)
{
    struct m4h_event event = {.type = M4H_EVENT_DRAIN};

    if (slave->state != M4H_SLAVE_READY)
        return;
    sim_say(sim, "%s drains", slave->node.id);
    slave->state = M4H_SLAVE_DRAINING;
    event.as.drain.tunnels = m4h_roster_tunnel_count(slave->roster);
    event.as.drain.deadline_wall_ms = sim_wall_ms(sim, &slave->node) + DRAIN_MAX_MS;
    sim_slave_publish(sim, slave, &event);
    sim_later(sim, sim_between(sim, 100, DRAIN_MAX_MS), &slave->node, on_stopped, 0, NULL);
}

void sim_slave_free(struct sim_slave *slave)
{
    while (slave->sessions != NULL) {
        struct sim_session *session = slave->sessions;

        slave->sessions = session->next;
        free(session);
    }
    free_core(slave);
    m4h_buffer_free(&slave->out);
}
