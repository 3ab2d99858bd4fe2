/* The server: libmicrohttpd's epoll set inside our loop, without a thread of its
 * own. We accept, so that the limit of connections leaves the rest in the
 * kernel's queue, and hand each one over. The library runs when its epoll is
 * readable, or when the time that it named has come.
 *
 * Two queues hold what must not last for ever, oldest first and each with one
 * timeout, so the head is always the next to be late: connections whose client
 * has to send (cut off by shutting the socket down; the library then finds the
 * end), and requests whose handler has to answer (504).
 *
 * Must not know what a request is about. */
#include "lib/http/server.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/net/listener.h"
#include "lib/net/socket.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define BACKLOG 4096
/* With TLS the library forgets to say that it wants to run, when it has sent the last
 * bytes of a WebSocket (0.9.75): it is looked after so often. */
#define GIVEN_BACK_MS 5
/* What a WebSocket's bytes go through with TLS is what is left of it. */
#define MEMORY_PLAIN 8192
#define MEMORY_TLS   32768
/* Files that a service needs beside the connections. */
#define OTHER_FILES 64

/* ---- deadlines --------------------------------------------------------------- */

void m4h_http_server_expect(struct m4h_http_server *server, uint64_t timeout_ms)
{
    uint64_t at_ms = m4h_loop_now_ms(server->loop) + timeout_ms;

    if (at_ms >= server->deadline_ms)
        return;
    server->deadline_ms = at_ms;
    m4h_timer_start(server->deadlines, timeout_ms, 0);
}

void m4h_http_connection_cut(struct m4h_http_connection *connection)
{
    m4h_http_connection_receives(connection, false);
    shutdown(connection->fd, SHUT_RDWR);
}

static void on_deadline(void *context)
{
    struct m4h_http_server *server = context;
    uint64_t now_ms = m4h_loop_now_ms(server->loop);
    struct m4h_http_connection *connection;
    struct m4h_http_request *request;

    server->deadline_ms = UINT64_MAX;
    m4h_http_arrivals_expire(server, now_ms);
    while ((connection = TAILQ_FIRST(&server->receiving)) != NULL &&
           now_ms - connection->since_ms >= server->config.receive_timeout_ms)
        m4h_http_connection_cut(connection);
    while ((request = TAILQ_FIRST(&server->deferred)) != NULL &&
           now_ms - request->deferred_ms >= server->config.answer_timeout_ms)
        m4h_http_request_give_up(request, 504, "timeout", "the answer took too long");
    if (connection != NULL)
        m4h_http_server_expect(server,
                               connection->since_ms + server->config.receive_timeout_ms - now_ms);
    if (request != NULL)
        m4h_http_server_expect(server,
                               request->deferred_ms + server->config.answer_timeout_ms - now_ms);
}

/* ---- the library's turn -------------------------------------------------------- */

static void run(struct m4h_http_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;

    server->wants_turn = false;
    MHD_run(server->daemon);
    if (server->wants_turn)
        m4h_timer_start(server->turn, 0, 0);
    else if (server->given_back > 0 && server->tls != NULL)
        m4h_timer_start(server->turn, GIVEN_BACK_MS, 0);
    else if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
        m4h_timer_start(server->turn, wait_ms, 0);
    else
        m4h_timer_stop(server->turn);
}

void m4h_http_server_turn(struct m4h_http_server *server)
{
    server->wants_turn = true;
    m4h_timer_start(server->turn, 0, 0);
}

static void on_turn(void *context)
{
    run(context);
}

static void on_epoll(void *context, unsigned events)
{
    (void)events;
    run(context);
}

/* ---- connections ----------------------------------------------------------------- */

void m4h_http_connection_receives(struct m4h_http_connection *connection, bool receiving)
{
    struct m4h_http_server *server = connection->server;

    if (connection->receiving)
        TAILQ_REMOVE(&server->receiving, connection, link);
    connection->receiving = receiving;
    if (!receiving)
        return;
    connection->since_ms = m4h_loop_now_ms(server->loop);
    TAILQ_INSERT_TAIL(&server->receiving, connection, link);
    m4h_http_server_expect(server, server->config.receive_timeout_ms);
}

void m4h_http_server_count_in(struct m4h_http_server *server)
{
    if (++server->stats.open >= server->config.connections_max && server->listener != NULL)
        m4h_listener_pause(server->listener);
}

void m4h_http_server_count_out(struct m4h_http_server *server)
{
    if (server->stats.open-- == server->config.connections_max && server->listener != NULL)
        m4h_listener_resume(server->listener);
}

static struct m4h_http_source *enter_source(struct m4h_http_server *server,
                                            struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char peer[M4H_ADDRESS_TEXT_MAX];
    struct m4h_ip source;

    if (!m4h_http_is_counted(server, m4h_socket_address_text(info->client_addr, peer), &source))
        return NULL;
    return m4h_http_sources_enter(&server->sources, &source);
}

