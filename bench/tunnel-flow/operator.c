/* The operators who measure. */
#include "operator.h"

#include "service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIECE_BYTES   262144
#define WARM_UP_TRIPS 200
#define TRIPS_MAX     1000000

static char piece[PIECE_BYTES];
static uint32_t trips_ns[TRIPS_MAX];

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A connection whose first byte has been answered, or at least taken: -1 and a message
 * where there is none. */
static int call(uint16_t port, char want)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
        send(fd, &want, 1, MSG_NOSIGNAL) == 1)
        return fd;
    perror("tunnel-flow: cannot connect");
    if (fd >= 0)
        close(fd);
    return -1;
}

static void print_flow(uint64_t bytes, uint64_t ns)
{
    printf("{\"bytes\": %llu, \"seconds\": %.6f}\n", (unsigned long long)bytes, (double)ns / 1e9);
}

int operator_send(uint16_t port, unsigned seconds)
{
    int fd = call(port, FLOW_SINK);
    uint64_t begin = now_ns(), end = begin + seconds * 1000000000ull, sent = 0, got = 0;
    ssize_t n = 0;

    if (fd < 0)
        return 1;
    while (now_ns() < end && (n = send(fd, piece, sizeof(piece), MSG_NOSIGNAL)) > 0)
        sent += (uint64_t)n;
    shutdown(fd, SHUT_WR);
    if (n <= 0 || recv(fd, &got, sizeof(got), MSG_WAITALL) != sizeof(got) || got != sent) {
        fprintf(stderr, "tunnel-flow: sent %llu bytes, %llu arrived\n", (unsigned long long)sent,
                (unsigned long long)got);
        return 1;
    }
    print_flow(sent, now_ns() - begin);
    close(fd);
    return 0;
}

int operator_receive(uint16_t port, unsigned seconds)
{
    int fd = call(port, FLOW_SOURCE);
    uint64_t begin = now_ns(), end = begin + seconds * 1000000000ull, now = begin, got = 0;
    ssize_t n = 1;

    if (fd < 0)
        return 1;
    while (now < end && (n = recv(fd, piece, sizeof(piece), 0)) > 0) {
        got += (uint64_t)n;
        now = now_ns();
    }
    if (n <= 0) {
        fprintf(stderr, "tunnel-flow: the tunnel ended\n");
        return 1;
    }
    print_flow(got, now - begin);
    close(fd);
    return 0;
}

static int shorter_first(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

    return (first > second) - (first < second);
}

/* False where the byte did not come back. */
static int trip(int fd, uint64_t *ns)
{
    static char last;
    uint64_t begin = now_ns();
    char back;

    last++;
    if (send(fd, &last, 1, MSG_NOSIGNAL) != 1 || recv(fd, &back, 1, 0) != 1 || back != last)
        return 0;
    *ns = now_ns() - begin;
    return 1;
}

int operator_ping(uint16_t port, unsigned seconds)
{
    int fd = call(port, FLOW_ECHO);
    uint64_t end, ns = 0;
    size_t count = 0;

    if (fd < 0)
        return 1;
    for (int i = 0; i < WARM_UP_TRIPS; i++) {
        if (!trip(fd, &ns))
            break;
    }
    end = now_ns() + seconds * 1000000000ull;
    while (count < TRIPS_MAX && now_ns() < end && trip(fd, &ns))
        trips_ns[count++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
    if (count == 0 || (count < TRIPS_MAX && now_ns() < end)) {
        fprintf(stderr, "tunnel-flow: a byte did not come back\n");
        return 1;
    }
    qsort(trips_ns, count, sizeof(trips_ns[0]), shorter_first);
    printf("{\"trips\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n", count,
           trips_ns[count / 2] / 1e3, trips_ns[count * 99 / 100] / 1e3, trips_ns[count - 1] / 1e3);
    close(fd);
    return 0;
}
