/*
 * One device's session, as a small state machine over libssh's client calls: each
 * stage is one call that is repeated until it no longer answers SSH_AGAIN. Once
 * up, libssh reads what the server sends (and answers its keepalives); channels
 * that the server opens go to the echoes, or are refused.
 *
 * The server's host key is not checked: this is a load generator for servers that
 * the same person started.
 *
 * Must not know about other devices, epoll sets or statistics.
 */
#include "device.h"

#include <errno.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* libssh reads at most 4 KiB in one turn. */
#define TURNS_PER_STEP 16

static const char *const stage_names[] = {
    [DEVICE_IDLE] = "idle",
    [DEVICE_CONNECTING] = "connect",
    [DEVICE_KEY_EXCHANGE] = "key exchange",
    [DEVICE_AUTHENTICATING] = "authentication",
    [DEVICE_FORWARDING] = "tcpip-forward",
    [DEVICE_UP] = "tunnel",
    [DEVICE_GONE] = "gone",
};

static void leave_event(struct device *device)
{
    echo_set_clear(&device->echoes);
    if (device->event) {
        ssh_event_remove_session(device->event, device->session);
        ssh_event_free(device->event);
        device->event = NULL;
    }
}

static void close_session(struct device *device)
{
    leave_event(device);
    if (device->session) {
        ssh_disconnect(device->session);
        ssh_free(device->session);
        device->session = NULL;
    } else if (device->fd >= 0) {
        close(device->fd);
    }
    device->fd = -1;
}

void device_stop(struct device *device, const char *reason)
{
    snprintf(device->reason, sizeof(device->reason), "%s: %s", stage_names[device->stage], reason);
    close_session(device);
    device->stage = DEVICE_GONE;
}

void device_cut(struct device *device)
{
    const struct linger by_reset = {.l_onoff = 1, .l_linger = 0};

    setsockopt(device->fd, SOL_SOCKET, SO_LINGER, &by_reset, sizeof(by_reset));
    leave_event(device);
    if (device->session)
        ssh_silent_disconnect(device->session);
    device_stop(device, "cut");
}

static void fail(struct device *device)
{
    const char *reason = device->session ? ssh_get_error(device->session) : "";

    device_stop(device, *reason ? reason : "the server closed the connection");
}

void device_start(struct device *device, ssh_key key, struct device_target *target)
{
    const int on = 1;

    memset(device, 0, sizeof(*device));
    device->key = key;
    device->target = target;
    device->stage = DEVICE_CONNECTING;
    device->fd =
        socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (device->fd < 0 ||
        (connect(device->fd, (const struct sockaddr *)&target->address, target->address_len) < 0 &&
         errno != EINPROGRESS)) {
        device_stop(device, strerror(errno));
        return;
    }
    /* Without it each login waits some 90 ms for delayed acknowledgements. */
    setsockopt(device->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* connect() has ended: hand the socket to a session, or say why not. */
static bool open_session(struct device *device)
{
    const struct device_target *target = device->target;
    const bool no = false;
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(device->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error) {
        device_stop(device, strerror(error));
        return false;
    }
    device->session = ssh_new();
    if (!device->session ||
        /* Only what is set here counts, and nothing is read from anyone's ~/.ssh. */
        ssh_options_set(device->session, SSH_OPTIONS_PROCESS_CONFIG, &no) < 0 ||
        ssh_options_set(device->session, SSH_OPTIONS_SSH_DIR, "/nonexistent") < 0 ||
        ssh_options_set(device->session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") < 0 ||
        ssh_options_set(device->session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") < 0 ||
        ssh_options_set(device->session, SSH_OPTIONS_HOST, target->host) < 0 ||
        ssh_options_set(device->session, SSH_OPTIONS_USER, target->user) < 0 ||
        ssh_options_set(device->session, SSH_OPTIONS_FD, &device->fd) < 0) {
        fail(device);
        return false;
    }
    ssh_set_blocking(device->session, 0);
    return true;
}

/* Every message the server sends on its own account: accept a forwarded connection
 * when asked to echo; 1 lets libssh refuse the rest. */
static int on_message(ssh_session session, ssh_message message, void *userdata)
{
    struct device *device = userdata;
    ssh_channel channel;

    (void)session;
    if (!device->target->echo || ssh_message_type(message) != SSH_REQUEST_CHANNEL_OPEN ||
        ssh_message_subtype(message) != SSH_CHANNEL_FORWARDED_TCPIP)
        return 1;

    channel = ssh_message_channel_request_open_reply_accept(message);
    if (channel && !echo_set_add(&device->echoes, channel, &device->target->echo_totals))
        ssh_channel_free(channel);
    return 0;
}

static int authenticate(struct device *device)
{
    switch (ssh_userauth_publickey(device->session, NULL, device->key)) {
    case SSH_AUTH_SUCCESS:
        return SSH_OK;
    case SSH_AUTH_AGAIN:
        return SSH_AGAIN;
    default:
        return SSH_ERROR;
    }
}

/* The call of the present stage. SSH_OK when the stage is done. */
static int call(struct device *device)
{
    switch (device->stage) {
    case DEVICE_KEY_EXCHANGE:
        return ssh_connect(device->session);
    case DEVICE_AUTHENTICATING:
        return authenticate(device);
    case DEVICE_FORWARDING:
        return ssh_channel_listen_forward(device->session, device->target->bind_address, 0,
                                          &device->port);
    default:
        return SSH_ERROR;
    }
}

static bool come_up(struct device *device)
{
    ssh_set_message_callback(device->session, on_message, device);
    device->event = ssh_event_new();
    return device->event && ssh_event_add_session(device->event, device->session) == SSH_OK;
}

static bool flushing(const struct device *device)
{
    return ssh_get_status(device->session) & SSH_WRITE_PENDING;
}

/* libssh sends one packet for each poll() it makes, so call again while it has
 * more to send than it sent. */
static void set_up(struct device *device)
{
    for (int turn = 0; turn < TURNS_PER_STEP; turn++) {
        int rc = call(device);

        if (rc == SSH_AGAIN) {
            if (!flushing(device))
                return;
        } else if (rc != SSH_OK) {
            fail(device);
            return;
        } else if (++device->stage == DEVICE_UP) {
            if (!come_up(device))
                device_stop(device, "out of memory");
            return;
        }
    }
}

static void serve(struct device *device)
{
    int rc = SSH_OK;

    for (int turn = 0; turn < TURNS_PER_STEP && rc == SSH_OK; turn++)
        rc = ssh_event_dopoll(device->event, 0);

    device->more_to_do = echo_set_serve(&device->echoes);
    if (!ssh_is_connected(device->session))
        fail(device);
}

void device_step(struct device *device)
{
    if (device->stage == DEVICE_CONNECTING && open_session(device))
        device->stage = DEVICE_KEY_EXCHANGE;
    if (device->stage == DEVICE_UP)
        serve(device);
    else if (device->stage < DEVICE_UP)
        set_up(device);
}

uint32_t device_poll_events(const struct device *device)
{
    if (device->stage == DEVICE_CONNECTING)
        return EPOLLOUT;
    return device->more_to_do || flushing(device) ? EPOLLIN | EPOLLOUT : EPOLLIN;
}
