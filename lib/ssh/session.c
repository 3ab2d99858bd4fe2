/* A session's turns. libssh is driven by one ssh_event per session: when the
 * socket is ready, ssh_event_dopoll reads and parses, its callbacks (see
 * channel.c) only copy and mark, and then the rest of the turn acts on what was
 * marked: the key exchange, queued messages, channels, and the end. Only a turn
 * reads; what the library wants to send is sent at the end of the turn, or of the
 * call of the owner, in one piece (see stream.h). */
#include "lib/base/error.h"
#include "lib/net/socket.h"
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
#define TURN_BYTES M4H_SSH_READ_AHEAD_BYTES
/* As much while somebody else moves small pieces: less than this, and not so long ago. */
#define SHARED_TURN_BYTES 16384u
#define BRIEF_BYTES       4096u
#define BRIEF_MS          50u
/* Of a stranger: a signature that is wrong costs a millisecond and more, and libssh
 * checks it without telling us. So there is one short read in a turn, and a few packets
 * besides those that become messages: of the key exchange, and what may be ignored. */
#define UNKNOWN_TURN_BYTES 2048u
#define UNKNOWN_OTHERS_MAX 12u
/* A device that does not take our answers may leave so many bytes of them waiting,
 * then none of its requests is read any more. */
#define UNREAD_ANSWERS_MAX_BYTES (256u * 1024u)
/* Of a packet, besides its payload: length, padding, authentication. */
#define PACKET_BYTES 32u

bool m4h_ssh_session_is_alive(struct m4h_ssh_session *session)
{
    if (ssh_get_fd(session->ssh) >= 0 &&
        (ssh_get_status(session->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)) == 0)
        return true;
    m4h_watch_close(session->watch);
    session->watch = NULL;
    m4h_ssh_stream_drop(&session->stream);
    return false;
}

/* The library's own idea of when it wants to write is true only where it asks the
 * kernel itself. */
static bool is_write_pending(const struct m4h_ssh_session *session)
{
    int flags =
        session->stream.is_hooked ? ssh_get_status(session->ssh) : ssh_get_poll_flags(session->ssh);

    return flags & SSH_WRITE_PENDING;
}

bool m4h_ssh_session_may_write(const struct m4h_ssh_session *session)
{
    return session->stream.is_hooked ? !session->stream.may_not_write : !is_write_pending(session);
}

/* All that the library has made for the socket, about: it counts payloads, and most
 * of an answer is what stands around it. */
static uint64_t sent_bytes(const struct m4h_ssh_session *session)
{
    return session->packet_counter.out_bytes + session->packet_counter.out_packets * PACKET_BYTES;
}

static bool may_read(const struct m4h_ssh_session *session)
{
    return session->held == NULL && !session->paused;
}

/* Watches the socket for what the library waits for. */
static void rewatch(struct m4h_ssh_session *session)
{
    unsigned events = 0;
    bool pending;

    if (session->watch == NULL)
        return;
    pending = is_write_pending(session);
    if (!pending)
        session->caught_up = sent_bytes(session);
    if (may_read(session) && sent_bytes(session) - session->caught_up <= UNREAD_ANSWERS_MAX_BYTES)
        events |= M4H_WATCH_READ;
    if (pending)
        events |= M4H_WATCH_WRITE;
    m4h_watch_set(session->watch, events);
}

void m4h_ssh_session_flush(struct m4h_ssh_session *session)
{
    session->gathered = 0;
    if (session->stream.may_not_write || ssh_get_fd(session->ssh) < 0 ||
        !(ssh_get_status(session->ssh) & SSH_WRITE_PENDING))
        return;
    m4h_ssh_stream_set_mode(&session->stream, M4H_SSH_STREAM_FLUSH);
    ssh_blocking_flush(session->ssh, 0);
    m4h_ssh_stream_set_mode(&session->stream, M4H_SSH_STREAM_QUIET);
}

struct m4h_ssh_stream *m4h_ssh_session_enter(struct m4h_ssh_session *session)
{
    return m4h_ssh_stream_enter(&session->stream);
}

