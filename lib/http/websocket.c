/* A WebSocket: libmicrohttpd's upgraded socket, watched by our loop, with wslay
 * cutting frames.
 *
 * Happy path: upgrade.c makes the 101 the answer; the library sends it and hands
 * the socket over (on_upgrade); the first turn feeds what came with the handshake,
 * then each turn reads, answers and writes as much as the socket and the budget
 * allow. Closing is a close frame each way.
 *
 * Failures: protocol errors - wslay queues the close frame and reads no more; we
 * send it, say that nothing follows, and wait for the peer's end (else a reset
 * could overtake the frame); a silent peer - no pong to two pings; a slow reader -
 * its queue passes the limit. The last two are cut: the socket is shut down, so
 * that the loop calls a turn, which ends it. Everything ends in `end`, on a turn
 * or on the timer, so that no callback comes from inside a call. */
#include "lib/http/websocket.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/http/server.h"
#include "lib/net/socket.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

/* Read in one turn, so that no peer starves the others. */
#define READ_PER_TURN 65536u
/* Messages, pongs among them, that may wait: beyond, nothing is read. */
#define WAITING_MAX 256u
/* Fragments of one message: each costs memory beyond its bytes. */
#define FRAGMENTS_MAX 1024u
/* How long the peer may take to answer a close frame. */
#define CLOSE_WAIT_MS 5000u
#define PINGS_MISSED  2u

enum state {
    OPENING, /* the 101 is not out yet */
    OPEN,
    CLOSING,   /* our close frame is queued or sent */
    LINGERING, /* all is sent; the peer has to end the connection */
};

struct m4h_websocket {
    struct m4h_http_server *server;
    const struct m4h_websocket_handler *handler;
    void *context;
    const char *subprotocol;
    uint32_t queue_max;
    uint32_t message_max;
    uint32_t ping_interval_ms;
    enum state state;
    bool is_in_turn; /* what is sent goes out at its end */
    bool is_cut;
    bool is_leaving;  /* its handler was told that the server ends */
    bool is_broken;   /* the socket: no more can be read */
    uint16_t our_end; /* the code where it was us who ended it; 0: it was not */
    int fd;           /* MHD's */
    struct m4h_http_connection *connection; /* whose socket is the same, unless it has TLS */
    struct MHD_UpgradeResponseHandle *upgraded;
    struct m4h_watch *watch;
    struct m4h_timer *timer; /* pings, then the wait for the end */
    wslay_event_context_ptr frames;
    struct m4h_buffer early; /* came with the handshake */
    uint32_t budget;         /* bytes that this turn may still read */
    uint32_t fragments;      /* of the message that is coming in */
    uint32_t unanswered;     /* pings */
    LIST_ENTRY(m4h_websocket) link;
    char peer[M4H_ADDRESS_TEXT_MAX];
};

/* ---- the end --------------------------------------------------------------------- */

void m4h_websocket_free(struct m4h_websocket *websocket)
{
    if (websocket == NULL)
        return;
    if (websocket->frames != NULL)
        wslay_event_context_free(websocket->frames);
    m4h_buffer_free(&websocket->early);
    free(websocket);
}

static uint16_t end_code(const struct m4h_websocket *websocket)
{
    if (websocket->our_end != 0)
        return websocket->our_end;
    if (websocket->frames == NULL)
        return M4H_WEBSOCKET_ABNORMAL;
    if (wslay_event_get_close_received(websocket->frames))
        return wslay_event_get_status_code_received(websocket->frames);
    if (wslay_event_get_close_sent(websocket->frames))
        return wslay_event_get_status_code_sent(websocket->frames);
    return M4H_WEBSOCKET_ABNORMAL;
}

/* Gives everything back and tells the handler: the WebSocket is gone after. */
static void end(struct m4h_websocket *websocket)
{
    uint16_t code = end_code(websocket);

    if (websocket->upgraded != NULL) {
        m4h_watch_close(websocket->watch);
        m4h_timer_close(websocket->timer);
        LIST_REMOVE(websocket, link);
        websocket->server->stats.websockets--;
        m4h_http_connection_give_back(websocket->connection);
        MHD_upgrade_action(websocket->upgraded, MHD_UPGRADE_ACTION_CLOSE);
        m4h_http_server_turn(websocket->server);
    }
    websocket->handler->on_close(websocket->context, websocket, code);
    m4h_websocket_free(websocket);
}

