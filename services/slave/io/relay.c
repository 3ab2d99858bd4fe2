/* An operator on a port of a device: what a device's rules say of it, and its end.
 *
 * The bytes are the conduit's. Where the device's bandwidth is used up, its operators are
 * not read for a while, and neither is its session, which holds the device back by TCP
 * and buffers nothing. */
#include "services/slave/io/relay.h"

#include "lib/base/address.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/proxy_header.h"
#include "lib/net/socket.h"
#include "lib/ssh/channel.h"
#include "services/slave/io/conduit.h"
#include "services/slave/io/entrance.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct m4h_relay {
    struct m4h_relay *next;
    struct m4h_device *device;
    struct m4h_idle_watch idle;
    uint64_t visit_id;          /* of a visit of which the hub has not heard yet; else 0 */
    struct m4h_conduit conduit; /* the operator's connection, the device's channel */
};

static void count(atomic_uint_fast64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static struct m4h_operator_rules rules_of(const struct m4h_device *device)
{
    return m4h_operator_rules_of(&device->worker->settings->operators, device->limits,
                                 &device->operator_networks);
}

static uint64_t now_ms(const struct m4h_device *device)
{
    return m4h_loop_now_ms(device->worker->loop);
}

/* How many bytes the device's bandwidth lets through now. */
static size_t bandwidth_left(struct m4h_device *device, struct m4h_rate *rate)
{
    return m4h_rate_left(rate, rules_of(device).bytes_per_second, now_ms(device));
}

static void tell_visit(struct m4h_device *device, uint64_t visit_id, bool reached)
{
    m4h_worker_report(device->worker, &(struct m4h_report){.kind = M4H_REPORT_REACHED,
                                                           .session_id = device->session_id,
                                                           .as.reached = {visit_id, reached}});
}

static void close_relay(struct m4h_relay *relay)
{
    struct m4h_device *device = relay->device;
    struct m4h_relay **at = &device->relays;

    if (relay->visit_id != 0)
        tell_visit(device, relay->visit_id, false);
    while (*at != relay)
        at = &(*at)->next;
    *at = relay->next;
    device->relay_count--;
    m4h_attendance_unwatch(device->worker->attendance, &relay->idle);
    m4h_conduit_close(&relay->conduit);
    atomic_fetch_sub_explicit(&device->worker->stats.channels, 1, memory_order_relaxed);
    free(relay);
    if (device->relays == NULL)
        m4h_device_idle(device);
}

static size_t on_ask(void *context)
{
    struct m4h_relay *relay = context;
    struct m4h_device *device = relay->device;
    size_t left = bandwidth_left(device, &device->throttle.to_device);

    if (left == 0)
        m4h_attendance_throttle(device->worker->attendance, device);
    return left;
}

static void on_sent(void *context, size_t len)
{
    struct m4h_relay *relay = context;
    struct m4h_device *device = relay->device;

    relay->idle.moved_ms = now_ms(device);
    device->bytes_to_device += len;
    count(&device->worker->stats.bytes_to_device, len);
    m4h_rate_take(&device->throttle.to_device, len);
}

/* The device's session is read no more, or again. */
static void hold_device(struct m4h_device *device, bool held)
{
    device->throttle.is_paused = held;
    m4h_ssh_session_pause(device->ssh, held);
    m4h_session_hold(&device->session, held, now_ms(device));
}

/* What came is delivered; more is not read while the device is above its bandwidth. */
static void on_received(void *context, size_t len)
{
    struct m4h_relay *relay = context;
    struct m4h_device *device = relay->device;

    relay->idle.moved_ms = now_ms(device);
    device->bytes_from_device += len;
    count(&device->worker->stats.bytes_from_device, len);
    m4h_rate_take(&device->throttle.from_device, len);
    if (device->throttle.is_paused || bandwidth_left(device, &device->throttle.from_device) > 0)
        return;
    hold_device(device, true);
    m4h_attendance_throttle(device->worker->attendance, device);
}

static void on_open(void *context)
{
    struct m4h_relay *relay = context;

    if (relay->visit_id != 0)
        tell_visit(relay->device, relay->visit_id, true);
    relay->visit_id = 0;
}

static void on_over(void *context)
{
    close_relay(context);
}

static const struct m4h_conduit_handler conduit_handler = {
    .on_ask = on_ask,
    .on_sent = on_sent,
    .on_received = on_received,
    .on_open = on_open,
    .on_over = on_over,
};

/* Where an operator has come to; by a device's name it is no address in particular, but the
 * port of the device. M4H_ESYSTEM. */
static int destination_of(const struct m4h_relay *relay, int fd, const struct m4h_forward *forward,
                          const struct m4h_ip *operator_ip, struct m4h_ip *ip, uint16_t *port)
{
    struct sockaddr_storage local;
    socklen_t local_len = sizeof(local);
    char text[M4H_ADDRESS_TEXT_MAX];
    struct m4h_address parsed;

    *port = forward->port;
    if (relay->visit_id != 0)
        return m4h_ip_parse(m4h_ip_is_v4(operator_ip) ? "0.0.0.0" : "::", ip);
    if (getsockname(fd, (struct sockaddr *)&local, &local_len) != 0 ||
        m4h_ip_parse_peer(m4h_socket_address_text((struct sockaddr *)&local, text), ip) != 0 ||
        m4h_address_parse(text, &parsed) != 0)
        return M4H_ESYSTEM;
    *port = parsed.port;
    return 0;
}

/* The header that names the operator goes first. */
static int write_proxy_header(struct m4h_relay *relay, int fd, const struct m4h_forward *forward,
                              const struct m4h_ip *operator_ip, uint16_t operator_port)
{
    uint8_t header[M4H_PROXY_HEADER_WRITTEN_MAX];
    struct m4h_ip ip;
    uint16_t port;
    int error = destination_of(relay, fd, forward, operator_ip, &ip, &port);

    if (error != 0)
        return error;
    return m4h_conduit_put_first(
        &relay->conduit, header,
        m4h_proxy_header_write(header, operator_ip, operator_port, &ip, port));
}

/* Everything that may still fail. `ip` is NULL where the operator's is not known. */
static int begin(struct m4h_relay *relay, struct m4h_forward *forward, int fd,
                 const struct m4h_address *originator, const struct m4h_ip *ip)
{
    struct m4h_device *device = relay->device;
    uint32_t idle_ms = rules_of(device).idle_ms;
    struct m4h_ssh_channel *channel;
    int error = 0;

    if (device->worker->settings->proxy_header)
        error = ip != NULL ? write_proxy_header(relay, fd, forward, ip, originator->port)
                           : M4H_EINVALID;
    if (error == 0 && idle_ms > 0)
        error = m4h_attendance_watch(device->worker->attendance, &relay->idle, idle_ms);
    if (error == 0)
        error = m4h_ssh_channel_open(&channel, device->ssh, forward->address, forward->port,
                                     originator->host, originator->port,
                                     &m4h_conduit_channel_handler, &relay->conduit);
    if (error == 0)
        m4h_conduit_join(&relay->conduit, channel, false);
    return error;
}

/* Counts and logs who is turned away. `fd` may become another one. */
static bool is_admitted(const struct m4h_forward *forward, const struct m4h_ip *ip,
                        const char *peer, int *fd)
{
    static _Thread_local struct m4h_log_limit lines;
    struct m4h_device *device = forward->device;
    struct m4h_operator_rules rules = rules_of(device);
    char client_key[2 * M4H_CLIENT_KEY_MAX];
    enum m4h_operator_verdict verdict = m4h_operator_judge(&rules, ip, device->relay_count);
    uint32_t suppressed;

    if (verdict == M4H_OPERATOR_ADMITTED) {
        if (m4h_entrance_lend_file(device->worker->entrance, fd))
            return true;
        verdict = M4H_OPERATOR_HOMELESS;
    }
    count(&device->worker->stats.operators_refused[verdict], 1);
    if (m4h_log_limit_allows(&lines, now_ms(device), &suppressed))
        m4h_log(M4H_LOG_INFO, "slave",
                "device=%s port=%u operator=%s reason=%s suppressed=%u operator is refused",
                m4h_log_quote(client_key, sizeof(client_key), device->client_key), forward->port,
                peer, m4h_operator_verdict_name(verdict), suppressed);
    return false;
}

/* Owns `fd`. NULL where it cannot be had. */
static struct m4h_relay *make_relay(struct m4h_device *device, int fd)
{
    struct m4h_relay *relay = calloc(1, sizeof(*relay));

    if (relay == NULL) {
        close(fd);
        return NULL;
    }
    if (m4h_conduit_start(&relay->conduit, device->worker, fd, &conduit_handler, relay) != 0) {
        free(relay);
        return NULL;
    }
    relay->device = device;
    relay->next = device->relays;
    device->relays = relay;
    device->relay_count++;
    atomic_fetch_add_explicit(&device->worker->stats.channels, 1, memory_order_relaxed);
    return relay;
}

/* Owns `fd`. `visit_id` is 0 for one who has connected to the port itself. */
static void start(struct m4h_forward *forward, int fd, const char *peer, uint64_t visit_id)
{
    struct m4h_device *device = forward->device;
    struct m4h_address originator;
    struct m4h_relay *relay;
    struct m4h_ip ip;
    char client_key[2 * M4H_CLIENT_KEY_MAX];
    bool is_known = m4h_ip_parse_peer(peer, &ip) == 0;

    count(&device->worker->stats.operators, 1);
    if (m4h_address_parse(peer, &originator) != 0 ||
        !is_admitted(forward, is_known ? &ip : NULL, peer, &fd)) {
        close(fd);
        relay = NULL;
    } else {
        relay = make_relay(device, fd);
    }
    if (relay == NULL) {
        if (visit_id != 0)
            tell_visit(device, visit_id, false);
        return;
    }
    relay->visit_id = visit_id;
    if (begin(relay, forward, fd, &originator, is_known ? &ip : NULL) != 0)
        close_relay(relay);
    else
        m4h_log(M4H_LOG_DEBUG, "slave", "device=%s port=%u operator=%s connection",
                m4h_log_quote(client_key, sizeof(client_key), device->client_key), forward->port,
                peer);
}

void m4h_relay_start(struct m4h_forward *forward, int fd, const char *peer)
{
    m4h_socket_tune(fd, 0);
    m4h_socket_probe(fd);
    start(forward, fd, peer, 0);
}

void m4h_relay_visit(struct m4h_device *device, uint16_t port, uint64_t visit_id, int fd,
                     const char *peer)
{
    struct m4h_forward *forward = device->forwards;

    while (forward != NULL && forward->port != port)
        forward = forward->next;
    if (forward != NULL) {
        start(forward, fd, peer, visit_id);
        return;
    }
    close(fd);
    tell_visit(device, visit_id, false);
}

void m4h_relay_is_idle(struct m4h_idle_watch *watch)
{
    struct m4h_relay *relay = M4H_CONTAINER_OF(watch, struct m4h_relay, idle);
    char client_key[2 * M4H_CLIENT_KEY_MAX];

    m4h_log(M4H_LOG_DEBUG, "slave", "device=%s nothing moved for %llu ms: connection is closed",
            m4h_log_quote(client_key, sizeof(client_key), relay->device->client_key),
            (unsigned long long)watch->limit_ms);
    count(&relay->device->worker->stats.operators_idle, 1);
    close_relay(relay);
}

bool m4h_relay_resume_all(struct m4h_device *device)
{
    bool may_send = bandwidth_left(device, &device->throttle.to_device) > 0;
    bool waits = false;

    if (device->throttle.is_paused && bandwidth_left(device, &device->throttle.from_device) > 0)
        hold_device(device, false);
    for (struct m4h_relay *relay = device->relays; relay != NULL; relay = relay->next) {
        if (may_send)
            m4h_conduit_resume(&relay->conduit);
        waits |= relay->conduit.throttled;
    }
    return !waits && !device->throttle.is_paused;
}

void m4h_relay_close_all(struct m4h_device *device)
{
    while (device->relays != NULL)
        close_relay(device->relays);
}
