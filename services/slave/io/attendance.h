/* What a worker keeps an eye on while operators are connected: connections on which
 * nothing moves, tunnels that have used up their bandwidth, and operators who still talk
 * when all is over. One timer for each, which runs only while there is such a connection
 * or tunnel. Worker thread only. */
#ifndef M4H_SLAVE_IO_ATTENDANCE_H
#define M4H_SLAVE_IO_ATTENDANCE_H

#include "lib/base/attributes.h"
#include "lib/base/heap.h"
#include "services/slave/core/rate.h"

#include <stdbool.h>

struct m4h_attendance;
struct m4h_connection;
struct m4h_device;
struct m4h_worker;

/* Embedded in a relay. */
struct m4h_idle_watch {
    struct m4h_heap_node node;
    uint64_t due_ms;   /* when to look next */
    uint64_t moved_ms; /* the last byte; set by the relay */
    uint64_t limit_ms;
};

/* Embedded in a device. */
struct m4h_throttle {
    struct m4h_device *next;
    bool is_listed;
    bool is_paused; /* its session is not read */
    struct m4h_rate to_device, from_device;
};

/* M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_attendance_create(struct m4h_attendance **attendance,
                                         struct m4h_worker *worker);
/* Nothing may be watched any more. Accepts NULL. */
void m4h_attendance_destroy(struct m4h_attendance *attendance);

/* From now on m4h_relay_is_idle is told when nothing has moved for so long. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_attendance_watch(struct m4h_attendance *attendance,
                                        struct m4h_idle_watch *watch, uint64_t limit_ms);
/* Does nothing with one that is not watched. */
void m4h_attendance_unwatch(struct m4h_attendance *attendance, struct m4h_idle_watch *watch);

/* Calls m4h_relay_resume_all again and again until nothing of the device waits. */
void m4h_attendance_throttle(struct m4h_attendance *attendance, struct m4h_device *device);
/* All is said to this operator, who still talks; owns the connection. See lib/net/farewell.h. */
void m4h_attendance_part(struct m4h_attendance *attendance, struct m4h_connection *connection);
/* The device goes. */
void m4h_attendance_forget(struct m4h_attendance *attendance, struct m4h_device *device);

#endif
