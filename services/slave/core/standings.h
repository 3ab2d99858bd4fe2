/* What every session that was let in rests on: the decision about its key, when it was made, and
 * when a master is to be asked again whether it still holds. A standing is there as long as its
 * session, whether that is a device's, an operator's or another slave's. Pure; one thread. */
#ifndef M4H_SLAVE_CORE_STANDINGS_H
#define M4H_SLAVE_CORE_STANDINGS_H

#include "lib/base/attributes.h"
#include "lib/base/heap.h"
#include "lib/base/model.h"

struct m4h_standings;

#define M4H_STANDING_NEVER UINT64_MAX

/* Read by the owner; `due_ms` changes by m4h_standings_set_due only. */
struct m4h_standing {
    struct m4h_heap_node node;
    uint64_t session_id;
    uint64_t stamp;           /* of the decision: when it was asked for, see lib/base/stamp.h */
    uint64_t seen;            /* changes of the set of revocations by then */
    uint64_t unanswered_ms;   /* since when questions about it have no answer; 0: they have */
    uint64_t expires_wall_ms; /* 0: no end is known */
    uint64_t due_ms;          /* when to ask again; M4H_STANDING_NEVER */
    bool is_asked;            /* the owner's: it is under way */
    bool is_cut;              /* the owner's: its session is being ended */
    bool is_doubted;          /* the owner's: a master has said no, and another is asked */
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1];
    char client_key[M4H_CLIENT_KEY_MAX + 1];   /* empty: it is not a device's */
    char visitor_name[M4H_CLIENT_KEY_MAX + 1]; /* an operator's, or a slave's; empty: a device's */
    size_t question_len;
    uint8_t question[]; /* what to ask, as it goes out */
};

/* How often masters are asked again. */
struct m4h_standings_rules {
    uint64_t recheck_ms; /* 0: only when there is a cause */
    uint64_t stale_ms;   /* when no question was answered for so long, it falls */
};

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_standings_create(struct m4h_standings **standings);
void m4h_standings_destroy(struct m4h_standings *standings);

/* A session was let in, by `reply`; `question` is copied, and is what a master is asked later.
 * What was known of that session before is replaced. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_standings_add(struct m4h_standings *standings, uint64_t session_id,
                                     const char *key_fingerprint,
                                     const struct m4h_authorize_reply *reply,
                                     const uint8_t *question, size_t question_len,
                                     struct m4h_standing **standing);
struct m4h_standing *m4h_standings_find(const struct m4h_standings *standings, uint64_t session_id);
/* Its session is over; nothing where there is none. */
void m4h_standings_remove(struct m4h_standings *standings, uint64_t session_id);
size_t m4h_standings_count(const struct m4h_standings *standings);
/* Calls `each` for all; it may not add or remove. */
void m4h_standings_each(const struct m4h_standings *standings,
                        void (*each)(void *context, struct m4h_standing *standing), void *context);

void m4h_standings_set_due(struct m4h_standings *standings, struct m4h_standing *standing,
                           uint64_t due_ms);
/* The one that is due first, NULL where none ever is. */
struct m4h_standing *m4h_standings_first(const struct m4h_standings *standings);

/* When to ask again after an answer: recheck_ms later, give or take a tenth by `random`, and no
 * later than the decision ends. */
uint64_t m4h_standing_next(const struct m4h_standing *standing,
                           const struct m4h_standings_rules *rules, uint64_t random,
                           uint64_t now_ms, uint64_t wall_ms);
/* No master has answered: whether it stands all the same, and then when to ask again. */
bool m4h_standing_outlasts(struct m4h_standing *standing, const struct m4h_standings_rules *rules,
                           uint64_t random, uint64_t now_ms, uint64_t wall_ms, uint64_t *due_ms);
/* What a master says now lets it go on; else `detail` says why not. */
bool m4h_standing_agrees(const struct m4h_standing *standing,
                         const struct m4h_authorize_reply *reply, char detail[M4H_DETAIL_MAX + 1]);

#endif
