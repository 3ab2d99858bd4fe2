/* A session's turns. libssh is driven by one ssh_event per session: when the
 * socket is ready, ssh_event_dopoll reads and parses, its callbacks (see
 * channel.c) only copy and mark, and then the rest of the turn acts on what was
 * marked: the key exchange, queued messages, channels, and the end. */
#include "lib/base/error.h"
#include "lib/ssh/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libssh reads at most this much at a time: a full read hints at more. */
#define LIBRARY_READ_BYTES 4096u
/* How libssh's text begins when the peer said goodbye. */
#define GOODBYE "Received SSH_MSG_DISCONNECT"
/* Reads in one turn, so that a bulk sender leaves room for others. */
#define READS_PER_TURN 16
/* Writes, at most, of what waits when a session ends. */
#define LAST_WRITES 4

bool m4h_ssh_session_is_alive(struct m4h_ssh_session *session)
{
    if (ssh_get_fd(session->ssh) >= 0 &&
        (ssh_get_status(session->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)) == 0)
        return true;
    m4h_watch_close(session->watch);
    session->watch = NULL;
    return false;
}

void m4h_ssh_session_rewatch(struct m4h_ssh_session *session)
{
    unsigned events = 0;
    bool stuck;
    int flags;

    if (session->watch == NULL)
        return;
    flags = ssh_get_poll_flags(session->ssh);
    /* A peer that does not read gets no more answers: its requests wait, too. */
    stuck = (flags & SSH_WRITE_PENDING) && session->socket_counter.out_bytes == session->out_bytes;
    session->out_bytes = session->socket_counter.out_bytes;
    if (session->held == NULL && !stuck)
        events |= M4H_WATCH_READ;
    if (flags & SSH_WRITE_PENDING)
        events |= M4H_WATCH_WRITE;
    m4h_watch_set(session->watch, events);
}

void m4h_ssh_session_schedule(struct m4h_ssh_session *session)
{
    struct m4h_ssh_server *server = session->server;

    if (session->is_due)
        return;
    if (server->due == NULL)
        m4h_timer_start(server->soon, 0, 0);
    session->is_due = true;
    session->next_due = NULL;
    *server->due_end = session;
    server->due_end = &session->next_due;
}

static void unschedule(struct m4h_ssh_session *session)
{
    struct m4h_ssh_session **at = &session->server->due;

    if (!session->is_due)
        return;
    while (*at != session)
        at = &(*at)->next_due;
    *at = session->next_due;
    if (session->next_due == NULL)
        session->server->due_end = at;
    session->is_due = false;
}

/* libssh writes once and then waits for the socket to be writable again; what it
 * still holds when it disconnects is lost. */
static void write_out(struct m4h_ssh_session *session)
{
    for (int i = 0; i < LAST_WRITES && m4h_ssh_session_is_alive(session) &&
                    (ssh_get_poll_flags(session->ssh) & SSH_WRITE_PENDING);
         i++)
        ssh_event_dopoll(session->event, 0);
}

static void destroy(struct m4h_ssh_session *session)
{
    unschedule(session);
    if (session->held != NULL)
        ssh_message_free(session->held);
    m4h_ssh_channels_drop(session);
    if (session->event != NULL) {
        write_out(session);
        ssh_event_remove_session(session->event, session->ssh);
        ssh_event_free(session->event);
    }
    m4h_watch_close(session->watch);
    if (session->ssh != NULL) {
        if (session->goodbye != NULL)
            ssh_session_set_disconnect_message(session->ssh, session->goodbye);
        ssh_disconnect(session->ssh);
        ssh_free(session->ssh);
    }
    free(session->goodbye);
    free(session);
}

void m4h_ssh_session_fail(struct m4h_ssh_session *session, enum m4h_ssh_end end, const char *detail)
{
    if (session->ended || session->closing)
        return;
    session->ended = true;
    session->handler->on_end(session->context, end, detail);
}

/* It sent something, yet not what every client of SSH 2.0 begins with. */
static bool speaks_no_ssh(const struct m4h_ssh_session *session)
{
    const char *banner = ssh_get_clientbanner(session->ssh);

    return session->socket_counter.in_bytes > 0 &&
           (banner == NULL ||
            (strncmp(banner, "SSH-2.", 6) != 0 && strncmp(banner, "SSH-1.99-", 9) != 0));
}

/* After libssh has closed the socket over a fault of the peer, it may still try
 * to write, and this failure then hides the fault. */
static bool fault_is_hidden(const char *detail)
{
    return strstr(detail, strerror(EBADF)) != NULL || strstr(detail, strerror(EAGAIN)) != NULL;
}

/* libssh keeps how a connection ended only as a text. The goodbye is looked for
 * first: what stands behind it is the peer's to choose. */
static void tell_end(struct m4h_ssh_session *session)
{
    const char *detail = ssh_get_error(session->ssh);
    enum m4h_ssh_end end = M4H_SSH_END_PROTOCOL;

    if (strncmp(detail, GOODBYE, strlen(GOODBYE)) == 0)
        end = M4H_SSH_END_CLOSED;
    else if (speaks_no_ssh(session))
        detail = "it does not speak SSH 2.0";
    else if (fault_is_hidden(detail))
        detail = session->exchanged ? "it broke the protocol" : "the key exchange failed";
    else if (strstr(detail, "Socket error") != NULL || detail[0] == '\0')
        end = M4H_SSH_END_LOST;
    m4h_ssh_session_fail(session, end, detail);
}

