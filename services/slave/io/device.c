/* One device's connection.
 *
 * Happy path: accept -> [PROXY header] -> key exchange -> a proved key, which the hub judges ->
 * a forward, for which the hub hands over a listening socket -> operators.
 * It ends by the device (on_end), by its deadline (look), or by an order
 * (close); each goes through `finish`, which tells the hub once. */
#include "services/slave/io/device.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/net/listener.h"
#include "services/slave/io/entrance.h"
#include "services/slave/io/relay.h"
#include "services/slave/io/visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void report(struct m4h_device *device, struct m4h_report *report)
{
    report->session_id = device->session_id;
    m4h_worker_report(device->worker, report);
}

/* Tells the hub that the device was refused something; once for each session,
 * so that a device that asks again and again fills no log. */
static void tell_refusal(struct m4h_device *device, enum m4h_refuse_reason reason,
                         const char *detail)
{
    struct m4h_refuse *refuse;

    if (device->refusal_told)
        return;
    refuse = calloc(1, sizeof(*refuse));
    if (refuse == NULL)
        return;
    device->refusal_told = true;
    refuse->reason = reason;
    m4h_ident_text_clean(refuse->detail, sizeof(refuse->detail), detail);
    m4h_text_copy(refuse->remote_address, sizeof(refuse->remote_address), device->peer);
    m4h_text_copy(refuse->key_fingerprint, sizeof(refuse->key_fingerprint), device->fingerprint);
    m4h_text_copy(refuse->client_key, sizeof(refuse->client_key), device->client_key);
    report(device, &(struct m4h_report){.kind = M4H_REPORT_REFUSED, .as.refused = refuse});
}

static void close_forward(struct m4h_forward *forward)
{
    m4h_listener_close(forward->listener);
    free(forward);
}

static void count_handshake(struct m4h_device *device, enum m4h_handshake_result result)
{
    m4h_latency_add(&device->worker->stats.handshakes_ended[result], device->accepted_us);
}

/* What became of the handshake of one that was never known. */
static void count_failed_handshake(struct m4h_device *device, enum m4h_disconnect_reason reason)
{
    enum m4h_handshake_result result = device->handshake;

    if (device->session.state != M4H_SESSION_HANDSHAKE &&
        device->session.state != M4H_SESSION_ASKING)
        return;
    if (result == M4H_HANDSHAKE_LOST && device->session.keys > 0)
        result = M4H_HANDSHAKE_DENIED;
    else if (result == M4H_HANDSHAKE_LOST && reason == M4H_DISCONNECT_PROTOCOL_ERROR)
        result = M4H_HANDSHAKE_PROTOCOL_ERROR;
    count_handshake(device, result);
}

/* The one end of every device: closes all that hangs on it, tells the hub, and
 * frees it. `message` goes to the device where it still listens. */
static void finish(struct m4h_device *device, enum m4h_disconnect_reason reason,
                   const char *message)
{
    struct m4h_worker *worker = device->worker;

    count_failed_handshake(device, reason);
    m4h_relay_close_all(device);
    m4h_visit_end_all(device);
    m4h_attendance_forget(worker->attendance, device);
    while (device->forwards != NULL) {
        struct m4h_forward *forward = device->forwards;

        device->forwards = forward->next;
        close_forward(forward);
    }
    m4h_proxy_reader_close(device->proxy);
    if (device->fd >= 0)
        close(device->fd);
    m4h_ssh_session_close(device->ssh, message);
    if (device->asked_about)
        report(device,
               &(struct m4h_report){.kind = M4H_REPORT_GONE,
                                    .as.gone = {reason, device->bytes_from_device,
                                                device->bytes_to_device, device->listeners}});
    m4h_entrance_leave(worker->entrance, &device->guest);
    atomic_fetch_sub_explicit(&worker->stats.sessions, 1, memory_order_relaxed);
    m4h_heap_remove(&worker->looks, &device->look);
    HASH_DEL(worker->devices, device);
    free(device->asked_address);
    free(device->limits);
    m4h_networks_free(&device->operator_networks);
    free(device);
}

