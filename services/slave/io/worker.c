/* A worker's thread, its loop and its tables. */
#include "services/slave/io/worker.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "services/slave/io/attendance.h"
#include "services/slave/io/device.h"
#include "services/slave/io/entrance.h"
#include "services/slave/io/relay.h"
#include "services/slave/io/visit.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Devices are looked at in steps of so long. */
#define LOOK_EVERY_MS 100u
/* A worker that is to end is waited for so long. */
#define END_MAX_S 5

static struct m4h_device *device_of(struct m4h_heap_node *node)
{
    return M4H_CONTAINER_OF(node, struct m4h_device, look);
}

static bool looked_at_before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    const struct m4h_device *first = M4H_CONTAINER_OF(a, const struct m4h_device, look);
    const struct m4h_device *second = M4H_CONTAINER_OF(b, const struct m4h_device, look);

    return first->look_ms < second->look_ms;
}

/* Sets the one timer to the first look that is due. */
static void set_timer(struct m4h_worker *worker)
{
    struct m4h_heap_node *first = m4h_heap_first(&worker->looks);
    uint64_t now_ms = m4h_loop_now_ms(worker->loop);
    uint64_t at_ms = first != NULL ? device_of(first)->look_ms : UINT64_MAX;

    if (at_ms == UINT64_MAX)
        m4h_timer_stop(worker->look_timer);
    else
        m4h_timer_start(worker->look_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

static void on_look(void *context)
{
    struct m4h_worker *worker = context;
    uint64_t now_ms = m4h_loop_now_ms(worker->loop);
    struct m4h_heap_node *first;

    while ((first = m4h_heap_first(&worker->looks)) != NULL && device_of(first)->look_ms <= now_ms)
        m4h_device_look(device_of(first), now_ms);
    set_timer(worker);
}

static uint64_t round_up(uint64_t value, uint64_t step)
{
    return (value + step - 1) / step * step;
}

void m4h_worker_schedule(struct m4h_worker *worker, struct m4h_device *device)
{
    uint64_t now_ms = m4h_loop_now_ms(worker->loop);
    uint64_t at_ms = m4h_session_next_look_ms(&device->session, &worker->settings->session,
                                              m4h_device_heard_ms(device));

    /* Later than now: a look that changes nothing must not spin. At few moments, so that
     * thousands of idle devices wake the worker a few times a second, not at each of
     * their milliseconds. */
    if (at_ms <= now_ms || m4h_device_may_go(device))
        at_ms = now_ms + 1;
    device->look_ms = at_ms == UINT64_MAX ? at_ms : round_up(at_ms, LOOK_EVERY_MS);
    m4h_heap_moved(&worker->looks, &device->look);
    if (m4h_heap_first(&worker->looks) == &device->look)
        set_timer(worker);
}

void m4h_worker_report(struct m4h_worker *worker, const struct m4h_report *report)
{
    struct m4h_report *copy;

    /* An order that came too late is still discarded; what its device held is gone. */
    if (worker->stopped)
        return;
    copy = malloc(sizeof(*copy));
    if (copy == NULL)
        abort(); /* a lost report would leave the hub wrong about a device for ever */
    *copy = *report;
    m4h_tray_put(worker->reports, &copy->letter);
}

static void quit(struct m4h_worker *worker)
{
    m4h_entrance_shut(worker->entrance);
    while (worker->devices != NULL)
        m4h_device_close(worker->devices, M4H_DISCONNECT_DRAINED);
    m4h_hops_destroy(worker->hops);
    worker->hops = NULL;
    m4h_loop_stop(worker->loop);
}

static void obey(struct m4h_device *device, const struct m4h_order *order)
{
    switch (order->kind) {
    case M4H_ORDER_JUDGED:
        m4h_device_judged(device, order->as.judged.allowed, order->as.judged.role,
                          order->as.judged.client_key, order->as.judged.limits);
        break;
    case M4H_ORDER_REFUSED:
        m4h_device_refused(device, order->as.refused);
        break;
    case M4H_ORDER_FORWARDED:
        m4h_device_forwarded(device, order->as.forwarded.fd, order->as.forwarded.port);
        break;
    case M4H_ORDER_VISIT:
        m4h_relay_visit(device, order->as.visit.port, order->as.visit.visit_id, order->as.visit.fd,
                        order->as.visit.peer);
        break;
    case M4H_ORDER_REACHED:
        m4h_visit_reached(device, order->as.reached.visit_id, order->as.reached.fd);
        break;
    case M4H_ORDER_UNREACHED:
        m4h_visit_refused(device, order->as.unreached.visit_id,
                          (enum m4h_ssh_open_refusal)order->as.unreached.reason,
                          order->as.unreached.text);
        break;
    case M4H_ORDER_PROBE:
        m4h_device_probe(device);
        break;
    case M4H_ORDER_CLOSE:
        m4h_device_close(device, order->as.close.reason);
        break;
    case M4H_ORDER_LEAVE:
        m4h_device_leave(device);
        break;
    default:
        assert(order->kind < M4H_ORDER_REFUSE_NEW); /* the others need no session */
    }
}

/* Takes the new settings; every device is looked at when they say so. */
static void adopt(struct m4h_worker *worker, struct m4h_worker_settings *settings)
{
    struct m4h_worker_settings *old = worker->settings;

    worker->settings = settings;
    m4h_entrance_adopt(worker->entrance);
    m4h_worker_settings_release(old);
    for (struct m4h_device *device = worker->devices; device != NULL; device = device->hh.next)
        m4h_device_adopt(device);
}

/* The hub waits for word of a listener: it may give the port to another only when it
 * is closed. */
static void discard_listener(struct m4h_worker *worker, const struct m4h_order *order)
{
    if (order->as.forwarded.fd < 0)
        return;
    close(order->as.forwarded.fd);
    m4h_worker_report(
        worker, &(struct m4h_report){.kind = M4H_REPORT_LATE, .session_id = order->session_id});
}

/* The device left while the order was on the way. */
static void discard(struct m4h_worker *worker, const struct m4h_order *order)
{
    switch (order->kind) {
    case M4H_ORDER_JUDGED:
        free(order->as.judged.limits);
        break;
    case M4H_ORDER_FORWARDED:
        discard_listener(worker, order);
        break;
    case M4H_ORDER_VISIT:
        close(order->as.visit.fd);
        m4h_worker_report(worker,
                          &(struct m4h_report){.kind = M4H_REPORT_REACHED,
                                               .session_id = order->session_id,
                                               .as.reached = {order->as.visit.visit_id, false}});
        break;
    case M4H_ORDER_REACHED:
        close(order->as.reached.fd);
        break;
    default:
        break;
    }
}

static void on_hopped(struct m4h_worker *worker, uint64_t visit_id, enum m4h_hop_result result)
{
    m4h_worker_report(
        worker, &(struct m4h_report){.kind = M4H_REPORT_HOPPED, .as.hopped = {visit_id, result}});
}

/* Where the worker has ended, so has the visit. */
static void hop(struct m4h_worker *worker, struct m4h_hop_request *request)
{
    if (worker->hops != NULL)
        m4h_hops_open(worker->hops, request);
    else
        close(request->fd);
    free(request);
}

static void on_order(void *context, struct m4h_letter *letter)
{
    struct m4h_worker *worker = context;
    struct m4h_order *order = M4H_CONTAINER_OF(letter, struct m4h_order, letter);
    struct m4h_device *device = NULL;

    if (order->kind == M4H_ORDER_REFUSE_NEW) {
        m4h_entrance_shut(worker->entrance);
    } else if (order->kind == M4H_ORDER_SETTINGS) {
        adopt(worker, order->as.settings);
    } else if (order->kind == M4H_ORDER_HOP) {
        hop(worker, order->as.hop);
    } else if (order->kind == M4H_ORDER_PULSE) {
        atomic_store_explicit(&worker->stats.pulse, order->as.pulse, memory_order_relaxed);
    } else if (order->kind == M4H_ORDER_QUIT) {
        quit(worker);
    } else {
        HASH_FIND(hh, worker->devices, &order->session_id, sizeof(order->session_id), device);
        if (device != NULL)
            obey(device, order);
        else
            discard(worker, order);
    }
    free(order);
}

static int build_post(struct m4h_worker *worker, struct m4h_loop *hub_loop,
                      struct m4h_mailbox *hub_mailbox)
{
    int error = m4h_mailbox_create(&worker->mailbox, worker->loop, on_order, worker);

    if (error == 0)
        error = m4h_tray_create(&worker->orders, hub_loop, worker->mailbox);
    if (error == 0)
        error = m4h_tray_create(&worker->reports, worker->loop, hub_mailbox);
    return error;
}

static int build(struct m4h_worker *worker, int listen_fd, const struct m4h_ssh_server_config *ssh,
                 struct m4h_loop *hub_loop, struct m4h_mailbox *hub_mailbox)
{
    int error = m4h_loop_create(&worker->loop);

    if (error == 0)
        error = build_post(worker, hub_loop, hub_mailbox);
    if (error == 0)
        error = m4h_timer_create(&worker->look_timer, worker->loop, on_look, worker);
    if (error == 0)
        error = m4h_attendance_create(&worker->attendance, worker);
    if (error == 0)
        error = m4h_hops_create(&worker->hops, worker, on_hopped);
    if (error == 0)
        error = m4h_ssh_server_create(&worker->ssh, worker->loop, ssh);
    if (error != 0) {
        close(listen_fd);
        return error;
    }
    return m4h_entrance_open(&worker->entrance, worker, listen_fd);
}

int m4h_worker_create(struct m4h_worker **worker, uint32_t index, int listen_fd,
                      struct m4h_worker_settings *settings, const struct m4h_ssh_server_config *ssh,
                      struct m4h_loop *hub_loop, struct m4h_mailbox *hub_mailbox)
{
    int error;

    *worker = calloc(1, sizeof(**worker));
    if (*worker == NULL) {
        close(listen_fd);
        return M4H_ENOMEM;
    }
    (*worker)->index = index;
    (*worker)->settings = m4h_worker_settings_hold(settings);
    m4h_heap_init(&(*worker)->looks, looked_at_before);
    for (size_t i = 0; i < M4H_HANDSHAKE_RESULT_COUNT; i++)
        m4h_latency_init(&(*worker)->stats.handshakes_ended[i]);
    error = build(*worker, listen_fd, ssh, hub_loop, hub_mailbox);
    if (error != 0) {
        m4h_worker_destroy(*worker);
        *worker = NULL;
    }
    return error;
}

static void *run(void *context)
{
    struct m4h_worker *worker = context;
    char name[16];

    snprintf(name, sizeof(name), "m4h-worker-%u", worker->index);
    pthread_setname_np(pthread_self(), name);
    m4h_loop_run(worker->loop);
    m4h_tray_flush(worker->reports);
    return NULL;
}

int m4h_worker_start(struct m4h_worker *worker)
{
    sigset_t all, before;
    int rc;

    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    worker->started = rc == 0;
    return rc == 0 ? 0 : M4H_ESYSTEM;
}

void m4h_worker_send(struct m4h_worker *worker, struct m4h_order *order)
{
    m4h_tray_put(worker->orders, &order->letter);
}

/* False: it does not end. */
static bool join(const struct m4h_worker *worker)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += END_MAX_S;
    return pthread_timedjoin_np(worker->thread, NULL, &until) == 0;
}

bool m4h_worker_stop(struct m4h_worker *worker)
{
    struct m4h_order *order;

    if (!worker->started)
        return true;
    order = calloc(1, sizeof(*order));
    if (order == NULL)
        abort(); /* its thread cannot be ended */
    order->kind = M4H_ORDER_QUIT;
    m4h_worker_send(worker, order);
    m4h_tray_flush(worker->orders); /* the hub's loop may have ended */
    if (!join(worker)) {
        pthread_detach(worker->thread);
        return false;
    }
    worker->started = false;
    worker->stopped = true;
    return true;
}

void m4h_worker_destroy(struct m4h_worker *worker)
{
    if (worker == NULL)
        return;
    if (!m4h_worker_stop(worker))
        return;
    worker->stopped = true;
    m4h_entrance_close(worker->entrance);
    m4h_tray_close(worker->orders);
    m4h_mailbox_close(worker->mailbox);
    m4h_tray_close(worker->reports);
    m4h_timer_close(worker->look_timer);
    m4h_hops_destroy(worker->hops);
    m4h_attendance_destroy(worker->attendance);
    m4h_ssh_server_destroy(worker->ssh);
    m4h_heap_free(&worker->looks);
    m4h_loop_destroy(worker->loop);
    m4h_worker_settings_release(worker->settings);
    free(worker);
}
