/* Who may be here. A master is asked, also about a key that was allowed before:
 * only it knows the stamp of the connection that owns the client key now, on
 * whichever slave (see docs/adr/0003). The one exception is a key whose yes was
 * taken back a moment ago. Where no master answers in time, an allowing decision that is kept
 * carries on for a known device, and an unknown one is refused: a fleet survives
 * its masters. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"

#define HASH_NONFATAL_OOM 1
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

struct m4h_question {
    UT_hash_handle hh;
    uint64_t session_id;
    uint64_t request_id; /* on the bus */
    struct m4h_slave *slave;
    struct m4h_key_question *key; /* owned */
};

static void answer(struct m4h_slave *slave, uint64_t session_id, bool allowed,
                   const char *client_key)
{
    struct m4h_order order = {.kind = M4H_ORDER_JUDGED, .session_id = session_id};

    order.as.judged.allowed = allowed;
    m4h_text_copy(order.as.judged.client_key, sizeof(order.as.judged.client_key), client_key);
    m4h_slave_order(slave, &order);
}

static void deny(struct m4h_slave *slave, uint64_t session_id,
                 const struct m4h_key_question *question, enum m4h_refuse_reason reason,
                 const char *detail, const char *client_key)
{
    const struct m4h_authorize_request *request = &question->request;
    struct m4h_refuse refuse = {.reason = reason};

    m4h_ident_text_clean(refuse.detail, sizeof(refuse.detail), detail);
    m4h_text_copy(refuse.remote_address, sizeof(refuse.remote_address), request->remote_address);
    m4h_text_copy(refuse.key_fingerprint, sizeof(refuse.key_fingerprint), request->key_fingerprint);
    m4h_text_copy(refuse.client_key, sizeof(refuse.client_key), client_key);
    m4h_publisher_refuse(slave, &refuse);
    answer(slave, session_id, false, "");
}

static void admit(struct m4h_slave *slave, uint64_t session_id,
                  const struct m4h_key_question *question, const char *client_key,
                  uint64_t owner_stamp)
{
    const struct m4h_authorize_request *request = &question->request;
    struct m4h_tunnel tunnel = {0};
    struct m4h_resident *resident;

    m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), client_key);
    m4h_text_copy(tunnel.remote_address, sizeof(tunnel.remote_address), request->remote_address);
    m4h_text_copy(tunnel.key_fingerprint, sizeof(tunnel.key_fingerprint), request->key_fingerprint);
    m4h_text_copy(tunnel.client_version, sizeof(tunnel.client_version), question->client_version);
    if (m4h_roster_add(slave->roster, session_id, owner_stamp, &tunnel, &resident) != 0) {
        deny(slave, session_id, question, M4H_REFUSE_FULL, "out of memory", client_key);
        return;
    }
    answer(slave, session_id, true, client_key);
}

/* The decision is made; what is left is whether there is room. */
static void settle(struct m4h_slave *slave, uint64_t session_id,
                   const struct m4h_key_question *question, const struct m4h_decision *decision,
                   uint64_t owner_stamp)
{
    const char *client_key = decision->client_key;

    if (!decision->allowed)
        deny(slave, session_id, question, M4H_REFUSE_KEY_DENIED, decision->detail, "");
    else if (slave->state != M4H_SLAVE_READY)
        deny(slave, session_id, question, M4H_REFUSE_DRAINING, "the slave drains", client_key);
    else if (m4h_roster_count(slave->roster) >= slave->capacity &&
             m4h_roster_owner(slave->roster, client_key) == NULL)
        deny(slave, session_id, question, M4H_REFUSE_FULL, "the slave is full", client_key);
    else
        admit(slave, session_id, question, client_key, owner_stamp);
}

static void settle_without_master(struct m4h_slave *slave, uint64_t session_id,
                                  const struct m4h_key_question *question, const char *why)
{
    const struct m4h_decision *decision = m4h_decisions_find(
        slave->decisions, question->request.key_fingerprint, true, m4h_loop_now_ms(slave->loop));

    if (decision != NULL) {
        slave->counters.keys_stale++;
        settle(slave, session_id, question, decision, 0);
        return;
    }
    slave->counters.keys_unanswered++;
    deny(slave, session_id, question, M4H_REFUSE_NO_MASTER, why, "");
}