void m4h_device_turn_away(struct m4h_device *device)
{
    device->handshake = M4H_HANDSHAKE_OVERLOAD;
    tell_refusal(device, M4H_REFUSE_OVERLOAD, "silent while others wanted in");
    finish(device, M4H_DISCONNECT_PROTOCOL_ERROR, "the server is busy: try again later");
}

void m4h_device_drop(struct m4h_device *device, enum m4h_refuse_reason reason, const char *detail)
{
    if (reason != 0)
        tell_refusal(device, reason, detail);
    finish(device, M4H_DISCONNECT_CONNECTION_LOST, "");
}

/* ---- what the SSH session tells ------------------------------------------- */

static void on_word(void *context)
{
    struct m4h_device *device = context;

    m4h_entrance_heard(device->worker->entrance, &device->guest);
}

static void on_exchanged(void *context)
{
    struct m4h_device *device = context;

    m4h_log(M4H_LOG_DEBUG, "slave", "peer=%s keys are exchanged", device->peer);
}

static struct m4h_key_question *make_question(const struct m4h_device *device,
                                              const struct m4h_ssh_key_offer *offer)
{
    struct m4h_key_question *question = calloc(1, sizeof(*question));
    struct m4h_authorize_request *request;

    if (question == NULL)
        return NULL;
    request = &question->request;
    m4h_text_copy(request->slave_id, sizeof(request->slave_id), device->worker->settings->id);
    m4h_text_copy(request->region, sizeof(request->region), device->worker->settings->region);
    m4h_ident_text_clean(request->username, sizeof(request->username), offer->username);
    memcpy(request->public_key, offer->blob, offer->blob_len);
    request->public_key_len = offer->blob_len;
    m4h_text_copy(request->key_fingerprint, sizeof(request->key_fingerprint), offer->fingerprint);
    m4h_text_copy(request->remote_address, sizeof(request->remote_address), device->peer);
    m4h_ident_text_clean(question->client_version, sizeof(question->client_version),
                         m4h_ssh_session_client_version(device->ssh));
    return question;
}

static void on_key(void *context, const struct m4h_ssh_key_offer *offer)
{
    struct m4h_device *device = context;
    struct m4h_key_question *question;

    m4h_text_copy(device->fingerprint, sizeof(device->fingerprint), offer->fingerprint);
    if (!m4h_session_key(&device->session, &device->worker->settings->session)) {
        tell_refusal(device, M4H_REFUSE_KEY_DENIED, "too many keys tried");
        finish(device, M4H_DISCONNECT_PROTOCOL_ERROR, "too many keys tried");
        return;
    }
    question = make_question(device, offer);
    if (question == NULL) {
        m4h_device_judged(device, false, M4H_ROLE_DEVICE, "", NULL);
        return;
    }
    device->asked_about = true;
    m4h_entrance_asks(device->worker->entrance, &device->guest);
    report(device, &(struct m4h_report){.kind = M4H_REPORT_KEY, .as.key = question});
}

/* Those of the settings, with what a master allows this one. */
static struct m4h_session_limits session_limits(const struct m4h_device *device)
{
    struct m4h_session_limits limits = device->worker->settings->session;

    if (device->limits != NULL && device->limits->forwards_max > 0)
        limits.forwards_max = device->limits->forwards_max < M4H_TUNNEL_PORTS_MAX
                                  ? device->limits->forwards_max
                                  : M4H_TUNNEL_PORTS_MAX;
    return limits;
}

