/*
 * All devices of a run on one epoll loop: at most `in_flight_max` are being set up
 * at a time, the rest wait for their turn in order. One thread is enough to ask
 * more of a server than two cores can give, and leaves the other core to it.
 *
 * Devices that reconnect do so at random moments, each for itself, and without a
 * bound on how many are being set up: that is how a fleet behaves that was cut.
 *
 * Must not know about SSH: device.h does that.
 */
#include "fleet.h"

#include "device.h"
#include "keys.h"
#include "report.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_PER_TURN  256
#define DEADLINE_SCAN_MS 500
#define SPARE_FDS        32
#define RETURN_SCAN_MS   10
/* A device waits at most so many times --reconnect between two attempts. */
#define BACKOFF_MAX 4

struct member {
    struct device device;
    uint64_t started_ns;
    uint32_t watched_events;
    uint64_t due_ns; /* when it comes back; 0: it does not */
    unsigned backoff;
};

struct fleet {
    const struct fleet_options *options;
    struct device_target target;
    ssh_key *keys;
    struct member *members;
    unsigned started_count;
    unsigned in_flight_count;
    struct report report;
    int epoll_fd;
    int signal_fd;
    uint64_t next_scan_ns;
    bool stopping;
    bool returning;      /* who is lost comes back */
    unsigned away_count; /* lost and not back yet */
    unsigned back_count; /* back since the first one was lost */
    uint64_t lost_ns;    /* when that was */
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- set-up and clean-up of the fleet itself ---- */

static bool resolve(struct device_target *target, const struct fleet_options *options)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(options->host, options->port, &hints, &found);

    if (rc != 0) {
        fprintf(stderr, "tunnel-load: %s port %s: %s\n", options->host, options->port,
                gai_strerror(rc));
        return false;
    }
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    target->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

static bool raise_fd_limit(unsigned device_count)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return true;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max >= (rlim_t)device_count + SPARE_FDS)
        return true;
    fprintf(stderr, "tunnel-load: %u devices need more open files than the hard limit of %ju\n",
            device_count, (uintmax_t)limit.rlim_max);
    return false;
}

static bool watch(struct fleet *fleet, int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};

    return epoll_ctl(fleet->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_loop(struct fleet *fleet)
{
    sigset_t signals;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    fleet->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    fleet->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fleet->epoll_fd >= 0 && fleet->signal_fd >= 0 && watch(fleet, fleet->signal_fd, NULL))
        return true;
    fprintf(stderr, "tunnel-load: no event loop: %s\n", strerror(errno));
    return false;
}

static bool prepare(struct fleet *fleet)
{
    const struct fleet_options *options = fleet->options;

    fleet->target.host = options->host;
    fleet->target.user = options->user;
    fleet->target.bind_address = options->bind_address;
    fleet->target.echo = options->echo;
    if (!raise_fd_limit(options->device_count) || !resolve(&fleet->target, options) ||
        keys_read(options->keys_dir, options->device_count, &fleet->keys) < 0 || !open_loop(fleet))
        return false;

    fleet->members = calloc(options->device_count, sizeof(*fleet->members));
    if (fleet->members && report_init(&fleet->report, options->device_count) == 0)
        return true;
    fprintf(stderr, "tunnel-load: out of memory\n");
    return false;
}

static void hang_up(struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->started_count; i++) {
        struct device *device = &fleet->members[i].device;

        if (device->stage != DEVICE_GONE)
            device_stop(device, "end of the run");
    }
}

static void clean_up(struct fleet *fleet)
{
    hang_up(fleet);
    free(fleet->members);
    keys_free(fleet->keys, fleet->options->device_count);
    report_clear(&fleet->report);
    if (fleet->signal_fd >= 0)
        close(fleet->signal_fd);
    if (fleet->epoll_fd >= 0)
        close(fleet->epoll_fd);
}

/* ---- coming back ---- */

/* Between half and one and a half of the time between two attempts. */
static void plan_return(struct fleet *fleet, struct member *member)
{
    uint64_t wait_ns = (uint64_t)fleet->options->reconnect_ms * member->backoff * 1000000u;

    member->due_ns = now_ns() + wait_ns / 2 + wait_ns * (uint64_t)(rand() % 1000) / 1000;
    if (member->backoff < BACKOFF_MAX)
        member->backoff *= 2;
}

