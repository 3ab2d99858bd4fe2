/* One device's connection, from accept to end: its SSH session, its life (see
 * core/session.h), its ports and the operators on them. A visitor's (core/visitors.h) is
 * one too, with visits in place of ports. Worker thread only. */
#ifndef M4H_SLAVE_IO_DEVICE_H
#define M4H_SLAVE_IO_DEVICE_H

#include "lib/base/heap.h"
#include "lib/net/proxy_reader.h"
#include "lib/ssh/session.h"
#include "services/slave/core/door.h"
#include "services/slave/core/session.h"
#include "services/slave/io/attendance.h"
#include "services/slave/io/letters.h"
#include "services/slave/io/worker.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct m4h_relay;
struct m4h_ssh_open;
struct m4h_ssh_open_request;
struct m4h_visit;

/* A port that is open for the device. */
struct m4h_forward {
    struct m4h_forward *next;
    struct m4h_device *device;
    struct m4h_listener *listener;
    uint16_t port;
    char address[]; /* as the device named it: its channels must repeat it */
};

struct m4h_device {
    UT_hash_handle hh;
    struct m4h_heap_node look; /* in the worker's heap */
    uint64_t look_ms;
    uint64_t session_id;
    struct m4h_worker *worker;
    struct m4h_guest guest;         /* of the worker's door until it is known */
    struct m4h_proxy_reader *proxy; /* while the header of a balancer is awaited, */
    int fd;                         /* the connection; then -1 */
    struct m4h_ssh_session *ssh;    /* NULL until then */
    struct m4h_session session;
    struct m4h_forward *forwards;
    struct m4h_relay *relays;
    enum m4h_role role;
    struct m4h_visit *visits;              /* of a visitor */
    struct m4h_device_limits *limits;      /* of a master; owned; NULL: as the settings say */
    struct m4h_networks operator_networks; /* of the limits */
    struct m4h_throttle throttle;
    uint32_t relay_count;
    char *asked_address; /* of the forward that is being opened; owned */
    uint64_t bytes_from_device;
    uint64_t bytes_to_device;
    uint32_t listeners;                  /* that came from the hub, ever */
    bool asked_about;                    /* the hub knows of it: its end must be reported */
    uint64_t accepted_us;                /* of m4h_latency_clock_us */
    enum m4h_handshake_result handshake; /* as what it ends, where that is known before */
    bool leaving;                        /* it goes when it has no operator */
    bool refusal_told;                   /* one refusal of this session has been reported */
    char peer[M4H_ADDRESS_TEXT_MAX];
    char client_key[M4H_CLIENT_KEY_MAX + 1];   /* "" while it is not known */
    char fingerprint[M4H_FINGERPRINT_MAX + 1]; /* of the last key that it proved */
};

/* A connection came in on the device listener. Owns `fd`. NULL: no memory. */
M4H_MUST_CHECK struct m4h_device *m4h_device_accept(struct m4h_worker *worker, int fd,
                                                    const char *peer);

/* Orders of the hub. */
/* Owns `limits`, which may be NULL. */
void m4h_device_judged(struct m4h_device *device, bool allowed, enum m4h_role role,
                       const char *client_key, struct m4h_device_limits *limits);
void m4h_device_refused(struct m4h_device *device, enum m4h_refuse_reason reason);
void m4h_device_forwarded(struct m4h_device *device, int fd, uint16_t port);
/* Ends one that has not begun with SSH; a reason that is not 0 is told. For arrival.c. */
void m4h_device_drop(struct m4h_device *device, enum m4h_refuse_reason reason, const char *detail);
/* What its SSH session tells. For arrival.c. */
extern const struct m4h_ssh_handler m4h_device_ssh_handler;
/* It is not known yet, and another one needs its room. */
void m4h_device_turn_away(struct m4h_device *device);
/* When it was last heard. */
uint64_t m4h_device_heard_ms(const struct m4h_device *device);
/* Asks it for a sign of life, and tells the hub whether one came. */
void m4h_device_probe(struct m4h_device *device);
/* Ends it for a reason of ours. One that is to be replaced, and has been silent
 * for too long to count as living, ends with `keepalive_timeout`. */
void m4h_device_close(struct m4h_device *device, enum m4h_disconnect_reason reason);
/* Ends it as soon as it has no operator, because the slave drains. */
void m4h_device_leave(struct m4h_device *device);
/* True for one that is to leave and has no operator, and no visit. */
bool m4h_device_may_go(const struct m4h_device *device);

/* The worker has other settings. */
void m4h_device_adopt(struct m4h_device *device);
/* Its last operator has left, or its last visit is over. It is there for the rest of this
 * turn at least. */
void m4h_device_idle(struct m4h_device *device);
/* A visitor has a visit. */
void m4h_device_busy(struct m4h_device *device);
/* Its time to be looked at has come. */
void m4h_device_look(struct m4h_device *device, uint64_t now_ms);

#endif
