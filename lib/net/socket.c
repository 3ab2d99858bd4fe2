/* TCP sockets. */
#include "lib/net/socket.h"

#include "lib/base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROBE_IDLE_S     30
#define PROBE_INTERVAL_S 10
#define PROBE_COUNT      3

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Returns the length of the address, or 0 where the host is no literal. */
static socklen_t resolve(const struct m4h_address *address, union any_address *out)
{
    const char *host = strcmp(address->host, "localhost") == 0 ? "127.0.0.1" : address->host;

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(address->port);
        return sizeof(out->v4);
    }
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(address->port);
        return sizeof(out->v6);
    }
    return 0;
}

static uint16_t port_of(int fd)
{
    union any_address bound;
    socklen_t len = sizeof(bound);

    if (getsockname(fd, &bound.any, &len) != 0)
        return 0;
    return ntohs(bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
}

static int bind_and_listen(int fd, const union any_address *at, socklen_t len, bool shared,
                           int backlog)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0))
        return M4H_ESYSTEM;
    if (bind(fd, &at->any, len) != 0 || listen(fd, backlog) != 0)
        return errno == EADDRINUSE ? M4H_EEXIST : M4H_ESYSTEM;
    return 0;
}

int m4h_socket_listen(const struct m4h_address *address, bool shared, int backlog, int *fd,
                      uint16_t *bound_port)
{
    union any_address at;
    socklen_t len = resolve(address, &at);
    int error;

    *fd = -1;
    if (len == 0)
        return M4H_EINVALID;
    *fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return M4H_ESYSTEM;
    error = bind_and_listen(*fd, &at, len, shared, backlog);
    if (error != 0) {
        int saved = errno;

        close(*fd);
        *fd = -1;
        errno = saved;
        return error;
    }
    *bound_port = address->port != 0 ? address->port : port_of(*fd);
    return 0;
}

void m4h_socket_tune(int fd, uint32_t silent_ms)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (silent_ms == 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    m4h_socket_set_patience(fd, silent_ms);
}

void m4h_socket_set_patience(int fd, uint32_t silent_ms)
{
    unsigned timeout = silent_ms;

    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

bool m4h_socket_has_received(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    /* The end of the peer's data counts as one byte. */
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_bytes_received > 1;
}

void m4h_socket_probe(int fd)
{
    int on = 1;
    int idle_s = PROBE_IDLE_S, interval_s = PROBE_INTERVAL_S, count = PROBE_COUNT;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

const char *m4h_socket_address_text(const struct sockaddr *address, char text[M4H_ADDRESS_TEXT_MAX])
{
    const union any_address *any = (const void *)address;
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &any->v4.sin_addr, host, sizeof(host));
        snprintf(text, M4H_ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(any->v4.sin_port));
    } else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&any->v6.sin6_addr)) {
        inet_ntop(AF_INET, &any->v6.sin6_addr.s6_addr[12], host, sizeof(host));
        snprintf(text, M4H_ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(any->v6.sin6_port));
    } else if (address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &any->v6.sin6_addr, host, sizeof(host));
        snprintf(text, M4H_ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(any->v6.sin6_port));
    } else {
        snprintf(text, M4H_ADDRESS_TEXT_MAX, "unknown");
    }
    return text;
}
