/* A WebSocket server for conformance tests: sends back each message as it came. It
 * says its port on standard output and ends with SIGTERM. */
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/http/websocket.h"
#include "lib/net/signals.h"

#include <stdio.h>

/* As large as the table's largest message; a gateway allows 64 KB. */
#define MESSAGE_MAX (16u * 1024u * 1024u)

static void on_message(void *context, struct m4h_websocket *websocket, bool is_text,
                       const uint8_t *data, size_t len)
{
    (void)context;
    if (m4h_websocket_send(websocket, is_text, data, len) != 0)
        m4h_log(M4H_LOG_WARNING, "echo", "len=%zu not sent", len);
}

static void on_close(void *context, struct m4h_websocket *websocket, uint16_t code)
{
    (void)context;
    m4h_log(M4H_LOG_DEBUG, "echo", "peer=%s code=%u closed", m4h_websocket_peer(websocket), code);
}

static void get_echo(void *context, struct m4h_http_request *request)
{
    static const char *const subprotocols[] = {"echo", "echo.2", NULL};
    static const struct m4h_websocket_handler handler = {.on_message = on_message,
                                                         .on_close = on_close};
    static const struct m4h_websocket_config config = {.subprotocols = subprotocols,
                                                       .handler = &handler,
                                                       .message_max = MESSAGE_MAX,
                                                       .queue_max = 4 * MESSAGE_MAX};
    struct m4h_websocket *websocket;

    (void)context;
    if (m4h_websocket_accept(&websocket, request, &config, NULL) != 0)
        m4h_log(M4H_LOG_DEBUG, "echo", "handshake refused");
}

static void on_signal(void *context, int number)
{
    (void)number;
    m4h_loop_stop(context);
}

int main(void)
{
    static const struct m4h_http_route routes[] = {{"GET", "/echo", get_echo, true, 0}};
    static const struct m4h_http_routes tables[] = {{routes, 1, NULL}};
    static const struct m4h_http_config config = {
        .routes = tables, .routes_count = 1, .connections_max = 1000};
    const struct m4h_address address = {.host = "127.0.0.1", .port = 0};
    struct m4h_http_server *server = NULL;
    struct m4h_signals *signals = NULL;
    struct m4h_loop *loop = NULL;
    int error;

    m4h_log_set_level(M4H_LOG_WARNING);
    error = m4h_loop_create(&loop);
    if (error == 0)
        error = m4h_signals_start(&signals, loop, on_signal, loop);
    if (error == 0)
        error = m4h_http_server_create(&server, loop, &address, &config);
    if (error == 0) {
        printf("%u\n", m4h_http_server_port(server));
        fflush(stdout);
        m4h_loop_run(loop);
    }
    m4h_http_server_destroy(server);
    m4h_signals_close(signals);
    m4h_loop_destroy(loop);
    return error != 0;
}