static void on_forward(void *context, const char *address, uint32_t port)
{
    struct m4h_device *device = context;
    struct m4h_session_limits limits = session_limits(device);

    if (device->role != M4H_ROLE_DEVICE) {
        m4h_ssh_session_answer_forward(device->ssh, 0);
        tell_refusal(device, M4H_REFUSE_UNSUPPORTED, "an operator or a slave asks for a port");
        return;
    }
    if (!m4h_session_forward(&device->session, &limits)) {
        m4h_ssh_session_answer_forward(device->ssh, 0);
        tell_refusal(device, M4H_REFUSE_PORT_UNAVAILABLE, "as many ports as a device may have");
        return;
    }
    free(device->asked_address);
    device->asked_address = strdup(address);
    if (device->asked_address == NULL) {
        m4h_device_forwarded(device, -1, 0);
        return;
    }
    report(device,
           &(struct m4h_report){.kind = M4H_REPORT_FORWARD, .as.forward.port = (uint16_t)port});
}

static bool on_cancel(void *context, const char *address, uint32_t port)
{
    struct m4h_device *device = context;
    struct m4h_forward **at = &device->forwards;
    struct m4h_forward *forward;

    while (*at != NULL && ((*at)->port != port || strcmp((*at)->address, address) != 0))
        at = &(*at)->next;
    forward = *at;
    if (forward == NULL)
        return false;
    *at = forward->next;
    close_forward(forward);
    m4h_session_cancelled(&device->session);
    report(device,
           &(struct m4h_report){.kind = M4H_REPORT_CANCEL, .as.cancel.port = (uint16_t)port});
    return true;
}

static void on_open(void *context, struct m4h_ssh_open *open,
                    const struct m4h_ssh_open_request *request)
{
    struct m4h_device *device = context;
    char what[M4H_DETAIL_MAX];

    if (device->role != M4H_ROLE_DEVICE) {
        m4h_visit_ask(device, open, request);
        return;
    }
    snprintf(what, sizeof(what), "direct-tcpip to %.128s:%u", request->host, request->port);
    m4h_ssh_open_refuse(open, M4H_SSH_OPEN_PROHIBITED, "a device may not reach anything from here");
    tell_refusal(device, M4H_REFUSE_UNSUPPORTED, what);
}

static const char *on_shell(void *context)
{
    const struct m4h_device *device = context;

    if (device->role == M4H_ROLE_DEVICE)
        return "There is no shell here. A device connects by: ssh -N -R 0:localhost:22 ...\r\n";
    return "There is no shell here. To reach a device by its name: ssh -J THIS-HOST DEVICE\r\n";
}

static void on_refused(void *context, const char *what)
{
    struct m4h_device *device = context;

    tell_refusal(device, M4H_REFUSE_UNSUPPORTED, what);
}

static enum m4h_disconnect_reason reason_of(enum m4h_ssh_end end)
{
    switch (end) {
    case M4H_SSH_END_CLOSED:
        return M4H_DISCONNECT_CLIENT_CLOSED;
    case M4H_SSH_END_LOST:
        return M4H_DISCONNECT_CONNECTION_LOST;
    default:
        return M4H_DISCONNECT_PROTOCOL_ERROR;
    }
}

/* It has gone without proving a key: says what it tried instead, if anything. */
static void tell_refused_auth(struct m4h_device *device)
{
    const char *tried = m4h_ssh_session_refused_auth(device->ssh);
    char detail[M4H_DETAIL_MAX];

    if (device->fingerprint[0] != '\0' || tried[0] == '\0')
        return;
    snprintf(detail, sizeof(detail), "no plain public key: it tried %s", tried);
    tell_refusal(device, M4H_REFUSE_UNSUPPORTED, detail);
}

static void on_end(void *context, enum m4h_ssh_end end, const char *detail)
{
    struct m4h_device *device = context;
    char quoted[M4H_DETAIL_MAX];

    tell_refused_auth(device);
    if (end == M4H_SSH_END_PROTOCOL)
        tell_refusal(device, M4H_REFUSE_PROTOCOL_ERROR, detail);
    else
        m4h_log(M4H_LOG_DEBUG, "slave", "peer=%s state=%s detail=%s session is over", device->peer,
                m4h_session_state_name(device->session.state),
                m4h_log_quote(quoted, sizeof(quoted), detail));
    finish(device, reason_of(end), "protocol error");
}

