/* The life of one device's connection. */
#include "services/slave/core/session.h"

/* While a sign of life is waited for, one looks for it so often. */
#define PROBE_LOOK_MS 50u
/* Asked beyond the last, of one whose end would come late. */
#define LATE_QUESTIONS 2u

void m4h_session_begin(struct m4h_session *session, uint64_t now_ms)
{
    *session = (struct m4h_session){.state = M4H_SESSION_HANDSHAKE, .since_ms = now_ms};
}

bool m4h_session_key(struct m4h_session *session, const struct m4h_session_limits *limits)
{
    if (session->state != M4H_SESSION_HANDSHAKE || session->keys >= limits->keys_max)
        return false;
    session->keys++;
    session->state = M4H_SESSION_ASKING;
    return true;
}

void m4h_session_judged(struct m4h_session *session, bool allowed, uint64_t now_ms)
{
    session->state = allowed ? M4H_SESSION_KNOWN : M4H_SESSION_HANDSHAKE;
    if (allowed)
        session->since_ms = now_ms;
}

void m4h_session_welcome(struct m4h_session *session, uint64_t now_ms)
{
    session->state = M4H_SESSION_UP;
    session->since_ms = now_ms;
    m4h_session_rest(session, true, now_ms);
}

void m4h_session_rest(struct m4h_session *session, bool resting, uint64_t now_ms)
{
    session->resting_ms = resting ? now_ms : 0;
}

/* When a visitor has rested for long enough. */
static uint64_t rested_ms(const struct m4h_session *session,
                          const struct m4h_session_limits *limits)
{
    return session->resting_ms != 0 && limits->rest_ms != 0 ? session->resting_ms + limits->rest_ms
                                                            : UINT64_MAX;
}

bool m4h_session_forward(struct m4h_session *session, const struct m4h_session_limits *limits)
{
    if (session->state != M4H_SESSION_KNOWN && session->state != M4H_SESSION_UP)
        return false;
    if (session->forwards >= limits->forwards_max)
        return false;
    session->forwards++;
    if (session->state == M4H_SESSION_KNOWN)
        session->state = M4H_SESSION_OPENING;
    return true;
}

void m4h_session_forwarded(struct m4h_session *session, bool open, uint64_t now_ms)
{
    if (!open)
        session->forwards--;
    if (session->state == M4H_SESSION_OPENING) {
        session->state = open ? M4H_SESSION_UP : M4H_SESSION_KNOWN;
        if (open)
            session->since_ms = now_ms;
    }
}

uint32_t m4h_session_cancelled(struct m4h_session *session)
{
    if (session->forwards > 0)
        session->forwards--;
    return session->forwards;
}

void m4h_session_hold(struct m4h_session *session, bool held, uint64_t now_ms)
{
    session->is_held = held;
    session->held_ms = now_ms;
}

/* Since when it could have been heard and was not. */
static uint64_t silent_since(const struct m4h_session *session, uint64_t heard_ms)
{
    return heard_ms > session->held_ms ? heard_ms : session->held_ms;
}

/* Signs of life asked for in this silence. */
static uint32_t asked_since(const struct m4h_session *session, uint64_t since_ms)
{
    return session->asked_since_ms == since_ms ? session->asked : 0;
}

/* When the next question is due, or the end. A question that came late, since nobody
 * looked for a while, has half an interval for its answer before another counts. */
static uint64_t due_ms(const struct m4h_session *session, const struct m4h_session_limits *limits,
                       uint64_t since_ms)
{
    uint32_t asked = asked_since(session, since_ms);
    uint64_t interval_ms = limits->keepalive_ms;
    uint64_t at_ms = since_ms + interval_ms * (asked + 1);
    uint64_t answered_ms = session->asked_ms + interval_ms / 2;

    return asked > 0 && answered_ms > at_ms ? answered_ms : at_ms;
}

static uint64_t deadline_ms(const struct m4h_session *session,
                            const struct m4h_session_limits *limits)
{
    bool unknown = session->state == M4H_SESSION_HANDSHAKE || session->state == M4H_SESSION_ASKING;

    return session->since_ms + (unknown ? limits->authenticate_ms : limits->forward_ms);
}

