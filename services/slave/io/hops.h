/* A worker's SSH connections to other slaves, by which its operators reach devices that
 * hang there. One is opened when it is first needed, carries many operators, and is closed
 * when none has needed it for a minute. Worker thread only. */
#ifndef M4H_SLAVE_IO_HOPS_H
#define M4H_SLAVE_IO_HOPS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

struct m4h_hops;
struct m4h_worker;

/* Operators on one connection, and connections to one slave. */
#define M4H_HOP_RIDES_MAX 64u
#define M4H_HOP_LINKS_MAX 16u

/* How it went with an operator's way to a device. */
enum m4h_hop_result {
    M4H_HOP_REACHED,
    M4H_HOP_ABSENT,      /* that slave does not have the device, or the device says no */
    M4H_HOP_LOST,        /* the connection to that slave ended meanwhile */
    M4H_HOP_UNREACHABLE, /* there is no connection to that slave */
    M4H_HOP_UNTRUSTED,   /* it is not who it should be, or it does not know us */
    M4H_HOP_FULL,        /* a bound of ours */
};
#define M4H_HOP_RESULT_COUNT 6

/* "reached", "absent", ... */
const char *m4h_hop_result_name(enum m4h_hop_result result);

/* Where to, and for whom. */
struct m4h_hop_request {
    uint64_t visit_id;
    int fd; /* leads to the operator */
    char slave_id[M4H_ID_MAX + 1];
    char host[M4H_HOST_MAX + 1];
    uint16_t ssh_port;
    char host_keys[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1];
    uint8_t host_key_count;
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    uint16_t port;                         /* of its tunnel */
    char originator[M4H_ADDRESS_TEXT_MAX]; /* the operator's address: "192.0.2.1:50022" */
    uint32_t wait_ms;                      /* until the device has answered */
};

/* M4H_ENOMEM. `on_done` is called once for each request, later or at once. */
M4H_MUST_CHECK int m4h_hops_create(struct m4h_hops **hops, struct m4h_worker *worker,
                                   void (*on_done)(struct m4h_worker *worker, uint64_t visit_id,
                                                   enum m4h_hop_result result));
/* Ends all. No callback any more. Accepts NULL. */
void m4h_hops_destroy(struct m4h_hops *hops);

/* Carries what comes at `request->fd`, which it owns from now on, to the device and back.
 * `request` is borrowed for the call. */
void m4h_hops_open(struct m4h_hops *hops, const struct m4h_hop_request *request);

#endif
