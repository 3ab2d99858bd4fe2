/* What a stranger sends after the handshake, through lib/http's whole exchange of frames on a
 * real pair of sockets, to a handler that echoes. The first byte says how the rest is cut.
 * However that is: all frames that come back are whole, unmasked and of known kinds, a close
 * frame is the last, and an open WebSocket that nothing is asked of holds no buffers. */
#include "lib/http/exchange.h"
#include "lib/net/watch.h"
#include "tests/fuzz/target.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWERS_MAX (4u * 1024u * 1024u)

static uint8_t answers[ANSWERS_MAX];
static size_t answers_len;

static void on_event(void *context, unsigned events)
{
    (void)context;
    (void)events;
}

static void on_time(void *context)
{
    (void)context;
}

static void on_message(void *context, struct m4h_websocket *websocket, bool is_text,
                       const uint8_t *data, size_t len)
{
    (void)context;
    (void)!m4h_websocket_send(websocket, is_text, data, len);
}

static void on_close(void *context, struct m4h_websocket *websocket, uint16_t code)
{
    (void)context;
    (void)websocket;
    (void)code;
}

static void collect(int fd)
{
    ssize_t len;

    while ((len = recv(fd, answers + answers_len, ANSWERS_MAX - answers_len, MSG_DONTWAIT)) > 0)
        answers_len += (size_t)len;
}

static void begin(struct m4h_websocket *websocket, struct m4h_http_server *server,
                  struct m4h_http_connection *connection, int fd)
{
    static const struct m4h_websocket_handler handler = {.on_message = on_message,
                                                         .on_close = on_close};

    connection->server = server;
    connection->fd = fd;
    websocket->server = server;
    websocket->connection = connection;
    websocket->handler = &handler;
    websocket->fd = fd;
    websocket->state = M4H_WEBSOCKET_OPEN;
    websocket->message_max = 2000;
    websocket->queue_max = 8000;
    websocket->ahead.cap = 2 * M4H_WEBSOCKET_READ_SIZE;
    assert(m4h_watch_start(&websocket->watch, server->loop, fd, 0, on_event, NULL) == 0);
    assert(m4h_timer_create(&websocket->timer, server->loop, on_time, NULL) == 0);
}

/* As the loop would call it. False: over. */
static bool turn(struct m4h_websocket *websocket)
{
    bool alive;

    websocket->is_in_turn = true;
    alive = websocket->state == M4H_WEBSOCKET_LINGERING
                ? m4h_websocket_linger(websocket)
                : m4h_websocket_exchange(websocket, M4H_WATCH_READ | M4H_WATCH_WRITE);
    websocket->is_in_turn = false;
    if (alive && !websocket->is_cut)
        m4h_websocket_rearm(websocket);
    return alive && !websocket->is_cut;
}

static void talk(struct m4h_websocket *websocket, int peer, const uint8_t *data, size_t size,
                 size_t piece)
{
    bool alive = true;

    answers_len = 0;
    for (size_t at = 0; alive && at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;

        assert(send(peer, data + at, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len);
        for (int i = 0; alive && i < 3; i++) {
            alive = turn(websocket);
            collect(peer);
        }
    }
}

static void check_answers(void)
{
    struct m4h_cutter cutter = {0};
    bool is_closed = false;

    for (size_t at = 0; at < answers_len;) {
        unsigned opcode = answers[at] & 0x0fu;

        assert(!is_closed && (answers[at] & 0xf0) == 0x80);
        assert(opcode == 1 || opcode == 2 || opcode == 8 || opcode == 10);
        assert(at + 1 == answers_len || !(answers[at + 1] & 0x80));
        is_closed = opcode == 8;
        at += m4h_cutter_take(&cutter, answers + at, answers_len - at);
    }
    assert(m4h_cutter_is_between(&cutter));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_websocket websocket = {0};
    struct m4h_http_connection connection = {0};
    struct m4h_http_server server = {0};
    int fds[2];

    if (size < 2 || size > 60000)
        return 0;
    assert(m4h_loop_create(&server.loop) == 0);
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    begin(&websocket, &server, &connection, fds[0]);
    talk(&websocket, fds[1], data + 1, size - 1, data[0] == 0 ? size : data[0]);
    if (!websocket.is_cut)
        check_answers();
    if (websocket.frames == NULL)
        assert(websocket.fragments == 0 && m4h_cutter_is_between(&websocket.cutter));
    m4h_watch_close(websocket.watch);
    m4h_timer_close(websocket.timer);
    m4h_frames_destroy(websocket.frames);
    m4h_buffer_free(&websocket.ahead);
    m4h_frames_store_free(&server.frames);
    m4h_loop_destroy(server.loop);
    close(fds[0]);
    close(fds[1]);
    return 0;
}
