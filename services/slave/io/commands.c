/* What comes in on the bus: kick, drain, snapshot, revoke. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A snapshot is kept so long after it was made, for its other pages. */
#define SNAPSHOT_KEPT_MS 30000u

static const struct m4h_problem no_problem;

/* Sends what was encoded into slave->message; `error` is that of the encoding. */
static void reply(struct m4h_slave *slave, const struct m4h_bus_message *message, int error)
{
    if (message->reply == NULL)
        return;
    if (error == 0)
        error = m4h_bus_publish(slave->bus, message->reply, M4H_BUS_FRESH, NULL,
                                slave->message.data, slave->message.len);
    if (error != 0)
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT, "subject=%s error=\"%s\" cannot answer",
                message->subject, m4h_error_text(error));
}

/* ---- kick -------------------------------------------------------------------- */

static struct m4h_problem kick(struct m4h_slave *slave, const struct m4h_kick_request *request)
{
    struct m4h_problem problem = {0};
    struct m4h_resident *resident = m4h_roster_owner(slave->roster, request->client_key);
    char actor[2 * M4H_ACTOR_MAX];

    /* One that waits for its port has no tunnel id yet: it goes with its device. */
    if (resident == NULL ||
        (request->tunnel_id != 0 && request->tunnel_id != resident->tunnel.tunnel_id)) {
        m4h_problem_set(&problem, M4H_PROBLEM_NOT_FOUND, "no such tunnel here");
        return problem;
    }
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "device=\"%s\" actor=%s reason=%s kick",
            request->client_key, m4h_log_quote(actor, sizeof(actor), request->actor),
            m4h_disconnect_reason_name(request->reason));
    if (request->reason == M4H_DISCONNECT_REPLACED)
        m4h_rivals_part(slave, resident);
    else
        m4h_tunnels_close(slave, resident, request->reason);
    return problem;
}

static void on_kick(void *context, const struct m4h_bus_message *message)
{
    struct m4h_slave *slave = context;
    struct m4h_kick_request request;
    struct m4h_problem problem;

    if (m4h_wire_kick_request_decode(message->data, message->len, &request) == 0)
        problem = kick(slave, &request);
    else
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a kick request");
    m4h_buffer_clear(&slave->message);
    reply(slave, message, m4h_wire_kick_reply_encode(&problem, &slave->message));
}

/* ---- drain ------------------------------------------------------------------- */

static void on_drain(void *context, const struct m4h_bus_message *message)
{
    struct m4h_slave *slave = context;
    struct m4h_drain_request request;
    struct m4h_problem problem = no_problem;
    uint32_t tunnels = m4h_roster_tunnel_count(slave->roster);

    if (m4h_wire_drain_request_decode(message->data, message->len, &request) == 0)
        m4h_drain_begin(slave, request.actor, false);
    else
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a drain request");
    m4h_buffer_clear(&slave->message);
    reply(slave, message, m4h_wire_drain_reply_encode(tunnels, &problem, &slave->message));
}

/* ---- snapshot ---------------------------------------------------------------- */

static void copy_tunnel(void *context, struct m4h_resident *resident)
{
    struct m4h_kept_snapshot *kept = context;

    if (resident->was_up)
        kept->tunnels[kept->count++] = resident->tunnel;
}

static void drop_snapshot(struct m4h_kept_snapshot *kept)
{
    free(kept->tunnels);
    *kept = (struct m4h_kept_snapshot){0};
}

/* Makes a snapshot in the place of the oldest one. NULL: no memory. */
static struct m4h_kept_snapshot *make_snapshot(struct m4h_slave *slave)
{
    struct m4h_kept_snapshot *kept = &slave->snapshots[0];
    size_t count = m4h_roster_tunnel_count(slave->roster);

    for (size_t i = 1; i < M4H_SNAPSHOTS_KEPT; i++) {
        if (slave->snapshots[i].made_ms < kept->made_ms)
            kept = &slave->snapshots[i];
    }
    drop_snapshot(kept);
    kept->tunnels = calloc(count > 0 ? count : 1, sizeof(*kept->tunnels));
    if (kept->tunnels == NULL)
        return NULL;
    kept->snapshot_id = ++slave->next_snapshot;
    kept->made_ms = m4h_loop_now_ms(slave->loop);
    kept->seq = slave->seq;
    kept->state = slave->state;
    m4h_roster_each(slave->roster, copy_tunnel, kept);
    return kept;
}

static struct m4h_kept_snapshot *find_snapshot(struct m4h_slave *slave, uint64_t snapshot_id)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);

    for (size_t i = 0; i < M4H_SNAPSHOTS_KEPT; i++) {
        struct m4h_kept_snapshot *kept = &slave->snapshots[i];

        if (kept->snapshot_id != 0 && now_ms - kept->made_ms > SNAPSHOT_KEPT_MS)
            drop_snapshot(kept);
        if (kept->snapshot_id == snapshot_id)
            return kept;
    }
    return NULL;
}

