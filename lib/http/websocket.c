/* A WebSocket: libmicrohttpd's upgraded socket, watched by our loop, with wslay
 * cutting frames.
 *
 * Happy path: upgrade.c makes the 101 the answer; the library sends it and hands
 * the socket over (on_upgrade); the first turn feeds what came with the handshake,
 * then each turn reads, answers and writes (exchange.c). Closing is a close frame
 * each way.
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
#include "lib/http/exchange.h"
#include "lib/http/server.h"
#include "lib/net/socket.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PINGS_MISSED 2u
/* What a peer sent before it went has reached us by then. */
#define ALONE_MS 1000u

/* ---- the end --------------------------------------------------------------------- */

void m4h_websocket_free(struct m4h_websocket *websocket)
{
    if (websocket == NULL)
        return;
    m4h_frames_destroy(websocket->frames);
    m4h_buffer_free(&websocket->ahead);
    free(websocket);
}

static uint16_t end_code(const struct m4h_websocket *websocket)
{
    if (websocket->our_end != 0)
        return websocket->our_end;
    if (websocket->frames == NULL)
        return M4H_WEBSOCKET_ABNORMAL;
    if (wslay_event_get_close_received(websocket->frames->wslay))
        return wslay_event_get_status_code_received(websocket->frames->wslay);
    if (wslay_event_get_close_sent(websocket->frames->wslay))
        return wslay_event_get_status_code_sent(websocket->frames->wslay);
    return M4H_WEBSOCKET_ABNORMAL;
}

/* Gives everything back and tells the handler: the WebSocket is gone after. */
static void end(struct m4h_websocket *websocket)
{
    uint16_t code = end_code(websocket);

    if (websocket->upgraded != NULL) {
        m4h_watch_close(websocket->watch);
        m4h_watch_close(websocket->peer_watch);
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

static void open_it(struct m4h_websocket *websocket)
{
    websocket->state = M4H_WEBSOCKET_OPEN;
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
    if (websocket->state == M4H_WEBSOCKET_OPENING)
        open_it(websocket);
    websocket->is_in_turn = true;
    alive = websocket->state == M4H_WEBSOCKET_LINGERING ? m4h_websocket_linger(websocket)
                                                        : m4h_websocket_exchange(websocket, events);
    websocket->is_in_turn = false;
    if (!alive)
        end(websocket);
    else if (!websocket->is_cut)
        m4h_websocket_rearm(websocket);
}

static void on_time(void *context)
{
    struct m4h_websocket *websocket = context;
    const struct wslay_event_msg ping = {.opcode = WSLAY_PING};

    if (websocket->state == M4H_WEBSOCKET_CLOSING || websocket->state == M4H_WEBSOCKET_LINGERING ||
        websocket->is_alone) {
        end(websocket);
        return;
    }
    if (websocket->unanswered++ == PINGS_MISSED || !m4h_websocket_take_frames(websocket) ||
        wslay_event_queue_msg(websocket->frames->wslay, &ping) != 0)
        cut(websocket, M4H_WEBSOCKET_ABNORMAL);
    else
        m4h_websocket_rearm(websocket);
}

/* With TLS the library stands between the peer and us, and does not hand on that the peer
 * has gone (0.9.75). So its own socket is looked at, too: what can be read there is the
 * library's business, and its end is ours. */
static void on_peer(void *context, unsigned events)
{
    struct m4h_websocket *websocket = context;
    char byte;
    ssize_t len = recv(websocket->connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    (void)events;
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    m4h_watch_set(websocket->peer_watch, 0); /* until the next turn */
    if (len > 0 || websocket->is_alone)
        return;
    websocket->is_alone = true;
    m4h_timer_start(websocket->timer, ALONE_MS, 0);
}

/* ---- the beginning ------------------------------------------------------------------------------
 */

static bool start(struct m4h_websocket *websocket, const char *early, size_t early_len)
{
    if (m4h_buffer_add(&websocket->ahead, early, early_len) != 0 ||
        m4h_timer_create(&websocket->timer, websocket->server->loop, on_time, websocket) != 0 ||
        /* Writable at once: the first turn. */
        m4h_watch_start(&websocket->watch, websocket->server->loop, websocket->fd,
                        M4H_WATCH_READ | M4H_WATCH_WRITE, on_event, websocket) != 0)
        return false;
    if (websocket->server->tls != NULL &&
        m4h_watch_start(&websocket->peer_watch, websocket->server->loop, websocket->connection->fd,
                        M4H_WATCH_READ, on_peer, websocket) != 0)
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
    websocket->ahead.cap = request->server->config.connection_memory + M4H_WEBSOCKET_READ_SIZE;
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
    if (!m4h_websocket_send_waiting(websocket))
        cut(websocket, M4H_WEBSOCKET_ABNORMAL);
    else
        m4h_websocket_rearm(websocket);
}

int m4h_websocket_send(struct m4h_websocket *websocket, bool is_text, const void *data, size_t len)
{
    struct wslay_event_msg message = {
        .opcode = is_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
        .msg = data,
        .msg_length = len,
    };
    int error;

    if (websocket->state != M4H_WEBSOCKET_OPEN || websocket->is_cut)
        return M4H_ECLOSED;
    if (!m4h_websocket_take_frames(websocket))
        return M4H_ENOMEM;
    if (wslay_event_get_queued_msg_length(websocket->frames->wslay) + len > websocket->queue_max) {
        cut(websocket, M4H_WEBSOCKET_POLICY);
        return M4H_EFULL;
    }
    error = wslay_event_queue_msg(websocket->frames->wslay, &message);
    if (error != 0)
        return error == WSLAY_ERR_NOMEM ? M4H_ENOMEM : M4H_ECLOSED;
    flush(websocket);
    return 0;
}

void m4h_websocket_close(struct m4h_websocket *websocket, uint16_t code, const char *reason)
{
    if (websocket->state != M4H_WEBSOCKET_OPEN || websocket->is_cut)
        return;
    websocket->state = M4H_WEBSOCKET_CLOSING;
    m4h_timer_start(websocket->timer, M4H_WEBSOCKET_CLOSE_WAIT_MS, 0);
    if (m4h_websocket_say_close(websocket, code, reason))
        flush(websocket);
    else
        cut(websocket, M4H_WEBSOCKET_ABNORMAL);
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
        if (websocket->state != M4H_WEBSOCKET_OPEN || websocket->is_leaving)
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
