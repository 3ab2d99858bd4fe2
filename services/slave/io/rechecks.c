/* Whether those who are here may still be: a master is asked again about their keys, now and then,
 * when the decision ends, when it may have been taken back, and after NATS was away for long. What
 * falls is cut with the reason `revoked`. A no counts when it was said twice, as the files of
 * masters change one after another: who was let in by one may not be known to the next one yet. The
 * pace is bounded, so that a full slave does not fill its masters with questions. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LOOK_MS 100u
/* NATS was away for so long that revocations may have passed by: all are asked about again, */
#define AWAY_MS 10000u
/* spread over so long at least. */
#define SPREAD_MS 30000u
/* After a no, until it is asked about once more: masters look at their files twice a second. */
#define DOUBT_MS 1500u
/* Of another slave: masters that have lost sight of it know it again by its next load event. */
#define HOP_DOUBT_MS 10000u

static struct m4h_standings_rules rules_of(const struct m4h_slave *slave)
{
    return (struct m4h_standings_rules){
        .recheck_ms = (uint64_t)slave->config->recheck_ms,
        .stale_ms = (uint64_t)slave->config->authorize_stale_ms,
    };
}

/* Marsaglia's xorshift64: it spreads questions, no more. */
static uint64_t next_random(struct m4h_slave *slave)
{
    slave->random ^= slave->random << 13;
    slave->random ^= slave->random >> 7;
    slave->random ^= slave->random << 17;
    return slave->random;
}

/* ---- the end of one ---------------------------------------------------------------- */

void m4h_rechecks_cut(struct m4h_slave *slave, struct m4h_standing *standing, const char *actor,
                      const char *detail)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, standing->session_id);
    struct m4h_visitor *visitor = m4h_visitors_find(slave->visitors, standing->session_id);
    char device[2 * M4H_CLIENT_KEY_MAX], by[2 * M4H_ACTOR_MAX], why[2 * M4H_DETAIL_MAX];

    if (standing->is_cut)
        return;
    standing->is_cut = true;
    m4h_standings_set_due(slave->standings, standing, M4H_STANDING_NEVER);
    slave->counters.revoked++;
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "%s=%s key=%s actor=%s detail=%s revoked",
            visitor != NULL ? "visitor" : "device",
            m4h_log_quote(device, sizeof(device),
                          visitor != NULL ? standing->visitor_name : standing->client_key),
            standing->key_fingerprint, m4h_log_quote(by, sizeof(by), actor),
            m4h_log_quote(why, sizeof(why), detail));
    if (resident != NULL)
        m4h_tunnels_close_for(slave, resident, M4H_DISCONNECT_REVOKED, actor, detail);
    else if (visitor != NULL)
        m4h_visits_close(slave, visitor, M4H_DISCONNECT_REVOKED);
}

/* ---- when --------------------------------------------------------------------------- */

