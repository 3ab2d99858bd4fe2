/* Homes, links and rides: a home is a slave where devices hang, a link one SSH connection
 * to it, a ride one operator's way through a link to a device.
 *
 * A ride is put on a link that has room, else on a new one: the host is called, the server
 * shows one of the host keys that a master has told, and takes ours, which the masters know
 * from our start event. Then each ride asks for its device by direct-tcpip, as an operator
 * of that slave would, and tells the operator's address as the originator. Where the link
 * fails before it is up, all who wait for it are told, and the home is left alone for a
 * while. One that is silent is asked for a sign of life as devices are.
 *
 * It does not know who may reach what: that was judged before. */
#include "services/slave/io/hops.h"

#include "lib/base/address.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/net/dial.h"
#include "lib/net/socket.h"
#include "lib/ssh/client.h"
#include "lib/ssh/open.h"
#include "services/slave/core/hop_pace.h"
#include "services/slave/io/conduit.h"
#include "services/slave/io/entrance.h"
#include "services/slave/io/worker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define LOOK_EVERY_MS 250u
/* Of a call: name, TCP, key exchange and both keys. */
#define CALL_MAX_MS 5000u
/* A link that carries nobody is kept for the next one. */
#define REST_MAX_MS 60000u

struct link;

struct ride {
    struct ride *next;
    struct link *link;
    uint64_t visit_id;
    struct m4h_conduit conduit; /* the operator, and its channel on the link */
    bool is_open;
    uint64_t deadline_ms; /* until it is */
    struct m4h_address originator;
    uint16_t port;
    char client_key[M4H_CLIENT_KEY_MAX + 1];
};

struct link {
    struct link *next;
    struct home *home;
    struct m4h_dial *dial;       /* while it is called; */
    struct m4h_ssh_session *ssh; /* then */
    bool is_up;
    uint64_t since_ms; /* called, or without a ride */
    uint64_t asked_ms; /* for a sign of life, last */
    uint32_t ride_count;
    struct ride *rides;
    char host[M4H_HOST_MAX + 1];
    uint16_t port;
    uint8_t host_key_count;
    char host_keys[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1];
};

struct home {
    UT_hash_handle hh;
    struct m4h_hops *hops;
    struct m4h_hop_pace pace;
    enum m4h_hop_result failure; /* of the last call, while the next one has to wait */
    struct link *links;
    char slave_id[M4H_ID_MAX + 1];
};

struct m4h_hops {
    struct m4h_worker *worker;
    void (*on_done)(struct m4h_worker *worker, uint64_t visit_id, enum m4h_hop_result result);
    struct m4h_timer *timer; /* runs while there is a home */
    struct home *homes;
};

const char *m4h_hop_result_name(enum m4h_hop_result result)
{
    static const char *const names[M4H_HOP_RESULT_COUNT] = {"reached",     "absent",    "lost",
                                                            "unreachable", "untrusted", "full"};

    return (unsigned)result < M4H_HOP_RESULT_COUNT ? names[result] : "unknown";
}

static uint64_t now_ms(const struct m4h_hops *hops)
{
    return m4h_loop_now_ms(hops->worker->loop);
}

static void done(struct m4h_hops *hops, uint64_t visit_id, enum m4h_hop_result result)
{
    atomic_fetch_add_explicit(&hops->worker->stats.hops_ended[result], 1, memory_order_relaxed);
    hops->on_done(hops->worker, visit_id, result);
}

/* ---- rides -------------------------------------------------------------------------- */

static void drop_ride(struct ride *ride)
{
    struct link *link = ride->link;
    struct ride **at = &link->rides;

    while (*at != ride)
        at = &(*at)->next;
    *at = ride->next;
    link->ride_count--;
    link->since_ms = now_ms(link->home->hops);
    m4h_conduit_close(&ride->conduit);
    free(ride);
}

/* `result`: where it is not open yet. */
static void end_ride(struct ride *ride, enum m4h_hop_result result)
{
    struct m4h_hops *hops = ride->link->home->hops;

    if (!ride->is_open)
        done(hops, ride->visit_id, result);
    drop_ride(ride);
}

static void on_moved(void *context, size_t len)
{
    (void)context;
    (void)len;
}

static void on_ride_open(void *context)
{
    struct ride *ride = context;

    ride->is_open = true;
    done(ride->link->home->hops, ride->visit_id, M4H_HOP_REACHED);
}

