/* Who may be here. A master is asked, also about a key that was allowed before:
 * only it knows the stamp of the connection that owns the client key now, on
 * whichever slave (see docs/adr/0003). The one exception is a key whose yes was
 * taken back a moment ago. Where no master answers in time, an allowing decision that is kept
 * carries on for a known device, and an unknown one is refused: a fleet survives
 * its masters. While the slave's own link to the bus is down, the question of an
 * unknown one waits for it, as long as an answer might take. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

#define HASH_NONFATAL_OOM 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Questions that wait for the bus are looked at so often. */
#define WAIT_LOOK_MS 50u

/* Devices of one client key at once that are known and have not asked for a port: one,
 * and one whose end was not noticed yet. */
#define KNOWN_MAX 2u

struct m4h_question {
    UT_hash_handle hh;
    uint64_t session_id;
    uint64_t request_id; /* on the bus, unless it waits */
    uint64_t until_ms;   /* then it is settled without a master */
    bool waiting;        /* for the bus */
    struct m4h_slave *slave;
    struct m4h_key_question *key; /* owned */
};

static void answer_no(struct m4h_slave *slave, uint64_t session_id)
{
    m4h_slave_order(slave, &(struct m4h_order){.kind = M4H_ORDER_JUDGED, .session_id = session_id});
}

/* It need not try another key: what stands against it is not its key. */
static void send_away(struct m4h_slave *slave, uint64_t session_id, enum m4h_refuse_reason reason)
{
    m4h_slave_order(slave, &(struct m4h_order){.kind = M4H_ORDER_REFUSED,
                                               .session_id = session_id,
                                               .as.refused = reason});
}

/* Owns `limits`. */
static void answer_yes(struct m4h_slave *slave, uint64_t session_id, const char *client_key,
                       struct m4h_device_limits *limits)
{
    struct m4h_order order = {.kind = M4H_ORDER_JUDGED, .session_id = session_id};

    order.as.judged.allowed = true;
    order.as.judged.limits = limits;
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
    if (reason == M4H_REFUSE_KEY_DENIED)
        answer_no(slave, session_id);
    else
        send_away(slave, session_id, reason);
}

/* Enters the device with all that a master said of it. M4H_ENOMEM, M4H_EEXIST. */
static int enter(struct m4h_slave *slave, uint64_t session_id, const struct m4h_tunnel *tunnel,
                 const struct m4h_authorize_reply *reply)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint8_t count = reply->limits.port_range_count;
    struct m4h_port_range *ports = NULL;
    struct m4h_resident *resident;
    int error;

    if (count > 0 && (ports = calloc(count, sizeof(*ports))) == NULL)
        return M4H_ENOMEM;
    error = m4h_roster_add(slave->roster, session_id, reply->owner_stamp, tunnel, &resident);
    if (error != 0) {
        free(ports);
        return error;
    }
    if (ports != NULL)
        memcpy(ports, reply->limits.ports, count * sizeof(*ports));
    resident->ports = ports;
    resident->port_range_count = count;
    resident->last_port = reply->last_port;
    resident->evictions = reply->evictions;
    resident->evicted_ms = now_ms > reply->evicted_ago_ms ? now_ms - reply->evicted_ago_ms : 0;
    return 0;
}

static bool is_full(const struct m4h_slave *slave)
{
    return m4h_roster_count(slave->roster) >= slave->capacity;
}

/* Before a newcomer enters: the ones that have waited longest of its client key go,
 * so that one key cannot fill the slave. A full one lends each owner's key one place. */
static void make_room(struct m4h_slave *slave, const char *client_key)
{
    uint32_t others_max = is_full(slave) ? 0 : KNOWN_MAX - 1;
    struct m4h_resident *oldest;

    while ((oldest = m4h_roster_surplus(slave->roster, client_key, others_max)) != NULL)
        m4h_tunnels_close(slave, oldest, M4H_DISCONNECT_REPLACED);
}