/* The first time within --reconnect. */
static void note_lost(struct fleet *fleet, struct member *member)
{
    uint64_t jitter_ns = (uint64_t)fleet->options->reconnect_ms * 1000000u;

    if (fleet->away_count++ == 0) {
        fleet->lost_ns = now_ns();
        fleet->back_count = 0;
        report_begin_return(&fleet->report);
    }
    member->backoff = 1;
    member->due_ns = now_ns() + jitter_ns * (uint64_t)(rand() % 1000) / 1000;
}

static void note_back(struct fleet *fleet)
{
    fleet->back_count++;
    if (--fleet->away_count == 0)
        report_print_return(&fleet->report, stdout, fleet->back_count, now_ns() - fleet->lost_ns);
}

static void settle_return(struct fleet *fleet, struct member *member, enum device_stage before)
{
    if (member->device.stage == DEVICE_UP && before != DEVICE_UP) {
        note_back(fleet);
    } else if (member->device.stage == DEVICE_GONE && before == DEVICE_UP) {
        note_lost(fleet, member);
    } else if (member->device.stage == DEVICE_GONE) {
        report_failed(&fleet->report, member->device.reason);
        plan_return(fleet, member);
    }
}

/* ---- the loop ---- */

/* The member went from `before` to its present stage: count it, and watch for what
 * it needs next. */
static void settle(struct fleet *fleet, struct member *member, enum device_stage before)
{
    struct device *device = &member->device;
    struct epoll_event event = {.data.ptr = member};

    if (fleet->returning)
        settle_return(fleet, member, before);
    else if (before < DEVICE_UP && device->stage >= DEVICE_UP)
        fleet->in_flight_count--;
    if (!fleet->returning && before < DEVICE_UP && device->stage == DEVICE_UP)
        report_up(&fleet->report, now_ns() - member->started_ns);

    if (device->stage == DEVICE_GONE) { /* closed, so epoll has forgotten it */
        member->watched_events = 0;
        if (fleet->returning)
            return;
        if (before == DEVICE_UP)
            report_lost(&fleet->report, device->reason);
        else
            report_failed(&fleet->report, device->reason);
        return;
    }
    event.events = device_poll_events(device);
    if (event.events == member->watched_events)
        return;
    if (epoll_ctl(fleet->epoll_fd, member->watched_events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
                  device->fd, &event) < 0) {
        before = device->stage;
        device_stop(device, strerror(errno));
        settle(fleet, member, before);
        return;
    }
    member->watched_events = event.events;
}

static void start_next(struct fleet *fleet)
{
    unsigned index = fleet->started_count++;
    struct member *member = &fleet->members[index];

    member->started_ns = now_ns();
    fleet->in_flight_count++;
    device_start(&member->device, fleet->keys[index], &fleet->target);
    settle(fleet, member, DEVICE_CONNECTING);
}

static void start_more(struct fleet *fleet)
{
    const struct fleet_options *options = fleet->options;

    while (fleet->started_count < options->device_count &&
           fleet->in_flight_count < options->in_flight_max)
        start_next(fleet);
}

static void start_those_due(struct fleet *fleet)
{
    uint64_t now = now_ns();

    if (fleet->away_count == 0 || fleet->stopping)
        return;
    for (unsigned i = 0; i < fleet->started_count; i++) {
        struct member *member = &fleet->members[i];

        if (member->due_ns == 0 || member->due_ns > now)
            continue;
        member->due_ns = 0;
        member->started_ns = now;
        device_start(&member->device, fleet->keys[i], &fleet->target);
        settle(fleet, member, DEVICE_CONNECTING);
    }
}

static void cut_all(struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->started_count; i++) {
        struct member *member = &fleet->members[i];

        if (member->device.stage != DEVICE_UP)
            continue;
        device_cut(&member->device);
        settle(fleet, member, DEVICE_UP);
    }
}

static void expire_setups(struct fleet *fleet)
{
    uint64_t now = now_ns();
    uint64_t allowed_ns = fleet->options->setup_timeout_seconds * 1000000000ull;

    if (now < fleet->next_scan_ns)
        return;
    fleet->next_scan_ns = now + DEADLINE_SCAN_MS * 1000000ull;
    for (unsigned i = 0; i < fleet->started_count; i++) {
        struct member *member = &fleet->members[i];
        enum device_stage stage = member->device.stage;

        if (stage < DEVICE_UP && now - member->started_ns > allowed_ns) {
            device_stop(&member->device, "no answer in time");
            settle(fleet, member, stage);
        }
    }
}