static enum m4h_hop_result result_of(const struct m4h_conduit *conduit)
{
    switch (conduit->refusal) {
    case 0:
        return M4H_HOP_LOST;
    case M4H_SSH_OPEN_CONNECT_FAILED:
        return M4H_HOP_ABSENT;
    case M4H_SSH_OPEN_SHORTAGE:
        return M4H_HOP_FULL;
    default:
        return M4H_HOP_UNTRUSTED;
    }
}

static void on_ride_over(void *context)
{
    struct ride *ride = context;

    end_ride(ride, result_of(&ride->conduit));
}

static const struct m4h_conduit_handler conduit_handler = {
    .on_sent = on_moved,
    .on_received = on_moved,
    .on_open = on_ride_open,
    .on_over = on_ride_over,
};

/* Asks that slave for the device. */
static void set_off(struct ride *ride)
{
    struct m4h_ssh_channel *channel;

    if (m4h_ssh_channel_open_direct(&channel, ride->link->ssh, ride->client_key, ride->port,
                                    ride->originator.host, ride->originator.port,
                                    &m4h_conduit_channel_handler, &ride->conduit) == 0)
        m4h_conduit_join(&ride->conduit, channel, false);
    else
        end_ride(ride, M4H_HOP_LOST);
}

/* ---- links -------------------------------------------------------------------------- */

/* Everybody on it is told so, if he waits. */
static void close_link(struct link *link, enum m4h_hop_result result, const char *goodbye)
{
    struct home *home = link->home;
    struct link **at = &home->links;

    while (link->rides != NULL)
        end_ride(link->rides, result);
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    if (link->is_up)
        atomic_fetch_sub_explicit(&home->hops->worker->stats.hops, 1, memory_order_relaxed);
    m4h_dial_close(link->dial);
    m4h_ssh_session_close(link->ssh, goodbye);
    free(link);
}

/* The call has failed. */
static void fail_link(struct link *link, enum m4h_hop_result result, const char *why)
{
    struct home *home = link->home;
    char detail[2 * M4H_DETAIL_MAX];

    m4h_hop_pace_failed(&home->pace, now_ms(home->hops));
    home->failure = result;
    m4h_log(M4H_LOG_WARNING, "slave",
            "to=%s address=%s:%u reason=%s detail=%s failures=%u no hop to another slave",
            home->slave_id, link->host, link->port, m4h_hop_result_name(result),
            m4h_log_quote(detail, sizeof(detail), why), home->pace.failures);
    close_link(link, result, "the call has failed");
}

static void on_link_up(void *context)
{
    struct link *link = context;
    struct home *home = link->home;
    struct ride *ride, *next;

    link->is_up = true;
    atomic_fetch_add_explicit(&home->hops->worker->stats.hops, 1, memory_order_relaxed);
    m4h_hop_pace_worked(&home->pace);
    m4h_log(M4H_LOG_INFO, "slave", "to=%s address=%s:%u took_ms=%llu a hop to another slave",
            home->slave_id, link->host, link->port,
            (unsigned long long)(now_ms(home->hops) - link->since_ms));
    for (ride = link->rides; ride != NULL; ride = next) {
        next = ride->next;
        set_off(ride);
    }
}

static void on_link_end(void *context, enum m4h_ssh_end end, const char *detail)
{
    struct link *link = context;
    char quoted[2 * M4H_DETAIL_MAX];

    if (!link->is_up) {
        fail_link(link, end == M4H_SSH_END_PROTOCOL ? M4H_HOP_UNTRUSTED : M4H_HOP_UNREACHABLE,
                  detail);
        return;
    }
    m4h_log(M4H_LOG_INFO, "slave", "to=%s operators=%u detail=%s a hop to another slave is over",
            link->home->slave_id, link->ride_count, m4h_log_quote(quoted, sizeof(quoted), detail));
    close_link(link, M4H_HOP_LOST, "it is over");
}

static const struct m4h_ssh_client_handler ssh_handler = {.on_up = on_link_up,
                                                          .on_end = on_link_end};

static uint32_t silence_max_ms(const struct m4h_hops *hops)
{
    const struct m4h_session_limits *limits = &hops->worker->settings->session;

    return limits->keepalive_ms * (limits->keepalive_misses + 1);
}

static void greet(struct link *link, int fd)
{
    struct m4h_hops *hops = link->home->hops;
    const struct m4h_ssh_client_config config = {
        .username = hops->worker->settings->id,
        .host_keys = (const char(*)[M4H_HOST_KEY_MAX + 1]) link->host_keys,
        .host_key_count = link->host_key_count,
    };
    int error;

    if (!m4h_entrance_lend_file(hops->worker->entrance, &fd)) {
        close(fd);
        fail_link(link, M4H_HOP_FULL, "no file is left");
        return;
    }
    m4h_socket_tune(fd, silence_max_ms(hops));
    error = m4h_ssh_client_start(&link->ssh, hops->worker->ssh, fd, &config, &ssh_handler, link);
    if (error != 0)
        fail_link(link, error == M4H_EINVALID ? M4H_HOP_UNTRUSTED : M4H_HOP_FULL,
                  m4h_error_text(error));
}

