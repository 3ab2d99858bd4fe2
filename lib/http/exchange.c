/* Frames in, frames out.
 *
 * Each turn reads what there is, up to a bound, and hands it to wslay frame by frame:
 * the next one when the answers to those before have left. As long as an answer does
 * not fit into the socket nothing is read, so a peer that does not read is held back,
 * and no close frame overtakes an answer. A breach of the protocol is answered by its
 * close frame; then nothing is looked at any more.
 *
 * Must not know how a WebSocket begins or is freed. */
#include "lib/http/exchange.h"

#include "lib/base/error.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Read so often in one turn, that no peer starves the others. */
#define READS_PER_TURN 4u
/* Fragments of one message: each costs memory beyond its bytes. */
#define FRAGMENTS_MAX 1024u

/* ---- what wslay asks for ------------------------------------------------------------ */

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *data, size_t size, int flags,
                       void *context)
{
    struct m4h_frames *frames = context;
    size_t len = frames->piece_len < size ? frames->piece_len : size;

    (void)flags;
    if (len == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(data, frames->piece, len);
    frames->piece += len;
    frames->piece_len -= len;
    return (ssize_t)len;
}

/* The head that waits, and the payload: one system call for a whole frame. Returns as send does,
 * of the payload. */
static ssize_t send_frame(struct m4h_frames *frames, const uint8_t *data, size_t len)
{
    struct iovec pieces[2] = {{frames->head, frames->head_len}, {(void *)(uintptr_t)data, len}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    ssize_t sent = sendmsg(frames->websocket->fd, &message, MSG_NOSIGNAL);

    if (sent < 0)
        return sent;
    if ((size_t)sent < frames->head_len) {
        frames->head_len -= (size_t)sent;
        memmove(frames->head, frames->head + sent, frames->head_len);
        errno = EAGAIN;
        return -1;
    }
    sent -= (ssize_t)frames->head_len;
    frames->head_len = 0;
    if (sent > 0 || len == 0)
        return sent;
    errno = EAGAIN;
    return -1;
}

/* wslay sends a frame's head with the flag, and then its payload. */
static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *data, size_t len, int flags,
                       void *context)
{
    struct m4h_frames *frames = context;
    ssize_t sent;

    if ((flags & WSLAY_MSG_MORE) && len <= sizeof(frames->head) - frames->head_len) {
        memcpy(frames->head + frames->head_len, data, len);
        frames->head_len += len;
        return (ssize_t)len;
    }
    sent = send_frame(frames, data, len);
    if (sent >= 0)
        return sent;
    wslay_event_set_error(wslay, errno == EAGAIN || errno == EINTR ? WSLAY_ERR_WOULDBLOCK
                                                                   : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void refuse_more(struct m4h_websocket *websocket, uint16_t code, const char *reason)
{
    websocket->our_end = code;
    wslay_event_shutdown_read(websocket->frames->wslay);
    m4h_websocket_close(websocket, code, reason);
}

static void on_frame(wslay_event_context_ptr wslay,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *context)
{
    struct m4h_websocket *websocket = ((struct m4h_frames *)context)->websocket;

    (void)wslay;
    if (wslay_is_ctrl_frame(frame->opcode)) {
        if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1)
            refuse_more(websocket, M4H_WEBSOCKET_PROTOCOL_ERROR, "a code has two bytes");
        return;
    }
    websocket->fragments = frame->opcode == WSLAY_CONTINUATION_FRAME ? websocket->fragments + 1 : 1;
    if (websocket->fragments > FRAGMENTS_MAX)
        refuse_more(websocket, M4H_WEBSOCKET_TOO_BIG, "too many fragments");
}

static void on_message(wslay_event_context_ptr wslay,
                       const struct wslay_event_on_msg_recv_arg *message, void *context)
{
    struct m4h_websocket *websocket = ((struct m4h_frames *)context)->websocket;
    bool is_text = message->opcode == WSLAY_TEXT_FRAME;

    (void)wslay;
    if (!is_text && message->opcode != WSLAY_BINARY_FRAME)
        return;
    websocket->fragments = 0;
    if (websocket->state != M4H_WEBSOCKET_OPEN)
        return;
    websocket->handler->on_message(websocket->context, websocket, is_text, message->msg,
                                   message->msg_length);
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .on_frame_recv_start_callback = on_frame,
    .on_msg_recv_callback = on_message,
};

/* ---- turns ---------------------------------------------------------------------------- */

static bool wants_to_write(const struct m4h_websocket *websocket)
{
    return websocket->frames != NULL && wslay_event_want_write(websocket->frames->wslay);
}

static bool wants_to_read(const struct m4h_websocket *websocket)
{
    return websocket->frames == NULL || wslay_event_want_read(websocket->frames->wslay);
}

bool m4h_websocket_take_frames(struct m4h_websocket *websocket)
{
    if (websocket->frames == NULL)
        websocket->frames = m4h_frames_lend(&websocket->server->frames, websocket, &callbacks,
                                            websocket->message_max);
    return websocket->frames != NULL;
}

/* Nothing is half read or half written. */
static bool is_idle(const struct m4h_websocket *websocket)
{
    return websocket->state == M4H_WEBSOCKET_OPEN && !websocket->is_cut &&
           websocket->ahead.len == 0 && websocket->fragments == 0 &&
           m4h_cutter_is_between(&websocket->cutter) && !wants_to_write(websocket);
}

void m4h_websocket_rearm(struct m4h_websocket *websocket)
{
    unsigned events = 0;

    if (websocket->frames != NULL && is_idle(websocket)) {
        m4h_frames_take_back(&websocket->server->frames, websocket->frames);
        websocket->frames = NULL;
    }
    if (websocket->state == M4H_WEBSOCKET_LINGERING ||
        (wants_to_read(websocket) && !wants_to_write(websocket)))
        events |= M4H_WATCH_READ;
    /* With nothing left to do it asks for one more turn, the last. */
    if (wants_to_write(websocket) || websocket->ahead.len > 0 ||
        (websocket->state != M4H_WEBSOCKET_LINGERING && !wants_to_read(websocket)))
        events |= M4H_WATCH_WRITE;
    m4h_watch_set(websocket->watch, events);
    if (websocket->peer_watch != NULL && !websocket->is_alone)
        m4h_watch_set(websocket->peer_watch, M4H_WATCH_READ);
}

/* Our close frame was the last; waits for the peer's end of the connection. */
static void begin_to_linger(struct m4h_websocket *websocket)
{
    websocket->state = M4H_WEBSOCKET_LINGERING;
    shutdown(websocket->fd, SHUT_WR);
    m4h_timer_start(websocket->timer, M4H_WEBSOCKET_CLOSE_WAIT_MS, 0);
}

bool m4h_websocket_linger(struct m4h_websocket *websocket)
{
    uint8_t waste[4096];
    ssize_t len = recv(websocket->fd, waste, sizeof(waste), 0);

    return len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR));
}