static void on_connection_start(struct m4h_http_server *server, struct MHD_Connection *mhd,
                                void **socket_context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct m4h_http_connection *connection = calloc(1, sizeof(*connection));

    *socket_context = connection;
    server->stats.connections++;
    m4h_http_server_count_in(server);
    if (connection == NULL)
        return; /* its first request is turned away */
    connection->server = server;
    connection->fd = info->connect_fd;
    connection->source = enter_source(server, mhd);
    m4h_http_connection_receives(connection, true);
}

struct m4h_http_connection *m4h_http_connection_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void m4h_http_connection_give_back(struct m4h_http_connection *connection)
{
    connection->is_given_back = true;
    connection->server->given_back++;
}

/* The library answers or drops by itself what is no HTTP, and tells nobody. */
static void log_garbage(struct m4h_http_connection *connection, struct MHD_Connection *mhd)
{
    struct m4h_http_server *server = connection->server;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char peer[M4H_ADDRESS_TEXT_MAX];
    uint32_t suppressed;

    if (!m4h_log_limit_allows(&server->garbage_lines, m4h_loop_now_ms(server->loop), &suppressed))
        return;
    m4h_log(M4H_LOG_INFO, server->config.component,
            "peer=%s suppressed=%" PRIu32 " closed: it sent no valid HTTP request",
            m4h_socket_address_text(info->client_addr, peer), suppressed);
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct m4h_http_server *server = context;
    struct m4h_http_connection *connection = *socket_context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        on_connection_start(server, mhd, socket_context);
        return;
    }
    if (connection != NULL) {
        m4h_http_connection_receives(connection, false);
        /* After a header of the PROXY protocol it has received something anyway. */
        if (!connection->has_asked && !server->config.proxy_protocol &&
            m4h_socket_has_received(connection->fd))
            log_garbage(connection, mhd);
        m4h_http_sources_leave(&server->sources, connection->source);
    }
    if (connection != NULL && connection->is_given_back)
        server->given_back--;
    free(connection);
    m4h_http_server_count_out(server);
}

/* ---- create ---------------------------------------------------------------------- */

static void on_library_log(void *context, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void on_library_log(void *context, const char *format, va_list args)
{
    const struct m4h_http_server *server = context;
    char text[256];

    if (!m4h_log_is_on(M4H_LOG_DEBUG))
        return;
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\r\n")] = '\0';
    m4h_log(M4H_LOG_DEBUG, server->config.component, "%s", text);
}

/* Paths and queries are decoded by us, with checks. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static void fill_defaults(struct m4h_http_config *config)
{
    if (config->component == NULL)
        config->component = "http";
    if (config->connections_max == 0)
        config->connections_max = 64;
    if (config->connection_memory == 0)
        config->connection_memory =
            config->tls_cert == NULL || *config->tls_cert == '\0' ? MEMORY_PLAIN : MEMORY_TLS;
    if (config->receive_timeout_ms == 0)
        config->receive_timeout_ms = 30000;
    if (config->answer_timeout_ms == 0)
        config->answer_timeout_ms = 10000;
    if (config->body_max == 0)
        config->body_max = 16384;
}

/* Raises the limit of open files as far as allowed; what does not fit is given up. */
static void make_room_for_files(struct m4h_http_config *config)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)config->connections_max + OTHER_FILES;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted)
        return;
    config->connections_max =
        limit.rlim_cur > 2 * OTHER_FILES ? (uint32_t)(limit.rlim_cur - OTHER_FILES) : OTHER_FILES;
    m4h_log(M4H_LOG_WARNING, config->component,
            "connections_max=%u lowered: the limit of open files allows no more",
            config->connections_max);
}

static struct MHD_Daemon *start_daemon(struct m4h_http_server *server)
{
    static char priorities[] = M4H_HTTP_TLS_PRIORITIES;
    const struct m4h_http_config *config = &server->config;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, m4h_http_tls_callback()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_END, 0, NULL},
    };

    if (server->tls == NULL)
        tls[0].option = MHD_OPTION_END;
    return MHD_start_daemon(
        (server->tls != NULL ? MHD_USE_TLS : 0) | MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
            MHD_ALLOW_UPGRADE | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
        0, NULL, NULL, m4h_http_on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log,
        server, MHD_OPTION_CONNECTION_LIMIT, config->connections_max + OTHER_FILES,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)config->connection_memory,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(config->receive_timeout_ms / 1000 + 1),
        MHD_OPTION_URI_LOG_CALLBACK, m4h_http_on_target, server, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, m4h_http_on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static int listen_at(struct m4h_http_server *server, const struct m4h_address *address)
{
    int fd, error = m4h_socket_listen(address, false, BACKLOG, &fd, &server->port);

    if (error != 0)
        return error;
    return m4h_listener_start(&server->listener, server->loop, fd, m4h_http_on_accept, server);
}

