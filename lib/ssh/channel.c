/* Channels that carry TCP connections. libssh's callbacks run in the middle of any call to
 * it, so they copy data out and set marks; m4h_ssh_channels_turn acts on them.
 *
 * A channel ends in one of three ways: its owner closes it (libssh frees its part
 * when the device has confirmed; until then what comes is dropped, up to a limit),
 * the device closes or refuses it (the owner is told, then closes), or the session
 * ends (dropped with it). One that is closed while still opening must wait for the
 * device's answer: freeing it before would leave the device's side open for ever. */
#include "lib/base/error.h"
#include "lib/ssh/internal.h"
#include "lib/ssh/packets.h"

#include <stdlib.h>
#include <string.h>

/* A device that sends more than this beyond what was asked for breaks the window
 * (RFC 4254 section 5.2); libssh would buffer it without bound. */
#define UNTAKEN_MAX_BYTES (2u * 1024u * 1024u)
#define DRAIN_BYTES       32768u
/* Packets that one write may become: so many of decent size, and a few that libssh
 * sends besides. More would cost the loop more than all others together. */
#define PACKET_MIN_BYTES 256u
#define PACKETS_BESIDES  8u
/* What a device may go on to send on a channel that was closed, until it notices. */
#define DROPPED_MAX_BYTES (16u * 1024u * 1024u)
/* A channel that was closed counts as this, and what libssh has buffered of it, until
 * the device confirms; above so much in all, no channel is opened to the device. It is
 * less than this in memory, but libssh looks through all channels for each message. */
#define CLOSED_CHANNEL_BYTES  65536u
#define UNCONFIRMED_MAX_BYTES (32u * 1024u * 1024u)
/* Operators may come and go faster than the device's link takes the news to it: only one
 * that confirms none for so long, while it sends other things, is at fault. */
#define UNCONFIRMED_MAX_MS 10000u
/* Written to the channels of a session before the kernel is tried: what one call
 * sends, and what waits more where it takes nothing. */
#define GATHER_BYTES 65536u
/* How libssh's text begins when a channel was refused, and what stands before the code. */
#define REFUSAL      "Channel opening failure"
#define REFUSAL_CODE "error ("

static int on_library_data(ssh_session ssh, ssh_channel ssh_channel_, void *data, uint32_t len,
                           int is_stderr, void *userdata)
{
    struct m4h_ssh_channel *channel = userdata;
    size_t taken;

    (void)ssh;
    (void)ssh_channel_;
    if (!channel->freed && channel->buffered < len)
        channel->buffered = len;
    if (channel->freed && (channel->dropped += len) > DROPPED_MAX_BYTES)
        channel->session->fault = "it goes on sending on a closed channel";
    /* What a device sends as errors has no place in a forwarded connection. */
    if (channel->handler == NULL || channel->closed || is_stderr)
        return (int)len;
    if (len > UNTAKEN_MAX_BYTES) {
        channel->session->fault = "data beyond the window";
        channel->closed = true;
        channel->stalled = false;
        return (int)len;
    }
    if (channel->stalled)
        return 0;
    m4h_ssh_session_note_piece(channel->session, len);
    taken = channel->handler->on_data(channel->context, data, len);
    if (taken < len)
        channel->stalled = true;
    return (int)taken;
}

static void on_library_eof(ssh_session ssh, ssh_channel ssh_channel_, void *userdata)
{
    struct m4h_ssh_channel *channel = userdata;

    (void)ssh;
    (void)ssh_channel_;
    channel->eof = true;
}

/* Once the device has confirmed, or has gone. */
static void count_confirmed(struct m4h_ssh_channel *channel)
{
    struct m4h_ssh_session *session = channel->session;

    if (channel->unconfirmed_bytes == 0)
        return;
    session->unconfirmed_bytes -= channel->unconfirmed_bytes;
    channel->unconfirmed_bytes = 0;
    session->confirmed_ms = m4h_loop_now_ms(session->server->loop);
}

static void on_library_close(ssh_session ssh, ssh_channel ssh_channel_, void *userdata)
{
    struct m4h_ssh_channel *channel = userdata;

    (void)ssh;
    (void)ssh_channel_;
    channel->eof = true;
    channel->closed = true;
    channel->confirmed = true;
    count_confirmed(channel);
}

