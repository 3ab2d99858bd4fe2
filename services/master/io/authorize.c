/* Requests for a decision on a key: from the bus to the validators, and back.
 *
 * What a slave asks again while the validators still have it, is asked once: the second asker
 * stands beside the first one. What the cluster knows of the device is added as the answer leaves.
 */
#include "services/master/io/service.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"
#include "services/master/core/likeness.h"
#include "services/master/io/kept_verdicts.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* A slave's host key may change with its next start. */
#define SLAVE_VALID_MS 10000
/* In the place of a validator's name. */
#define SLAVES "slaves"
/* Who may wait for one answer; beyond that they ask another master. */
#define ASKERS_MAX 64u

/* Who waits for the answer. */
struct asker {
    struct asker *next;
    uint64_t arrived_us;
    char reply[]; /* "": nobody */
};

/* A question that the validators have. */
struct m4h_asking {
    UT_hash_handle hh;
    struct m4h_master *master;
    struct asker *askers;
    size_t asker_count;
    size_t likeness_len;
    uint8_t likeness[]; /* by which it is known */
};

/* ---- answers ---------------------------------------------------------------- */

static void log_denied(struct m4h_master *master, const struct m4h_authorize_request *request,
                       const struct m4h_authorize_reply *reply)
{
    char quoted[2 * M4H_DETAIL_MAX];
    uint32_t suppressed;

    if (m4h_log_limit_allows(&master->deny_log, m4h_loop_now_ms(master->loop), &suppressed))
        m4h_log(M4H_LOG_INFO, M4H_MASTER_LOG,
                "slave=%s peer=%s key=%s validator=%s reason=%s suppressed=%u key is refused",
                request->slave_id, request->remote_address, request->key_fingerprint,
                reply->validator[0] != '\0' ? reply->validator : "none",
                m4h_log_quote(quoted, sizeof(quoted), reply->detail), suppressed);
}

/* How long the slave may keep the answer: no longer than what it says lasts. */
static uint32_t valid_for_ms(const struct m4h_master *master,
                             const struct m4h_authorize_reply *reply)
{
    uint64_t valid_ms = (uint64_t)master->config->valid_for_ms, wall_ms = m4h_walltime_now_ms();

    if (reply->valid_for_ms != 0)
        valid_ms = reply->valid_for_ms;
    if (!reply->allowed && valid_ms > M4H_REFUSED_VALID_MS)
        valid_ms = M4H_REFUSED_VALID_MS;
    if (reply->expires_wall_ms != 0 && reply->expires_wall_ms < wall_ms + valid_ms)
        valid_ms = reply->expires_wall_ms > wall_ms ? reply->expires_wall_ms - wall_ms : 0;
    return (uint32_t)(valid_ms < UINT32_MAX ? valid_ms : UINT32_MAX);
}

/* Adds what is not the validator's to say. */
static void complete(struct m4h_master *master, struct m4h_authorize_reply *reply)
{
    m4h_text_copy(reply->master_id, sizeof(reply->master_id), master->config->id);
    reply->valid_for_ms = valid_for_ms(master, reply);
    if (reply->allowed && reply->client_key[0] != '\0')
        m4h_cluster_introduce(master->cluster, reply->client_key, m4h_loop_now_ms(master->loop),
                              reply);
}

static void answer(struct m4h_asking *asking, const struct m4h_authorize_reply *reply,
                   const struct m4h_problem *problem)
{
    struct m4h_master *master = asking->master;
    struct asker *asker, *next;

    LL_FOREACH_SAFE(asking->askers, asker, next)
    {
        m4h_master_answer_to(master, asker->reply[0] != '\0' ? asker->reply : NULL,
                             asker->arrived_us, M4H_MASTER_AUTHORIZE,
                             m4h_wire_authorize_reply_encode(reply, problem, &master->out));
        free(asker);
    }
    HASH_DEL(master->askings, asking);
    free(asking);
}

/* A validator knows the key, but its device or operator is not to be let in; or the key was banned
 * meanwhile.
 */
static void heed_ban(struct m4h_master *master, const struct m4h_authorize_request *request,
                     struct m4h_verdict *verdict)
{
    struct m4h_authorize_reply denial = {0};

