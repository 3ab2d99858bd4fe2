/* Kicks of tunnels that lost their client key, sent over the bus. Which ones, and when again,
 * is core/kicks.h's matter. */
#include "services/master/io/service.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#define KICK_TIMEOUT_MS 2000u
/* So many tries without success are worth a line. */
#define TRIES_TOLD 6u

struct m4h_kick_ask {
    struct m4h_master *master;
    struct m4h_kick_ask *prev, *next;
    struct m4h_kick kick;
};

static void log_kick(enum m4h_log_level level, const struct m4h_kick *kick, const char *reason,
                     const char *what)
{
    char device[2 * M4H_CLIENT_KEY_MAX], tunnel[M4H_TUNNEL_ID_TEXT_MAX];

    m4h_log(level, M4H_MASTER_LOG, "slave=%s device=%s tunnel=%s tries=%u reason=\"%s\" %s",
            kick->slave_id, m4h_log_quote(device, sizeof(device), kick->client_key),
            m4h_tunnel_id_format(kick->tunnel_id, tunnel), kick->tries, reason, what);
}

static void failed(struct m4h_master *master, const struct m4h_kick *kick, const char *reason)
{
    if (kick->tries == TRIES_TOLD) {
        master->counters.kicks_failing++;
        log_kick(M4H_LOG_WARNING, kick, reason, "the older connection is not kicked yet");
    }
    m4h_kicks_answered(master->kicks, kick, false, m4h_loop_now_ms(master->loop));
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_kick_ask *ask = context;
    struct m4h_master *master = ask->master;
    struct m4h_problem problem = {0};

    DL_DELETE(master->kick_asks, ask);
    if (error == 0)
        error = m4h_wire_kick_reply_decode(data, len, &problem);
    if (error != 0) {
        failed(master, &ask->kick, m4h_error_text(error));
    } else if (problem.code != 0 && problem.code != M4H_PROBLEM_NOT_FOUND) {
        failed(master, &ask->kick, m4h_problem_code_name(problem.code));
    } else {
        master->counters.kicks_done++;
        log_kick(M4H_LOG_INFO, &ask->kick, "replaced", "the older connection is kicked");
        m4h_kicks_answered(master->kicks, &ask->kick, true, m4h_loop_now_ms(master->loop));
    }
    free(ask);
}

/* Sends the question. */
static int send(struct m4h_master *master, struct m4h_kick_ask *ask)
{
    struct m4h_kick_request request = {.tunnel_id = ask->kick.tunnel_id,
                                       .reason = M4H_DISCONNECT_REPLACED};
    char subject[M4H_ID_MAX + 64];
    uint64_t id;
    int error;

    m4h_text_copy(request.client_key, sizeof(request.client_key), ask->kick.client_key);
    m4h_text_copy(request.actor, sizeof(request.actor), master->config->id);
    snprintf(subject, sizeof(subject), "mas4h.v1.slave.%s.kick", ask->kick.slave_id);
    error = m4h_wire_kick_request_encode(&request, &master->out);
    if (error == 0)
        error = m4h_bus_request(master->bus, subject, master->out.data, master->out.len,
                                m4h_loop_now_ms(master->loop), KICK_TIMEOUT_MS, on_reply, ask, &id);
    m4h_buffer_clear(&master->out);
    return error;
}

static void send_kick(struct m4h_master *master, const struct m4h_kick *kick)
{
    struct m4h_kick_ask *ask = calloc(1, sizeof(*ask));
    int error = M4H_ENOMEM;

    if (ask != NULL) {
        ask->master = master;
        ask->kick = *kick;
        error = send(master, ask);
    }
    if (error != 0) {
        failed(master, kick, m4h_error_text(error));
        free(ask);
        return;
    }
    DL_APPEND(master->kick_asks, ask);
}

void m4h_master_kick(struct m4h_master *master, const struct m4h_effect *effect)
{
    if (m4h_kicks_want(master->kicks, effect->slave_id, effect->as.kick.client_key,
                       effect->as.kick.tunnel_id, m4h_loop_now_ms(master->loop)) != 0)
        master->counters.kicks_not_taken++;
}

uint64_t m4h_master_run_kicks(struct m4h_master *master)
{
    struct m4h_kick kick;

    while (m4h_kicks_take(master->kicks, master->cluster, m4h_loop_now_ms(master->loop), &kick))
        send_kick(master, &kick);
    return m4h_kicks_next_ms(master->kicks);
}

void m4h_master_free_kicks(struct m4h_master *master)
{
    while (master->kick_asks != NULL) {
        struct m4h_kick_ask *ask = master->kick_asks;

        DL_DELETE(master->kick_asks, ask);
        free(ask);
    }
    m4h_kicks_destroy(master->kicks);
}
