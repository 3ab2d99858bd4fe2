/* Pages of snapshots, asked of slaves over the bus. When to ask, and what an
 * answer means, is the cluster's matter. */
#include "services/master/io/service.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#define PAGE_TIMEOUT_MS 2000u
#define NO_SNAPSHOT     UINT64_MAX

struct m4h_snapshot_ask {
    struct m4h_master *master;
    struct m4h_snapshot_ask *prev, *next;
    char slave_id[M4H_ID_MAX + 1];
    struct m4h_snapshot_ticket ticket;
};

static void failed(struct m4h_snapshot_ask *ask, const char *why)
{
    m4h_cluster_snapshot_failed(ask->master->cluster, ask->slave_id, &ask->ticket, why,
                                m4h_master_moment(ask->master));
}

static void take_page(struct m4h_snapshot_ask *ask, const uint8_t *data, size_t len)
{
    struct m4h_snapshot_page page;
    struct m4h_tunnel *tunnels;
    struct m4h_problem problem;
    size_t count;
    int error = m4h_wire_snapshot_reply_decode(data, len, &page, &tunnels, &count, &problem);

    if (error != 0) {
        failed(ask, m4h_error_text(error));
    } else if (problem.code != 0) {
        failed(ask, m4h_problem_code_name(problem.code));
    } else {
        m4h_cluster_snapshot(ask->master->cluster, ask->slave_id, &ask->ticket, &page, tunnels,
                             count, m4h_master_moment(ask->master));
        free(tunnels);
    }
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_snapshot_ask *ask = context;

    DL_DELETE(ask->master->snapshot_asks, ask);
    if (error == 0)
        take_page(ask, data, len);
    else
        failed(ask, m4h_error_text(error));
    free(ask);
}

/* Sends the question; `context` is for `on_answer`. */
static int send(struct m4h_master *master, const char *slave_id,
                const struct m4h_snapshot_request *request, m4h_bus_on_reply on_answer,
                void *context)
{
    char subject[M4H_ID_MAX + 64];
    uint64_t id;
    int error = m4h_wire_snapshot_request_encode(request, &master->out);

    snprintf(subject, sizeof(subject), "mas4h.v1.slave.%s.snapshot", slave_id);
    if (error == 0)
        error = m4h_bus_request(master->bus, subject, master->out.data, master->out.len,
                                m4h_loop_now_ms(master->loop), PAGE_TIMEOUT_MS, on_answer, context,
                                &id);
    m4h_buffer_clear(&master->out);
    return error;
}

void m4h_master_ask_snapshot(struct m4h_master *master, const struct m4h_effect *effect)
{
    struct m4h_snapshot_ask *ask = calloc(1, sizeof(*ask));
    int error;

    if (ask == NULL) {
        m4h_cluster_snapshot_failed(master->cluster, effect->slave_id, &effect->as.snapshot,
                                    m4h_error_text(M4H_ENOMEM), m4h_master_moment(master));
        return;
    }
    ask->master = master;
    ask->ticket = effect->as.snapshot;
    m4h_text_copy(ask->slave_id, sizeof(ask->slave_id), effect->slave_id);
    error = send(master, ask->slave_id, &ask->ticket.request, on_reply, ask);
    if (error != 0) {
        failed(ask, m4h_error_text(error));
        free(ask);
        return;
    }
    DL_APPEND(master->snapshot_asks, ask);
}

/* The process that is meant does not answer, and the other one has no such page. */
static void on_told(void *context, int error, const uint8_t *data, size_t len)
{
    (void)context, (void)error, (void)data, (void)len;
}

void m4h_master_tell_displaced(struct m4h_master *master, const struct m4h_effect *effect)
{
    const struct m4h_snapshot_request request = {.snapshot_id = NO_SNAPSHOT,
                                                 .epoch = effect->as.note.epoch};
    uint32_t suppressed;

    if (m4h_log_limit_allows(&master->displaced_limit, m4h_loop_now_ms(master->loop), &suppressed))
        (void)send(master, effect->slave_id, &request, on_told, NULL); /* its next event, if not */
}

void m4h_master_free_snapshots(struct m4h_master *master)
{
    while (master->snapshot_asks != NULL) {
        struct m4h_snapshot_ask *ask = master->snapshot_asks;

        DL_DELETE(master->snapshot_asks, ask);
        free(ask);
    }
}