    if (verdict->kind != M4H_VERDICT_ALLOW ||
        !m4h_master_is_banned(master, request->key_fingerprint,
                              m4h_authorize_reply_name(&verdict->reply), denial.detail))
        return;
    m4h_text_copy(denial.validator, sizeof(denial.validator), verdict->reply.validator);
    verdict->kind = M4H_VERDICT_DENY;
    verdict->reply = denial;
}

/* A slave that brings an operator to a device elsewhere says who it is with its host key. Slaves
 * tell of these themselves, so one that lies could name anybody's: what a validator knows as a
 * device's or an operator's stays theirs, and who is here is not another one because a validator
 * is away. Else no validator need know host keys, or be there. */
static void recognize_slave(struct m4h_master *master, const struct m4h_authorize_request *request,
                            struct m4h_verdict *verdict)
{
    const char *slave_id =
        m4h_cluster_find_host_key(master->cluster, request->public_key, request->public_key_len);
    uint32_t suppressed;

    if (slave_id == NULL || (verdict->kind == M4H_VERDICT_FAILED && request->recheck))
        return;
    if (verdict->kind != M4H_VERDICT_ALLOW) {
        *verdict = (struct m4h_verdict){.kind = M4H_VERDICT_ALLOW};
        verdict->reply.allowed = true;
        verdict->reply.valid_for_ms = SLAVE_VALID_MS;
        m4h_text_copy(verdict->reply.slave_id, sizeof(verdict->reply.slave_id), slave_id);
        m4h_text_copy(verdict->reply.validator, sizeof(verdict->reply.validator), SLAVES);
    } else if (m4h_log_limit_allows(&master->deny_log, m4h_loop_now_ms(master->loop),
                                    &suppressed)) {
        m4h_log(M4H_LOG_WARNING, M4H_MASTER_LOG,
                "slave=%s key=%s validator=%s suppressed=%u a slave calls somebody else's key its "
                "host key",
                slave_id, request->key_fingerprint, verdict->reply.validator, suppressed);
    }
}

static void on_answer(void *context, const struct m4h_authorize_request *request,
                      struct m4h_verdict *verdict)
{
    struct m4h_asking *asking = context;
    struct m4h_master *master = asking->master;
    struct m4h_problem problem = {0};

    recognize_slave(master, request, verdict);
    heed_ban(master, request, verdict);
    complete(master, &verdict->reply);
    switch (verdict->kind) {
    case M4H_VERDICT_ALLOW:
        master->counters.authorizations[M4H_AUTHORIZE_ALLOWED] += asking->asker_count;
        break;
    case M4H_VERDICT_FAILED:
        master->counters.authorizations[M4H_AUTHORIZE_UNAVAILABLE] += asking->asker_count;
        m4h_problem_set(&problem, M4H_PROBLEM_UNAVAILABLE, verdict->reply.detail);
        break;
    case M4H_VERDICT_DENY:
    case M4H_VERDICT_UNKNOWN:
        master->counters.authorizations[M4H_AUTHORIZE_DENIED] += asking->asker_count;
        if (verdict->reply.validator[0] == '\0') /* nobody knows it */
            m4h_master_enrol(master, request, &verdict->reply);
        log_denied(master, request, &verdict->reply);
        break;
    }
    answer(asking, &verdict->reply, &problem);
}

/* ---- questions --------------------------------------------------------------- */

static int add_asker(struct m4h_asking *asking, const struct m4h_bus_message *message)
{
    const char *reply = m4h_bus_is_request(message) ? message->reply : "";
    size_t size = strlen(reply) + 1;
    struct asker *asker;

    if (asking->asker_count == ASKERS_MAX)
        return M4H_EFULL;
    asker = malloc(sizeof(*asker) + size);
    if (asker == NULL)
        return M4H_ENOMEM;
    asker->arrived_us = message->arrived_us;
    memcpy(asker->reply, reply, size);
    LL_PREPEND(asking->askers, asker);
    asking->asker_count++;
    return 0;
}

static void forget(struct m4h_asking *asking)
{
    struct asker *asker, *next;

    HASH_DEL(asking->master->askings, asking);
    LL_FOREACH_SAFE(asking->askers, asker, next)
    {
        free(asker);
    }
    free(asking);
}

