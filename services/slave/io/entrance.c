/* Accepting.
 *
 * Happy path: a connection is accepted, becomes a device and a guest of the door, is
 * heard, asks, is known, and leaves the door. With a load balancer before us its
 * address is told by the PROXY header (arrival.c reads it), and it is counted for its
 * source only then.
 *
 * The door is asked again after everything that befalls a guest. While it is closed,
 * the listener pauses: who comes waits in the kernel's queue. What stalls opens it
 * without an event, so a timer runs meanwhile.
 *
 * The last files of the process are kept for the ports of those who are inside, and for
 * ourselves: no device has a descriptor among the highest numbers. As many below them are
 * kept for devices: no operator has one of those either. Since the kernel gives out the
 * lowest first, a connection gets such a one only when all others are in use. Strangers
 * keep nobody out: those that wait go for an operator, too. */
#include "services/slave/io/entrance.h"

#include "lib/base/error.h"
#include "lib/net/listener.h"
#include "lib/net/timer.h"
#include "lib/ssh/refusal.h"
#include "services/slave/io/device.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Files that devices cannot take, and as many more that operators cannot. */
#define FILES_KEPT 200

struct m4h_entrance {
    struct m4h_worker *worker;
    struct m4h_listener *listener; /* NULL: shut */
    struct m4h_door *door;
    struct m4h_timer *timer; /* runs while it pauses and somebody may stall */
    bool timer_runs;
    bool paused;
    int files_max;          /* a descriptor from here on is one of those that are kept, */
    int operator_files_max; /* and from here on, one that is kept for devices or so */
};

static struct m4h_device *device_of(struct m4h_guest *guest)
{
    return M4H_CONTAINER_OF(guest, struct m4h_device, guest);
}

static uint64_t now_ms(const struct m4h_entrance *entrance)
{
    return m4h_loop_now_ms(entrance->worker->loop);
}

static void tell_counts(const struct m4h_entrance *entrance)
{
    struct m4h_worker_stats *stats = &entrance->worker->stats;

    atomic_store_explicit(&stats->handshakes, m4h_door_guest_count(entrance->door),
                          memory_order_relaxed);
    atomic_store_explicit(&stats->active, m4h_door_active_count(entrance->door),
                          memory_order_relaxed);
}

/* Asks again when the next one may have stalled. One who is heard meanwhile stalls
 * later: then the timer is set again. */
static void set_timer(struct m4h_entrance *entrance)
{
    uint64_t next_ms = m4h_door_next_ms(entrance->door);

    if (entrance->timer_runs || next_ms == UINT64_MAX)
        return;
    m4h_timer_start(entrance->timer, next_ms - now_ms(entrance), 0);
    entrance->timer_runs = true;
}

/* Accepts or pauses, as the door says. */
static void check(struct m4h_entrance *entrance)
{
    bool is_open = m4h_door_is_open(entrance->door, now_ms(entrance));

    tell_counts(entrance);
    if (entrance->listener == NULL)
        return;
    if (is_open) {
        if (entrance->paused)
            m4h_listener_resume(entrance->listener);
        entrance->paused = false;
        return;
    }
    if (!entrance->paused) {
        atomic_fetch_add_explicit(&entrance->worker->stats.pauses, 1, memory_order_relaxed);
        m4h_listener_pause(entrance->listener);
    }
    entrance->paused = true;
    set_timer(entrance);
}

static void on_time(void *context)
{
    struct m4h_entrance *entrance = context;

    entrance->timer_runs = false;
    check(entrance);
}

/* Sends guests away until there is room for `device`; it may be one of them. */
static void make_room(struct m4h_entrance *entrance, struct m4h_device *device)
{
    const struct m4h_guest *newcomer = &device->guest;
    struct m4h_guest *guest = NULL;

    while (guest != newcomer &&
           (guest = m4h_door_excess(entrance->door, newcomer, now_ms(entrance))) != NULL)
        m4h_device_turn_away(device_of(guest));
}

static void refuse(struct m4h_entrance *entrance, enum m4h_refuse_reason reason, const char *detail,
                   const char *peer)
{
    struct m4h_refuse *refuse = calloc(1, sizeof(*refuse));

    if (refuse == NULL)
        return;
    refuse->reason = reason;
    m4h_text_copy(refuse->detail, sizeof(refuse->detail), detail);
    m4h_text_copy(refuse->remote_address, sizeof(refuse->remote_address), peer);
    m4h_worker_report(entrance->worker,
                      &(struct m4h_report){.kind = M4H_REPORT_REFUSED, .as.refused = refuse});
}

/* A descriptor for the connection below `max`: its own, or that of somebody who waits and
 * goes for it. Another worker may be quicker to take that one; then the next one goes.
 * False: there is none. */
static bool find_file(struct m4h_entrance *entrance, int max, int *fd)
{
    while (*fd >= max) {
        struct m4h_guest *guest = m4h_door_longest_waiting(entrance->door);
        int lower;

        if (guest == NULL)
            return false;
        m4h_device_turn_away(device_of(guest));
        lower = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
        if (lower < 0)
            return false;
        close(*fd);
        *fd = lower;
    }
    return true;
}