static void receive(struct m4h_ssh_session *session)
{
    for (int i = 0; i < READS_PER_TURN && m4h_ssh_session_is_alive(session); i++) {
        uint64_t before = session->socket_counter.in_bytes;
        uint64_t got;

        if (ssh_event_dopoll(session->event, 0) == SSH_ERROR)
            break;
        got = session->socket_counter.in_bytes - before;
        if (got < LIBRARY_READ_BYTES)
            break;
    }
}

/* Any call to the library may read, also one that is there to write. */
static void note_heard(struct m4h_ssh_session *session)
{
    if (session->heard_bytes == session->socket_counter.in_bytes)
        return;
    session->heard_bytes = session->socket_counter.in_bytes;
    session->heard_ms = m4h_loop_now_ms(session->server->loop);
}

static void exchange_keys(struct m4h_ssh_session *session)
{
    int rc = ssh_handle_key_exchange(session->ssh);

    if (rc == SSH_ERROR && m4h_ssh_session_is_alive(session)) {
        m4h_ssh_session_fail(session, M4H_SSH_END_PROTOCOL, ssh_get_error(session->ssh));
    } else if (rc == SSH_OK) {
        session->exchanged = true;
        ssh_set_auth_methods(session->ssh, SSH_AUTH_METHOD_PUBLICKEY);
        session->handler->on_exchanged(session->context);
    }
}

void m4h_ssh_session_turn(struct m4h_ssh_session *session)
{
    session->turning = true;
    if (!session->suited && session->event != NULL)
        m4h_ssh_server_suit(session);
    if (session->held == NULL && session->event != NULL)
        receive(session);
    if (!session->exchanged && m4h_ssh_session_is_alive(session))
        exchange_keys(session);
    if (session->exchanged && !session->closing)
        m4h_ssh_messages_handle(session);
    if (session->exchanged && !session->closing)
        m4h_ssh_channels_turn(session);
    note_heard(session);
    if (!session->closing && !session->ended && !m4h_ssh_session_is_alive(session))
        tell_end(session);
    session->turning = false;
    if (session->closing) {
        destroy(session);
        return;
    }
    m4h_ssh_channels_reap(session);
    m4h_ssh_session_rewatch(session);
}

static void on_ready(void *context, unsigned events)
{
    struct m4h_ssh_session *session = context;

    /* A held question stops reading: only what waits to be sent moves on. */
    if (session->held != NULL && (events & M4H_WATCH_WRITE))
        ssh_blocking_flush(session->ssh, 0);
    m4h_ssh_session_turn(session);
}

/* Sends our identification and, as libssh needs it, only then joins the event.
 * A peer whose first bytes are wrong already is told of in the first turn. */
static int begin(struct m4h_ssh_session *session)
{
    m4h_ssh_server_suit(session);
    if (ssh_handle_key_exchange(session->ssh) == SSH_ERROR) {
        m4h_ssh_session_schedule(session);
        return 0;
    }
    session->event = ssh_event_new();
    if (session->event == NULL || ssh_event_add_session(session->event, session->ssh) != SSH_OK)
        return M4H_ENOMEM;
    return m4h_watch_start(&session->watch, session->server->loop, ssh_get_fd(session->ssh),
                           M4H_WATCH_READ, on_ready, session);
}

int m4h_ssh_session_accept(struct m4h_ssh_session **session, struct m4h_ssh_server *server, int fd,
                           const struct m4h_ssh_handler *handler, void *context)
{
    struct m4h_ssh_session *made = calloc(1, sizeof(*made));
    int error = M4H_ENOMEM;

    *session = NULL;
    if (made != NULL) {
        made->server = server;
        made->handler = handler;
        made->context = context;
        made->heard_ms = m4h_loop_now_ms(server->loop);
        made->ssh = ssh_new();
    }
    if (made == NULL || made->ssh == NULL) {
        close(fd);
        free(made);
        return M4H_ENOMEM;
    }
    ssh_set_blocking(made->ssh, 0);
    ssh_set_counters(made->ssh, &made->socket_counter, &made->packet_counter);
    if (ssh_bind_accept_fd(server->bind, made->ssh, fd) == SSH_OK)
        error = m4h_ssh_server_dress(server, made->ssh);
    if (error == 0)
        error = begin(made);
    if (error != 0) {
        if (ssh_get_fd(made->ssh) != fd)
            close(fd);
        destroy(made);
        return error;
    }
    *session = made;
    return 0;
}

void m4h_ssh_session_keepalive(struct m4h_ssh_session *session)
{
    uint64_t sent;

    if (!m4h_ssh_session_is_alive(session)) {
        m4h_ssh_session_schedule(session);
        return;
    }
    /* Every second call only takes note of the last answer and sends nothing. */
    sent = session->packet_counter.out_packets;
    ssh_send_keepalive(session->ssh);
    if (session->packet_counter.out_packets == sent)
        ssh_send_keepalive(session->ssh);
    note_heard(session);
    m4h_ssh_session_schedule(session);
}

uint64_t m4h_ssh_session_heard_ms(const struct m4h_ssh_session *session)
{
    return session->heard_ms;
}

const char *m4h_ssh_session_client_version(const struct m4h_ssh_session *session)
{
    const char *banner = ssh_get_clientbanner(session->ssh);

    if (banner == NULL)
        return "";
    return strncmp(banner, "SSH-2.0-", 8) == 0 ? banner + 8 : banner;
}

void m4h_ssh_session_close(struct m4h_ssh_session *session, const char *message)
{
    if (session == NULL || session->closing)
        return;
    session->closing = true;
    session->goodbye = strdup(message);
    if (!session->turning)
        destroy(session);
}