static void on_dialed(void *context, int fd, int error)
{
    struct link *link = context;

    m4h_dial_close(link->dial);
    link->dial = NULL;
    if (error == 0)
        greet(link, fd);
    else
        fail_link(link, M4H_HOP_UNREACHABLE,
                  error == M4H_EUNAVAILABLE ? "it does not take connections"
                                            : m4h_error_text(error));
}

/* NULL: no memory. */
static struct link *call(struct home *home, const struct m4h_hop_request *request)
{
    struct link *link = calloc(1, sizeof(*link));

    if (link == NULL)
        return NULL;
    link->home = home;
    link->since_ms = now_ms(home->hops);
    link->port = request->ssh_port;
    link->host_key_count = request->host_key_count;
    m4h_text_copy(link->host, sizeof(link->host), request->host);
    memcpy(link->host_keys, request->host_keys, sizeof(link->host_keys));
    if (m4h_dial_start(&link->dial, home->hops->worker->loop, link->host, link->port, on_dialed,
                       link) != 0) {
        free(link);
        return NULL;
    }
    link->next = home->links;
    home->links = link;
    return link;
}

/* The link leads to where the masters say that slave is, and to whom. */
static bool leads_there(const struct link *link, const struct m4h_hop_request *request)
{
    if (link->port != request->ssh_port || strcmp(link->host, request->host) != 0 ||
        link->host_key_count != request->host_key_count)
        return false;
    for (size_t i = 0; i < link->host_key_count; i++) {
        if (strcmp(link->host_keys[i], request->host_keys[i]) != 0)
            return false;
    }
    return true;
}

/* NULL: there is none to be had, for this reason. */
static struct link *find_link(struct home *home, const struct m4h_hop_request *request,
                              enum m4h_hop_result *why)
{
    struct link *candidates[M4H_HOP_LINKS_MAX];
    uint32_t loads[M4H_HOP_LINKS_MAX];
    struct link *made;
    size_t count = 0, all = 0;
    int chosen;

    for (struct link *link = home->links; link != NULL; link = link->next, all++) {
        if (count == M4H_HOP_LINKS_MAX || !leads_there(link, request))
            continue;
        candidates[count] = link;
        loads[count++] = link->ride_count;
    }
    chosen = m4h_hop_choose(loads, count, M4H_HOP_RIDES_MAX);
    if (chosen >= 0)
        return candidates[chosen];
    *why = home->failure;
    if (!m4h_hop_pace_allows(&home->pace, now_ms(home->hops)))
        return NULL;
    *why = M4H_HOP_FULL;
    made = all < M4H_HOP_LINKS_MAX ? call(home, request) : NULL;
    return made;
}

/* ---- homes -------------------------------------------------------------------------- */

static struct home *find_home(struct m4h_hops *hops, const char *slave_id)
{
    struct home *home;

