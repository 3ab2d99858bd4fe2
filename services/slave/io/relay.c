/* Two-way relay between an operator's connection and a device's channel.
 *
 * Towards the device: the operator is read only as far as the channel has room;
 * what the channel does not take after all is kept in `rest`, and until it is
 * out nothing more is read. Towards the operator: what the kernel does not take
 * is kept by the connection; above the configured mark the channel's data is
 * left where it is, which closes the device's window. Where the device's bandwidth is
 * used up, operators are not read for a while, and neither is the device's session,
 * which holds the device back by TCP and buffers nothing.
 * Each side's end of data is passed on when all before it is through; when both
 * have ended, or either breaks, the relay ends; an operator who still talks when the
 * device has closed is left to the attendance, so that what it was sent is not lost. */
#include "services/slave/io/relay.h"

#include "lib/base/address.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/proxy_header.h"
#include "lib/net/connection.h"
#include "lib/net/socket.h"
#include "lib/ssh/channel.h"
#include "services/slave/io/entrance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Beyond the configured mark: what the library may hand over at once when the
 * operator reads again. */
#define BACKLOG_MAX_BYTES (4u * 1024u * 1024u)

struct m4h_relay {
    struct m4h_relay *next;
    struct m4h_device *device;
    struct m4h_idle_watch idle;
    struct m4h_connection *operator_;
    struct m4h_ssh_channel *channel; /* NULL: the device has closed its side */
    bool operator_ended;             /* it sends no more */
    bool device_ended;
    bool answered;  /* the device has sent something */
    bool throttled; /* the operator is not read: the device's bandwidth is used up */
    bool stalled;   /* data was left in the channel */
    bool taking;    /* what was left is being handed over: take all */
    size_t rest_len;
    uint8_t *rest; /* owned: bytes for the device that the channel did not take */
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

static void close_relay(struct m4h_relay *relay)
{
    struct m4h_device *device = relay->device;
    struct m4h_relay **at = &device->relays;

    while (*at != relay)
        at = &(*at)->next;
    *at = relay->next;
    device->relay_count--;
    m4h_attendance_unwatch(device->worker->attendance, &relay->idle);
    m4h_connection_close(relay->operator_);
    m4h_ssh_channel_close(relay->channel);
    atomic_fetch_sub_explicit(&device->worker->stats.channels, 1, memory_order_relaxed);
    free(relay->rest);
    free(relay);
    if (device->relays == NULL)
        m4h_device_idle(device);
}

/* Ends the relay where nothing is left to do. False: it is still there. */
static bool close_if_done(struct m4h_relay *relay)
{
    if (!relay->device_ended || m4h_connection_kept(relay->operator_) > 0)
        return false;
    if (relay->channel != NULL && (!relay->operator_ended || relay->rest_len > 0))
        return false;
    if (relay->answered && !relay->operator_ended) {
        m4h_attendance_part(relay->device->worker->attendance, relay->operator_);
        relay->operator_ = NULL;
    }
    close_relay(relay);
    return true;
}

static void await_room(struct m4h_relay *relay)
{
    m4h_connection_want_read(relay->operator_, false);
    m4h_ssh_channel_want_write(relay->channel, true);
}

static void await_bandwidth(struct m4h_relay *relay)
{
    relay->throttled = true;
    m4h_connection_want_read(relay->operator_, false);
    m4h_attendance_throttle(relay->device->worker->attendance, relay->device);
}

/* Writes to the device, keeping what it does not take. M4H_ENOMEM. */
static int send_to_device(struct m4h_relay *relay, const uint8_t *data, size_t len)
{
    size_t taken = m4h_ssh_channel_write(relay->channel, data, len);

    relay->idle.moved_ms = now_ms(relay->device);
    relay->device->bytes_to_device += taken;
    count(&relay->device->worker->stats.bytes_to_device, taken);
    if (taken == len)
        return 0;
    relay->rest = malloc(len - taken);
    if (relay->rest == NULL)
        return M4H_ENOMEM;
    memcpy(relay->rest, data + taken, len - taken);
    relay->rest_len = len - taken;
    return 0;
}

/* The operator has sent its last byte, and all is through. */
static void finish_towards_device(struct m4h_relay *relay)
{
    m4h_connection_want_read(relay->operator_, false);
    m4h_ssh_channel_want_write(relay->channel, false);
    m4h_ssh_channel_finish(relay->channel);
    close_if_done(relay);
}

/* The operator sends no more, or is gone; the device may be already. */
static void end_of_operator(struct m4h_relay *relay, int error)
{
    if (error == M4H_ECLOSED && relay->channel != NULL) {
        relay->operator_ended = true;
        finish_towards_device(relay);
    } else {
        close_relay(relay);
    }
}

/* Reads once, as much as the device takes: a bulk sender leaves room for others. */
static int carry_to_device(struct m4h_relay *relay)
{
    struct m4h_device *device = relay->device;
    uint8_t *scratch = device->worker->scratch;
    size_t room = m4h_ssh_channel_room(relay->channel);
    size_t allowed = bandwidth_left(device, &device->throttle.to_device);
    size_t len;
    int error;

    if (room == 0) {
        await_room(relay);
        return 0;
    }
    if (allowed == 0) {
        await_bandwidth(relay);
        return 0;
    }
    if (room > M4H_RELAY_READ_BYTES)
        room = M4H_RELAY_READ_BYTES;
    if (room > allowed)
        room = allowed;
    error = m4h_connection_read(relay->operator_, scratch, room, &len);
    m4h_rate_take(&device->throttle.to_device, len);
    if (error == 0)
        error = send_to_device(relay, scratch, len);
    if (error == 0 && relay->rest_len > 0)
        await_room(relay);
    return error;
}

static void on_operator_readable(void *context)
{
    struct m4h_relay *relay = context;
    int error = M4H_EIO;

    if (relay->channel != NULL && !m4h_connection_is_broken(relay->operator_))
        error = carry_to_device(relay);
    if (error != 0 && error != M4H_EAGAIN)
        end_of_operator(relay, error);
}

/* What was kept for the operator is out: more may come from the device. */
static void on_operator_drained(void *context)
{
    struct m4h_relay *relay = context;

    if (relay->stalled && relay->channel != NULL) {
        relay->stalled = false;
        relay->taking = true;
        m4h_ssh_channel_resume(relay->channel);
        relay->taking = false;
    }
    close_if_done(relay);
}

static const struct m4h_connection_handler operator_handler = {
    .on_readable = on_operator_readable,
    .on_drained = on_operator_drained,
};

static void on_channel_open(void *context)
{
    struct m4h_relay *relay = context;

    if (relay->rest_len > 0)
        await_room(relay);
    else
        m4h_connection_want_read(relay->operator_, true);
}

/* The device's session is read no more, or again. */
static void hold_device(struct m4h_device *device, bool held)
{
    device->throttle.is_paused = held;
    m4h_ssh_session_pause(device->ssh, held);
    m4h_session_hold(&device->session, held, now_ms(device));
}

/* What came is delivered; more is not read while the device is above its bandwidth. */
static void note_from_device(struct m4h_device *device, size_t len)
{
    device->bytes_from_device += len;
    count(&device->worker->stats.bytes_from_device, len);
    m4h_rate_take(&device->throttle.from_device, len);
    if (device->throttle.is_paused || bandwidth_left(device, &device->throttle.from_device) > 0)
        return;
    hold_device(device, true);
    m4h_attendance_throttle(device->worker->attendance, device);
}

static size_t on_channel_data(void *context, const void *data, size_t len)
{
    struct m4h_relay *relay = context;
    size_t mark = relay->device->worker->settings->buffer_bytes;

    if (!relay->taking && m4h_connection_kept(relay->operator_) >= mark) {
        relay->stalled = true;
        return 0;
    }
    if (m4h_connection_write(relay->operator_, data, len) != 0) {
        relay->stalled = !relay->taking;
        return 0;
    }
    relay->answered = true;
    relay->idle.moved_ms = now_ms(relay->device);
    note_from_device(relay->device, len);
    return len;
}

static void on_channel_writable(void *context)
{
    struct m4h_relay *relay = context;
    uint8_t *rest = relay->rest;
    size_t len = relay->rest_len;
    int error = 0;

    relay->rest = NULL;
    relay->rest_len = 0;
    if (len > 0)
        error = send_to_device(relay, rest, len);
    free(rest);
    if (error != 0) {
        close_relay(relay);
        return;
    }
    if (relay->rest_len > 0)
        return;
    m4h_ssh_channel_want_write(relay->channel, false);
    if (!relay->operator_ended)
        m4h_connection_want_read(relay->operator_, true);
}

static void on_channel_eof(void *context)
{
    struct m4h_relay *relay = context;

    relay->device_ended = true;
    m4h_connection_finish(relay->operator_);
    close_if_done(relay);
}

/* The device refused the channel or closed it: what it sent still goes out. */
static void on_channel_closed(void *context)
{
    struct m4h_relay *relay = context;

    m4h_ssh_channel_close(relay->channel);
    relay->channel = NULL;
    relay->throttled = false;
    if (!relay->device_ended)
        m4h_connection_finish(relay->operator_);
    relay->device_ended = true;
    if (!close_if_done(relay))
        m4h_connection_want_read(relay->operator_, false);
}

static const struct m4h_ssh_channel_handler channel_handler = {
    .on_open = on_channel_open,
    .on_data = on_channel_data,
    .on_writable = on_channel_writable,
    .on_eof = on_channel_eof,
    .on_closed = on_channel_closed,
};

/* The header that names the operator goes first, as what the channel has not taken. */
static int write_proxy_header(struct m4h_relay *relay, int fd, const struct m4h_ip *operator_ip,
                              uint16_t operator_port)
{
    struct sockaddr_storage local;
    socklen_t local_len = sizeof(local);
    char text[M4H_ADDRESS_TEXT_MAX];
    struct m4h_address parsed;
    struct m4h_ip ip;

    if (getsockname(fd, (struct sockaddr *)&local, &local_len) != 0 ||
        m4h_ip_parse_peer(m4h_socket_address_text((struct sockaddr *)&local, text), &ip) != 0 ||
        m4h_address_parse(text, &parsed) != 0)
        return M4H_ESYSTEM;
    relay->rest = malloc(M4H_PROXY_HEADER_WRITTEN_MAX);
    if (relay->rest == NULL)
        return M4H_ENOMEM;
    relay->rest_len =
        m4h_proxy_header_write(relay->rest, operator_ip, operator_port, &ip, parsed.port);
    return 0;
}

/* Everything that may still fail. `ip` is NULL where the operator's is not known. */
static int begin(struct m4h_relay *relay, struct m4h_forward *forward, int fd,
                 const struct m4h_address *originator, const struct m4h_ip *ip)
{
    struct m4h_device *device = relay->device;
    uint32_t idle_ms = rules_of(device).idle_ms;
    int error = 0;

    if (device->worker->settings->proxy_header)
        error = ip != NULL ? write_proxy_header(relay, fd, ip, originator->port) : M4H_EINVALID;
    if (error == 0 && idle_ms > 0)
        error = m4h_attendance_watch(device->worker->attendance, &relay->idle, idle_ms);
    if (error == 0)
        error = m4h_ssh_channel_open(&relay->channel, device->ssh, forward->address, forward->port,
                                     originator->host, originator->port, &channel_handler, relay);
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
    size_t keep_max = device->worker->settings->buffer_bytes + BACKLOG_MAX_BYTES;

    if (relay == NULL) {
        close(fd);
        return NULL;
    }
    if (m4h_connection_start(&relay->operator_, device->worker->loop, fd, keep_max,
                             &operator_handler, relay) != 0) {
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

void m4h_relay_start(struct m4h_forward *forward, int fd, const char *peer)
{
    struct m4h_address originator;
    struct m4h_relay *relay;
    struct m4h_ip ip;
    char client_key[2 * M4H_CLIENT_KEY_MAX];
    bool is_known = m4h_ip_parse_peer(peer, &ip) == 0;

    count(&forward->device->worker->stats.operators, 1);
    if (m4h_address_parse(peer, &originator) != 0 ||
        !is_admitted(forward, is_known ? &ip : NULL, peer, &fd)) {
        close(fd);
        return;
    }
    m4h_socket_tune(fd, 0);
    m4h_socket_probe(fd);
    relay = make_relay(forward->device, fd);
    if (relay == NULL)
        return;
    if (begin(relay, forward, fd, &originator, is_known ? &ip : NULL) != 0)
        close_relay(relay);
    else
        m4h_log(M4H_LOG_DEBUG, "slave", "device=%s port=%u operator=%s connection",
                m4h_log_quote(client_key, sizeof(client_key), forward->device->client_key),
                forward->port, peer);
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
        if (relay->throttled && may_send) {
            relay->throttled = false;
            m4h_connection_want_read(relay->operator_, true);
        }
        waits |= relay->throttled;
    }
    return !waits && !device->throttle.is_paused;
}

void m4h_relay_close_all(struct m4h_device *device)
{
    while (device->relays != NULL)
        close_relay(device->relays);
}