const struct m4h_ssh_handler m4h_device_ssh_handler = {
    .on_word = on_word,
    .on_exchanged = on_exchanged,
    .on_key = on_key,
    .on_forward = on_forward,
    .on_cancel = on_cancel,
    .on_open = on_open,
    .on_shell = on_shell,
    .on_refused = on_refused,
    .on_end = on_end,
};

/* ---- orders of the hub ------------------------------------------------------ */

void m4h_device_judged(struct m4h_device *device, bool allowed, enum m4h_role role,
                       const char *client_key, struct m4h_device_limits *limits)
{
    uint64_t now_ms = m4h_loop_now_ms(device->worker->loop);

    free(device->limits);
    device->limits = limits;
    m4h_networks_free(&device->operator_networks);
    if (m4h_operator_networks_read(limits, &device->operator_networks) != 0)
        allowed = false;
    m4h_session_judged(&device->session, allowed, now_ms);
    if (allowed) {
        device->role = role;
        if (role != M4H_ROLE_DEVICE)
            m4h_session_welcome(&device->session, now_ms);
        m4h_text_copy(device->client_key, sizeof(device->client_key), client_key);
        count_handshake(device, M4H_HANDSHAKE_AUTHENTICATED);
        m4h_entrance_known(device->worker->entrance, &device->guest);
    } else {
        m4h_entrance_answered(device->worker->entrance, &device->guest);
    }
    m4h_ssh_session_answer_key(device->ssh, allowed);
    m4h_worker_schedule(device->worker, device);
}

void m4h_device_refused(struct m4h_device *device, enum m4h_refuse_reason reason)
{
    const char *message = "not now: try again later";

    if (reason == M4H_REFUSE_FULL)
        message = "the server is full: try again later";
    else if (reason == M4H_REFUSE_DRAINING)
        message = "the server is about to stop: connect again";
    else if (reason == M4H_REFUSE_NO_MASTER)
        message = "nobody can say now whose key this is: try again later";
    finish(device, M4H_DISCONNECT_PROTOCOL_ERROR, message);
}

static void on_operator(void *context, int fd, const char *peer)
{
    m4h_relay_start(context, fd, peer);
}

/* Begins to accept operators on `fd`, which it owns. */
static int open_forward(struct m4h_device *device, int fd, uint16_t port)
{
    size_t size = strlen(device->asked_address) + 1;
    struct m4h_forward *forward = calloc(1, sizeof(*forward) + size);
    int error;

    if (forward == NULL) {
        close(fd);
        return M4H_ENOMEM;
    }
    error = m4h_listener_start(&forward->listener, device->worker->loop, fd, on_operator, forward);
    if (error != 0) {
        free(forward);
        return error;
    }
    forward->device = device;
    forward->port = port;
    memcpy(forward->address, device->asked_address, size);
    forward->next = device->forwards;
    device->forwards = forward;
    return 0;
}

void m4h_device_forwarded(struct m4h_device *device, int fd, uint16_t port)
{
    bool open = fd >= 0 && open_forward(device, fd, port) == 0;

    device->listeners += fd >= 0;
    if (fd >= 0 && !open)
        report(device, &(struct m4h_report){.kind = M4H_REPORT_CANCEL, .as.cancel.port = port});
    m4h_session_forwarded(&device->session, open, m4h_loop_now_ms(device->worker->loop));
    m4h_ssh_session_answer_forward(device->ssh, open ? port : 0);
    m4h_worker_schedule(device->worker, device);
}

static bool is_live(const struct m4h_device *device)
{
    return m4h_session_is_live(&device->session, &device->worker->settings->session,
                               m4h_ssh_session_heard_ms(device->ssh),
                               m4h_loop_now_ms(device->worker->loop));
}