static int start(struct m4h_http_server *server, const struct m4h_address *address)
{
    const struct m4h_http_config *config = &server->config;
    const union MHD_DaemonInfo *info;
    int error = m4h_http_durations_create(&server->durations, config->routes, config->routes_count);

    if (error == 0 && config->tls_cert != NULL && *config->tls_cert != '\0')
        error =
            m4h_http_tls_create(&server->tls, config->component, config->tls_cert, config->tls_key);
    if (error == 0)
        error = listen_at(server, address);
    if (error != 0)
        return error;
    server->daemon = start_daemon(server);
    if (server->daemon == NULL)
        return M4H_ENOMEM;
    error = m4h_timer_create(&server->turn, server->loop, on_turn, server);
    if (error == 0)
        error = m4h_timer_create(&server->deadlines, server->loop, on_deadline, server);
    if (error != 0)
        return error;
    info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL)
        return M4H_ESYSTEM;
    return m4h_watch_start(&server->watch, server->loop, info->epoll_fd, M4H_WATCH_READ, on_epoll,
                           server);
}

int m4h_http_server_create(struct m4h_http_server **server, struct m4h_loop *loop,
                           const struct m4h_address *address, const struct m4h_http_config *config)
{
    struct m4h_http_server *self = calloc(1, sizeof(*self));
    int error;

    *server = NULL;
    if (self == NULL)
        return M4H_ENOMEM;
    self->config = *config;
    self->loop = loop;
    self->deadline_ms = UINT64_MAX;
    TAILQ_INIT(&self->arrivals);
    TAILQ_INIT(&self->receiving);
    TAILQ_INIT(&self->deferred);
    LIST_INIT(&self->websockets);
    LIST_INIT(&self->streams);
    fill_defaults(&self->config);
    make_room_for_files(&self->config);
    self->sources.max = self->config.source_connections_max;
    if (getrandom(&self->id_seed, sizeof(self->id_seed), 0) < 0)
        self->id_seed = m4h_loop_now_ms(loop);
    error = start(self, address);
    if (error != 0) {
        m4h_log(M4H_LOG_ERROR, self->config.component,
                "address=%s:%u error=\"%s\" system=\"%s\" cannot serve HTTP", address->host,
                address->port, m4h_error_text(error), strerror(errno));
        m4h_http_server_destroy(self);
        return error;
    }
    *server = self;
    return 0;
}

uint16_t m4h_http_server_port(const struct m4h_http_server *server)
{
    return server->port;
}

void m4h_http_server_stats(const struct m4h_http_server *server, struct m4h_http_stats *stats)
{
    *stats = server->stats;
}

void m4h_http_server_write_durations(const struct m4h_http_server *server, const char *name,
                                     struct m4h_metrics *metrics)
{
    m4h_http_durations_write(server->durations, name, metrics);
}

/* ---- the certificate ------------------------------------------------------------------ */

void m4h_http_server_reload_tls(struct m4h_http_server *server)
{
    if (server->tls != NULL)
        m4h_http_tls_reload(server->tls, m4h_loop_now_ms(server->loop),
                            server->config.receive_timeout_ms);
}

void m4h_http_server_check_tls(struct m4h_http_server *server)
{
    if (server->tls != NULL)
        m4h_http_tls_check(server->tls, m4h_loop_now_ms(server->loop),
                           server->config.receive_timeout_ms);
}

/* ---- the end ------------------------------------------------------------------------ */

static void stop_daemon(struct m4h_http_server *server)
{
    struct m4h_http_request *request;

    while ((request = TAILQ_FIRST(&server->deferred)) != NULL)
        m4h_http_request_give_up(request, 503, "unavailable", "the server is stopping");
    m4h_http_streams_cut(server);
    /* What was woken must have run, or the library aborts; a WebSocket may open
     * in that run. */
    MHD_run(server->daemon);
    m4h_websockets_cut(server);
    MHD_run(server->daemon);
    MHD_stop_daemon(server->daemon);
}

void m4h_http_server_destroy(struct m4h_http_server *server)
{
    if (server == NULL)
        return;
    m4h_listener_close(server->listener);
    server->listener = NULL;
    server->is_draining = true;
    server->is_stopping = true;
    m4h_http_arrivals_close(server);
    if (server->daemon != NULL)
        stop_daemon(server);
    m4h_watch_close(server->watch);
    m4h_timer_close(server->turn);
    m4h_timer_close(server->deadlines);
    m4h_timer_close(server->ending);
    m4h_http_tls_destroy(server->tls);
    m4h_frames_store_free(&server->frames);
    m4h_http_durations_destroy(server->durations);
    free(server);
}
