/* A new connection until the library gets it. Where load balancers send the PROXY
 * protocol, its header is read first, and names the client; who is no load balancer, or
 * sends no header, is closed: he could name whomever he likes. */
#include "lib/base/log.h"
#include "lib/http/server.h"
#include "lib/net/proxy_reader.h"
#include "lib/net/socket.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Waits for its header. Counts as an open connection. */
struct m4h_http_arrival {
    struct m4h_http_server *server;
    struct m4h_proxy_reader *reader;
    int fd;
    uint64_t since_ms;
    TAILQ_ENTRY(m4h_http_arrival) link;
    char peer[M4H_ADDRESS_TEXT_MAX]; /* the load balancer */
};

/* ---- to the library ------------------------------------------------------------------- */

static socklen_t write_address(const struct m4h_ip *ip, uint16_t port,
                               struct sockaddr_storage *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (m4h_ip_is_v4(ip)) {
        memcpy(&v4.sin_addr, ip->bytes + 12, sizeof(v4.sin_addr));
        memcpy(address, &v4, sizeof(v4));
        return sizeof(v4);
    }
    memcpy(&v6.sin6_addr, ip->bytes, sizeof(v6.sin6_addr));
    memcpy(address, &v6, sizeof(v6));
    return sizeof(v6);
}

bool m4h_http_is_counted(const struct m4h_http_server *server, const char *peer,
                         struct m4h_ip *source)
{
    const struct m4h_networks *trusted = server->config.trusted_proxies;

    return server->sources.max > 0 && m4h_ip_parse_peer(peer, source) == 0 &&
           (trusted == NULL || !m4h_networks_contain(trusted, source));
}

/* Closes it where its source has as many as it may. */
static bool has_room(struct m4h_http_server *server, int fd, const struct sockaddr *from)
{
    char peer[M4H_ADDRESS_TEXT_MAX];
    struct m4h_ip source;
    uint32_t suppressed;

    m4h_socket_address_text(from, peer);
    if (!m4h_http_is_counted(server, peer, &source) ||
        m4h_http_sources_have_room(&server->sources, &source))
        return true;
    close(fd);
    server->stats.refused_sources++;
    if (m4h_log_limit_allows(&server->source_lines, m4h_loop_now_ms(server->loop), &suppressed))
        m4h_log(M4H_LOG_WARNING, server->config.component,
                "peer=%s source_connections_max=%" PRIu32 " suppressed=%" PRIu32
                " closed: its source has as many connections as it may",
                peer, server->sources.max, suppressed);
    return false;
}

/* Gives the connection over; whose it is, says `header`, or, where that does not, the
 * connection. */
static void hand_over(struct m4h_http_server *server, int fd, const struct m4h_proxy_header *header)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);

    memset(&from, 0, sizeof(from));
    if (header != NULL && header->has_source)
        len = write_address(&header->source, header->source_port, &from);
    else if (getpeername(fd, (struct sockaddr *)&from, &len) != 0)
        from.ss_family = AF_UNSPEC;
    if (!has_room(server, fd, (const struct sockaddr *)&from))
        return;
    /* It closes the socket where it fails. */
    if (MHD_add_connection(server->daemon, fd, (struct sockaddr *)&from, len) != MHD_YES)
        m4h_log(M4H_LOG_WARNING, server->config.component, "connection not taken");
    m4h_http_server_turn(server);
}

/* ---- headers ------------------------------------------------------------------------------ */

static void refuse(struct m4h_http_server *server, const char *peer, const char *reason)
{
    uint32_t suppressed;

    server->stats.refused_proxies++;
    if (m4h_log_limit_allows(&server->proxy_lines, m4h_loop_now_ms(server->loop), &suppressed))
        m4h_log(M4H_LOG_INFO, server->config.component, "peer=%s suppressed=%" PRIu32 " closed: %s",
                peer, suppressed, reason);
}

/* Returns its socket. */
static int forget(struct m4h_http_arrival *arrival)
{
    int fd = arrival->fd;

    m4h_proxy_reader_close(arrival->reader);
    TAILQ_REMOVE(&arrival->server->arrivals, arrival, link);
    m4h_http_server_count_out(arrival->server);
    free(arrival);
    return fd;
}

static void on_proxy(void *context, enum m4h_proxy_outcome outcome,
                     const struct m4h_proxy_header *header)
{
    struct m4h_http_arrival *arrival = context;
    struct m4h_http_server *server = arrival->server;
    struct m4h_proxy_header read = {0};

    if (outcome == M4H_PROXY_REFUSED)
        refuse(server, arrival->peer, "no header of the PROXY protocol");
    if (outcome != M4H_PROXY_TAKEN) {
        close(forget(arrival));
        return;
    }
    read = *header; /* the reader's */
    hand_over(server, forget(arrival), &read);
}

/* False: there is no memory. */
static bool await_header(struct m4h_http_server *server, int fd, const char *peer)
{
    struct m4h_http_arrival *arrival = calloc(1, sizeof(*arrival));

    if (arrival == NULL)
        return false;
    arrival->server = server;
    arrival->fd = fd;
    arrival->since_ms = m4h_loop_now_ms(server->loop);
    m4h_text_copy(arrival->peer, sizeof(arrival->peer), peer);
    if (m4h_proxy_reader_start(&arrival->reader, server->loop, fd, on_proxy, arrival) != 0) {
        free(arrival);
        return false;
    }
    TAILQ_INSERT_TAIL(&server->arrivals, arrival, link);
    m4h_http_server_count_in(server);
    m4h_http_server_expect(server, server->config.receive_timeout_ms);
    return true;
}

static bool is_proxy(const struct m4h_http_server *server, const char *peer)
{
    const struct m4h_networks *trusted = server->config.trusted_proxies;
    struct m4h_ip ip;

    return trusted != NULL && m4h_ip_parse_peer(peer, &ip) == 0 &&
           m4h_networks_contain(trusted, &ip);
}

/* ---- from the server --------------------------------------------------------------------------
 */

void m4h_http_on_accept(void *context, int fd, const char *peer)
{
    struct m4h_http_server *server = context;

    m4h_socket_tune(fd, M4H_HTTP_SILENT_MS);
    if (!server->config.proxy_protocol) {
        hand_over(server, fd, NULL);
        return;
    }
    if (is_proxy(server, peer) && await_header(server, fd, peer))
        return;
    refuse(server, peer, "it comes from no load balancer of ours");
    close(fd);
}

void m4h_http_arrivals_expire(struct m4h_http_server *server, uint64_t now_ms)
{
    uint64_t timeout_ms = server->config.receive_timeout_ms;
    struct m4h_http_arrival *arrival;

    while ((arrival = TAILQ_FIRST(&server->arrivals)) != NULL) {
        if (now_ms - arrival->since_ms < timeout_ms) {
            m4h_http_server_expect(server, arrival->since_ms + timeout_ms - now_ms);
            return;
        }
        refuse(server, arrival->peer, "no header of the PROXY protocol in time");
        close(forget(arrival));
    }
}

void m4h_http_arrivals_close(struct m4h_http_server *server)
{
    while (!TAILQ_EMPTY(&server->arrivals))
        close(forget(TAILQ_FIRST(&server->arrivals)));
}