static int library_open(struct m4h_ssh_channel *channel)
{
    return (channel->direct ? ssh_channel_open_forward : ssh_channel_open_reverse_forward)(
        channel->ssh, channel->address, channel->port, channel->originator,
        channel->originator_port);
}

/* Of the latest refusal in this session, which the library has as a text only. */
static unsigned refusal_code(const struct m4h_ssh_session *session)
{
    const char *text = ssh_get_error(session->ssh);
    const char *at = strstr(text, REFUSAL_CODE);

    return strncmp(text, REFUSAL, strlen(REFUSAL)) == 0 && at != NULL
               ? (unsigned)strtoul(at + strlen(REFUSAL_CODE), NULL, 10)
               : 0;
}

/* Asks, or asks how it stands: the library wants the same call until it knows. */
static void try_open(struct m4h_ssh_channel *channel)
{
    int rc = library_open(channel);

    if (rc == SSH_OK) {
        channel->state = CHANNEL_OPEN;
        if (channel->handler != NULL)
            channel->handler->on_open(channel->context);
    } else if (rc != SSH_AGAIN) {
        channel->state = CHANNEL_OPEN;
        channel->denied = true;
        channel->refusal_code = refusal_code(channel->session);
        channel->eof_told = true;
        channel->closed = true;
    }
}

/* The owner is done with it, and the device is not. */
static void count_unconfirmed(struct m4h_ssh_channel *channel)
{
    struct m4h_ssh_session *session = channel->session;

    if (channel->unconfirmed_bytes > 0 || channel->confirmed)
        return;
    if (session->unconfirmed_bytes <= UNCONFIRMED_MAX_BYTES)
        session->confirmed_ms = m4h_loop_now_ms(session->server->loop);
    channel->unconfirmed_bytes = channel->buffered + CLOSED_CHANNEL_BYTES;
    session->unconfirmed_bytes += channel->unconfirmed_bytes;
}

static bool confirms_none(const struct m4h_ssh_session *session)
{
    return session->unconfirmed_bytes > UNCONFIRMED_MAX_BYTES &&
           session->heard_ms > session->confirmed_ms + UNCONFIRMED_MAX_MS;
}

static void give_back(struct m4h_ssh_channel *channel)
{
    struct m4h_ssh_session *session = channel->session;
    struct m4h_ssh_stream *before;

    if (channel->freed)
        return;
    channel->freed = true;
    before = m4h_ssh_session_enter(session);
    count_unconfirmed(channel);
    if (channel->denied)
        channel->confirmed = true;
    if (channel->confirmed)
        ssh_remove_channel_callbacks(channel->ssh, &channel->callbacks);
    /* The device knows no channel that it denied: it would end the session. */
    if (!channel->denied)
        ssh_channel_close(channel->ssh);
    ssh_channel_free(channel->ssh);
    m4h_ssh_session_leave(session, before);
}

static void release(struct m4h_ssh_channel *channel)
{
    free(channel->address);
    free(channel->originator);
    free(channel);
}

int m4h_ssh_channel_make(struct m4h_ssh_channel **channel, struct m4h_ssh_session *session,
                         const struct m4h_ssh_channel_handler *handler, void *context)
{
    struct m4h_ssh_channel *made;

    *channel = NULL;
    if (session->ended || session->closing || !m4h_ssh_session_is_alive(session))
        return M4H_ECLOSED;
    if (session->unconfirmed_bytes > UNCONFIRMED_MAX_BYTES)
        return M4H_EFULL;
    made = calloc(1, sizeof(*made));
    if (made == NULL)
        return M4H_ENOMEM;
    made->ssh = ssh_channel_new(session->ssh);
    if (made->ssh == NULL) {
        free(made);
        return M4H_ENOMEM;
    }
    made->session = session;
    made->handler = handler;
    made->context = context;
    made->callbacks.userdata = made;
    made->callbacks.channel_data_function = on_library_data;
    made->callbacks.channel_eof_function = on_library_eof;
    made->callbacks.channel_close_function = on_library_close;
    ssh_callbacks_init(&made->callbacks);
    ssh_set_channel_callbacks(made->ssh, &made->callbacks);
    made->next = session->channels;
    session->channels = made;
    *channel = made;
    return 0;
}