/* For the first that is due, and no sooner than LOOK_MS after the look before. */
static void set_timer(struct m4h_slave *slave)
{
    const struct m4h_standing *first = m4h_standings_first(slave->standings);
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint64_t at_ms = slave->rechecked_ms + LOOK_MS;

    if (first == NULL) {
        m4h_timer_stop(slave->recheck_timer);
        return;
    }
    if (at_ms < first->due_ms)
        at_ms = first->due_ms;
    m4h_timer_start(slave->recheck_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

void m4h_rechecks_soon(struct m4h_slave *slave, struct m4h_standing *standing, uint64_t within_ms)
{
    uint64_t due_ms = m4h_loop_now_ms(slave->loop);

    if (within_ms > 0)
        due_ms += next_random(slave) % within_ms;
    if (standing->is_asked || standing->is_cut || standing->due_ms <= due_ms)
        return;
    m4h_standings_set_due(slave->standings, standing, due_ms);
    set_timer(slave);
}

struct spread {
    struct m4h_slave *slave;
    uint64_t within_ms;
};

static void ask_within(void *context, struct m4h_standing *standing)
{
    const struct spread *spread = context;

    m4h_rechecks_soon(spread->slave, standing, spread->within_ms);
}

void m4h_rechecks_bus(struct m4h_slave *slave, bool connected)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint64_t count = m4h_standings_count(slave->standings);
    struct spread spread = {slave, count * 1000 / (uint64_t)slave->config->recheck_per_second};

    if (!connected) {
        slave->bus_lost_ms = now_ms;
        return;
    }
    if (spread.within_ms < SPREAD_MS)
        spread.within_ms = SPREAD_MS;
    if (slave->bus_lost_ms != 0 && now_ms - slave->bus_lost_ms >= AWAY_MS)
        m4h_standings_each(slave->standings, ask_within, &spread);
    slave->bus_lost_ms = 0;
}

/* ---- questions ----------------------------------------------------------------------- */

static void ask_again(struct m4h_slave *slave, struct m4h_standing *standing)
{
    struct m4h_key_question *key = calloc(1, sizeof(*key));

    m4h_standings_set_due(slave->standings, standing, M4H_STANDING_NEVER);
    standing->is_asked = true;
    if (key == NULL || m4h_wire_authorize_request_decode(standing->question, standing->question_len,
                                                         &key->request) != 0) {
        free(key);
        m4h_rechecks_unanswered(slave, standing->session_id);
        return;
    }
    m4h_questions_recheck(slave, standing->session_id, key);
}

static void on_look(void *context)
{
    struct m4h_slave *slave = context;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint64_t budget = (uint64_t)slave->config->recheck_per_second * LOOK_MS / 1000 + 1;
    struct m4h_standing *first;

    while (budget-- > 0 && (first = m4h_standings_first(slave->standings)) != NULL &&
           first->due_ms <= now_ms)
        ask_again(slave, first);
    slave->rechecked_ms = now_ms;
    set_timer(slave);
}

/* What may be taken over while the tunnel is up; the rest counts from the next connection on. */
static void take_over(struct m4h_slave *slave, const struct m4h_standing *standing,
                      const struct m4h_authorize_reply *reply)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, standing->session_id);
    struct m4h_visitor *visitor = m4h_visitors_find(slave->visitors, standing->session_id);

    if (visitor != NULL && visitor->rules != NULL)
        *visitor->rules = reply->operator_;
    if (resident == NULL || strcmp(resident->tunnel.labels, reply->labels) == 0)
        return;
    memcpy(resident->tunnel.labels, reply->labels, sizeof(resident->tunnel.labels));
    if (resident->state == M4H_RESIDENT_UP)
        m4h_tunnels_tell(slave, resident);
}

static void wait_for_next(struct m4h_slave *slave, struct m4h_standing *standing)
{
    const struct m4h_standings_rules rules = rules_of(slave);

    m4h_standings_set_due(slave->standings, standing,
                          m4h_standing_next(standing, &rules, next_random(slave),
                                            m4h_loop_now_ms(slave->loop), m4h_walltime_now_ms()));
    set_timer(slave);
}

static void confirm(struct m4h_slave *slave, struct m4h_standing *standing,
                    const struct m4h_key_question *key, const struct m4h_authorize_reply *reply)
{
    slave->counters.rechecks_confirmed++;
    standing->stamp = key->asked_stamp;
    standing->seen = key->asked_seen;
    standing->unanswered_ms = 0;
    standing->is_doubted = false;
    standing->expires_wall_ms = reply->expires_wall_ms;
    take_over(slave, standing, reply);
    wait_for_next(slave, standing);
}

static uint64_t doubt_ms(const struct m4h_slave *slave, const struct m4h_standing *standing)
{
    const struct m4h_visitor *visitor = m4h_visitors_find(slave->visitors, standing->session_id);

    return visitor != NULL && visitor->is_hop ? HOP_DOUBT_MS : DOUBT_MS;
}