/* Looks at a probe, if there is one. */
static bool probe_is_over(struct m4h_session *session, uint64_t heard_ms, uint64_t now_ms)
{
    bool heard = heard_ms >= session->probed_ms;

    if (session->probed_ms == 0 || now_ms < session->probe_look_ms)
        return false;
    session->probe_look_ms = now_ms + PROBE_LOOK_MS;
    if (!heard && now_ms - silent_since(session, session->probed_ms) < M4H_SESSION_PROBE_MS)
        return false;
    session->silent_ms = heard ? 0 : session->probed_ms;
    session->probed_ms = 0;
    return true;
}

/* It is dead when it has left all questions unanswered, however long it was silent:
 * while this process stood still, nobody asked it, or read what it answered. So a look
 * that comes late asks too, but not for ever. */
static enum m4h_session_action ask_or_end(struct m4h_session *session,
                                          const struct m4h_session_limits *limits,
                                          uint64_t since_ms, uint64_t now_ms)
{
    uint32_t asked = asked_since(session, since_ms);
    bool is_late = now_ms >= due_ms(session, limits, since_ms) + limits->keepalive_ms / 2;

    if (asked + 1 >= limits->keepalive_misses + (is_late ? LATE_QUESTIONS : 0))
        return M4H_SESSION_DEAD;
    session->asked = asked + 1;
    session->asked_since_ms = since_ms;
    session->asked_ms = now_ms;
    return M4H_SESSION_KEEPALIVE;
}

enum m4h_session_action m4h_session_look(struct m4h_session *session,
                                         const struct m4h_session_limits *limits, uint64_t heard_ms,
                                         uint64_t now_ms)
{
    uint64_t since_ms;

    if (session->is_held)
        session->held_ms = now_ms;
    if (session->state != M4H_SESSION_UP)
        return now_ms >= deadline_ms(session, limits) ? M4H_SESSION_TOO_SLOW : M4H_SESSION_WAIT;
    if (rested_ms(session, limits) != UINT64_MAX && now_ms >= rested_ms(session, limits))
        return M4H_SESSION_RESTED;
    if (probe_is_over(session, heard_ms, now_ms))
        return M4H_SESSION_PROBED;
    since_ms = silent_since(session, heard_ms);
    if (limits->keepalive_ms == 0 || now_ms < due_ms(session, limits, since_ms))
        return M4H_SESSION_WAIT;
    return ask_or_end(session, limits, since_ms, now_ms);
}

bool m4h_session_probe(struct m4h_session *session, uint64_t now_ms)
{
    if (session->probed_ms != 0)
        return false;
    session->probed_ms = now_ms;
    session->probe_look_ms = now_ms + PROBE_LOOK_MS;
    return true;
}

bool m4h_session_is_live(const struct m4h_session *session, const struct m4h_session_limits *limits,
                         uint64_t heard_ms, uint64_t now_ms)
{
    if (session->state != M4H_SESSION_UP)
        return false;
    if (session->silent_ms != 0 && heard_ms < session->silent_ms)
        return false;
    return limits->keepalive_ms == 0 || session->is_held ||
           now_ms <= silent_since(session, heard_ms) + limits->keepalive_ms + M4H_SESSION_PROBE_MS;
}

uint64_t m4h_session_next_look_ms(const struct m4h_session *session,
                                  const struct m4h_session_limits *limits, uint64_t heard_ms)
{
    uint64_t keepalive_ms = UINT64_MAX, other_ms = rested_ms(session, limits);

    if (session->state != M4H_SESSION_UP)
        return deadline_ms(session, limits);
    if (limits->keepalive_ms != 0)
        keepalive_ms = due_ms(session, limits, silent_since(session, heard_ms));
    if (session->probed_ms != 0 && session->probe_look_ms < other_ms)
        other_ms = session->probe_look_ms;
    return other_ms < keepalive_ms ? other_ms : keepalive_ms;
}

const char *m4h_session_state_name(enum m4h_session_state state)
{
    static const char *const names[] = {"handshake", "asking", "known", "opening", "up"};

    return (unsigned)state < M4H_COUNT(names) ? names[state] : "unknown";
}