/* A frame that wslay cannot even cut ends it without a word from wslay: the word
 * is ours. What came before is answered, so we are not in the middle of another.
 * False: over. */
static bool refuse_frame(struct m4h_websocket *websocket)
{
    static const uint8_t close_frame[] = {0x88, 2, M4H_WEBSOCKET_PROTOCOL_ERROR >> 8,
                                          M4H_WEBSOCKET_PROTOCOL_ERROR & 0xff};

    websocket->our_end = M4H_WEBSOCKET_PROTOCOL_ERROR;
    if (send(websocket->fd, close_frame, sizeof(close_frame), MSG_NOSIGNAL) < 0)
        return false;
    begin_to_linger(websocket);
    return true;
}

static bool queue_close(struct m4h_websocket *websocket, uint16_t code, const char *reason)
{
    return wslay_event_queue_close(websocket->frames->wslay, code, (const uint8_t *)reason,
                                   strlen(reason)) == 0;
}

bool m4h_websocket_say_close(struct m4h_websocket *websocket, uint16_t code, const char *reason)
{
    if (!m4h_websocket_take_frames(websocket))
        return false;
    if (!wants_to_write(websocket))
        return queue_close(websocket, code, reason);
    /* wslay would send it first. */
    websocket->late_code = code;
    websocket->late_reason = reason;
    return true;
}