static void admit(struct m4h_slave *slave, uint64_t session_id,
                  const struct m4h_key_question *question, const struct m4h_authorize_reply *reply)
{
    struct m4h_device_limits *limits = NULL;
    const struct m4h_authorize_request *request = &question->request;
    struct m4h_tunnel tunnel = {0};

    make_room(slave, reply->client_key);
    m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), reply->client_key);
    m4h_text_copy(tunnel.remote_address, sizeof(tunnel.remote_address), request->remote_address);
    m4h_text_copy(tunnel.key_fingerprint, sizeof(tunnel.key_fingerprint), request->key_fingerprint);
    m4h_text_copy(tunnel.client_version, sizeof(tunnel.client_version), question->client_version);
    if (m4h_device_limits_are_any(&reply->limits)) {
        limits = malloc(sizeof(*limits));
        if (limits != NULL)
            *limits = reply->limits;
    }
    if ((limits == NULL && m4h_device_limits_are_any(&reply->limits)) ||
        enter(slave, session_id, &tunnel, reply) != 0) {
        free(limits);
        deny(slave, session_id, question, M4H_REFUSE_FULL, "out of memory", reply->client_key);
        return;
    }
    answer_yes(slave, session_id, reply->client_key, limits);
}

/* The decision is made; what is left is whether there is room. */
static void settle(struct m4h_slave *slave, uint64_t session_id,
                   const struct m4h_key_question *question, const struct m4h_authorize_reply *reply)
{
    const char *client_key = reply->client_key;

    if (!reply->allowed)
        deny(slave, session_id, question, M4H_REFUSE_KEY_DENIED, reply->detail, "");
    else if (slave->state != M4H_SLAVE_READY)
        deny(slave, session_id, question, M4H_REFUSE_DRAINING, "the slave drains", client_key);
    else if (is_full(slave) && m4h_roster_owner(slave->roster, client_key) == NULL)
        deny(slave, session_id, question, M4H_REFUSE_FULL, "the slave is full", client_key);
    else
        admit(slave, session_id, question, reply);
}

/* By what a master said earlier. */
static void settle_by_decision(struct m4h_slave *slave, uint64_t session_id,
                               const struct m4h_key_question *question,
                               const struct m4h_decision *decision)
{
    struct m4h_authorize_reply reply = {.allowed = decision->allowed};

    m4h_text_copy(reply.client_key, sizeof(reply.client_key), decision->client_key);
    m4h_text_copy(reply.detail, sizeof(reply.detail), decision->detail);
    if (decision->limits != NULL)
        reply.limits = *decision->limits;
    settle(slave, session_id, question, &reply);
}

static void settle_without_master(struct m4h_slave *slave, uint64_t session_id,
                                  const struct m4h_key_question *question, const char *why)
{
    const struct m4h_decision *decision = m4h_decisions_find(
        slave->decisions, question->request.key_fingerprint, true, m4h_loop_now_ms(slave->loop));

    if (decision != NULL) {
        slave->counters.keys_stale++;
        settle_by_decision(slave, session_id, question, decision);
        return;
    }
    slave->counters.keys_unanswered++;
    deny(slave, session_id, question, M4H_REFUSE_NO_MASTER, why, "");
}

/* ---- questions on their way ---------------------------------------------------- */

/* Whether somebody may answer in time: the bus is away, or it is back before a master
 * is. Who is known need not wait for that. */
static bool should_wait(const struct m4h_question *question, int error)
{
    const struct m4h_slave *slave = question->slave;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);

    return (error == M4H_EUNAVAILABLE || !m4h_bus_is_connected(slave->bus)) &&
           now_ms < question->until_ms &&
           m4h_decisions_find(slave->decisions, question->key->request.key_fingerprint, true,
                              now_ms) == NULL;
}

static void wait_a_little(struct m4h_question *question)
{
    struct m4h_slave *slave = question->slave;

    question->waiting = true;
    if (slave->waiting_questions++ == 0)
        m4h_timer_start(slave->question_timer, WAIT_LOOK_MS, WAIT_LOOK_MS);
}

static void stop_waiting(struct m4h_question *question)
{
    struct m4h_slave *slave = question->slave;

    if (question->waiting && --slave->waiting_questions == 0)
        m4h_timer_stop(slave->question_timer);
    question->waiting = false;
}

