/* Who may be here. A master is asked (io/questions.c), also about a key that was allowed before:
 * only it knows the stamp of the connection that owns the client key now, on
 * whichever slave (see docs/adr/0003). The exceptions are a key that is banned, and one that was
 * denied a moment ago, and again. Where no master answers in time, an allowing decision that is
 * kept carries on for a known device, and an unknown one is refused: a fleet survives its
 * masters. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Devices of one client key at once that are known and have not asked for a port: one,
 * and one whose end was not noticed yet. */
#define KNOWN_MAX 2u

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

/* A visitor's. */
static void welcome(struct m4h_slave *slave, uint64_t session_id, const char *name,
                    enum m4h_role role)
{
    struct m4h_order order = {.kind = M4H_ORDER_JUDGED, .session_id = session_id};

    order.as.judged.allowed = true;
    order.as.judged.role = role;
    m4h_text_copy(order.as.judged.client_key, sizeof(order.as.judged.client_key), name);
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
                 const struct m4h_authorize_reply *reply, bool without_master)
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
    resident->fixed_port = reply->fixed_port;
    resident->without_master = without_master;
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
                  const struct m4h_key_question *question, const struct m4h_authorize_reply *reply,
                  const struct m4h_basis *basis)
{
    struct m4h_device_limits *limits = NULL;
    const struct m4h_authorize_request *request = &question->request;
    struct m4h_tunnel tunnel = {0};

    make_room(slave, reply->client_key);
    m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), reply->client_key);
    m4h_text_copy(tunnel.remote_address, sizeof(tunnel.remote_address), request->remote_address);
    m4h_text_copy(tunnel.key_fingerprint, sizeof(tunnel.key_fingerprint), request->key_fingerprint);
    m4h_text_copy(tunnel.client_version, sizeof(tunnel.client_version), question->client_version);
    m4h_text_copy(tunnel.labels, sizeof(tunnel.labels), reply->labels);
    if (m4h_device_limits_are_any(&reply->limits)) {
        limits = malloc(sizeof(*limits));
        if (limits != NULL)
            *limits = reply->limits;
    }
    if ((limits == NULL && m4h_device_limits_are_any(&reply->limits)) ||
        m4h_rechecks_enter(slave, session_id, question, reply, basis) != 0 ||
        enter(slave, session_id, &tunnel, reply, basis->without_master) != 0) {
        m4h_rechecks_leave(slave, session_id);
        free(limits);
        deny(slave, session_id, question, M4H_REFUSE_FULL, "out of memory", reply->client_key);
        return;
    }
    answer_yes(slave, session_id, reply->client_key, limits);
}

/* An operator, or another slave: it takes no place of a device. */
static void admit_visitor(struct m4h_slave *slave, uint64_t session_id,
                          const struct m4h_key_question *question,
                          const struct m4h_authorize_reply *reply, const struct m4h_basis *basis)
{
    bool is_hop = reply->slave_id[0] != '\0';
    const char *name = is_hop ? reply->slave_id : reply->operator_.name;
    const char *why_not = "out of memory";

    if (m4h_rechecks_enter(slave, session_id, question, reply, basis) == 0)
        why_not = m4h_visits_admit(slave, session_id, &question->request, reply);
    if (why_not == NULL) {
        welcome(slave, session_id, name, is_hop ? M4H_ROLE_HOP : M4H_ROLE_OPERATOR);
    } else {
        m4h_rechecks_leave(slave, session_id);
        deny(slave, session_id, question, M4H_REFUSE_FULL, why_not, name);
    }
}

/* Whether a revocation is against a decision, one that came while a master was asked, say. */
static bool is_void(const struct m4h_slave *slave, const char *key_fingerprint, const char *name,
                    const struct m4h_basis *basis, char detail[M4H_DETAIL_MAX + 1])
{
    enum m4h_revocations_verdict verdict;
    char text[M4H_DETAIL_MAX + 16];
    struct m4h_revoke by;

    verdict = m4h_revocations_judge(slave->revocations, key_fingerprint, name, basis->stamp,
                                    basis->seen, &by);
    if (verdict < M4H_REVOCATIONS_VOID)
        return verdict == M4H_REVOCATIONS_UNSURE && basis->without_master;
    snprintf(text, sizeof(text), "%s%s%s", verdict == M4H_REVOCATIONS_BANNED ? "banned" : "revoked",
             by.reason[0] != '\0' ? ": " : "", by.reason);
    m4h_ident_text_clean(detail, M4H_DETAIL_MAX + 1, text);
    return true;
}

/* The decision is made; what is left is whether it holds, and whether there is room. */
static void settle(struct m4h_slave *slave, uint64_t session_id,
                   const struct m4h_key_question *question, const struct m4h_authorize_reply *reply,
                   const struct m4h_basis *basis)
{
    const char *client_key = reply->client_key;
    char detail[M4H_DETAIL_MAX + 1] = "revoked";

    if (!reply->allowed)
        deny(slave, session_id, question, M4H_REFUSE_KEY_DENIED, reply->detail, "");
    else if (is_void(slave, question->request.key_fingerprint, m4h_authorize_reply_name(reply),
                     basis, detail))
        deny(slave, session_id, question, M4H_REFUSE_KEY_DENIED, detail, client_key);
    else if (slave->state != M4H_SLAVE_READY)
        deny(slave, session_id, question, M4H_REFUSE_DRAINING, "the slave drains", client_key);
    else if (m4h_visitors_are_meant(reply) && !slave->config->operators_enabled)
        deny(slave, session_id, question, M4H_REFUSE_KEY_DENIED, "operators are not let in here",
             "");
    else if (m4h_visitors_are_meant(reply))
        admit_visitor(slave, session_id, question, reply, basis);
    else if (is_full(slave) && m4h_roster_owner(slave->roster, client_key) == NULL)
        deny(slave, session_id, question, M4H_REFUSE_FULL, "the slave is full", client_key);
    else
        admit(slave, session_id, question, reply, basis);
}

