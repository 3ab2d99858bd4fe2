/* How a server ends: what is under way is finished, what waits is sent away bit by bit.
 *
 * Connections that are used often end by themselves, since their next answer says so.
 * Those that are idle are cut, but half a second later: a proxy may be about to use one. A
 * stream or a WebSocket that such a one asks for begins, and is told at once that it ends:
 * its client knows what to do then, other than with a 503. */
#include "lib/base/attributes.h"
#include "lib/http/server.h"
#include "lib/net/listener.h"

#define TICK_MS 20u
#define IDLE_MS 500u

static void cut_idle(struct m4h_http_server *server)
{
    struct m4h_http_connection *connection, *next;

    m4h_http_arrivals_close(server);
    for (connection = TAILQ_FIRST(&server->receiving); connection != NULL; connection = next) {
        next = TAILQ_NEXT(connection, link);
        if (!connection->in_request)
            m4h_http_connection_cut(connection);
    }
}

static void on_tick(void *context)
{
    struct m4h_http_server *server = context;

    m4h_http_streams_drain(server); /* also those that began meanwhile */
    m4h_websockets_drain(server, server->websockets_per_tick);
    if (m4h_loop_now_ms(server->loop) - server->ending_since_ms >= IDLE_MS)
        cut_idle(server);
    if (server->stats.open == 0)
        m4h_timer_stop(server->ending);
}

void m4h_http_server_leave(struct m4h_http_server *server)
{
    server->is_leaving = true;
}

void m4h_http_server_drain(struct m4h_http_server *server, uint32_t spread_ms)
{
    uint32_t ticks = spread_ms / TICK_MS + 1;

    if (server->is_draining)
        return;
    server->is_leaving = true;
    server->is_draining = true;
    if (server->listener != NULL)
        m4h_listener_finish(server->listener);
    server->listener = NULL;
    server->websockets_per_tick = (server->stats.websockets + ticks - 1) / ticks;
    server->ending_since_ms = m4h_loop_now_ms(server->loop);
    if (m4h_timer_create(&server->ending, server->loop, on_tick, server) == 0) {
        m4h_timer_start(server->ending, 0, TICK_MS);
        return;
    }
    m4h_http_streams_drain(server);
    m4h_websockets_drain(server, UINT32_MAX);
    cut_idle(server);
}