void m4h_ssh_channel_unmake(struct m4h_ssh_channel *channel)
{
    struct m4h_ssh_channel **at = &channel->session->channels;

    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
    ssh_remove_channel_callbacks(channel->ssh, &channel->callbacks);
    ssh_channel_free(channel->ssh);
    release(channel);
}

static int open_channel(struct m4h_ssh_channel **channel, struct m4h_ssh_session *session,
                        bool direct, const char *address, uint16_t port, const char *originator,
                        uint16_t originator_port, const struct m4h_ssh_channel_handler *handler,
                        void *context)
{
    struct m4h_ssh_stream *before;
    struct m4h_ssh_channel *made;
    int error = m4h_ssh_channel_make(channel, session, handler, context);

    if (error != 0)
        return error;
    made = *channel;
    made->direct = direct;
    made->address = strdup(address);
    made->originator = strdup(originator);
    made->port = port;
    made->originator_port = originator_port;
    if (made->address == NULL || made->originator == NULL) {
        m4h_ssh_channel_unmake(made);
        *channel = NULL;
        return M4H_ENOMEM;
    }
    /* The first asking cannot have its answer yet: a turn finds it. */
    before = m4h_ssh_session_enter(session);
    library_open(made);
    m4h_ssh_session_leave(session, before);
    return 0;
}

int m4h_ssh_channel_open(struct m4h_ssh_channel **channel, struct m4h_ssh_session *session,
                         const char *address, uint16_t port, const char *originator,
                         uint16_t originator_port, const struct m4h_ssh_channel_handler *handler,
                         void *context)
{
    return open_channel(channel, session, false, address, port, originator, originator_port,
                        handler, context);
}

int m4h_ssh_channel_open_direct(struct m4h_ssh_channel **channel, struct m4h_ssh_session *session,
                                const char *host, uint16_t port, const char *originator,
                                uint16_t originator_port,
                                const struct m4h_ssh_channel_handler *handler, void *context)
{
    return open_channel(channel, session, true, host, port, originator, originator_port, handler,
                        context);
}

unsigned m4h_ssh_channel_refusal(const struct m4h_ssh_channel *channel)
{
    return channel->refusal_code;
}

size_t m4h_ssh_channel_room(const struct m4h_ssh_channel *channel)
{
    size_t window, turn;

    if (channel->state != CHANNEL_OPEN || channel->closed || channel->freed)
        return 0;
    if (!m4h_ssh_session_may_write(channel->session))
        return 0;
    window = ssh_channel_window_size(channel->ssh);
    turn = m4h_ssh_session_turn_bytes(channel->session);
    return window < turn ? window : turn;
}

size_t m4h_ssh_channel_write(struct m4h_ssh_channel *channel, const void *data, size_t len)
{
    struct m4h_ssh_session *session = channel->session;
    struct m4h_ssh_stream *before;
    int taken;

    if (channel->closed || channel->freed || !m4h_ssh_session_is_alive(session))
        return 0;
    before = m4h_ssh_session_enter(session);
    m4h_ssh_packets_begin(PACKETS_BESIDES + (unsigned)(len / PACKET_MIN_BYTES));
    taken = ssh_channel_write(channel->ssh, data, (uint32_t)len);
    if (!m4h_ssh_packets_end())
        session->fault = "it takes too small packets";
    if (taken > 0)
        session->gathered += (size_t)taken;
    m4h_ssh_session_note_piece(session, len);
    if (taken == SSH_ERROR)
        channel->closed = true;
    if (session->gathered >= GATHER_BYTES)
        m4h_ssh_session_flush(session);
    m4h_ssh_session_leave(session, before);
    if (taken == SSH_ERROR)
        m4h_ssh_session_schedule(session);
    return taken > 0 ? (size_t)taken : 0;
}

void m4h_ssh_channel_want_write(struct m4h_ssh_channel *channel, bool wanted)
{
    channel->want_write = wanted;
}

