/* Who may come in before it is known: the connections of one worker that have not
 * authenticated yet, its guests, and the bounds on them. Pure.
 *
 * A guest is *active* while a word of it is expected: when it has come, and after
 * each word, for some time. It is a handshake in flight, which costs the worker its
 * time. When it stays silent it *waits*, until it speaks again. While its key is being
 * judged it is *asking*, and neither. A word is a whole one, an identification or a
 * packet: who sends one byte after the other says nothing.
 *
 *   - Active guests are bounded. At the bound the door is closed: who comes next
 *     stays in the kernel's queue until a handshake is done or stalls. Who has stayed
 *     too long then is not active any more, whatever it says, so a crowd that says a
 *     word from time to time cannot hold the door closed either.
 *   - All guests are bounded. Beyond, the one that has waited longest goes.
 *   - Those that wait are bounded for each source, a prefix of the address: by a
 *     number, and one more for each that became known. Beyond, the one of that source
 *     that has waited longest goes. So a thousand devices behind one address come in
 *     one after the other, while a thousand connections that say nothing take the room
 *     of each other only.
 *   - A source with that many, or any where very many wait, gets no patience: who comes
 *     from there is not active before it speaks, and then not for long. So a crowd of
 *     strangers cannot hold the door closed.
 *
 * Sources in a trusted network are not counted, meet patience always, may stay, and
 * go last.
 * Every call costs the same however many guests there are. Worker thread only. */
#ifndef M4H_SLAVE_CORE_DOOR_H
#define M4H_SLAVE_CORE_DOOR_H

#include "lib/base/attributes.h"
#include "lib/base/network.h"

#include <stdbool.h>
#include <stdint.h>

/* Silence after which a guest is not active any more: long enough for a slow link, a
 * slow device, or a worker whose turns are long; */
#define M4H_DOOR_PATIENCE_MS 1500u
/* and where patience is over. */
#define M4H_DOOR_HURRY_MS 250u
/* So long after it came a guest is not active again at a word while the door is at its
 * bound: many times what a handshake takes at a busy worker; */
#define M4H_DOOR_STAY_MS 3000u
/* and where patience is over. */
#define M4H_DOOR_HURRY_STAY_MS 500u
/* Patience is over for all when so large a part of all guests waits; */
#define M4H_DOOR_WAITING_PART 4u
/* and comes back so long after there was reason for that last. */
#define M4H_DOOR_CALM_MS 10000u

struct m4h_door_limits {
    uint32_t active_max;
    uint32_t guests_max;
    uint32_t source_max;                /* 0: no limit */
    uint8_t prefix_v4;                  /* bits of an address that make its source: of 32, */
    uint8_t prefix_v6;                  /* of 128 */
    const struct m4h_networks *trusted; /* borrowed while these limits are in use */
};

enum m4h_guest_state {
    M4H_GUEST_OUTSIDE, /* not in any door */
    M4H_GUEST_WAITING,
    M4H_GUEST_ACTIVE,
    M4H_GUEST_ASKING,
};

struct m4h_source;

/* One connection, embedded in what the owner keeps of it; zeroed at first. Only
 * the door changes it. */
struct m4h_guest {
    enum m4h_guest_state state;
    bool is_trusted;
    bool is_hurried;                             /* active, and patience with it is short */
    uint64_t came_ms;                            /* or when its key was judged last */
    uint64_t heard_ms;                           /* when it came or was heard last */
    struct m4h_source *source;                   /* NULL: not known yet, or not counted */
    struct m4h_guest *prev, *next;               /* of those in its state */
    struct m4h_guest *source_prev, *source_next; /* of those of its source that wait */
};

struct m4h_door;

/* `limits` are copied. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_door_create(struct m4h_door **door, const struct m4h_door_limits *limits);
/* Accepts NULL. All guests must have left. */
void m4h_door_destroy(struct m4h_door *door);
/* Other limits from now on; nobody leaves for that before the next one comes. */
void m4h_door_set_limits(struct m4h_door *door, const struct m4h_door_limits *limits);

/* Whether another connection should be accepted now. */
bool m4h_door_is_open(struct m4h_door *door, uint64_t now_ms);
/* When to ask again while it is closed; UINT64_MAX: only when a guest leaves. */
uint64_t m4h_door_next_ms(const struct m4h_door *door);

/* A connection has come; it waits until it is named. */
void m4h_door_enter(struct m4h_door *door, struct m4h_guest *guest, uint64_t now_ms);
/* It is known where it comes from, once: by its own address, or by what a balancer
 * said. Without memory it is counted for no source. */
void m4h_door_name(struct m4h_door *door, struct m4h_guest *guest, const struct m4h_ip *ip,
                   uint64_t now_ms);
/* Who has to go so that there is room for `newcomer`, which has just entered or been
 * named; NULL: nobody. The caller ends that connection and asks again. It may be the
 * newcomer itself. */
struct m4h_guest *m4h_door_excess(struct m4h_door *door, const struct m4h_guest *newcomer,
                                  uint64_t now_ms);
/* The guest that has waited longest, for want of something else; NULL: none waits. */
struct m4h_guest *m4h_door_longest_waiting(const struct m4h_door *door);

/* A word came from it. No effect while it is asking or when it is no guest. */
void m4h_door_heard(struct m4h_door *door, struct m4h_guest *guest, uint64_t now_ms);
/* Its key is being judged. */
void m4h_door_asks(struct m4h_door *door, struct m4h_guest *guest);
/* It was refused and may try another key, as if it had just come. */
void m4h_door_answered(struct m4h_door *door, struct m4h_guest *guest, uint64_t now_ms);
/* It is known now: it leaves. */
void m4h_door_known(struct m4h_door *door, struct m4h_guest *guest);
/* It is gone. No effect on one that is no guest. */
void m4h_door_leave(struct m4h_door *door, struct m4h_guest *guest);

uint32_t m4h_door_guest_count(const struct m4h_door *door);
uint32_t m4h_door_active_count(const struct m4h_door *door);

#endif