static int begin(struct m4h_master *master, const struct m4h_likeness *likeness,
                 struct m4h_asking **asking)
{
    if (HASH_COUNT(master->askings) >= (size_t)master->config->in_flight_max)
        return M4H_EFULL;
    *asking = calloc(1, sizeof(**asking) + likeness->len);
    if (*asking == NULL)
        return M4H_ENOMEM;
    (*asking)->master = master;
    (*asking)->likeness_len = likeness->len;
    memcpy((*asking)->likeness, likeness->bytes, likeness->len);
    HASH_ADD_KEYPTR(hh, master->askings, (*asking)->likeness, likeness->len, *asking);
    if ((*asking)->hh.tbl == NULL) {
        free(*asking);
        return M4H_ENOMEM;
    }
    return 0;
}

/* Asks the validators, or waits beside who has asked. An error: there will be no answer. */
static int authorize(struct m4h_master *master, const struct m4h_authorize_request *request,
                     const struct m4h_bus_message *message)
{
    struct m4h_likeness likeness;
    struct m4h_asking *asking;
    int error;

    m4h_likeness_of(&likeness, request,
                    M4H_LIKENESS_ADDRESS | M4H_LIKENESS_USERNAME | M4H_LIKENESS_SLAVE |
                        M4H_LIKENESS_RECHECK);
    /* Who asks because something is void is not answered with what was asked before that. */
    m4h_likeness_add_number(&likeness, m4h_revocations_changes(master->revocations));
    HASH_FIND(hh, master->askings, likeness.bytes, likeness.len, asking);
    if (asking != NULL)
        return add_asker(asking, message);
    error = begin(master, &likeness, &asking);
    if (error != 0)
        return error;
    error = add_asker(asking, message);
    if (error == 0)
        error = m4h_chain_ask(master->chain, request, on_answer, asking);
    if (error != 0)
        forget(asking);
    return error;
}

/* No validator is asked about a key that is banned. */
static bool refuse_banned(struct m4h_master *master, const struct m4h_authorize_request *request,
                          const struct m4h_bus_message *message)
{
    struct m4h_authorize_reply reply = {0};
    const struct m4h_problem none = {0};

    if (!m4h_master_is_banned(master, request->key_fingerprint, "", reply.detail))
        return false;
    complete(master, &reply);
    master->counters.authorizations[M4H_AUTHORIZE_DENIED]++;
    log_denied(master, request, &reply);
    m4h_master_answer(master, message, M4H_MASTER_AUTHORIZE,
                      m4h_wire_authorize_reply_encode(&reply, &none, &master->out));
    return true;
}

static void refuse(struct m4h_master *master, const struct m4h_bus_message *message,
                   enum m4h_authorize_result result, enum m4h_problem_code code, const char *detail)
{
    struct m4h_authorize_reply reply = {0};
    struct m4h_problem problem = {0};

    m4h_text_copy(reply.master_id, sizeof(reply.master_id), master->config->id);
    m4h_problem_set(&problem, code, detail);
    master->counters.authorizations[result]++;
    m4h_master_answer(master, message, M4H_MASTER_AUTHORIZE,
                      m4h_wire_authorize_reply_encode(&reply, &problem, &master->out));
}

void m4h_master_on_authorize(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_authorize_request request = {0};
    int error;

    if (m4h_wire_authorize_request_decode(message->data, message->len, &request) != 0) {
        refuse(master, message, M4H_AUTHORIZE_FAILED, M4H_PROBLEM_INVALID,
               "not an authorize request");
        return;
    }
    if (refuse_banned(master, &request, message))
        return;
    error = authorize(master, &request, message);
    if (error != 0)
        refuse(master, message, M4H_AUTHORIZE_UNAVAILABLE, M4H_PROBLEM_UNAVAILABLE,
               error == M4H_EFULL ? "too many keys are asked about" : m4h_error_text(error));
}

size_t m4h_master_askings(const struct m4h_master *master)
{
    return HASH_COUNT(master->askings);
}

void m4h_master_free_askings(struct m4h_master *master)
{
    struct m4h_asking *asking, *next;

    HASH_ITER(hh, master->askings, asking, next)
    {
        forget(asking);
    }
}