void m4h_ssh_session_leave(struct m4h_ssh_session *session, struct m4h_ssh_stream *before)
{
    bool is_outermost = before != &session->stream;

    if (is_outermost)
        m4h_ssh_session_flush(session);
    m4h_ssh_stream_leave(before);
    if (session->turning || !is_outermost)
        return;
    /* Without the stream between, any call may have read what only a turn acts on. */
    if (m4h_ssh_session_is_alive(session) && session->stream.is_hooked)
        rewatch(session);
    else
        m4h_ssh_session_schedule(session);
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

/* The library's last words and our own, sent together; what the kernel does not take
 * is lost. */
static void say_goodbye(struct m4h_ssh_session *session)
{
    struct m4h_ssh_stream *before = m4h_ssh_session_enter(session);

    if (session->event != NULL) {
        ssh_event_remove_session(session->event, session->ssh);
        ssh_event_free(session->event);
    }
    if (session->goodbye != NULL)
        ssh_session_set_disconnect_message(session->ssh, session->goodbye);
    if (!session->stream.may_not_write)
        ssh_set_fd_towrite(session->ssh);
    ssh_disconnect(session->ssh);
    ssh_free(session->ssh);
    m4h_ssh_stream_drop(&session->stream);
    m4h_ssh_stream_leave(before);
}

static void destroy(struct m4h_ssh_session *session)
{
    unschedule(session);
    if (session->held != NULL)
        ssh_message_free(session->held);
    m4h_ssh_opens_drop(session);
    m4h_ssh_channels_drop(session);
    m4h_watch_close(session->watch);
    say_goodbye(session);
    m4h_ssh_client_free(session->client);
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

/* As the other side named itself; NULL: not yet. */
static const char *peer_banner(const struct m4h_ssh_session *session)
{
    return session->client != NULL ? ssh_get_serverbanner(session->ssh)
                                   : ssh_get_clientbanner(session->ssh);
}

/* It sent something, yet not what everyone who speaks SSH 2.0 begins with. */
static bool speaks_no_ssh(const struct m4h_ssh_session *session)
{
    const char *banner = peer_banner(session);

    return session->socket_counter.in_bytes > 0 &&
           (banner == NULL ||
            (strncmp(banner, "SSH-2.", 6) != 0 && strncmp(banner, "SSH-1.99-", 9) != 0));
}

/* After libssh has closed the socket over a fault of the peer, it may still try
 * to write, and this failure then hides the fault. */
static bool fault_is_hidden(const struct m4h_ssh_session *session, const char *detail)
{
    if (session->stream.is_hooked)
        return (strstr(detail, "Socket error") != NULL || detail[0] == '\0') &&
               !m4h_ssh_stream_has_failed(&session->stream);
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
    else if (fault_is_hidden(session, detail))
        detail = session->exchanged ? "it broke the protocol" : "the key exchange failed";
    else if (strstr(detail, "Socket error") != NULL || detail[0] == '\0')
        end = M4H_SSH_END_LOST;
    m4h_ssh_session_fail(session, end, detail);
}

size_t m4h_ssh_session_turn_bytes(const struct m4h_ssh_session *session)
{
    const struct m4h_ssh_server *server = session->server;

    if (server->brief == NULL || server->brief == session ||
        m4h_loop_now_ms(server->loop) - server->brief_ms > BRIEF_MS)
        return TURN_BYTES;
    return SHARED_TURN_BYTES;
}

void m4h_ssh_session_note_piece(struct m4h_ssh_session *session, size_t len)
{
    if (len >= BRIEF_BYTES)
        return;
    session->server->brief = session;
    session->server->brief_ms = m4h_loop_now_ms(session->server->loop);
}

static void receive(struct m4h_ssh_session *session)
{
    size_t turn = session->authenticated ? m4h_ssh_session_turn_bytes(session) : UNKNOWN_TURN_BYTES;
    int reads = (int)((turn + LIBRARY_READ_BYTES - 1) / LIBRARY_READ_BYTES);

    m4h_ssh_stream_set_mode(&session->stream, M4H_SSH_STREAM_READ);
    m4h_ssh_stream_set_read_max(&session->stream, turn);
    for (int i = 0; i < reads && !session->paused && m4h_ssh_session_is_alive(session); i++) {
        uint64_t before = session->socket_counter.in_bytes;
        uint64_t got;

        if (ssh_event_dopoll(session->event, 0) == SSH_ERROR)
            break;
        got = session->socket_counter.in_bytes - before;
        if (got < LIBRARY_READ_BYTES)
            break;
    }
    m4h_ssh_stream_set_mode(&session->stream, M4H_SSH_STREAM_QUIET);
}

static uint64_t count_words(const struct m4h_ssh_session *session)
{
    return session->packet_counter.in_packets + (peer_banner(session) != NULL);
}

/* Any call to the library may read, also one that is there to write. */
static void note_heard(struct m4h_ssh_session *session)
{
    uint64_t words;

    if (session->heard_bytes == session->socket_counter.in_bytes)
        return;
    session->heard_bytes = session->socket_counter.in_bytes;
    session->heard_ms = m4h_loop_now_ms(session->server->loop);
    words = count_words(session);
    if (words == session->words)
        return;
    session->words = words;
    if (session->handler->on_word != NULL && !session->authenticated && !session->ended &&
        !session->closing)
        session->handler->on_word(session->context);
}

static int exchange_step(struct m4h_ssh_session *session)
{
    return session->client != NULL ? m4h_ssh_client_exchange(session)
                                   : ssh_handle_key_exchange(session->ssh);
}

static void exchange_keys(struct m4h_ssh_session *session)
{
    int rc = exchange_step(session);

    if (rc == SSH_ERROR && m4h_ssh_session_is_alive(session)) {
        m4h_ssh_session_fail(session, M4H_SSH_END_PROTOCOL, ssh_get_error(session->ssh));
    } else if (rc == SSH_OK) {
        session->exchanged = true;
        if (session->client == NULL)
            ssh_set_auth_methods(session->ssh, SSH_AUTH_METHOD_PUBLICKEY);
        session->handler->on_exchanged(session->context);
    }
}

/* All that a turn does with the library. */
static void act(struct m4h_ssh_session *session)
{
    if (!session->suited && session->event != NULL)
        m4h_ssh_server_suit(session);
    if (may_read(session) && session->event != NULL)
        receive(session);
    if (!session->exchanged && m4h_ssh_session_is_alive(session))
        exchange_keys(session);
    if (session->client != NULL && session->exchanged)
        m4h_ssh_client_act(session);
    if (session->exchanged && !session->closing)
        m4h_ssh_messages_handle(session);
    if (!session->authenticated &&
        session->packet_counter.in_packets > session->messages + UNKNOWN_OTHERS_MAX)
        m4h_ssh_session_fail(session, M4H_SSH_END_PROTOCOL, "too many packets without a meaning");
    if (session->exchanged && !session->closing)
        m4h_ssh_channels_turn(session);
}

void m4h_ssh_session_turn(struct m4h_ssh_session *session)
{
    struct m4h_ssh_stream *before = m4h_ssh_session_enter(session);

    session->turning = true;
    act(session);
    m4h_ssh_session_leave(session, before);
    note_heard(session);
    if (!session->closing && !session->ended && !m4h_ssh_session_is_alive(session))
        tell_end(session);
    session->turning = false;
    if (session->closing) {
        destroy(session);
        return;
    }
    m4h_ssh_channels_reap(session);
    if (session->stream.left > 0 && may_read(session))
        m4h_ssh_session_schedule(session);
    rewatch(session);
}

static void on_ready(void *context, unsigned events)
{
    struct m4h_ssh_session *session = context;

    if (events & M4H_WATCH_READ)
        m4h_ssh_stream_is_readable(&session->stream);
    if (events & M4H_WATCH_WRITE) {
        struct m4h_ssh_stream *before = m4h_ssh_stream_enter(&session->stream);

        m4h_ssh_stream_is_writable(&session->stream);
        m4h_ssh_session_flush(session);
        m4h_ssh_stream_leave(before);
    }
    /* Key exchanges are what costs most, and many may be ready at once. */
    if (!session->authenticated && m4h_loop_busy_us(session->server->loop) > BUSY_US)
        m4h_ssh_session_schedule(session);
    else
        m4h_ssh_session_turn(session);
}

/* Sends our identification and, as libssh needs it, only then joins the event.
 * A peer whose first bytes are wrong already is told of in the first turn. */
static int begin(struct m4h_ssh_session *session)
{
    struct m4h_ssh_stream *before = m4h_ssh_session_enter(session);
    int rc;

    m4h_ssh_server_suit(session);
    rc = exchange_step(session);
    m4h_ssh_session_leave(session, before);
    if (rc == SSH_ERROR || !m4h_ssh_session_is_alive(session)) {
        m4h_ssh_session_schedule(session);
        return 0;
    }
    session->event = ssh_event_new();
    if (session->event == NULL || ssh_event_add_session(session->event, session->ssh) != SSH_OK)
        return M4H_ENOMEM;
    return m4h_watch_start(&session->watch, session->server->loop, ssh_get_fd(session->ssh),
                           M4H_WATCH_READ, on_ready, session);
}

int m4h_ssh_session_new(struct m4h_ssh_session **session, struct m4h_ssh_server *server, int fd,
                        const struct m4h_ssh_handler *handler, void *context)
{
    struct m4h_ssh_session *made = calloc(1, sizeof(*made));

    *session = NULL;
    if (made != NULL) {
        made->server = server;
        made->handler = handler;
        made->context = context;
        made->begun_ms = made->heard_ms = m4h_loop_now_ms(server->loop);
        made->ssh = ssh_new();
    }
    if (made == NULL || made->ssh == NULL) {
        close(fd);
        free(made);
        return M4H_ENOMEM;
    }
    m4h_ssh_stream_begin(&made->stream, &server->read_ahead, fd);
    ssh_set_blocking(made->ssh, 0);
    ssh_set_counters(made->ssh, &made->socket_counter, &made->packet_counter);
    *session = made;
    return 0;
}

int m4h_ssh_session_begin(struct m4h_ssh_session **session, struct m4h_ssh_session *made, int fd,
                          int error)
{
    *session = NULL;
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

int m4h_ssh_session_accept(struct m4h_ssh_session **session, struct m4h_ssh_server *server, int fd,
                           const struct m4h_ssh_handler *handler, void *context)
{
    struct m4h_ssh_session *made;
    int error = m4h_ssh_session_new(&made, server, fd, handler, context);

    *session = NULL;
    if (error != 0)
        return error;
    error = ssh_bind_accept_fd(server->bind, made->ssh, fd) == SSH_OK
                ? m4h_ssh_server_dress(server, made->ssh)
                : M4H_ENOMEM;
    return m4h_ssh_session_begin(session, made, fd, error);
}

void m4h_ssh_session_keepalive(struct m4h_ssh_session *session)
{
    struct m4h_ssh_stream *before;
    uint64_t sent;

    if (!m4h_ssh_session_is_alive(session)) {
        m4h_ssh_session_schedule(session);
        return;
    }
    before = m4h_ssh_session_enter(session);
    /* Every second call only takes note of the last answer and sends nothing. */
    sent = session->packet_counter.out_packets;
    ssh_send_keepalive(session->ssh);
    if (session->packet_counter.out_packets == sent)
        ssh_send_keepalive(session->ssh);
    m4h_ssh_session_leave(session, before);
    note_heard(session);
}

void m4h_ssh_session_pause(struct m4h_ssh_session *session, bool paused)
{
    if (session->paused == paused)
        return;
    session->paused = paused;
    /* What was read ahead brings no event. */
    if (!paused)
        m4h_ssh_session_schedule(session);
}

void m4h_ssh_session_set_patience(struct m4h_ssh_session *session, uint32_t silent_ms)
{
    if (!session->ended)
        m4h_socket_set_patience(ssh_get_fd(session->ssh), silent_ms);
}

uint64_t m4h_ssh_session_heard_ms(const struct m4h_ssh_session *session)
{
    return session->heard_ms;
}

const char *m4h_ssh_session_refused_auth(const struct m4h_ssh_session *session)
{
    return session->refused_auth != NULL ? session->refused_auth : "";
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
