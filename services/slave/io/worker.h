/* A worker: one thread with its loop, its listener (SO_REUSEPORT), and the
 * sessions that it accepted, which never move. It decides nothing about who may
 * be here: it asks the hub by letters, and does what it is told. */
#ifndef M4H_SLAVE_IO_WORKER_H
#define M4H_SLAVE_IO_WORKER_H

#include "lib/base/attributes.h"
#include "lib/base/heap.h"
#include "lib/base/latency.h"
#include "lib/net/loop.h"
#include "lib/net/mailbox.h"
#include "lib/net/timer.h"
#include "lib/net/tray.h"
#include "lib/ssh/server.h"
#include "services/slave/io/hops.h"
#include "services/slave/io/letters.h"
#include "services/slave/io/settings.h"

#include <pthread.h>
#include <stdatomic.h>

/* Read in one go from an operator; one buffer for all relays of a worker. */
#define M4H_RELAY_READ_BYTES 65536u

struct m4h_attendance;
struct m4h_device;
struct m4h_entrance;

/* How the handshake of a connection ended. */
enum m4h_handshake_result {
    M4H_HANDSHAKE_LOST, /* it went, or broke */
    M4H_HANDSHAKE_AUTHENTICATED,
    M4H_HANDSHAKE_DENIED, /* it went after a key of it was denied */
    M4H_HANDSHAKE_TIMEOUT,
    M4H_HANDSHAKE_OVERLOAD, /* it had to make room for another */
    M4H_HANDSHAKE_PROTOCOL_ERROR,
};
#define M4H_HANDSHAKE_RESULT_COUNT 6

/* Written by the worker, read by the hub. */
struct m4h_worker_stats {
    struct m4h_histogram handshakes_ended[M4H_HANDSHAKE_RESULT_COUNT]; /* from the accept on */
    atomic_uint_fast64_t bytes_from_device;
    atomic_uint_fast64_t bytes_to_device;
    atomic_uint_fast64_t accepted;  /* connections on the device listener, ever */
    atomic_uint_fast64_t operators; /* operator connections, ever */
    atomic_uint_fast64_t operators_refused[M4H_OPERATOR_VERDICT_COUNT];
    atomic_uint_fast64_t operators_idle;                   /* closed since nothing moved */
    atomic_uint channels;                                  /* operator connections now */
    atomic_uint hops;                                      /* connections to other slaves now */
    atomic_uint_fast64_t hops_ended[M4H_HOP_RESULT_COUNT]; /* ways of operators through them */
    atomic_uint handshakes;                                /* connections that are not known yet */
    atomic_uint active;                                    /* of them, handshakes in flight */
    atomic_uint_fast64_t pauses;                           /* times that accepting paused */
    atomic_uint sessions;                                  /* all */
    atomic_uint_fast64_t pulse; /* the latest M4H_ORDER_PULSE that was read */
};

/* Open to the worker's own files (device.c, relay.c); others use the functions. */
struct m4h_worker {
    uint32_t index;
    bool started; /* the thread runs */
    bool stopped; /* it has ended: nobody reads reports any more */
    pthread_t thread;
    struct m4h_loop *loop;
    struct m4h_mailbox *mailbox; /* orders */
    struct m4h_tray *orders;     /* on their way to it; the main thread's */
    struct m4h_tray *reports;    /* on their way to the hub; the worker's thread's */
    struct m4h_entrance *entrance;
    struct m4h_ssh_server *ssh;
    struct m4h_worker_settings *settings; /* held; replaced after a reload */
    uint64_t next_session;
    uint64_t next_visit;
    struct m4h_device *devices; /* uthash, by session id */
    struct m4h_heap looks;      /* devices by when to look at them */
    struct m4h_timer *look_timer;
    struct m4h_attendance *attendance;
    struct m4h_hops *hops;
    struct m4h_worker_stats stats;
    uint8_t scratch[M4H_RELAY_READ_BYTES];
};

/* Makes a worker around a listening socket, which it owns from now on, also when
 * it fails. It holds `settings` for itself; `ssh` is read during the call. Called by
 * the main thread, as are start, send and destroy. */
M4H_MUST_CHECK int m4h_worker_create(struct m4h_worker **worker, uint32_t index, int listen_fd,
                                     struct m4h_worker_settings *settings,
                                     const struct m4h_ssh_server_config *ssh,
                                     struct m4h_loop *hub_loop, struct m4h_mailbox *hub_mailbox);
/* Runs it on a thread of its own. M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_worker_start(struct m4h_worker *worker);
/* Gives an order, which the worker frees; it leaves at the end of the hub's turn. */
void m4h_worker_send(struct m4h_worker *worker, struct m4h_order *order);
/* Ends its sessions and its thread, and waits for it. Orders may still be sent;
 * they do nothing. False: its thread stands still and does not end within seconds;
 * nothing that it may touch can be freed. */
bool m4h_worker_stop(struct m4h_worker *worker);
/* Stops it if it runs, and frees all, but nothing of one that does not end. Accepts
 * NULL. */
void m4h_worker_destroy(struct m4h_worker *worker);

/* On the worker's thread: for its devices. */
void m4h_worker_report(struct m4h_worker *worker, const struct m4h_report *report);
/* Looks at `device` when its session says so. */
void m4h_worker_schedule(struct m4h_worker *worker, struct m4h_device *device);

#endif