static int encode_page(struct m4h_slave *slave, const struct m4h_kept_snapshot *kept,
                       uint32_t number)
{
    size_t first = (size_t)number * M4H_SNAPSHOT_PAGE_TUNNELS;
    size_t count = kept->count - first;
    struct m4h_snapshot_page page = {
        .snapshot_id = kept->snapshot_id,
        .page = number,
        .epoch = slave->epoch,
        .seq = kept->seq,
        .info = slave->info,
        .state = kept->state,
    };

    if (count > M4H_SNAPSHOT_PAGE_TUNNELS)
        count = M4H_SNAPSHOT_PAGE_TUNNELS;
    page.last = first + count == kept->count;
    m4h_text_copy(page.slave_id, sizeof(page.slave_id), slave->config->id);
    m4h_text_copy(page.region, sizeof(page.region), slave->config->region);
    return m4h_wire_snapshot_reply_encode(&page, kept->tunnels + first, count, &no_problem,
                                          &slave->message);
}

static void on_snapshot(void *context, const struct m4h_bus_message *message)
{
    struct m4h_slave *slave = context;
    struct m4h_snapshot_request request;
    struct m4h_kept_snapshot *kept = NULL;
    struct m4h_problem problem = no_problem;
    int error;

    if (m4h_wire_snapshot_request_decode(message->data, message->len, &request) != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a snapshot request");
    else if (request.snapshot_id != 0)
        kept = find_snapshot(slave, request.snapshot_id);
    else
        kept = make_snapshot(slave);
    if (problem.code == 0 &&
        (kept == NULL || (size_t)request.page * M4H_SNAPSHOT_PAGE_TUNNELS > kept->count))
        m4h_problem_set(&problem, M4H_PROBLEM_NOT_FOUND, "no such snapshot page: begin anew");
    m4h_buffer_clear(&slave->message);
    error = problem.code != 0
                ? m4h_wire_snapshot_reply_encode(NULL, NULL, 0, &problem, &slave->message)
                : encode_page(slave, kept, request.page);
    reply(slave, message, error);
}

/* ---- revoke ------------------------------------------------------------------ */

struct revocation {
    struct m4h_slave *slave;
    const struct m4h_revoke *revoke;
};

static void close_revoked(void *context, struct m4h_resident *resident)
{
    const struct revocation *revocation = context;
    const struct m4h_revoke *revoke = revocation->revoke;
    const struct m4h_tunnel *tunnel = &resident->tunnel;

    if (resident->state == M4H_RESIDENT_LEAVING ||
        (revoke->client_key[0] != '\0' && strcmp(tunnel->client_key, revoke->client_key) != 0) ||
        (revoke->key_fingerprint[0] != '\0' &&
         strcmp(tunnel->key_fingerprint, revoke->key_fingerprint) != 0))
        return;
    m4h_tunnels_close(revocation->slave, resident, M4H_DISCONNECT_KICKED);
}

static void on_revoke(void *context, const struct m4h_bus_message *message)
{
    struct m4h_slave *slave = context;
    struct m4h_revoke revoke;
    struct revocation revocation = {slave, &revoke};

    if (m4h_wire_revoke_decode(message->data, message->len, &revoke) != 0) {
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT, "subject=%s not a revocation",
                message->subject);
        return;
    }
    m4h_decisions_forget(slave->decisions, revoke.client_key, revoke.key_fingerprint);
    m4h_roster_each(slave->roster, close_revoked, &revocation);
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "device=\"%s\" key=%s revoked", revoke.client_key,
            revoke.key_fingerprint);
}

/* ---- */

void m4h_commands_subscriptions(const struct m4h_slave *slave,
                                struct m4h_bus_subscription subscriptions[M4H_COMMANDS_COUNT],
                                char subjects[M4H_COMMANDS_COUNT][128])
{
    static const struct {
        const char *verb;
        m4h_bus_on_message on_message;
    } commands[] = {{"kick", on_kick}, {"drain", on_drain}, {"snapshot", on_snapshot}};

    for (size_t i = 0; i < M4H_COUNT(commands); i++) {
        snprintf(subjects[i], 128, "mas4h.v1.slave.%s.%s", slave->config->id, commands[i].verb);
        subscriptions[i] = (struct m4h_bus_subscription){.subject = subjects[i],
                                                         .on_message = commands[i].on_message};
    }
    subscriptions[M4H_COUNT(commands)] = (struct m4h_bus_subscription){
        .subject = "mas4h.v1.control.revoke", .on_message = on_revoke};
}

void m4h_commands_destroy(struct m4h_slave *slave)
{
    for (size_t i = 0; i < M4H_SNAPSHOTS_KEPT; i++)
        drop_snapshot(&slave->snapshots[i]);
}
