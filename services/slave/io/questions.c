/* Questions to masters about keys, on their way.
 *
 * A question goes to one of the masters that say hello, and to another one when that does not
 * answer (lib/base/known_masters.h); where none says hello, to their queue group, and so does one
 * in ten, whose answers tell which masters are near. All its tries share one deadline. While the
 * slave's own link to the bus is down, or nobody listens there yet, the question of a device that
 * is not known waits for it, as long as an answer might take. At the end admission.c is told what a
 * master said, or that none did. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/base/latency.h"
#include "lib/base/log.h"
#include "lib/base/tries.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

#define HASH_NONFATAL_OOM 1
#include <stdlib.h>
#include <uthash.h>

#define AUTHORIZE "mas4h.v1.rpc.authorize"

/* Questions that wait for the bus are looked at so often. */
#define WAIT_LOOK_MS 50u

/* What the queue group may take, on top of validators that take their time. */
#define GROUP_PATIENCE_MS 250u

struct m4h_question {
    UT_hash_handle hh;
    uint64_t session_id;
    uint64_t request_id; /* on the bus, unless it waits */
    struct m4h_tries tries;
    uint64_t began_us;           /* of m4h_latency_clock_us */
    bool waiting;                /* for the bus */
    char master[M4H_ID_MAX + 1]; /* that has it; empty: any of the queue group */
    uint64_t asked_ms;           /* since when */
    uint32_t validators_ms;      /* what its validators may take */
    struct m4h_slave *slave;
    struct m4h_key_question *key; /* owned */
    bool is_recheck;              /* its session is here already */
};

/* ---- waiting ------------------------------------------------------------------------ */

/* Whether somebody may answer in time: the bus is away, or it is back before a master
 * is. Who is known need not wait for that. */
static bool should_wait(const struct m4h_question *question, int error)
{
    const struct m4h_slave *slave = question->slave;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);

    return !question->is_recheck &&
           (error == M4H_EUNAVAILABLE || !m4h_bus_is_connected(slave->bus)) &&
           now_ms < question->tries.deadline_ms &&
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

/* Nobody waits for its answer any more. */
static void drop(struct m4h_slave *slave, struct m4h_question *question)
{
    stop_waiting(question);
    HASH_DEL(slave->questions, question);
    free(question->key);
    free(question);
}

/* It has been answered, or will not be. */
static void conclude(struct m4h_question *question, bool answered)
{
    struct m4h_slave *slave = question->slave;

    m4h_latency_add(answered ? &slave->keys_answered : &slave->keys_unanswered, question->began_us);
    drop(slave, question);
}

static void tell_unanswered(const struct m4h_question *question, const char *why)
{
    if (question->is_recheck)
        m4h_rechecks_unanswered(question->slave, question->session_id);
    else
        m4h_admission_unanswered(question->slave, question->session_id, question->key, why);
}

static void tell_answered(const struct m4h_question *question,
                          const struct m4h_authorize_reply *reply)
{
    if (question->is_recheck)
        m4h_rechecks_answered(question->slave, question->session_id, question->key, reply);
    else
        m4h_admission_answered(question->slave, question->session_id, question->key, reply);
}

/* ---- tries --------------------------------------------------------------------------- */

/* How long the master had it; what validators may take says nothing of how far away it is. */
static uint64_t answered_within_ms(const struct m4h_question *question, uint64_t now_ms)
{
    return question->validators_ms > 0 ? UINT64_MAX : now_ms - question->asked_ms;
}

/* How long it was silent beyond what its validators may take. */
static uint64_t silent_for_ms(const struct m4h_question *question, uint64_t now_ms)
{
    uint64_t took_ms = now_ms - question->asked_ms;

    return took_ms > question->validators_ms ? took_ms - question->validators_ms : 0;
}

/* What the end of a try says of the master that had it: `answered_by`, or empty. `is_unable`: it
 * said itself that it cannot tell. */
