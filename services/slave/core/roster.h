/* Every device that this slave knows, and who owns which client key. The newest
 * connection that asks for a port wins: the one before it is told to leave, and
 * the port is handed on when it is gone. Pure.
 *
 *   known -> (waiting ->) up -> leaving -> removed
 *
 * known: authorized, no port yet. waiting: it owns the client key, and its
 * predecessor is still leaving. leaving: it lost the key, or is being cut. */
#ifndef M4H_SLAVE_CORE_ROSTER_H
#define M4H_SLAVE_CORE_ROSTER_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

struct m4h_roster;

enum m4h_resident_state {
    M4H_RESIDENT_KNOWN,
    M4H_RESIDENT_WAITING,
    M4H_RESIDENT_UP,
    M4H_RESIDENT_LEAVING,
};

/* What a worker said of a device that is gone. */
struct m4h_farewell {
    enum m4h_disconnect_reason reason;
    uint64_t bytes_from_device;
    uint64_t bytes_to_device;
};

/* Why it is being closed, where somebody asked for that. */
struct m4h_cause {
    enum m4h_disconnect_reason reason;
    char actor[M4H_ACTOR_MAX + 1];
    char detail[M4H_DETAIL_MAX + 1];
};

/* A device's connection. Read by the owner; changed here only, but for `tunnel`'s
 * ports while it is up and what is marked so. */
struct m4h_resident {
    uint64_t session_id;
    enum m4h_resident_state state;
    bool was_up;                  /* it has been announced: its end is to be, too */
    uint64_t owner_stamp;         /* of the owner that the master named; 0: none */
    uint32_t evictions;           /* the owner's: of live tunnels of its key, as the master saw */
    uint64_t evicted_ms;          /* the owner's: when the last of them was; monotonic */
    uint64_t rival;               /* the owner's: session that waits for a sign of life, or 0 */
    bool parting;                 /* the owner's: it is replaced when it is known to live or not */
    uint16_t last_port;           /* the owner's: where it was last, as the master knows; or 0 */
    uint16_t fixed_port;          /* the owner's: it gets no other where it asks for any; or 0 */
    struct m4h_port_range *ports; /* that it may have; the owner's, yet freed with it; or NULL */
    uint8_t port_range_count;
    uint64_t up_since_ms;         /* monotonic */
    bool asked_to_leave;          /* the owner's: at a drain */
    bool without_master;          /* the owner's: it was let in by an earlier decision */
    struct m4h_cause *cause;      /* the owner's, yet freed with it; or NULL */
    uint32_t asked_port;          /* the owner's: port that it asked for while waiting */
    uint32_t listeners;           /* the owner's: given to its worker; once gone: on their way */
    struct m4h_farewell farewell; /* the owner's, when it is gone */
    struct m4h_tunnel tunnel;     /* the owner fills in the ports and times */
};

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_roster_create(struct m4h_roster **roster);
/* Frees all residents too. Accepts NULL. */
void m4h_roster_destroy(struct m4h_roster *roster);

/* A device was authorized. `tunnel` has its names and addresses. M4H_EEXIST,
 * M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_roster_add(struct m4h_roster *roster, uint64_t session_id,
                                  uint64_t owner_stamp, const struct m4h_tunnel *tunnel,
                                  struct m4h_resident **resident);
struct m4h_resident *m4h_roster_find(const struct m4h_roster *roster, uint64_t session_id);
/* Any one, or NULL where nobody is left. */
struct m4h_resident *m4h_roster_any(const struct m4h_roster *roster);
/* The one that owns the client key here (waiting or up), or NULL. */
struct m4h_resident *m4h_roster_owner(const struct m4h_roster *roster, const char *client_key);
/* Where more than `max` are known who have not asked for a port with this client key:
 * the one among them that has been here longest, else NULL. */
struct m4h_resident *m4h_roster_surplus(const struct m4h_roster *roster, const char *client_key,
                                        uint32_t max);

/* A known device asks for its first port: it owns its client key from now on.
 * `*loser` is the one that must leave (now leaving), or NULL. True: go on now.
 * False: wait until m4h_roster_remove names it as successor. */
M4H_MUST_CHECK bool m4h_roster_claim(struct m4h_roster *roster, struct m4h_resident *resident,
                                     struct m4h_resident **loser);
/* It has a port. */
void m4h_roster_up(struct m4h_roster *roster, struct m4h_resident *resident, uint64_t now_ms);
/* It is being cut: it owns nothing any more. Harmless when it was leaving. */
void m4h_roster_leave(struct m4h_roster *roster, struct m4h_resident *resident);
/* It is gone; frees it. `*successor` is one that waited for this, or NULL. */
void m4h_roster_remove(struct m4h_roster *roster, struct m4h_resident *resident,
                       struct m4h_resident **successor);

/* Announced tunnels (up, or leaving but not gone), and their digest: what the
 * master's picture must be after all events so far. */
uint32_t m4h_roster_tunnel_count(const struct m4h_roster *roster);
uint64_t m4h_roster_digest(const struct m4h_roster *roster);
/* All that are known, announced or not. */
uint32_t m4h_roster_count(const struct m4h_roster *roster);

/* Calls `each` for every resident; it may not add or remove. */
void m4h_roster_each(const struct m4h_roster *roster,
                     void (*each)(void *context, struct m4h_resident *resident), void *context);

#endif
