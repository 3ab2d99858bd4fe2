/* Which streams of events a master looks after, and what to do about what it finds. Pure.
 *
 * One region: one stream with the events of all. Several regions: each keeps its own
 * (`region`), and somewhere one copies those (`sources`), so that an event is acknowledged in
 * its region and is in the global stream once. The one with all events hears audits, too, which
 * are of no region. */
#ifndef M4H_MASTER_STREAM_PLAN_H
#define M4H_MASTER_STREAM_PLAN_H

#include "lib/base/attributes.h"
#include "lib/base/event_stream.h"

#define M4H_STREAM_PLANS_MAX 2

/* The settings; all texts may be "". */
struct m4h_stream_wishes {
    const char *name;    /* of the stream with all events; "": none is looked after */
    const char *region;  /* whose events NAME_REGION keeps */
    const char *sources; /* "eu, us@hub": regions, with the domain of their JetStream */
    const char *domain;  /* where the streams are; "": the server's own */
    bool is_in_memory;
    uint64_t replicas, max_age_ms, duplicate_window_ms;
    int64_t max_bytes;
};

/* Fills what to look after, at most M4H_STREAM_PLANS_MAX, and sets `*count`; the global one is
 * the first, as no subject may be in two streams of one JetStream. M4H_EINVALID:
 * `wrong` says what is wrong, for whoever wrote the settings. */
M4H_MUST_CHECK int m4h_stream_plan(struct m4h_event_stream plans[M4H_STREAM_PLANS_MAX],
                                   size_t *count, const struct m4h_stream_wishes *wishes,
                                   char *wrong, size_t wrong_size);
/* The subject of a call of JetStream's API, "STREAM.INFO" say, about the stream. */
void m4h_stream_subject(char *out, size_t size, const char *domain, const char *call,
                        const char *name);

/* Changes to a stream that was as wished before: somebody undoes them, such as a master
 * with other settings. Zeroed at first. */
#define M4H_STREAM_CHANGES_BACK_MAX 3u
#define M4H_STREAM_CHANGES_BACK_MS  (10ull * 60 * 1000)

struct m4h_stream_changes {
    uint64_t made_ms[M4H_STREAM_CHANGES_BACK_MAX]; /* a ring */
    uint64_t count;                                /* ever */
    bool stopped; /* there were too many; until the stream is as wished without us */
};

/* Notes one more, which is about to be made. False: there were as many within
 * M4H_STREAM_CHANGES_BACK_MS already, and from now on `stopped` is set. */
bool m4h_stream_may_change_back(struct m4h_stream_changes *changes, uint64_t now_ms);

enum m4h_stream_likeness {
    M4H_STREAM_SAME,
    M4H_STREAM_CHANGEABLE, /* JetStream can make it the wished one */
    M4H_STREAM_OTHER,
};

/* `text` names what differs, as "max_bytes=1 wished=2"; "" where nothing does. */
enum m4h_stream_likeness m4h_stream_compare(const struct m4h_event_stream *wished,
                                            const struct m4h_event_stream *found, char *text,
                                            size_t size);

enum m4h_stream_call {
    M4H_STREAM_CALL_NONE,
    M4H_STREAM_CALL_INFO,
    M4H_STREAM_CALL_CREATE,
    M4H_STREAM_CALL_UPDATE,
};

enum m4h_stream_state {
    M4H_STREAM_UNKNOWN,
    M4H_STREAM_RIGHT,
    M4H_STREAM_DIFFERS,
    M4H_STREAM_REFUSED,
    M4H_STREAM_NO_JETSTREAM,
    M4H_STREAM_NO_ANSWER,
    M4H_STREAM_FAILED, /* what was answered is none, or could not be asked */
    M4H_STREAM_STATES,
};

/* How a call ended. */
struct m4h_stream_outcome {
    enum m4h_stream_call call;
    int error;                         /* of the bus, or M4H_EINVALID: no answer of JetStream */
    uint32_t error_code;               /* JetStream's `err_code`; 0: done */
    enum m4h_stream_likeness likeness; /* of what INFO has found */
    bool may_change;                   /* the settings allow it */
};

/* Decides what comes next: another call, or none, and then `*state` is what the stream is in. */
enum m4h_stream_call m4h_stream_decide(const struct m4h_stream_outcome *outcome,
                                       enum m4h_stream_state *state);
/* "right", "differs" ...: for metrics. */
const char *m4h_stream_state_name(enum m4h_stream_state state);

#endif