    HASH_FIND_STR(hops->homes, slave_id, home);
    if (home != NULL)
        return home;
    home = calloc(1, sizeof(*home));
    if (home == NULL)
        return NULL;
    home->hops = hops;
    m4h_text_copy(home->slave_id, sizeof(home->slave_id), slave_id);
    HASH_ADD_STR(hops->homes, slave_id, home);
    if (home->hh.tbl == NULL) {
        free(home);
        return NULL;
    }
    if (HASH_COUNT(hops->homes) == 1)
        m4h_timer_start(hops->timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
    return home;
}

/* Nothing is left of it that would have to be remembered. */
static bool is_done_with(const struct home *home, uint64_t now)
{
    return home->links == NULL && now >= home->pace.after_ms + M4H_HOP_WAIT_MAX_MS;
}

static void forget_home(struct home *home)
{
    struct m4h_hops *hops = home->hops;

    HASH_DEL(hops->homes, home);
    free(home);
    if (hops->homes == NULL)
        m4h_timer_stop(hops->timer);
}

/* Asks a silent one for a sign of life. False: it has been silent for too long. */
static bool is_alive(struct link *link, uint64_t now)
{
    const struct m4h_hops *hops = link->home->hops;
    uint32_t keepalive_ms = hops->worker->settings->session.keepalive_ms;
    uint64_t heard_ms = m4h_ssh_session_heard_ms(link->ssh);

    if (keepalive_ms == 0 || now < heard_ms + keepalive_ms)
        return true;
    if (now >= heard_ms + silence_max_ms(hops))
        return false;
    if (now >= link->asked_ms + keepalive_ms) {
        link->asked_ms = now;
        m4h_ssh_session_keepalive(link->ssh);
    }
    return true;
}

static void look_at_rides(struct link *link, uint64_t now)
{
    struct ride *ride, *next;

    for (ride = link->rides; ride != NULL; ride = next) {
        next = ride->next;
        if (!ride->is_open && now >= ride->deadline_ms)
            end_ride(ride, link->is_up ? M4H_HOP_ABSENT : M4H_HOP_UNREACHABLE);
    }
}

static void look_at_link(struct link *link, uint64_t now)
{
    look_at_rides(link, now);
    if (!link->is_up) {
        if (now >= link->since_ms + CALL_MAX_MS)
            fail_link(link, M4H_HOP_UNREACHABLE, "no answer in time");
    } else if (link->rides == NULL && now >= link->since_ms + REST_MAX_MS) {
        close_link(link, M4H_HOP_LOST, "nobody needs it");
    } else if (!is_alive(link, now)) {
        m4h_log(M4H_LOG_WARNING, "slave", "to=%s operators=%u a hop to another slave is silent",
                link->home->slave_id, link->ride_count);
        close_link(link, M4H_HOP_LOST, "it was silent for too long");
    }
}

static void on_look(void *context)
{
    struct m4h_hops *hops = context;
    uint64_t now = now_ms(hops);
    struct home *home, *next_home;
    struct link *link, *next;

    HASH_ITER(hh, hops->homes, home, next_home)
    {
        for (link = home->links; link != NULL; link = next) {
            next = link->next;
            look_at_link(link, now);
        }
        if (is_done_with(home, now))
            forget_home(home);
    }
}

/* ---- what the worker calls ------------------------------------------------------------ */

/* NULL where it cannot be had: `fd` is closed then. */
static struct ride *make_ride(struct link *link, const struct m4h_hop_request *request, int fd)
{
    struct m4h_hops *hops = link->home->hops;
    struct ride *ride = calloc(1, sizeof(*ride));

    if (ride == NULL || m4h_address_parse(request->originator, &ride->originator) != 0) {
        close(fd);
        free(ride);
        return NULL;
    }
    if (m4h_conduit_start(&ride->conduit, hops->worker, fd, &conduit_handler, ride) != 0) {
        free(ride);
        return NULL;
    }
    ride->link = link;
    ride->visit_id = request->visit_id;
    ride->deadline_ms = now_ms(hops) + request->wait_ms;
    ride->port = request->port;
    m4h_text_copy(ride->client_key, sizeof(ride->client_key), request->client_key);
    ride->next = link->rides;
    link->rides = ride;
    link->ride_count++;
    return ride;
}

void m4h_hops_open(struct m4h_hops *hops, const struct m4h_hop_request *request)
{
    struct home *home = find_home(hops, request->slave_id);
    enum m4h_hop_result why = M4H_HOP_FULL;
    struct link *link = home != NULL ? find_link(home, request, &why) : NULL;
    struct ride *ride = NULL;
    int fd = request->fd;

    if (link == NULL || !m4h_entrance_lend_file(hops->worker->entrance, &fd))
        close(fd);
    else
        ride = make_ride(link, request, fd);
    if (ride == NULL)
        done(hops, request->visit_id, why);
    else if (link->is_up)
        set_off(ride);
}

int m4h_hops_create(struct m4h_hops **hops, struct m4h_worker *worker,
                    void (*on_done)(struct m4h_worker *worker, uint64_t visit_id,
                                    enum m4h_hop_result result))
{
    struct m4h_hops *made = calloc(1, sizeof(*made));
    int error;

    *hops = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->worker = worker;
    made->on_done = on_done;
    error = m4h_timer_create(&made->timer, worker->loop, on_look, made);
    if (error != 0) {
        free(made);
        return error;
    }
    *hops = made;
    return 0;
}

void m4h_hops_destroy(struct m4h_hops *hops)
{
    struct home *home, *next;

    if (hops == NULL)
        return;
    HASH_ITER(hh, hops->homes, home, next)
    {
        while (home->links != NULL) {
            while (home->links->rides != NULL)
                drop_ride(home->links->rides);
            close_link(home->links, M4H_HOP_LOST, "the slave ends");
        }
        forget_home(home);
    }
    m4h_timer_close(hops->timer);
    free(hops);
}