static void doubt(struct m4h_slave *slave, struct m4h_standing *standing,
                  const struct m4h_authorize_reply *reply, const char *detail)
{
    bool is_over =
        standing->expires_wall_ms != 0 && standing->expires_wall_ms <= m4h_walltime_now_ms();

    if (standing->is_doubted || is_over) {
        slave->counters.rechecks_refused++;
        m4h_rechecks_cut(slave, standing, reply->master_id, detail);
        return;
    }
    standing->is_doubted = true;
    m4h_standings_set_due(slave->standings, standing,
                          m4h_loop_now_ms(slave->loop) + doubt_ms(slave, standing));
    set_timer(slave);
}

void m4h_rechecks_answered(struct m4h_slave *slave, uint64_t session_id,
                           const struct m4h_key_question *key,
                           const struct m4h_authorize_reply *reply)
{
    struct m4h_standing *standing = m4h_standings_find(slave->standings, session_id);
    char detail[M4H_DETAIL_MAX + 1];

    if (standing == NULL || !standing->is_asked)
        return;
    standing->is_asked = false;
    if (standing->is_cut)
        return;
    if (reply->allowed || standing->is_doubted)
        m4h_admission_remember(slave, key, reply);
    if (m4h_standing_agrees(standing, reply, detail)) {
        confirm(slave, standing, key, reply);
        m4h_revocations_io_heed(slave, standing); /* one may have come while it was asked */
    } else {
        doubt(slave, standing, reply, detail);
    }
}

static void try_later(struct m4h_slave *slave, struct m4h_standing *standing)
{
    const struct m4h_standings_rules rules = rules_of(slave);
    uint64_t due_ms;

    if (!m4h_standing_outlasts(standing, &rules, next_random(slave), m4h_loop_now_ms(slave->loop),
                               m4h_walltime_now_ms(), &due_ms)) {
        m4h_rechecks_cut(slave, standing, "", "no master says that it may stay");
        return;
    }
    m4h_standings_set_due(slave->standings, standing, due_ms);
    set_timer(slave);
}

void m4h_rechecks_unanswered(struct m4h_slave *slave, uint64_t session_id)
{
    struct m4h_standing *standing = m4h_standings_find(slave->standings, session_id);

    slave->counters.rechecks_unanswered++;
    if (standing == NULL || standing->is_cut)
        return;
    standing->is_asked = false;
    try_later(slave, standing);
}

/* ---- life ---------------------------------------------------------------------------- */

int m4h_rechecks_enter(struct m4h_slave *slave, uint64_t session_id,
                       const struct m4h_key_question *key, const struct m4h_authorize_reply *reply,
                       const struct m4h_basis *basis)
{
    struct m4h_authorize_request again = key->request;
    struct m4h_standing *standing;
    int error;

    again.recheck = true;
    m4h_buffer_clear(&slave->message);
    error = m4h_wire_authorize_request_encode(&again, &slave->message);
    if (error == 0)
        error = m4h_standings_add(slave->standings, session_id, again.key_fingerprint, reply,
                                  slave->message.data, slave->message.len, &standing);
    if (error != 0)
        return error;
    standing->stamp = basis->stamp;
    standing->seen = basis->seen;
    if (basis->without_master)
        try_later(slave, standing);
    else
        wait_for_next(slave, standing);
    return 0;
}

void m4h_rechecks_leave(struct m4h_slave *slave, uint64_t session_id)
{
    m4h_standings_remove(slave->standings, session_id);
}

int m4h_rechecks_create(struct m4h_slave *slave)
{
    int error = m4h_standings_create(&slave->standings);

    if (getrandom(&slave->random, sizeof(slave->random), 0) != sizeof(slave->random) ||
        slave->random == 0)
        slave->random = 1;
    return error != 0 ? error
                      : m4h_timer_create(&slave->recheck_timer, slave->loop, on_look, slave);
}

void m4h_rechecks_destroy(struct m4h_slave *slave)
{
    m4h_timer_close(slave->recheck_timer);
    m4h_standings_destroy(slave->standings);
}