static void on_signal(struct fleet *fleet)
{
    struct signalfd_siginfo signal;

    if (read(fleet->signal_fd, &signal, sizeof(signal)) != sizeof(signal))
        return;
    if (signal.ssi_signo != SIGUSR1)
        fleet->stopping = true;
    else if (fleet->returning)
        cut_all(fleet);
}

static void on_event(struct fleet *fleet, void *tag)
{
    struct member *member = tag;
    enum device_stage before;

    if (!tag) {
        on_signal(fleet);
        return;
    }
    if (tag == fleet) { /* the end of stdin */
        char ignored[512];

        if (read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0)
            fleet->stopping = true;
        return;
    }
    before = member->device.stage;
    if (before == DEVICE_GONE) /* by an earlier event of the same turn */
        return;
    device_step(&member->device);
    settle(fleet, member, before);
}

static void turn(struct fleet *fleet, int timeout_ms)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(fleet->epoll_fd, events, EVENTS_PER_TURN, timeout_ms);

    for (int i = 0; i < count; i++)
        on_event(fleet, events[i].data.ptr);
}

static void set_up_all(struct fleet *fleet)
{
    uint64_t begun_ns = now_ns();

    start_more(fleet);
    while (fleet->in_flight_count > 0 && !fleet->stopping) {
        turn(fleet, DEADLINE_SCAN_MS);
        expire_setups(fleet);
        start_more(fleet);
    }
    fleet->report.total_ns = now_ns() - begun_ns;
}

static void hold(struct fleet *fleet)
{
    const struct fleet_options *options = fleet->options;
    uint64_t until_ns = now_ns() + options->hold_seconds * 1000000000ull;

    if (options->hold_until_stdin_eof && !watch(fleet, STDIN_FILENO, fleet))
        return; /* a file or /dev/null: at its end already */
    fleet->returning = options->reconnect_ms > 0;
    while (!fleet->stopping && (options->hold_until_stdin_eof || now_ns() < until_ns)) {
        turn(fleet, fleet->away_count > 0 ? RETURN_SCAN_MS : DEADLINE_SCAN_MS);
        start_those_due(fleet);
        if (fleet->away_count > 0)
            expire_setups(fleet);
    }
    fleet->report.lost_count += fleet->away_count;
    fleet->returning = false;
    printf("lost=%u channels=%ju bytes=%ju\n", fleet->report.lost_count,
           (uintmax_t)fleet->target.echo_totals.channels,
           (uintmax_t)fleet->target.echo_totals.bytes);
    if (fleet->report.lost_count > 0)
        report_print_reasons(&fleet->report, stderr);
}

static bool write_ports(const struct fleet *fleet)
{
    FILE *file = fopen(fleet->options->ports_file, "we");
    bool written = file != NULL;

    for (unsigned i = 0; i < fleet->started_count && written; i++) {
        const struct device *device = &fleet->members[i].device;
        char name[KEYS_NAME_BYTES];

        keys_device_name(i, name);
        if (device->stage == DEVICE_UP)
            written = fprintf(file, "%s %d\n", name, device->port) > 0;
    }
    if (file && fclose(file) != 0)
        written = false;
    if (!written)
        fprintf(stderr, "tunnel-load: %s: %s\n", fleet->options->ports_file, strerror(errno));
    return written;
}

static int report_and_hold(struct fleet *fleet)
{
    const struct fleet_options *options = fleet->options;
    const struct report *report = &fleet->report;

    if (options->ports_file && !write_ports(fleet))
        return 1;
    report_print(&fleet->report, stdout, options->json);
    if (options->hold_seconds > 0 || options->hold_until_stdin_eof)
        hold(fleet);
    return report->up_count == options->device_count && report->lost_count == 0 ? 0 : 1;
}

int fleet_run(const struct fleet_options *options)
{
    struct fleet fleet = {.options = options, .epoll_fd = -1, .signal_fd = -1};
    int exit_code = 1;

    if (prepare(&fleet)) {
        set_up_all(&fleet);
        exit_code = report_and_hold(&fleet);
    }
    clean_up(&fleet);
    return exit_code;
}
