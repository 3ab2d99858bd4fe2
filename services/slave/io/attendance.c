/* Idle connections stand in a heap by when they may be too long idle; a byte that moves
 * costs no change there: when its time comes, a connection that has moved meanwhile is
 * put back. Throttled tunnels stand in a list that is walked at short intervals, since
 * each of them has something to do at nearly every one. */
#include "services/slave/io/attendance.h"

#include "lib/base/error.h"
#include "lib/net/farewell.h"
#include "lib/net/timer.h"
#include "services/slave/io/device.h"
#include "services/slave/io/relay.h"

#include <stdlib.h>

#define THROTTLE_EVERY_MS 20u
/* Idle connections are ended in steps of so long, many at a time. */
#define IDLE_EVERY_MS 100u

struct m4h_attendance {
    struct m4h_worker *worker;
    struct m4h_heap idle;
    struct m4h_timer *idle_timer;
    struct m4h_device *throttled;
    struct m4h_timer *throttle_timer;
    struct m4h_farewells *farewells;
};

/* ---- idle connections --------------------------------------------------------- */

static struct m4h_idle_watch *watch_of(struct m4h_heap_node *node)
{
    return M4H_CONTAINER_OF(node, struct m4h_idle_watch, node);
}

static bool is_due_before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    const struct m4h_idle_watch *first = M4H_CONTAINER_OF(a, const struct m4h_idle_watch, node);
    const struct m4h_idle_watch *second = M4H_CONTAINER_OF(b, const struct m4h_idle_watch, node);

    return first->due_ms < second->due_ms;
}

static void set_idle_timer(struct m4h_attendance *attendance, uint64_t now_ms)
{
    struct m4h_heap_node *first = m4h_heap_first(&attendance->idle);

    if (first == NULL)
        m4h_timer_stop(attendance->idle_timer);
    else if (watch_of(first)->due_ms <= now_ms)
        m4h_timer_start(attendance->idle_timer, 0, 0);
    else
        m4h_timer_start(attendance->idle_timer, watch_of(first)->due_ms - now_ms, 0);
}

static uint64_t due_of(const struct m4h_idle_watch *watch)
{
    uint64_t at_ms = watch->moved_ms + watch->limit_ms;

    return (at_ms + IDLE_EVERY_MS - 1) / IDLE_EVERY_MS * IDLE_EVERY_MS;
}

static void on_idle_timer(void *context)
{
    struct m4h_attendance *attendance = context;
    uint64_t now_ms = m4h_loop_now_ms(attendance->worker->loop);
    struct m4h_heap_node *node;

    while ((node = m4h_heap_first(&attendance->idle)) != NULL && watch_of(node)->due_ms <= now_ms) {
        struct m4h_idle_watch *watch = watch_of(node);

        if (now_ms - watch->moved_ms >= watch->limit_ms) {
            m4h_relay_is_idle(watch);
        } else {
            watch->due_ms = due_of(watch);
            m4h_heap_moved(&attendance->idle, node);
        }
    }
    set_idle_timer(attendance, now_ms);
}

int m4h_attendance_watch(struct m4h_attendance *attendance, struct m4h_idle_watch *watch,
                         uint64_t limit_ms)
{
    uint64_t now_ms = m4h_loop_now_ms(attendance->worker->loop);

    watch->moved_ms = now_ms;
    watch->limit_ms = limit_ms;
    watch->due_ms = due_of(watch);
    if (m4h_heap_insert(&attendance->idle, &watch->node) != 0)
        return M4H_ENOMEM;
    if (m4h_heap_first(&attendance->idle) == &watch->node)
        set_idle_timer(attendance, now_ms);
    return 0;
}

void m4h_attendance_unwatch(struct m4h_attendance *attendance, struct m4h_idle_watch *watch)
{
    m4h_heap_remove(&attendance->idle, &watch->node);
    if (m4h_heap_first(&attendance->idle) == NULL)
        m4h_timer_stop(attendance->idle_timer);
}

/* ---- throttled tunnels ---------------------------------------------------------- */

static void on_throttle_timer(void *context)
{
    struct m4h_attendance *attendance = context;
    struct m4h_device **at = &attendance->throttled;

    while (*at != NULL) {
        struct m4h_device *device = *at;

        if (m4h_relay_resume_all(device)) {
            *at = device->throttle.next;
            device->throttle.is_listed = false;
        } else {
            at = &device->throttle.next;
        }
    }
    if (attendance->throttled == NULL)
        m4h_timer_stop(attendance->throttle_timer);
}

void m4h_attendance_throttle(struct m4h_attendance *attendance, struct m4h_device *device)
{
    if (device->throttle.is_listed)
        return;
    if (attendance->throttled == NULL)
        m4h_timer_start(attendance->throttle_timer, THROTTLE_EVERY_MS, THROTTLE_EVERY_MS);
    device->throttle.is_listed = true;
    device->throttle.next = attendance->throttled;
    attendance->throttled = device;
}

void m4h_attendance_forget(struct m4h_attendance *attendance, struct m4h_device *device)
{
    struct m4h_device **at = &attendance->throttled;

    if (!device->throttle.is_listed)
        return;
    while (*at != device)
        at = &(*at)->throttle.next;
    *at = device->throttle.next;
    device->throttle.is_listed = false;
}

void m4h_attendance_part(struct m4h_attendance *attendance, struct m4h_connection *connection)
{
    m4h_farewells_add(attendance->farewells, connection);
}

/* ---- all -------------------------------------------------------------------------- */

int m4h_attendance_create(struct m4h_attendance **attendance, struct m4h_worker *worker)
{
    struct m4h_attendance *made = calloc(1, sizeof(*made));
    int error;

    *attendance = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->worker = worker;
    m4h_heap_init(&made->idle, is_due_before);
    error = m4h_timer_create(&made->idle_timer, worker->loop, on_idle_timer, made);
    if (error == 0)
        error = m4h_timer_create(&made->throttle_timer, worker->loop, on_throttle_timer, made);
    if (error == 0)
        error = m4h_farewells_create(&made->farewells, worker->loop);
    if (error != 0) {
        m4h_attendance_destroy(made);
        return error;
    }
    *attendance = made;
    return 0;
}

void m4h_attendance_destroy(struct m4h_attendance *attendance)
{
    if (attendance == NULL)
        return;
    m4h_timer_close(attendance->idle_timer);
    m4h_timer_close(attendance->throttle_timer);
    m4h_farewells_destroy(attendance->farewells);
    m4h_heap_free(&attendance->idle);
    free(attendance);
}
