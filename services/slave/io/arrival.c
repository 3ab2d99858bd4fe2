/* How a device begins: its place in the worker's tables, the header of a load balancer
 * where one is required, and then its SSH session. What follows is device.c's.
 *
 * Where the connection ends before SSH has begun, or begins with something else, there
 * is nobody to say goodbye to: it is dropped. */
#include "services/slave/io/device.h"

#include "lib/base/error.h"
#include "lib/net/socket.h"
#include "services/slave/io/entrance.h"

#include <stdlib.h>
#include <unistd.h>

/* Unacknowledged bytes towards a device end its connection a little before the
 * keepalives would. */
#define USER_TIMEOUT_MARGIN_MS 5000

static uint32_t user_timeout_ms(const struct m4h_session_limits *limits)
{
    uint32_t dead_ms = limits->keepalive_ms * limits->keepalive_misses;

    return dead_ms > USER_TIMEOUT_MARGIN_MS ? dead_ms - USER_TIMEOUT_MARGIN_MS : dead_ms;
}

/* Puts a new device into the worker's tables. */
static int enlist(struct m4h_worker *worker, struct m4h_device *device)
{
    if (m4h_heap_insert(&worker->looks, &device->look) != 0)
        return M4H_ENOMEM;
    HASH_ADD(hh, worker->devices, session_id, sizeof(device->session_id), device);
    if (device->hh.tbl == NULL) {
        m4h_heap_remove(&worker->looks, &device->look);
        return M4H_ENOMEM;
    }
    return 0;
}

/* Owns `fd`, also when it fails. */
static int begin_ssh(struct m4h_device *device, int fd)
{
    return m4h_ssh_session_accept(&device->ssh, device->worker->ssh, fd, &m4h_device_ssh_handler,
                                  device);
}

/* The header of a balancer is read: from here on the connection is the device's. One
 * without an address, or with one that is none, counts as its balancer's. */
static void on_header(struct m4h_device *device, const struct m4h_proxy_header *header)
{
    struct m4h_ip ip = {{0}};
    int fd = device->fd;

    m4h_proxy_reader_close(device->proxy);
    device->proxy = NULL;
    device->fd = -1;
    if (header->has_source)
        m4h_ip_peer_text(&header->source, header->source_port, device->peer);
    if (m4h_ip_parse_peer(device->peer, &ip) != 0)
        ip = (struct m4h_ip){{0}};
    if (begin_ssh(device, fd) != 0)
        m4h_device_drop(device, 0, "");
    else
        m4h_entrance_name(device->worker->entrance, device, &ip);
}

static void on_proxy(void *context, enum m4h_proxy_outcome outcome,
                     const struct m4h_proxy_header *header)
{
    struct m4h_device *device = context;

    if (outcome == M4H_PROXY_TAKEN)
        on_header(device, header);
    else if (outcome == M4H_PROXY_REFUSED)
        m4h_device_drop(device, M4H_REFUSE_PROXY, "no header of the PROXY protocol");
    else
        m4h_device_drop(device, 0, "");
}

/* Begins with the header of a balancer where one is required, else with SSH. Owns
 * `fd` from now on, also when it fails. */
static int begin(struct m4h_device *device, int fd)
{
    struct m4h_worker *worker = device->worker;
    int error;

    device->fd = -1;
    if (!worker->settings->proxy_required)
        return begin_ssh(device, fd);
    error = m4h_proxy_reader_start(&device->proxy, worker->loop, fd, on_proxy, device);
    if (error == 0)
        device->fd = fd;
    else
        close(fd);
    return error;
}

struct m4h_device *m4h_device_accept(struct m4h_worker *worker, int fd, const char *peer)
{
    struct m4h_device *device = calloc(1, sizeof(*device));
    uint64_t now_ms = m4h_loop_now_ms(worker->loop);

    if (device == NULL) {
        close(fd);
        return NULL;
    }
    m4h_socket_tune(fd, user_timeout_ms(&worker->settings->session));
    device->worker = worker;
    device->accepted_us = m4h_latency_clock_us();
    device->session_id =
        (uint64_t)worker->index << M4H_SESSION_WORKER_SHIFT | ++worker->next_session;
    m4h_text_copy(device->peer, sizeof(device->peer), peer);
    m4h_session_begin(&device->session, now_ms);
    device->look_ms =
        m4h_session_next_look_ms(&device->session, &worker->settings->session, now_ms);
    if (enlist(worker, device) != 0) {
        close(fd);
        free(device);
        return NULL;
    }
    atomic_fetch_add_explicit(&worker->stats.sessions, 1, memory_order_relaxed);
    if (begin(device, fd) != 0) {
        m4h_device_drop(device, 0, "");
        return NULL;
    }
    m4h_worker_schedule(worker, device);
    return device;
}

void m4h_device_adopt(struct m4h_device *device)
{
    if (device->ssh != NULL)
        m4h_ssh_session_set_patience(device->ssh,
                                     user_timeout_ms(&device->worker->settings->session));
    m4h_worker_schedule(device->worker, device);
}