static void drop(struct m4h_slave *slave, struct m4h_question *question)
{
    HASH_DEL(slave->questions, question);
    free(question->key);
    free(question);
}

/* A refusal is kept only where it takes back what was allowed: strangers with ever
 * new keys must not push out the decisions that a fleet needs without a master. */
static void keep(struct m4h_slave *slave, const char *fingerprint,
                 const struct m4h_decision *decision, uint32_t valid_for_ms)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);

    if (decision->allowed ||
        m4h_decisions_find(slave->decisions, fingerprint, true, now_ms) != NULL)
        m4h_decisions_keep(slave->decisions, fingerprint, decision, valid_for_ms, now_ms);
}

static void settle_by_master(struct m4h_question *question, const struct m4h_authorize_reply *reply)
{
    struct m4h_slave *slave = question->slave;
    struct m4h_decision decision = {.allowed = reply->allowed};

    m4h_text_copy(decision.client_key, sizeof(decision.client_key), reply->client_key);
    m4h_text_copy(decision.detail, sizeof(decision.detail), reply->detail);
    keep(slave, question->key->request.key_fingerprint, &decision, reply->valid_for_ms);
    settle(slave, question->session_id, question->key, &decision, reply->owner_stamp);
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_question *question = context;
    struct m4h_authorize_reply reply;
    struct m4h_problem problem = {0};

    if (error == 0)
        error = m4h_wire_authorize_reply_decode(data, len, &reply, &problem);
    if (error != 0)
        settle_without_master(question->slave, question->session_id, question->key,
                              m4h_error_text(error));
    else if (problem.code != 0)
        settle_without_master(question->slave, question->session_id, question->key, problem.detail);
    else
        settle_by_master(question, &reply);
    drop(question->slave, question);
}

static int ask(struct m4h_slave *slave, struct m4h_question *question)
{
    int error;

    m4h_buffer_clear(&slave->message);
    error = m4h_wire_authorize_request_encode(&question->key->request, &slave->message);
    if (error != 0)
        return error;
    return m4h_bus_request(slave->bus, "mas4h.v1.rpc.authorize", slave->message.data,
                           slave->message.len, m4h_loop_now_ms(slave->loop),
                           (uint32_t)slave->config->authorize_timeout_ms, on_reply, question,
                           &question->request_id);
}

static void ask_master(struct m4h_slave *slave, uint64_t session_id, struct m4h_key_question *key)
{
    struct m4h_question *question = calloc(1, sizeof(*question));
    int error = M4H_ENOMEM;

    if (question != NULL) {
        question->session_id = session_id;
        question->slave = slave;
        question->key = key;
        error = ask(slave, question);
    }
    if (error != 0) {
        settle_without_master(slave, session_id, key, m4h_error_text(error));
        free(key);
        free(question);
        return;
    }
    slave->counters.keys_asked++;
    HASH_ADD(hh, slave->questions, session_id, sizeof(session_id), question);
    if (question->hh.tbl == NULL) {
        m4h_bus_cancel(slave->bus, question->request_id);
        answer(slave, session_id, false, "");
        free(key);
        free(question);
    }
}

void m4h_admission_judge(struct m4h_slave *slave, uint64_t session_id, struct m4h_key_question *key)
{
    const struct m4h_decision *decision = m4h_decisions_find(
        slave->decisions, key->request.key_fingerprint, false, m4h_loop_now_ms(slave->loop));

    if (decision != NULL && !decision->allowed) {
        slave->counters.keys_cached++;
        settle(slave, session_id, key, decision, 0);
        free(key);
    } else {
        ask_master(slave, session_id, key);
    }
}

void m4h_admission_forget(struct m4h_slave *slave, uint64_t session_id)
{
    struct m4h_question *question;

    HASH_FIND(hh, slave->questions, &session_id, sizeof(session_id), question);
    if (question == NULL)
        return;
    m4h_bus_cancel(slave->bus, question->request_id);
    drop(slave, question);
}

void m4h_admission_destroy(struct m4h_slave *slave)
{
    while (slave->questions != NULL)
        drop(slave, slave->questions);
}
