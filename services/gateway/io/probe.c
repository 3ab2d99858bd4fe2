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
    struct m4h_gateway_readiness *readiness;
    struct m4h_timer *timer;
    struct m4h_gateway_rpc_ask *ask; /* the question that is open, or NULL */
};

static void on_end(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_gateway_probe *probe = context;
    struct m4h_cluster_status cluster;
    struct m4h_region_status *regions = NULL;
    struct m4h_problem problem = {0};
    size_t count;

    probe->ask = NULL;
    if (error == 0)
        error = m4h_wire_cluster_reply_decode(data, len, &cluster, &regions, &count, &problem);
    free(regions);
    if (error != 0 || problem.code != 0)
        return;
    m4h_gateway_rpc_near(probe->rpc, cluster.master_id);
    probe->readiness->has_answered = true;
    probe->readiness->answered_ms = m4h_loop_now_ms(probe->loop);
}

void m4h_gateway_probe_now(struct m4h_gateway_probe *probe)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_gateway_rpc_question question = {
        .subject = M4H_GATEWAY_CLUSTER, .request = &message, .may_repeat = true, .of_group = true};

    if (probe->ask != NULL)
        return;
    if (m4h_wire_cluster_request_encode("", &message) != 0 ||
        m4h_gateway_rpc_start(probe->rpc, &question, on_end, probe, &probe->ask) != 0)
        probe->ask = NULL;
    m4h_buffer_free(&message);
}

static void on_time(void *context)
{
    m4h_gateway_probe_now(context);
}

int m4h_gateway_probe_start(struct m4h_gateway_probe **probe, struct m4h_loop *loop,
                            struct m4h_gateway_rpc *rpc, struct m4h_gateway_readiness *readiness)
{
    *probe = calloc(1, sizeof(**probe));
    if (*probe == NULL)
        return M4H_ENOMEM;
    (*probe)->loop = loop;
    (*probe)->rpc = rpc;
    (*probe)->readiness = readiness;
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
