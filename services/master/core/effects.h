/* What the cluster wants done, or said: it queues them, io takes them out one by
 * one. Pure; one thread. */
#ifndef M4H_MASTER_EFFECTS_H
#define M4H_MASTER_EFFECTS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

/* Beyond this many an effect is refused, and whoever wanted it asks for a
 * snapshot, which brings it up again. */
#define M4H_EFFECTS_MAX 65536u

enum m4h_effect_type {
    M4H_EFFECT_SNAPSHOT = 1, /* ask the slave for a page of a snapshot */
    M4H_EFFECT_KICK,         /* cut a tunnel that lost its client key */
    M4H_EFFECT_NOTE,         /* worth a log line */
    M4H_EFFECT_FLAPPING,     /* worth one, too: live devices begin to throw each other out */
};

enum m4h_note {
    M4H_NOTE_APPEARED = 1,
    M4H_NOTE_RESTARTED,
    M4H_NOTE_UNSYNCED, /* `why` says what was wrong */
    M4H_NOTE_SYNCED,
    M4H_NOTE_SNAPSHOT_FAILED,
    M4H_NOTE_DRAINING,
    M4H_NOTE_STOPPED,
    M4H_NOTE_SILENT,
    M4H_NOTE_LOST,
    M4H_NOTE_BACK,
    M4H_NOTE_FORGOTTEN,
    M4H_NOTE_WRONG_REGION, /* an event that claims another region: ignored */
    M4H_NOTE_OLD_EPOCH,    /* an event of a process that is gone: ignored */
    M4H_NOTE_NO_ROOM,      /* more slaves, regions or tunnels than a master takes */
};

/* Which request for a page an answer belongs to. */
struct m4h_snapshot_ticket {
    uint64_t attempt; /* of this slave; never 0 */
    struct m4h_snapshot_request request;
};

struct m4h_effect {
    enum m4h_effect_type type;
    char slave_id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    union {
        struct m4h_snapshot_ticket snapshot;
        struct {
            char client_key[M4H_CLIENT_KEY_MAX + 1];
            uint64_t tunnel_id;
        } kick;
        struct {
            enum m4h_note note;
            const char *why; /* static, may be NULL */
            uint64_t age_ms; /* since the slave was last heard */
            uint32_t untold; /* notes of its life before this one, which were too many */
            uint32_t tunnels;
            uint64_t epoch; /* that the slave is known by */
        } note;
        struct {
            char client_key[M4H_CLIENT_KEY_MAX + 1];
            uint32_t evictions; /* lately */
        } flapping;
    } as;
};

/* A queue, oldest first. Zeroed at first. */
struct m4h_effects {
    struct m4h_effect *ring; /* owned */
    size_t allocated;
    size_t first;
    size_t count;
    uint64_t refused;
};

void m4h_effects_free(struct m4h_effects *effects);
/* Room for one more, zeroed, at the end; NULL: no memory or too many. */
struct m4h_effect *m4h_effects_add(struct m4h_effects *effects, enum m4h_effect_type type);
/* Takes the oldest out. False: there is none. */
bool m4h_effects_take(struct m4h_effects *effects, struct m4h_effect *effect);

#endif