void m4h_device_probe(struct m4h_device *device)
{
    if (!m4h_session_probe(&device->session, m4h_loop_now_ms(device->worker->loop)))
        return;
    m4h_ssh_session_keepalive(device->ssh);
    m4h_worker_schedule(device->worker, device);
}

void m4h_device_close(struct m4h_device *device, enum m4h_disconnect_reason reason)
{
    char message[64];

    if (reason == M4H_DISCONNECT_REPLACED && device->session.state == M4H_SESSION_UP &&
        !is_live(device))
        reason = M4H_DISCONNECT_KEEPALIVE_TIMEOUT;
    snprintf(message, sizeof(message), "closed by the server: %s",
             m4h_disconnect_reason_name(reason));
    finish(device, reason, message);
}

bool m4h_device_may_go(const struct m4h_device *device)
{
    return device->leaving && device->relays == NULL && device->visits == NULL;
}

void m4h_device_leave(struct m4h_device *device)
{
    device->leaving = true;
    if (m4h_device_may_go(device))
        m4h_device_close(device, M4H_DISCONNECT_DRAINED);
}

void m4h_device_idle(struct m4h_device *device)
{
    if (device->role != M4H_ROLE_DEVICE)
        m4h_session_rest(&device->session, true, m4h_loop_now_ms(device->worker->loop));
    if (m4h_device_may_go(device) || device->role != M4H_ROLE_DEVICE)
        m4h_worker_schedule(device->worker, device);
}

void m4h_device_busy(struct m4h_device *device)
{
    m4h_session_rest(&device->session, false, m4h_loop_now_ms(device->worker->loop));
}

/* ---- time ------------------------------------------------------------------- */

static void end_too_slow(struct m4h_device *device)
{
    static const char *const details[] = {
        [M4H_SESSION_HANDSHAKE] = "not authenticated in time",
        [M4H_SESSION_ASKING] = "no decision on its key in time",
        [M4H_SESSION_KNOWN] = "asked for no port in time: ssh -N -R 0:host:port",
        [M4H_SESSION_OPENING] = "no port could be opened in time",
    };
    const char *detail = device->proxy != NULL ? "no header of the PROXY protocol in time"
                                               : details[device->session.state];

    device->handshake = M4H_HANDSHAKE_TIMEOUT;
    tell_refusal(device, M4H_REFUSE_TIMEOUT, detail);
    finish(device, M4H_DISCONNECT_PROTOCOL_ERROR, detail);
}

uint64_t m4h_device_heard_ms(const struct m4h_device *device)
{
    return device->ssh != NULL ? m4h_ssh_session_heard_ms(device->ssh) : device->session.since_ms;
}

void m4h_device_look(struct m4h_device *device, uint64_t now_ms)
{
    uint64_t heard_ms = m4h_device_heard_ms(device);

    if (m4h_device_may_go(device)) {
        m4h_device_close(device, M4H_DISCONNECT_DRAINED);
        return;
    }
    switch (
        m4h_session_look(&device->session, &device->worker->settings->session, heard_ms, now_ms)) {
    case M4H_SESSION_TOO_SLOW:
        end_too_slow(device);
        return;
    case M4H_SESSION_DEAD:
        finish(device, M4H_DISCONNECT_KEEPALIVE_TIMEOUT, "no sign of life");
        return;
    case M4H_SESSION_RESTED:
        finish(device, M4H_DISCONNECT_CLIENT_CLOSED, "closed by the server: nothing was asked for");
        return;
    case M4H_SESSION_KEEPALIVE:
        m4h_ssh_session_keepalive(device->ssh);
        break;
    case M4H_SESSION_PROBED:
        report(device, &(struct m4h_report){.kind = M4H_REPORT_SIGN, .as.sign = {is_live(device)}});
        break;
    case M4H_SESSION_WAIT:
        break;
    }
    m4h_worker_schedule(device->worker, device);
}
