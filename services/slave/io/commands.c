/* What comes in on the bus: kick, drain, snapshot. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISPLACED_EVERY_MS 30000u

static const struct m4h_problem no_problem;

/* Sends what was encoded into slave->message; `error` is that of the encoding. */
static void reply(struct m4h_slave *slave, const struct m4h_bus_message *message, int error)
{
    if (error == 0)
        error = m4h_bus_publish(slave->bus, message->reply, M4H_BUS_FRESH, NULL,
                                slave->message.data, slave->message.len);
    if (error != 0)
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT, "subject=%s error=\"%s\" cannot answer",
                message->subject, m4h_error_text(error));
}

/* What is no request was not sent by who may command: a stream was made to deliver it, or
 * somebody to answer to the command's subject. */
static bool is_request(struct m4h_slave *slave, const struct m4h_bus_message *message)
{
    uint32_t suppressed;

    if (m4h_bus_is_request(message))
        return true;
    if (m4h_log_limit_allows(&slave->command_lines, m4h_loop_now_ms(slave->loop), &suppressed))
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT,
                "subject=%s suppressed=%" PRIu32 " a command that is no request is ignored",
                message->subject, suppressed);
    return false;
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
        m4h_tunnels_close_for(slave, resident, request->reason, request->actor, "");
    return problem;
}

static void on_kick(void *context, const struct m4h_bus_message *message)
{
    struct m4h_slave *slave = context;
    struct m4h_kick_request request;
    struct m4h_problem problem;

    if (!is_request(slave, message))
        return;
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

    if (!is_request(slave, message))
        return;
    if (m4h_wire_drain_request_decode(message->data, message->len, &request) == 0)
        m4h_drain_begin(slave, request.actor, false);
    else
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a drain request");
    m4h_buffer_clear(&slave->message);
    reply(slave, message, m4h_wire_drain_reply_encode(tunnels, &problem, &slave->message));
}

/* ---- snapshot ---------------------------------------------------------------- */

static int encode_page(struct m4h_slave *slave, struct m4h_snapshot_page *page,
                       const struct m4h_tunnel *tunnels, size_t count)
{
    page->epoch = slave->epoch;
    page->info = slave->info;
    m4h_text_copy(page->slave_id, sizeof(page->slave_id), slave->config->id);
    m4h_text_copy(page->region, sizeof(page->region), slave->config->region);
    return m4h_wire_snapshot_reply_encode(page, tunnels, count, &no_problem, &slave->message);
}

/* Masters know of a process with this id that started later. */
static bool is_displaced(struct m4h_slave *slave, uint64_t epoch)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);

    if (epoch <= slave->epoch)
        return false;
    if (slave->displaced_told_ms == 0 || now_ms - slave->displaced_told_ms >= DISPLACED_EVERY_MS) {
        slave->displaced_told_ms = now_ms;
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT,
                "id=%s epoch=%" PRIu64 " later=%" PRIu64 " another process has this slave's id and "
                "started later: masters ignore this one and its devices. Give each slave its own "
                "[slave] id",
                slave->config->id, slave->epoch, epoch);
    }
    return true;
}

static void on_snapshot(void *context, const struct m4h_bus_message *message)
{
    struct m4h_slave *slave = context;
    const struct m4h_snapshot_source source = {slave->roster, slave->seq, slave->state};
    struct m4h_snapshot_request request;
    struct m4h_snapshot_page page = {0};
    const struct m4h_tunnel *tunnels;
    struct m4h_problem problem = no_problem;
    size_t count;

    if (!is_request(slave, message))
        return;
    if (m4h_wire_snapshot_request_decode(message->data, message->len, &request) != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a snapshot request");
    else if (is_displaced(slave, request.epoch))
        return; /* the other one answers */
    else if (m4h_snapshots_page(&slave->snapshots, &request, &source, m4h_loop_now_ms(slave->loop),
                                &page, &tunnels, &count) != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_NOT_FOUND, "no such snapshot page: begin anew");
    m4h_buffer_clear(&slave->message);
    reply(slave, message,
          problem.code == 0
              ? encode_page(slave, &page, tunnels, count)
              : m4h_wire_snapshot_reply_encode(NULL, NULL, 0, &problem, &slave->message));
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
        .subject = "mas4h.v1.control.revoke", .on_message = m4h_revocations_io_on_revoke};
}
