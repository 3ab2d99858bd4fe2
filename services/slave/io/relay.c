/* Two-way relay between an operator's connection and a device's channel.
 *
 * Towards the device: the operator is read only as far as the channel has room;
 * what the channel does not take after all is kept in `rest`, and until it is
 * out nothing more is read. Towards the operator: what the kernel does not take
 * is kept by the connection; above the configured mark the channel's data is
 * left where it is, which closes the device's window.
 * Each side's end of data is passed on when all before it is through; when both
 * have ended, or either breaks, the relay ends. */
#include "services/slave/io/relay.h"

#include "lib/base/address.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/net/connection.h"
#include "lib/net/socket.h"
#include "lib/ssh/channel.h"

#include <stdlib.h>
#include <string.h>

/* Beyond the configured mark: what the library may hand over at once when the
 * operator reads again. */
#define BACKLOG_MAX_BYTES (4u * 1024u * 1024u)

struct m4h_relay {
    struct m4h_relay *next;
    struct m4h_device *device;
    struct m4h_connection *operator_;
    struct m4h_ssh_channel *channel; /* NULL: the device has closed its side */
    bool operator_ended;             /* it sends no more */
    bool device_ended;
    bool stalled; /* data was left in the channel */
    bool taking;  /* what was left is being handed over: take all */
    size_t rest_len;
    uint8_t *rest; /* owned: bytes for the device that the channel did not take */
};

static void count(atomic_uint_fast64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void close_relay(struct m4h_relay *relay)
{
    struct m4h_device *device = relay->device;
    struct m4h_relay **at = &device->relays;

    while (*at != relay)
        at = &(*at)->next;
    *at = relay->next;
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
    close_relay(relay);
    return true;
}

static void await_room(struct m4h_relay *relay)
{
    m4h_connection_want_read(relay->operator_, false);
    m4h_ssh_channel_want_write(relay->channel, true);
}

/* Writes to the device, keeping what it does not take. M4H_ENOMEM. */
static int send_to_device(struct m4h_relay *relay, const uint8_t *data, size_t len)
{
    size_t taken = m4h_ssh_channel_write(relay->channel, data, len);

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
    uint8_t *scratch = relay->device->worker->scratch;
    size_t room = m4h_ssh_channel_room(relay->channel);
    size_t len;
    int error;

    if (room == 0) {
        await_room(relay);
        return 0;
    }
    if (room > M4H_RELAY_READ_BYTES)
        room = M4H_RELAY_READ_BYTES;
    error = m4h_connection_read(relay->operator_, scratch, room, &len);
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

    m4h_connection_want_read(relay->operator_, true);
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
    relay->device->bytes_from_device += len;
    count(&relay->device->worker->stats.bytes_from_device, len);
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

static int open_channel(struct m4h_relay *relay, struct m4h_forward *forward, const char *peer)
{
    struct m4h_address originator;

    if (m4h_address_parse(peer, &originator) != 0)
        return M4H_EINVALID;
    return m4h_ssh_channel_open(&relay->channel, forward->device->ssh, forward->address,
                                forward->port, originator.host, originator.port, &channel_handler,
                                relay);
}

void m4h_relay_start(struct m4h_forward *forward, int fd, const char *peer)
{
    struct m4h_device *device = forward->device;
    struct m4h_relay *relay = calloc(1, sizeof(*relay));
    struct m4h_connection *operator_;
    size_t keep_max = device->worker->settings->buffer_bytes + BACKLOG_MAX_BYTES;
    int error;

    m4h_socket_tune(fd, 0);
    m4h_socket_probe(fd);
    error = m4h_connection_start(&operator_, device->worker->loop, fd, keep_max, &operator_handler,
                                 relay);
    if (relay == NULL || error != 0) {
        m4h_connection_close(operator_);
        free(relay);
        return;
    }
    relay->operator_ = operator_;
    relay->device = device;
    relay->next = device->relays;
    device->relays = relay;
    atomic_fetch_add_explicit(&device->worker->stats.channels, 1, memory_order_relaxed);
    count(&device->worker->stats.operators, 1);
    if (open_channel(relay, forward, peer) != 0)
        close_relay(relay);
    else
        m4h_log(M4H_LOG_DEBUG, "slave", "device=%s port=%u operator=%s connection",
                device->client_key, forward->port, peer);
}

void m4h_relay_close_all(struct m4h_device *device)
{
    while (device->relays != NULL)
        close_relay(device->relays);
}