static void drop(struct m4h_slave *slave, struct m4h_question *question)
{
    stop_waiting(question);
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

    /* So that what this slave stamps without a master is later, too. */
    m4h_stamp_see(&slave->clock, m4h_walltime_now_ms(), reply->owner_stamp);
    m4h_text_copy(decision.client_key, sizeof(decision.client_key), reply->client_key);
    m4h_text_copy(decision.detail, sizeof(decision.detail), reply->detail);
    if (m4h_device_limits_are_any(&reply->limits))
        decision.limits = &reply->limits;
    keep(slave, question->key->request.key_fingerprint, &decision, reply->valid_for_ms);
    settle(slave, question->session_id, question->key, reply);
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_question *question = context;
    struct m4h_authorize_reply reply;
    struct m4h_problem problem = {0};

    if (error != 0 && should_wait(question, error)) {
        wait_a_little(question);
        return;
    }
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
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    int error;

    m4h_buffer_clear(&slave->message);
    error = m4h_wire_authorize_request_encode(&question->key->request, &slave->message);
    if (error != 0)
        return error;
    return m4h_bus_request(slave->bus, "mas4h.v1.rpc.authorize", slave->message.data,
                           slave->message.len, now_ms, (uint32_t)(question->until_ms - now_ms),
                           on_reply, question, &question->request_id);
}

static void ask_or_wait(struct m4h_question *question)
{
    struct m4h_slave *slave = question->slave;
    int error = ask(slave, question);

    if (error == 0) {
        slave->counters.keys_asked++;
    } else if (should_wait(question, error)) {
        wait_a_little(question);
    } else {
        settle_without_master(slave, question->session_id, question->key, m4h_error_text(error));
        drop(slave, question);
    }
}

static void end_waiting(struct m4h_question *question)
{
    struct m4h_slave *slave = question->slave;

    settle_without_master(slave, question->session_id, question->key,
                          m4h_error_text(M4H_EUNAVAILABLE));
    drop(slave, question);
}

/* Asks again for those that wait, where the bus is there, and ends those whose time is up. */
static void on_wait_look(void *context)
{
    struct m4h_slave *slave = context;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    struct m4h_question *question, *next;

    HASH_ITER(hh, slave->questions, question, next)
    {
        if (!question->waiting)
            continue;
        if (now_ms >= question->until_ms) {
            end_waiting(question);
        } else if (m4h_bus_is_connected(slave->bus)) {
            stop_waiting(question);
            ask_or_wait(question);
        }
    }
}

void m4h_admission_resume(struct m4h_slave *slave)
{
    if (slave->waiting_questions > 0)
        on_wait_look(slave);
}

int m4h_admission_create(struct m4h_slave *slave)
{
    return m4h_timer_create(&slave->question_timer, slave->loop, on_wait_look, slave);
}

/* Owns `key`. NULL: no memory. */
static struct m4h_question *add_question(struct m4h_slave *slave, uint64_t session_id,
                                         struct m4h_key_question *key)
{
    struct m4h_question *question = calloc(1, sizeof(*question));

    if (question == NULL)
        return NULL;
    question->session_id = session_id;
    question->slave = slave;
    question->key = key;
    question->until_ms =
        m4h_loop_now_ms(slave->loop) + (uint64_t)slave->config->authorize_timeout_ms;
    HASH_ADD(hh, slave->questions, session_id, sizeof(session_id), question);
    if (question->hh.tbl == NULL) {
        free(question);
        return NULL;
    }
    return question;
}

static void ask_master(struct m4h_slave *slave, uint64_t session_id, struct m4h_key_question *key)
{
    struct m4h_question *question = add_question(slave, session_id, key);

    if (question == NULL) {
        settle_without_master(slave, session_id, key, m4h_error_text(M4H_ENOMEM));
        free(key);
        return;
    }
    ask_or_wait(question);
}

void m4h_admission_judge(struct m4h_slave *slave, uint64_t session_id, struct m4h_key_question *key)
{
    const struct m4h_decision *decision = m4h_decisions_find(
        slave->decisions, key->request.key_fingerprint, false, m4h_loop_now_ms(slave->loop));

    if (decision != NULL && !decision->allowed) {
        slave->counters.keys_cached++;
        settle_by_decision(slave, session_id, key, decision);
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
    if (!question->waiting)
        m4h_bus_cancel(slave->bus, question->request_id);
    drop(slave, question);
}

void m4h_admission_destroy(struct m4h_slave *slave)
{
    while (slave->questions != NULL)
        drop(slave, slave->questions);
}