static void judge_master(struct m4h_question *question, int error, bool is_unable,
                         const char *answered_by)
{
    struct m4h_slave *slave = question->slave;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);

    if (!m4h_bus_is_connected(slave->bus))
        return;
    if (is_unable) {
        m4h_known_masters_unable(
            &slave->masters, question->master[0] != '\0' ? question->master : answered_by, now_ms);
        return;
    }
    if (question->master[0] == '\0') {
        if (error == 0)
            m4h_known_masters_near(&slave->masters, answered_by, now_ms);
        return;
    }
    if (error == 0)
        m4h_known_masters_answered(&slave->masters, question->master,
                                   answered_within_ms(question, now_ms));
    else if (m4h_known_masters_failed(
                 &slave->masters, question->master,
                 error == M4H_ETIMEOUT ? silent_for_ms(question, now_ms) : UINT64_MAX, now_ms))
        m4h_log(M4H_LOG_WARNING, "slave", "master=%s reason=\"%s\" others are asked",
                question->master, m4h_error_text(error));
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len);

/* Any of the queue group may get it. Where validators take their time, nobody is asked before that
 * is over. */
static uint32_t patience_with_group(const struct m4h_slave *slave)
{
    uint32_t validators_ms = m4h_known_masters_validators_ms(&slave->masters, NULL);

    return validators_ms > 0 ? validators_ms + GROUP_PATIENCE_MS : UINT32_MAX;
}

/* Names the master that is asked, or nobody. Returns the subject. */
static const char *address(struct m4h_question *question, uint64_t now_ms, uint32_t *patience_ms,
                           char direct[M4H_KNOWN_MASTERS_SUBJECT_MAX])
{
    struct m4h_slave *slave = question->slave;
    const char *id = NULL;

    question->master[0] = '\0';
    question->asked_ms = now_ms;
    question->validators_ms = 0;
    if (question->tries.made > 0 || !m4h_known_masters_ask_group(&slave->masters, now_ms))
        id = m4h_known_masters_choose(&slave->masters, now_ms, slave->next_choice++, patience_ms);
    if (id == NULL || !m4h_known_masters_subject(direct, AUTHORIZE, id)) {
        *patience_ms = patience_with_group(slave);
        return AUTHORIZE;
    }
    m4h_text_copy(question->master, sizeof(question->master), id);
    question->validators_ms = m4h_known_masters_validators_ms(&slave->masters, id);
    if (*patience_ms != UINT32_MAX)
        *patience_ms += question->validators_ms;
    return direct;
}

static int ask(struct m4h_question *question)
{
    struct m4h_slave *slave = question->slave;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    char direct[M4H_KNOWN_MASTERS_SUBJECT_MAX];
    uint32_t patience_ms, timeout_ms;
    const char *subject = address(question, now_ms, &patience_ms, direct);
    int error;

    timeout_ms = m4h_tries_next(&question->tries, now_ms, patience_ms);
    if (timeout_ms == 0)
        return M4H_ETIMEOUT;
    question->key->asked_stamp = m4h_stamp_next(&slave->clock, m4h_walltime_now_ms(), 0);
    question->key->asked_seen = m4h_revocations_changes(slave->revocations);
    m4h_buffer_clear(&slave->message);
    error = m4h_wire_authorize_request_encode(&question->key->request, &slave->message);
    if (error != 0)
        return error;
    return m4h_bus_request(slave->bus, subject, slave->message.data, slave->message.len, now_ms,
                           timeout_ms, on_reply, question, &question->request_id);
}

/* True: another master has the question now. One that did not answer, or cannot tell, is left
 * alone, so it is not asked at once again; where nobody was there, somebody must be known to be. */