/* Ends soon, without waiting for the peer. */
static void cut(struct m4h_websocket *websocket, uint16_t code)
{
    websocket->is_cut = true;
    if (websocket->our_end == 0)
        websocket->our_end = code;
    shutdown(websocket->connection->fd, SHUT_RDWR);
    shutdown(websocket->fd, SHUT_RDWR);
    if (websocket->watch != NULL)
        m4h_watch_set(websocket->watch, M4H_WATCH_READ | M4H_WATCH_WRITE);
}

/* ---- what wslay asks for ------------------------------------------------------------ */

static size_t take_early(struct m4h_websocket *websocket, uint8_t *data, size_t size)
{
    size_t len = websocket->early.len < size ? websocket->early.len : size;

    memcpy(data, websocket->early.data, len);
    m4h_buffer_consume(&websocket->early, len);
    if (websocket->early.len == 0)
        m4h_buffer_free(&websocket->early);
    return len;
}

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *data, size_t size, int flags,
                       void *context)
{
    struct m4h_websocket *websocket = context;
    ssize_t len;

    (void)flags;
    if (websocket->early.len > 0)
        return (ssize_t)take_early(websocket, data, size);
    if (websocket->budget < size)
        size = websocket->budget;
    len = size == 0 ? 0 : recv(websocket->fd, data, size, 0);
    if (len > 0) {
        websocket->budget -= (uint32_t)len;
        websocket->unanswered = 0;
        return len;
    }
    websocket->is_broken = size > 0 && (len == 0 || (errno != EAGAIN && errno != EINTR));
    wslay_event_set_error(frames,
                          websocket->is_broken ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t len, int flags,
                       void *context)
{
    struct m4h_websocket *websocket = context;
    int more = (flags & WSLAY_MSG_MORE) ? MSG_MORE : 0;
    ssize_t sent = send(websocket->fd, data, len, MSG_NOSIGNAL | more);

    if (sent >= 0)
        return sent;
    wslay_event_set_error(frames, errno == EAGAIN || errno == EINTR ? WSLAY_ERR_WOULDBLOCK
                                                                    : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void refuse_more(struct m4h_websocket *websocket, uint16_t code, const char *reason)
{
    websocket->our_end = code;
    wslay_event_shutdown_read(websocket->frames);
    m4h_websocket_close(websocket, code, reason);
}

static void on_frame(wslay_event_context_ptr frames,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *context)
{
    struct m4h_websocket *websocket = context;

    (void)frames;
    if (wslay_is_ctrl_frame(frame->opcode)) {
        if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1)
            refuse_more(websocket, M4H_WEBSOCKET_PROTOCOL_ERROR, "a code has two bytes");
        return;
    }
    websocket->fragments = frame->opcode == WSLAY_CONTINUATION_FRAME ? websocket->fragments + 1 : 1;
    if (websocket->fragments > FRAGMENTS_MAX)
        refuse_more(websocket, M4H_WEBSOCKET_TOO_BIG, "too many fragments");
}

static void on_message(wslay_event_context_ptr frames,
                       const struct wslay_event_on_msg_recv_arg *message, void *context)
{
    struct m4h_websocket *websocket = context;
    bool is_text = message->opcode == WSLAY_TEXT_FRAME;

    (void)frames;
    if (websocket->state != OPEN || (!is_text && message->opcode != WSLAY_BINARY_FRAME))
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

/* Watches for what is needed next. */
static void rearm(struct m4h_websocket *websocket)
{
    wslay_event_context_ptr frames = websocket->frames;
    bool may_read = wslay_event_get_queued_msg_count(frames) < WAITING_MAX &&
                    wslay_event_get_queued_msg_length(frames) < websocket->queue_max / 2;
    unsigned events = 0;

    if (websocket->state == LINGERING || (wslay_event_want_read(frames) && may_read))
        events |= M4H_WATCH_READ;
    /* With nothing left to do it asks for one more turn, the last. */
    if (wslay_event_want_write(frames) ||
        (websocket->state != LINGERING && !wslay_event_want_read(frames)))
        events |= M4H_WATCH_WRITE;
    m4h_watch_set(websocket->watch, events);
}

/* Our close frame was the last; waits for the peer's end of the connection. */
static void begin_to_linger(struct m4h_websocket *websocket)
{
    websocket->state = LINGERING;
    shutdown(websocket->fd, SHUT_WR);
    m4h_timer_start(websocket->timer, CLOSE_WAIT_MS, 0);
}

/* Throws away what comes; true: the peer has ended. */
static bool linger(struct m4h_websocket *websocket)
{
    uint8_t waste[4096];
    ssize_t len = recv(websocket->fd, waste, sizeof(waste), 0);

    return len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR);
}

/* A frame that wslay cannot even cut ends it without a word from wslay: the word
 * is ours, unless we are in the middle of another. False: over. */
static bool refuse_frame(struct m4h_websocket *websocket, bool in_the_middle)
{
    static const uint8_t close_frame[] = {0x88, 2, M4H_WEBSOCKET_PROTOCOL_ERROR >> 8,
                                          M4H_WEBSOCKET_PROTOCOL_ERROR & 0xff};

    if (websocket->is_broken)
        return false;
    websocket->our_end = M4H_WEBSOCKET_PROTOCOL_ERROR;
    if (in_the_middle || send(websocket->fd, close_frame, sizeof(close_frame), MSG_NOSIGNAL) < 0)
        return false;
    begin_to_linger(websocket);
    return true;
}

/* Reads and writes as much as there is to. False: over. */
static bool exchange(struct m4h_websocket *websocket, unsigned events)
{
    wslay_event_context_ptr frames = websocket->frames;
    bool in_the_middle = wslay_event_want_write(frames);

    websocket->budget = READ_PER_TURN;
    if ((events & M4H_WATCH_READ || websocket->early.len > 0) && wslay_event_want_read(frames) &&
        wslay_event_recv(frames) != 0)
        return refuse_frame(websocket, in_the_middle);
    if (wslay_event_want_write(frames) && wslay_event_send(frames) != 0)
        return false;
    if (wslay_event_want_read(frames) || wslay_event_want_write(frames))
        return true;
    /* All frames are exchanged. Where the peer closed by the rules, it waits for
     * our end of the connection (section 7.1.1). */
    if (wslay_event_get_close_received(frames))
        return false;
    begin_to_linger(websocket);
    return true;
}

static void open_it(struct m4h_websocket *websocket)
{
    websocket->state = OPEN;
    if (websocket->handler->on_open != NULL)
        websocket->handler->on_open(websocket->context, websocket);
    if (websocket->server->is_draining)
        m4h_websocket_close(websocket, M4H_WEBSOCKET_GOING_AWAY, M4H_WEBSOCKET_LEAVING);
}

static void on_event(void *context, unsigned events)
{
    struct m4h_websocket *websocket = context;
    bool alive;

    if (websocket->is_cut) {
        end(websocket);
        return;
    }
    if (websocket->state == OPENING)
        open_it(websocket);
    websocket->is_in_turn = true;
    alive = websocket->state == LINGERING ? !linger(websocket) : exchange(websocket, events);
    websocket->is_in_turn = false;
    if (!alive)
        end(websocket);
    else if (!websocket->is_cut)
        rearm(websocket);
}

static void on_time(void *context)
{
    struct m4h_websocket *websocket = context;
    struct wslay_event_msg ping = {.opcode = WSLAY_PING};

    if (websocket->state == CLOSING || websocket->state == LINGERING) {
        end(websocket);
        return;
    }
    if (websocket->unanswered++ == PINGS_MISSED ||
        wslay_event_queue_msg(websocket->frames, &ping) != 0)
        cut(websocket, M4H_WEBSOCKET_ABNORMAL);
    else
        rearm(websocket);
}

/* ---- the beginning ------------------------------------------------------------------------------
 */

static bool start(struct m4h_websocket *websocket, const char *early, size_t early_len)
{
    if (m4h_buffer_add(&websocket->early, early, early_len) != 0 ||
        wslay_event_context_server_init(&websocket->frames, &callbacks, websocket) != 0)
        return false;
    wslay_event_config_set_max_recv_msg_length(websocket->frames, websocket->message_max);
    if (m4h_timer_create(&websocket->timer, websocket->server->loop, on_time, websocket) != 0 ||
        /* Writable at once: the first turn. */
        m4h_watch_start(&websocket->watch, websocket->server->loop, websocket->fd,
                        M4H_WATCH_READ | M4H_WATCH_WRITE, on_event, websocket) != 0)
        return false;
    m4h_timer_start(websocket->timer, websocket->ping_interval_ms, websocket->ping_interval_ms);
    return true;
}

void m4h_websocket_on_upgrade(void *context, struct MHD_Connection *connection,
                              void *request_context, const char *early, size_t early_len,
                              MHD_socket fd, struct MHD_UpgradeResponseHandle *upgraded)
{
    struct m4h_websocket *websocket = context;
    struct m4h_http_request *request = request_context;

    request->websocket = NULL;
    websocket->fd = fd;
    websocket->connection = m4h_http_connection_of(connection);
    /* The library has changed how small pieces leave. */
    m4h_socket_tune(websocket->connection->fd, M4H_HTTP_SILENT_MS);
    websocket->upgraded = upgraded;
    LIST_INSERT_HEAD(&websocket->server->websockets, websocket, link);
    websocket->server->stats.websockets++;
    if (start(websocket, early, early_len))
        return;
    m4h_log(M4H_LOG_WARNING, websocket->server->config.component, "peer=%s no room for a WebSocket",
            websocket->peer);
    end(websocket);
}

void m4h_websocket_abandon(struct m4h_websocket *websocket)
{
    end(websocket);
}

struct m4h_websocket *m4h_websocket_create(struct m4h_http_request *request,
                                           const struct m4h_websocket_config *config,
                                           const char *subprotocol, void *context)
{
    struct m4h_websocket *websocket = calloc(1, sizeof(*websocket));

    if (websocket == NULL)
        return NULL;
    websocket->server = request->server;
    websocket->handler = config->handler;
    websocket->context = context;
    websocket->subprotocol = subprotocol;
    websocket->message_max = config->message_max ? config->message_max : 65536;
    websocket->queue_max = config->queue_max ? config->queue_max : 262144;
    websocket->ping_interval_ms = config->ping_interval_ms ? config->ping_interval_ms : 25000;
    websocket->early.cap = request->server->config.connection_memory;
    memcpy(websocket->peer, request->peer, sizeof(websocket->peer));
    return websocket;
}

/* ---- what handlers do ------------------------------------------------------------------------ */

const char *m4h_websocket_subprotocol(const struct m4h_websocket *websocket)
{
    return websocket->subprotocol;
}

const char *m4h_websocket_peer(const struct m4h_websocket *websocket)
{
    return websocket->peer;
}

/* Sends what the socket takes; within a turn, its end does. */
static void flush(struct m4h_websocket *websocket)
{
    if (websocket->is_in_turn || websocket->is_cut || websocket->watch == NULL)
        return;
    if (wslay_event_send(websocket->frames) != 0)
        cut(websocket, M4H_WEBSOCKET_ABNORMAL);
    else
        rearm(websocket);
}

int m4h_websocket_send(struct m4h_websocket *websocket, bool is_text, const void *data, size_t len)
{
    struct wslay_event_msg message = {
        .opcode = is_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
        .msg = data,
        .msg_length = len,
    };
    int error;

    if (websocket->state != OPEN || websocket->is_cut)
        return M4H_ECLOSED;
    if (wslay_event_get_queued_msg_length(websocket->frames) + len > websocket->queue_max) {
        cut(websocket, M4H_WEBSOCKET_POLICY);
        return M4H_EFULL;
    }
    error = wslay_event_queue_msg(websocket->frames, &message);
    if (error != 0)
        return error == WSLAY_ERR_NOMEM ? M4H_ENOMEM : M4H_ECLOSED;
    flush(websocket);
    return 0;
}

void m4h_websocket_close(struct m4h_websocket *websocket, uint16_t code, const char *reason)
{
    if (websocket->state != OPEN || websocket->is_cut)
        return;
    websocket->state = CLOSING;
    m4h_timer_start(websocket->timer, CLOSE_WAIT_MS, 0);
    if (wslay_event_queue_close(websocket->frames, code, (const uint8_t *)reason, strlen(reason)) !=
        0)
        cut(websocket, M4H_WEBSOCKET_ABNORMAL);
    else
        flush(websocket);
}

/* ---- the server's end
 * ---------------------------------------------------------------------------- */

static void leave(struct m4h_websocket *websocket)
{
    websocket->is_leaving = true;
    if (websocket->handler->on_drain != NULL)
        websocket->handler->on_drain(websocket->context, websocket);
    else
        m4h_websocket_close(websocket, M4H_WEBSOCKET_GOING_AWAY, M4H_WEBSOCKET_LEAVING);
}

void m4h_websockets_drain(struct m4h_http_server *server, uint32_t count)
{
    struct m4h_websocket *websocket;

    LIST_FOREACH(websocket, &server->websockets, link)
    {
        if (count == 0)
            return;
        if (websocket->state != OPEN || websocket->is_leaving)
            continue;
        leave(websocket);
        count--;
    }
}

void m4h_websockets_cut(struct m4h_http_server *server)
{
    struct m4h_websocket *websocket;

    while ((websocket = LIST_FIRST(&server->websockets)) != NULL)
        end(websocket);
}