static bool may_enter(struct m4h_entrance *entrance, int *fd, const char *peer,
                      const struct m4h_ip *ip)
{
    const struct m4h_worker_settings *settings = entrance->worker->settings;

    if (settings->proxy_required && !m4h_networks_contain(&settings->proxies, ip)) {
        refuse(entrance, M4H_REFUSE_PROXY, "comes from no load balancer of ours", peer);
        return false;
    }
    if (!find_file(entrance, entrance->files_max, fd)) {
        refuse(entrance, M4H_REFUSE_FULL, "no file is left for it", peer);
        m4h_ssh_refusal_write(*fd, "the server is full: try again later");
        return false;
    }
    return true;
}

static void admit(struct m4h_entrance *entrance, int fd, const char *peer, const struct m4h_ip *ip)
{
    struct m4h_worker *worker = entrance->worker;
    struct m4h_device *device = m4h_device_accept(worker, fd, peer);

    if (device == NULL)
        return;
    m4h_door_enter(entrance->door, &device->guest, now_ms(entrance));
    if (!worker->settings->proxy_required)
        m4h_door_name(entrance->door, &device->guest, ip, now_ms(entrance));
    make_room(entrance, device);
}

static void on_accept(void *context, int fd, const char *peer)
{
    struct m4h_entrance *entrance = context;
    struct m4h_ip ip = {{0}};

    atomic_fetch_add_explicit(&entrance->worker->stats.accepted, 1, memory_order_relaxed);
    /* An address without a text is of no network; it is counted as one source. */
    if (m4h_ip_parse_peer(peer, &ip) != 0)
        ip = (struct m4h_ip){{0}};
    if (may_enter(entrance, &fd, peer, &ip))
        admit(entrance, fd, peer, &ip);
    else
        close(fd);
    check(entrance);
}

/* A descriptor from here on is kept; as many below it are for devices. */
static int find_files_max(int *kept)
{
    struct rlimit files;
    int all = INT32_MAX;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < INT32_MAX)
        all = (int)files.rlim_cur;
    *kept = all / 4 < FILES_KEPT ? all / 4 : FILES_KEPT;
    return all - *kept;
}

int m4h_entrance_files_max(void)
{
    int kept;

    return find_files_max(&kept);
}

static void share_files(struct m4h_entrance *entrance)
{
    int kept;

    entrance->files_max = find_files_max(&kept);
    entrance->operator_files_max = entrance->files_max - kept;
}

int m4h_entrance_open(struct m4h_entrance **entrance, struct m4h_worker *worker, int listen_fd)
{
    struct m4h_entrance *made = calloc(1, sizeof(*made));
    int error = M4H_ENOMEM;

    *entrance = NULL;
    if (made != NULL) {
        made->worker = worker;
        share_files(made);
        error = m4h_door_create(&made->door, &worker->settings->door);
    }
    if (error == 0)
        error = m4h_timer_create(&made->timer, worker->loop, on_time, made);
    if (error == 0)
        error = m4h_listener_start(&made->listener, worker->loop, listen_fd, on_accept, made);
    else
        close(listen_fd);
    if (error != 0) {
        m4h_entrance_close(made);
        return error;
    }
    *entrance = made;
    return 0;
}

void m4h_entrance_shut(struct m4h_entrance *entrance)
{
    m4h_listener_close(entrance->listener);
    entrance->listener = NULL;
    m4h_timer_stop(entrance->timer);
}

void m4h_entrance_close(struct m4h_entrance *entrance)
{
    if (entrance == NULL)
        return;
    m4h_listener_close(entrance->listener);
    m4h_timer_close(entrance->timer);
    m4h_door_destroy(entrance->door);
    free(entrance);
}

void m4h_entrance_adopt(struct m4h_entrance *entrance)
{
    m4h_door_set_limits(entrance->door, &entrance->worker->settings->door);
    check(entrance);
}

void m4h_entrance_name(struct m4h_entrance *entrance, struct m4h_device *device,
                       const struct m4h_ip *ip)
{
    m4h_door_name(entrance->door, &device->guest, ip, now_ms(entrance));
    make_room(entrance, device);
    check(entrance);
}

bool m4h_entrance_lend_file(struct m4h_entrance *entrance, int *fd)
{
    return find_file(entrance, entrance->operator_files_max, fd);
}

void m4h_entrance_heard(struct m4h_entrance *entrance, struct m4h_guest *guest)
{
    m4h_door_heard(entrance->door, guest, now_ms(entrance));
    check(entrance);
}

void m4h_entrance_asks(struct m4h_entrance *entrance, struct m4h_guest *guest)
{
    m4h_door_asks(entrance->door, guest);
    check(entrance);
}

void m4h_entrance_answered(struct m4h_entrance *entrance, struct m4h_guest *guest)
{
    m4h_door_answered(entrance->door, guest, now_ms(entrance));
    check(entrance);
}

void m4h_entrance_known(struct m4h_entrance *entrance, struct m4h_guest *guest)
{
    m4h_door_known(entrance->door, guest);
    check(entrance);
}

void m4h_entrance_leave(struct m4h_entrance *entrance, struct m4h_guest *guest)
{
    m4h_door_leave(entrance->door, guest);
    check(entrance);
}