/* By what a master said earlier; what it said of the cluster then is no news any more. False: it
 * has come to its end. */
static bool settle_by_decision(struct m4h_slave *slave, uint64_t session_id,
                               const struct m4h_key_question *question,
                               const struct m4h_decision *decision)
{
    const struct m4h_basis basis = {decision->stamp, decision->seen, true};
    struct m4h_authorize_reply reply;
    struct m4h_problem problem;

    if (m4h_wire_authorize_reply_decode(decision->answer, decision->answer_len, &reply, &problem) !=
            0 ||
        (reply.expires_wall_ms != 0 && reply.expires_wall_ms <= m4h_walltime_now_ms()))
        return false;
    reply.owner_stamp = 0;
    reply.last_port = 0;
    reply.evictions = 0;
    reply.evicted_ago_ms = 0;
    settle(slave, session_id, question, &reply, &basis);
    return true;
}

void m4h_admission_unanswered(struct m4h_slave *slave, uint64_t session_id,
                              const struct m4h_key_question *question, const char *why)
{
    const struct m4h_decision *decision = m4h_decisions_find(
        slave->decisions, question->request.key_fingerprint, true, m4h_loop_now_ms(slave->loop));

    if (decision != NULL && settle_by_decision(slave, session_id, question, decision)) {
        slave->counters.keys_stale++;
        return;
    }
    slave->counters.keys_unanswered++;
    deny(slave, session_id, question, M4H_REFUSE_NO_MASTER, why, "");
}

/* A refusal is kept only where it takes back what was allowed: strangers with ever
 * new keys must not push out the decisions that a fleet needs without a master. That a key is
 * another slave's is not kept: it finds no device without a master, so who comes then is somebody
 * else. */
void m4h_admission_remember(struct m4h_slave *slave, const struct m4h_key_question *question,
                            const struct m4h_authorize_reply *reply)
{
    const char *fingerprint = question->request.key_fingerprint;
    const struct m4h_problem none = {0};
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    struct m4h_decision decision = {
        .allowed = reply->allowed, .stamp = question->asked_stamp, .seen = question->asked_seen};

    if (reply->slave_id[0] != '\0') {
        m4h_decisions_forget(slave->decisions, "", fingerprint);
        return;
    }
    if (!reply->allowed)
        m4h_denials_note(slave->denials, fingerprint, reply->detail, reply->valid_for_ms, now_ms);
    if (!reply->allowed && m4h_decisions_find(slave->decisions, fingerprint, true, now_ms) == NULL)
        return;
    m4h_buffer_clear(&slave->message);
    if (m4h_wire_authorize_reply_encode(reply, &none, &slave->message) != 0) {
        m4h_decisions_forget(slave->decisions, "", fingerprint);
        return;
    }
    decision.answer = slave->message.data;
    decision.answer_len = slave->message.len;
    m4h_text_copy(decision.client_key, sizeof(decision.client_key), reply->client_key);
    m4h_decisions_keep(slave->decisions, fingerprint, &decision, reply->valid_for_ms, now_ms);
}

void m4h_admission_answered(struct m4h_slave *slave, uint64_t session_id,
                            const struct m4h_key_question *question,
                            const struct m4h_authorize_reply *reply)
{
    const struct m4h_basis basis = {question->asked_stamp, question->asked_seen, false};

    /* So that what this slave stamps without a master is later, too. */
    m4h_stamp_see(&slave->clock, m4h_walltime_now_ms(), reply->owner_stamp);
    m4h_admission_remember(slave, question, reply);
    settle(slave, session_id, question, reply, &basis);
}

/* A key that need not be asked about: it is banned, or was denied a moment ago. */
static bool is_known_to_be_denied(const struct m4h_slave *slave, const char *fingerprint,
                                  char detail[M4H_DETAIL_MAX + 1])
{
    const struct m4h_basis now = {UINT64_MAX, UINT64_MAX, false};
    const char *denied =
        m4h_denials_find(slave->denials, fingerprint, m4h_loop_now_ms(slave->loop));

    if (denied != NULL)
        m4h_text_copy(detail, M4H_DETAIL_MAX + 1, denied);
    return denied != NULL || is_void(slave, fingerprint, "", &now, detail);
}

void m4h_admission_judge(struct m4h_slave *slave, uint64_t session_id, struct m4h_key_question *key)
{
    char detail[M4H_DETAIL_MAX + 1];

    if (!is_known_to_be_denied(slave, key->request.key_fingerprint, detail)) {
        m4h_questions_ask(slave, session_id, key);
        return;
    }
    slave->counters.keys_cached++;
    deny(slave, session_id, key, M4H_REFUSE_KEY_DENIED, detail, "");
    free(key);
}
