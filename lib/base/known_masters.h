/* Which master to ask: those that say hello, without those that did not answer
 * lately. Pure; one thread.
 *
 * The queue group gives a question to any master, also to one that stands still.
 * So who hears the hellos asks one master by its name instead. One that does not
 * answer within its patience rests until it has said hello again, and for a second
 * at least, twice as long each time in a row. Among the others it is a matter of
 * chance, but a master that is far away (in another region, say) is left alone
 * while a near one answers: near is whom NATS takes for the queue group, and where
 * that is not known, who answers fast. Where nobody is left to choose, the queue group is.
 *
 * A key is another matter: the master's validators may take their time, and its hello says how
 * much. One that lives and cannot say whose key it is does not rest, but others are asked first
 * for a second. */
#ifndef M4H_BASE_KNOWN_MASTERS_H
#define M4H_BASE_KNOWN_MASTERS_H

#include "lib/base/model.h"

/* It says hello every 2 s. One that is late is asked when no other is left. */
#define M4H_KNOWN_MASTERS_LATE_MS     3500u
#define M4H_KNOWN_MASTERS_GONE_MS     6000u

#define M4H_KNOWN_MASTERS_SUBJECT_MAX (M4H_ID_MAX + 48)

struct m4h_known_master {
    char id[M4H_ID_MAX + 1];
    uint64_t instance;
    uint64_t near_until_ms;
    uint64_t seen_ms; /* its latest hello */
    uint64_t rests_until_ms;
    uint64_t failed_ms;    /* when it rested last */
    uint32_t failures;     /* in a row */
    uint32_t trip_eighths; /* of a ms: how long it takes to answer, smoothed */
    uint64_t unable_until_ms;
    uint32_t validators_ms; /* as its hello says, and no more than is sensible */
    bool has_answered;
    bool is_learning;
};

/* Zeroed at first. */
struct m4h_known_masters {
    struct m4h_known_master list[M4H_MASTERS_MAX];
    size_t count;
    uint64_t group_asked_ms;    /* when the queue group had a question last; 0: never */
    uint32_t asked_since_group; /* questions, by name */
};

struct m4h_known_masters_numbers {
    uint32_t heard;
    uint32_t resting;
    uint32_t learning;
};

void m4h_known_masters_heard(struct m4h_known_masters *masters,
                             const struct m4h_master_hello *hello, uint64_t now_ms);
/* The bus is away: what was heard says nothing any more. */
void m4h_known_masters_forget(struct m4h_known_masters *masters);

/* The id of the one to ask, borrowed until the next call that changes anything; NULL:
 * nobody, so ask the queue group. `*patience_ms` is how long it may take before another
 * one is asked; UINT32_MAX: there is no other. `random` decides between equals. */
const char *m4h_known_masters_choose(struct m4h_known_masters *masters, uint64_t now_ms,
                                     uint64_t random, uint32_t *patience_ms);
/* For those whose questions may as well go to the queue group, and whose answers say who
 * gave them: whether this one should, so that it is known who is near. That is one in ten,
 * and one each 10 s where there are fewer; none where there is no choice, and none while a
 * master rests, whom the group might give it to. Counts the question. */
bool m4h_known_masters_ask_group(struct m4h_known_masters *masters, uint64_t now_ms);
/* The queue group gave a question to that one: NATS takes the nearest, so those that it took
 * lately are asked, and no others while they can be. */
void m4h_known_masters_near(struct m4h_known_masters *masters, const char *id, uint64_t now_ms);

/* UINT64_MAX: it lives, but its validators had a part in how long it took. */
void m4h_known_masters_answered(struct m4h_known_masters *masters, const char *id,
                                uint64_t took_ms);
/* It did not answer within `took_ms`, or said that it cannot. True: it rests from now on.
 * A time that was cut too short to say anything changes nothing; UINT64_MAX: it is sure. */
bool m4h_known_masters_failed(struct m4h_known_masters *masters, const char *id, uint64_t took_ms,
                              uint64_t now_ms);

/* What the validators of that one may take, on top of its patience. `id` NULL: of any. */
uint32_t m4h_known_masters_validators_ms(const struct m4h_known_masters *masters, const char *id);
/* It lives, and its validators cannot say whose key it is. */
void m4h_known_masters_unable(struct m4h_known_masters *masters, const char *id, uint64_t now_ms);
/* Whether one may be asked that has not said so lately. */
bool m4h_known_masters_any_able(const struct m4h_known_masters *masters, uint64_t now_ms);

void m4h_known_masters_count(const struct m4h_known_masters *masters, uint64_t now_ms,
                             struct m4h_known_masters_numbers *numbers);

/* Turns "mas4h.v1.rpc.dispatch" into "mas4h.v1.master.ID.dispatch". False: it is not a
 * question to masters, and `out` is not changed. */
bool m4h_known_masters_subject(char out[M4H_KNOWN_MASTERS_SUBJECT_MAX], const char *question,
                               const char *id);

#endif
