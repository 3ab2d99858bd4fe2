/* One HTTP connection on the fleet's loop, one question at a time. */
#include "probe.h"

#include "lib/base/model.h"
#include "lib/net/timer.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GAP_MIN_MS 5u
#define GAP_MAX_MS 24u /* longer than a turn of the fleet: samples fall anywhere in one */
#define GIVE_UP_NS UINT64_C(2000000000)

struct probe {
    struct m4h_timer *gap;
    struct m4h_watch *watch;
    int fd;
    char host[128];
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    void (*connect)(void *context, char *client_key);
    void (*done)(void *context);
    void *context;
    bool is_round_trip; /* of a tunnel that is shown already */
    uint64_t began_ns;
    uint64_t polls;
    uint64_t random;
    unsigned samples;
    unsigned lost;
    uint32_t *visible_us;
    uint32_t *trip_us;
    unsigned visible_count;
    unsigned trip_count;
    char answer[16384];
    size_t answer_len;
};

static void fail(const char *what)
{
    fprintf(stderr, "cluster-load: probe: %s\n", what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

/* Of sorted values. */
static unsigned percentile(const uint32_t *values, unsigned count, unsigned percent)
{
    return count > 0 ? values[(count * percent + 99) / 100 - 1] : 0;
}

static void print(struct probe *probe)
{
    qsort(probe->visible_us, probe->visible_count, sizeof(uint32_t), compare);
    qsort(probe->trip_us, probe->trip_count, sizeof(uint32_t), compare);
    printf("{\"samples\":%u,\"visible_p50_us\":%u,\"visible_p99_us\":%u,\"visible_max_us\":%u,"
           "\"trip_p50_us\":%u,\"trip_p99_us\":%u,\"polls\":%llu,\"lost\":%u}\n",
           probe->visible_count, percentile(probe->visible_us, probe->visible_count, 50),
           percentile(probe->visible_us, probe->visible_count, 99),
           percentile(probe->visible_us, probe->visible_count, 100),
           percentile(probe->trip_us, probe->trip_count, 50),
           percentile(probe->trip_us, probe->trip_count, 99), (unsigned long long)probe->polls,
           probe->lost);
    fflush(stdout);
}

static void ask(struct probe *probe)
{
    char request[512];
    int len = snprintf(request, sizeof(request), "GET /v1/tunnels/%s HTTP/1.1\r\nHost: %s\r\n\r\n",
                       probe->client_key, probe->host);

    if (send(probe->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        fail("the gateway takes no request");
}

static void rest(struct probe *probe)
{
    probe->random = probe->random * 6364136223846793005u + 1442695040888963407u;
    m4h_timer_start(probe->gap, GAP_MIN_MS + (probe->random >> 33) % (GAP_MAX_MS - GAP_MIN_MS + 1),
                    0);
}

static void on_gap(void *context)
{
    struct probe *probe = context;

    probe->is_round_trip = !probe->is_round_trip && probe->visible_count > 0;
    probe->began_ns = now_ns();
    if (!probe->is_round_trip)
        probe->connect(probe->context, probe->client_key);
    ask(probe);
}

static void take(struct probe *probe, int status)
{
    uint64_t took_ns = now_ns() - probe->began_ns;

    if (status != 200 && status != 404)
        fail("the gateway answers neither 200 nor 404");
    if (probe->is_round_trip) {
        probe->trip_us[probe->trip_count++] = (uint32_t)(took_ns / 1000);
    } else if (status == 200) {
        probe->polls++;
        probe->visible_us[probe->visible_count++] = (uint32_t)(took_ns / 1000);
    } else if (took_ns < GIVE_UP_NS) {
        probe->polls++;
        ask(probe);
        return;
    } else {
        probe->lost++;
    }
    if (probe->visible_count + probe->lost < probe->samples) {
        rest(probe);
    } else {
        print(probe);
        probe->done(probe->context);
    }
}

/* The status of the answer that has come, 0 while a part of it is missing. */
static int read_status(struct probe *probe)
{
    const char *body, *length;
    int status;

    probe->answer[probe->answer_len] = '\0';
    body = strstr(probe->answer, "\r\n\r\n");
    if (body == NULL)
        return 0;
    length = strcasestr(probe->answer, "\r\ncontent-length:");
    if (length == NULL || length > body || sscanf(probe->answer, "HTTP/1.1 %d", &status) != 1)
        fail("not an answer with a length");
    if (strlen(body + 4) < strtoul(length + 17, NULL, 10))
        return 0;
    return status;
}

static void on_answer(void *context, unsigned events)
{
    struct probe *probe = context;
    ssize_t got = recv(probe->fd, probe->answer + probe->answer_len,
                       sizeof(probe->answer) - 1 - probe->answer_len, MSG_DONTWAIT);
    int status;

    (void)events;
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        fail("the gateway hung up");
    probe->answer_len += (size_t)got;
    status = read_status(probe);
    if (status == 0)
        return;
    probe->answer_len = 0;
    take(probe, status);
}

static int connect_to(const char *gateway)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *port = strrchr(gateway, ':');
    char host[128];
    int fd = -1, on = 1;

    if (port == NULL || (size_t)(port - gateway) >= sizeof(host))
        fail("the gateway must be HOST:PORT");
    snprintf(host, sizeof(host), "%.*s", (int)(port - gateway), gateway);
    if (getaddrinfo(host, port + 1, &hints, &found) != 0)
        fail("no such gateway");
    fd = socket(found->ai_family, found->ai_socktype, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0)
        fail("the gateway does not answer");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    freeaddrinfo(found);
    return fd;
}

struct probe *probe_start(struct m4h_loop *loop, const char *gateway, unsigned samples,
                          void (*connect_device)(void *context, char *client_key),
                          void (*done)(void *context), void *context)
{
    struct probe *probe = calloc(1, sizeof(*probe));

    if (probe == NULL || (probe->visible_us = calloc(samples + 1, sizeof(uint32_t))) == NULL ||
        (probe->trip_us = calloc(samples + 1, sizeof(uint32_t))) == NULL)
        abort();
    probe->fd = connect_to(gateway);
    snprintf(probe->host, sizeof(probe->host), "%s", gateway);
    probe->samples = samples;
    probe->connect = connect_device;
    probe->done = done;
    probe->context = context;
    probe->random = (uint64_t)getpid();
    if (m4h_timer_create(&probe->gap, loop, on_gap, probe) != 0 ||
        m4h_watch_start(&probe->watch, loop, probe->fd, M4H_WATCH_READ, on_answer, probe) != 0)
        fail("no memory");
    rest(probe);
    return probe;
}

void probe_close(struct probe *probe)
{
    if (probe == NULL)
        return;
    m4h_watch_close(probe->watch);
    m4h_timer_close(probe->gap);
    close(probe->fd);
    free(probe->visible_us);
    free(probe->trip_us);
    free(probe);
}