static bool ask_another(struct m4h_question *question, int error)
{
    struct m4h_slave *slave = question->slave;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint32_t pause_ms;

    if (!m4h_bus_is_connected(slave->bus) ||
        !m4h_tries_again(&question->tries, error, now_ms, 0, &pause_ms))
        return false;
    if (error == M4H_EUNAVAILABLE && !m4h_known_masters_any_able(&slave->masters, now_ms))
        return false;
    if (ask(question) != 0)
        return false;
    slave->counters.keys_repeated++;
    return true;
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_question *question = context;
    struct m4h_authorize_reply reply = {0};
    struct m4h_problem problem = {0};
    bool is_unable;

    if (error == 0)
        error = m4h_wire_authorize_reply_decode(data, len, &reply, &problem);
    is_unable = error == 0 && problem.code == M4H_PROBLEM_UNAVAILABLE;
    if (is_unable)
        error = M4H_EUNAVAILABLE; /* this one cannot; another one may */
    judge_master(question, error, is_unable, reply.master_id);
    if (error != 0 && ask_another(question, error))
        return;
    if (error != 0 && problem.code == 0 && should_wait(question, error)) {
        wait_a_little(question);
        return;
    }
    if (problem.code != 0)
        tell_unanswered(question, problem.detail);
    else if (error != 0)
        tell_unanswered(question, m4h_error_text(error));
    else
        tell_answered(question, &reply);
    conclude(question, error == 0 && problem.code == 0);
}

static void ask_or_wait(struct m4h_question *question)
{
    struct m4h_slave *slave = question->slave;
    int error = ask(question);

    if (error == 0) {
        slave->counters.keys_asked += !question->is_recheck;
    } else if (should_wait(question, error)) {
        wait_a_little(question);
    } else {
        tell_unanswered(question, m4h_error_text(error));
        conclude(question, false);
    }
}

static void end_waiting(struct m4h_question *question)
{
    tell_unanswered(question, m4h_error_text(M4H_EUNAVAILABLE));
    conclude(question, false);
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
        if (now_ms >= question->tries.deadline_ms) {
            end_waiting(question);
        } else if (m4h_bus_is_connected(slave->bus)) {
            stop_waiting(question);
            ask_or_wait(question);
        }
    }
}

void m4h_questions_resume(struct m4h_slave *slave)
{
    if (slave->waiting_questions > 0)
        on_wait_look(slave);
}

void m4h_questions_on_hello(void *context, const struct m4h_bus_message *message)
{
    struct m4h_slave *slave = context;
    struct m4h_master_hello hello;

    if (m4h_wire_hello_decode(message->data, message->len, &hello) != 0)
        return;
    m4h_known_masters_heard(&slave->masters, &hello, m4h_loop_now_ms(slave->loop));
    m4h_revocations_io_heard(slave, &hello);
}

int m4h_questions_create(struct m4h_slave *slave)
{
    m4h_latency_init(&slave->keys_answered);
    m4h_latency_init(&slave->keys_unanswered);
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
    question->began_us = m4h_latency_clock_us();
    m4h_tries_begin(&question->tries, m4h_loop_now_ms(slave->loop),
                    (uint32_t)slave->config->authorize_timeout_ms, true);
    HASH_ADD(hh, slave->questions, session_id, sizeof(session_id), question);
    if (question->hh.tbl == NULL) {
        free(question);
        return NULL;
    }
    return question;
}

void m4h_questions_ask(struct m4h_slave *slave, uint64_t session_id, struct m4h_key_question *key)
{
    struct m4h_question *question = add_question(slave, session_id, key);

    if (question == NULL) {
        m4h_admission_unanswered(slave, session_id, key, m4h_error_text(M4H_ENOMEM));
        free(key);
        return;
    }
    ask_or_wait(question);
}

void m4h_questions_recheck(struct m4h_slave *slave, uint64_t session_id,
                           struct m4h_key_question *key)
{
    struct m4h_question *question = add_question(slave, session_id, key);

    if (question == NULL) {
        free(key);
        m4h_rechecks_unanswered(slave, session_id);
        return;
    }
    question->is_recheck = true;
    ask_or_wait(question);
}

void m4h_questions_forget(struct m4h_slave *slave, uint64_t session_id)
{
    struct m4h_question *question;

    HASH_FIND(hh, slave->questions, &session_id, sizeof(session_id), question);
    if (question == NULL)
        return;
    if (!question->waiting)
        m4h_bus_cancel(slave->bus, question->request_id);
    drop(slave, question);
}

void m4h_questions_destroy(struct m4h_slave *slave)
{
    while (slave->questions != NULL)
        drop(slave, slave->questions);
}