static bool send_frames(struct m4h_websocket *websocket)
{
    return !wants_to_write(websocket) || wslay_event_send(websocket->frames->wslay) == 0;
}

bool m4h_websocket_send_waiting(struct m4h_websocket *websocket)
{
    const char *reason = websocket->late_reason;

    if (!send_frames(websocket))
        return false;
    if (reason == NULL || wants_to_write(websocket))
        return true;
    websocket->late_reason = NULL;
    return queue_close(websocket, websocket->late_code, reason) && send_frames(websocket);
}

/* Whether what comes is still looked at. */
static bool is_listening(const struct m4h_websocket *websocket)
{
    return websocket->state != M4H_WEBSOCKET_LINGERING && wants_to_read(websocket);
}

/* Whether what has come may be followed by more: it is open, and what it caused has left. */
static bool may_go_on(const struct m4h_websocket *websocket)
{
    return is_listening(websocket) && !websocket->is_cut && !wants_to_write(websocket);
}

/* Hands over what has come, frame by frame, each when the answers to those before
 * have left: wslay lets a close frame overtake them. False: over. */
static bool hand_over(struct m4h_websocket *websocket, const uint8_t *data, size_t len,
                      size_t *used)
{
    for (*used = 0; *used < len && may_go_on(websocket);) {
        size_t piece = m4h_cutter_take(&websocket->cutter, data + *used, len - *used);

        if (!m4h_websocket_take_frames(websocket))
            return false;
        websocket->frames->piece = data + *used;
        websocket->frames->piece_len = piece;
        *used += piece;
        if (wslay_event_recv(websocket->frames->wslay) != 0)
            return refuse_frame(websocket);
        if (m4h_cutter_data_len(&websocket->cutter) > websocket->message_max &&
            wants_to_read(websocket))
            refuse_more(websocket, M4H_WEBSOCKET_TOO_BIG, "");
        if (!m4h_websocket_send_waiting(websocket))
            return false;
    }
    return true;
}

/* What was read before and could not be handed over. */
static bool go_on(struct m4h_websocket *websocket)
{
    size_t used;

    if (websocket->ahead.len == 0)
        return true;
    if (!hand_over(websocket, websocket->ahead.data, websocket->ahead.len, &used))
        return false;
    m4h_buffer_consume(&websocket->ahead, used);
    if (websocket->ahead.len == 0 || !is_listening(websocket))
        m4h_buffer_free(&websocket->ahead);
    return true;
}

/* Reads once. False: over. `*more`: there may be more to read at once. */
static bool read_once(struct m4h_websocket *websocket, bool *more)
{
    uint8_t data[M4H_WEBSOCKET_READ_SIZE];
    ssize_t len = recv(websocket->fd, data, sizeof(data), 0);
    size_t used;

    *more = len == (ssize_t)sizeof(data);
    if (len <= 0)
        return len < 0 && (errno == EAGAIN || errno == EINTR);
    websocket->unanswered = 0;
    if (!hand_over(websocket, data, (size_t)len, &used))
        return false;
    return !is_listening(websocket) ||
           m4h_buffer_add(&websocket->ahead, data + used, (size_t)len - used) == 0;
}

bool m4h_websocket_exchange(struct m4h_websocket *websocket, unsigned events)
{
    bool more = events & M4H_WATCH_READ;

    if (!m4h_websocket_send_waiting(websocket) || !go_on(websocket))
        return false;
    for (unsigned i = 0; more && i < READS_PER_TURN && may_go_on(websocket); i++) {
        if (!read_once(websocket, &more))
            return false;
    }
    if (websocket->state == M4H_WEBSOCKET_LINGERING || wants_to_read(websocket) ||
        wants_to_write(websocket))
        return true;
    /* All frames are exchanged. Where the peer closed by the rules, it waits for
     * our end of the connection (section 7.1.1). */
    if (wslay_event_get_close_received(websocket->frames->wslay))
        return false;
    begin_to_linger(websocket);
    return true;
}
