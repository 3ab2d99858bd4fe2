/* Asks a master how the cluster is, whichever NATS takes: that one is near. One question at a time;
 * one that fails just does not prove anything. */
#include "services/gateway/io/probe.h"

#include "lib/base/error.h"
#include "lib/net/timer.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/subject.h"

#include <stdlib.h>

#define REQUEST_MAX 256u

struct m4h_gateway_probe {
    struct m4h_loop *loop;
    struct m4h_gateway_rpc *rpc;
    struct m4h_timer *timer;
    struct m4h_gateway_rpc_ask *ask; /* the question that is open, or NULL */
    uint64_t patient_until_ms;       /* before that it is not asked anew */
};

static void on_end(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_gateway_probe *probe = context;
    struct m4h_cluster_status cluster;
    struct m4h_region_status *regions = NULL;
    struct m4h_problem problem = {0};
    size_t count;

    if (error == 0)
        error = m4h_wire_cluster_reply_decode(data, len, &cluster, &regions, &count, &problem);
    free(regions);
    /* That master is not ready yet: another one may be, or itself a moment later. */
    if (problem.code == M4H_PROBLEM_UNAVAILABLE && m4h_gateway_rpc_again(probe->ask))
        return;
    probe->ask = NULL;
    if (error == 0 && problem.code == 0)
        m4h_gateway_rpc_near(probe->rpc, cluster.master_id);
}

void m4h_gateway_probe_now(struct m4h_gateway_probe *probe)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_gateway_rpc_question question = {
        .subject = M4H_GATEWAY_CLUSTER, .request = &message, .may_repeat = true, .of_group = true};

    m4h_timer_start(probe->timer, M4H_GATEWAY_PROBE_INTERVAL_MS, M4H_GATEWAY_PROBE_INTERVAL_MS);
    if (probe->ask != NULL)
        return;
    if (m4h_wire_cluster_request_encode("", &message) != 0 ||
        m4h_gateway_rpc_start(probe->rpc, &question, on_end, probe, &probe->ask) != 0)
        probe->ask = NULL;
    m4h_buffer_free(&message);
}

void m4h_gateway_probe_hurry(struct m4h_gateway_probe *probe)
{
    uint64_t now_ms = m4h_loop_now_ms(probe->loop);

    if (now_ms < probe->patient_until_ms)
        return;
    probe->patient_until_ms = now_ms + M4H_GATEWAY_PROBE_INTERVAL_MS;
    m4h_gateway_rpc_cancel(probe->ask);
    probe->ask = NULL;
    m4h_gateway_probe_now(probe);
}

static void on_time(void *context)
{
    m4h_gateway_probe_now(context);
}

int m4h_gateway_probe_start(struct m4h_gateway_probe **probe, struct m4h_loop *loop,
                            struct m4h_gateway_rpc *rpc)
{
    *probe = calloc(1, sizeof(**probe));
    if (*probe == NULL)
        return M4H_ENOMEM;
    (*probe)->loop = loop;
    (*probe)->rpc = rpc;
    if (m4h_timer_create(&(*probe)->timer, loop, on_time, *probe) != 0) {
        free(*probe);
        *probe = NULL;
        return M4H_ENOMEM;
    }
    m4h_timer_start((*probe)->timer, 0, M4H_GATEWAY_PROBE_INTERVAL_MS);
    return 0;
}

void m4h_gateway_probe_close(struct m4h_gateway_probe *probe)
{
    if (probe == NULL)
        return;
    m4h_timer_close(probe->timer);
    free(probe);
}
