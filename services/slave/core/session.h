/* The life of one device's connection: what it may do now, and until when.
 * Pure: the owner feeds in what happened and looks at the clock for it.
 *
 *   handshake -> asking -> known -> opening -> up
 *
 * handshake: key exchange and authentication. asking: its key is being judged.
 * known: authorized, has not asked for a port. opening: its port is being found.
 * up: it has a port; now keepalives decide. A visitor (core/visitors.h) is up when it is
 * known. */
#ifndef M4H_SLAVE_CORE_SESSION_H
#define M4H_SLAVE_CORE_SESSION_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

enum m4h_session_state {
    M4H_SESSION_HANDSHAKE,
    M4H_SESSION_ASKING,
    M4H_SESSION_KNOWN,
    M4H_SESSION_OPENING,
    M4H_SESSION_UP,
};

struct m4h_session_limits {
    uint32_t authenticate_ms;  /* from the start until it is known */
    uint32_t forward_ms;       /* from then until it asks for a port, and gets it */
    uint32_t keepalive_ms;     /* silence before it is asked for a sign of life; 0: never */
    uint32_t keepalive_misses; /* so many times that silence, and asked each time: it is dead */
    uint32_t keys_max;         /* keys that it may try */
    uint32_t forwards_max;     /* ports that it may have */
    uint32_t rest_ms;          /* a visitor may have nothing open for so long; 0: for ever */
};

struct m4h_session {
    enum m4h_session_state state;
    uint64_t since_ms;       /* of the current deadline's start */
    uint32_t keys;           /* tried so far */
    uint32_t forwards;       /* ports that it has or that are being found */
    uint32_t asked;          /* signs of life asked for since `asked_since_ms` */
    uint64_t asked_ms;       /* when the last of them was */
    uint64_t asked_since_ms; /* when the silence had begun in which they were asked for */
    uint64_t probed_ms;      /* when somebody wanted to know whether it lives; 0: nobody does */
    uint64_t probe_look_ms;  /* when to look whether it was heard */
    uint64_t silent_ms;      /* when a probe found it silent; 0: none did */
    bool is_held;            /* what it sends is not read, on purpose */
    uint64_t held_ms;        /* until when it was not read; 0: it always was */
    uint64_t resting_ms;     /* since when a visitor has nothing open; 0: it has */
};

enum m4h_session_action {
    M4H_SESSION_WAIT,      /* nothing to do */
    M4H_SESSION_KEEPALIVE, /* ask it for a sign of life */
    M4H_SESSION_TOO_SLOW,  /* end it: not up in time */
    M4H_SESSION_DEAD,      /* end it: silent for too long */
    M4H_SESSION_PROBED,    /* say whether it lives: m4h_session_is_live */
    M4H_SESSION_RESTED,    /* end it: a visitor that wants nothing */
};

void m4h_session_begin(struct m4h_session *session, uint64_t now_ms);

/* A key was proved. False: it has tried too many. */
M4H_MUST_CHECK bool m4h_session_key(struct m4h_session *session,
                                    const struct m4h_session_limits *limits);
/* The judgement on it. */
void m4h_session_judged(struct m4h_session *session, bool allowed, uint64_t now_ms);

/* It was allowed, and is a visitor, which needs no port: it is up at once, with nothing
 * open. */
void m4h_session_welcome(struct m4h_session *session, uint64_t now_ms);
/* The visitor has opened something, or has nothing open any more. */
void m4h_session_rest(struct m4h_session *session, bool resting, uint64_t now_ms);

/* It asks for a port. False: it has as many as it may, or may not ask yet. */
M4H_MUST_CHECK bool m4h_session_forward(struct m4h_session *session,
                                        const struct m4h_session_limits *limits);
/* The port is open, or is not to be had. */
void m4h_session_forwarded(struct m4h_session *session, bool open, uint64_t now_ms);
/* It gave a port up. Returns how many it has left. */
uint32_t m4h_session_cancelled(struct m4h_session *session);

/* From now on nothing of it is read, or all again. What is not read counts as silence
 * neither for keepalives nor for a probe. */
void m4h_session_hold(struct m4h_session *session, bool held, uint64_t now_ms);

/* What to do at `now_ms`, given when the device was last heard. */
enum m4h_session_action m4h_session_look(struct m4h_session *session,
                                         const struct m4h_session_limits *limits, uint64_t heard_ms,
                                         uint64_t now_ms);
/* Somebody wants to know whether the device lives. It is to be asked for a sign
 * of life now; M4H_SESSION_PROBED follows soon after it was heard, or else when
 * a second has passed in which it was read. */
#define M4H_SESSION_PROBE_MS 1000u
/* False: it has been asked for one already. */
bool m4h_session_probe(struct m4h_session *session, uint64_t now_ms);
/* Whether it is up and counts as living: not silent for longer than a keepalive
 * interval and the time for an answer, nor since it was probed. */
bool m4h_session_is_live(const struct m4h_session *session, const struct m4h_session_limits *limits,
                         uint64_t heard_ms, uint64_t now_ms);
/* When to look next; UINT64_MAX: never. */
uint64_t m4h_session_next_look_ms(const struct m4h_session *session,
                                  const struct m4h_session_limits *limits, uint64_t heard_ms);

/* For logs: "handshake", "asking", ... */
const char *m4h_session_state_name(enum m4h_session_state state);

#endif