/* Small reads would re-open the window while the rest still waits, so all that
 * the library holds is taken in one go. */
void m4h_ssh_channel_resume(struct m4h_ssh_channel *channel)
{
    struct m4h_ssh_session *session = channel->session;
    struct m4h_ssh_stream *before;
    uint8_t data[DRAIN_BYTES];

    if (channel->freed)
        return;
    before = m4h_ssh_session_enter(session);
    while (m4h_ssh_session_is_alive(session)) {
        int len = ssh_channel_read_nonblocking(channel->ssh, data, sizeof(data), 0);

        if (len <= 0)
            break;
        if (channel->handler->on_data(channel->context, data, (size_t)len) < (size_t)len) {
            channel->closed = true;
            break;
        }
    }
    m4h_ssh_session_leave(session, before);
    channel->stalled = false;
    m4h_ssh_session_schedule(session);
}

void m4h_ssh_channel_finish(struct m4h_ssh_channel *channel)
{
    struct m4h_ssh_session *session = channel->session;
    struct m4h_ssh_stream *before;

    if (channel->closed || channel->freed || !m4h_ssh_session_is_alive(session))
        return;
    before = m4h_ssh_session_enter(session);
    ssh_channel_send_eof(channel->ssh);
    m4h_ssh_session_leave(session, before);
}

void m4h_ssh_channel_close(struct m4h_ssh_channel *channel)
{
    if (channel == NULL)
        return;
    channel->handler = NULL;
    channel->want_write = false;
    if (channel->state == CHANNEL_OPEN)
        give_back(channel);
    else
        count_unconfirmed(channel);
    m4h_ssh_session_schedule(channel->session);
}

/* One channel's news. It may be closed (not freed) by any of these calls. */
static void turn(struct m4h_ssh_channel *channel)
{
    if (channel->state == CHANNEL_OPENING && channel->session->held == NULL)
        try_open(channel);
    if (channel->handler != NULL && channel->want_write && !channel->closed &&
        m4h_ssh_channel_room(channel) > 0)
        channel->handler->on_writable(channel->context);
    if (channel->handler != NULL && channel->handler->on_parted != NULL && channel->closed &&
        channel->stalled && !channel->parted_told) {
        channel->parted_told = true;
        channel->handler->on_parted(channel->context);
    }
    if (channel->handler != NULL && channel->eof && !channel->eof_told && !channel->stalled) {
        channel->eof_told = true;
        channel->handler->on_eof(channel->context);
    }
    if (channel->handler != NULL && channel->closed && !channel->stalled &&
        channel->state == CHANNEL_OPEN)
        channel->handler->on_closed(channel->context);
    if (channel->handler == NULL && channel->state == CHANNEL_OPEN)
        give_back(channel);
}

void m4h_ssh_channels_turn(struct m4h_ssh_session *session)
{
    struct m4h_ssh_channel *channel;

    if (session->fault == NULL && confirms_none(session))
        session->fault = "it does not confirm that channels are closed";
    if (session->fault != NULL) {
        m4h_ssh_session_fail(session, M4H_SSH_END_PROTOCOL, session->fault);
        return;
    }
    for (channel = session->channels; channel != NULL && !session->closing;
         channel = channel->next) {
        if (!m4h_ssh_session_is_alive(session))
            return;
        if (!channel->freed)
            turn(channel);
    }
}

void m4h_ssh_channels_reap(struct m4h_ssh_session *session)
{
    struct m4h_ssh_channel **at = &session->channels;

    while (*at != NULL) {
        struct m4h_ssh_channel *channel = *at;

        if (!channel->freed || !channel->confirmed) {
            at = &channel->next;
            continue;
        }
        count_confirmed(channel);
        *at = channel->next;
        release(channel);
    }
}

void m4h_ssh_channels_drop(struct m4h_ssh_session *session)
{
    struct m4h_ssh_channel *channel, *next;

    for (channel = session->channels; channel != NULL; channel = next) {
        next = channel->next;
        if (!channel->freed || !channel->confirmed)
            ssh_remove_channel_callbacks(channel->ssh, &channel->callbacks);
        release(channel);
    }
    session->channels = NULL;
}
