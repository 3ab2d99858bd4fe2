/* A device is a WebSocket with the requests that it has in flight; a request's number is that of
 * its place in asked_ns. */
#include "load.h"

#include "websocket.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define WARM_UP_NS    (NS_PER_SECOND / 5)
#define PATIENCE_NS   (60 * NS_PER_SECOND) /* for connections, and answers, that do not come */
#define IN_FLIGHT_MAX 4096u
#define SAMPLES_MAX   (1u << 22)
#define EVENTS        256

struct device {
    struct websocket *websocket;
    unsigned index;
    unsigned open; /* requests */
    bool has_begun;
    bool is_up;
    uint64_t began_ns;
    uint64_t *asked_ns; /* by the number of the request */
};

struct load {
    const struct load_options *options;
    struct sockaddr_in address;
    int epoll;
    struct device *devices;
    unsigned started, up, failed;
    unsigned done; /* devices of a fleet that have all that they came for */
    bool is_over;  /* no request follows an answer */
    bool counts;
    uint64_t open; /* requests */
    uint64_t problems;
    uint32_t *samples_ns;
    size_t sample_count;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static void add_sample(struct load *load, uint64_t from_ns)
{
    if (load->sample_count < SAMPLES_MAX)
        load->samples_ns[load->sample_count++] = (uint32_t)(now_ns() - from_ns);
}

/* ---- devices ---------------------------------------------------------------------------- */

static void lose(struct load *load, struct device *device)
{
    load->failed++;
    load->open -= device->open;
    websocket_close(device->websocket);
    device->websocket = NULL;
}

static void ask(struct load *load, struct device *device, unsigned number)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "{\"request_id\":\"%u\",\"client_key\":\"bench-%05u\"}",
                       number, device->index * load->options->in_flight + number + 1);

    device->asked_ns[number] = now_ns();
    device->open++;
    load->open++;
    websocket_send(device->websocket, text, (size_t)len);
}

/* A message: the answer to one request. */
static void take(struct load *load, struct device *device, const struct websocket_message *message)
{
    static const char name[] = "\"request_id\":\"";
    const char *id = memmem(message->text, message->len, name, sizeof(name) - 1);
    unsigned number = id == NULL ? UINT32_MAX : (unsigned)strtoul(id + sizeof(name) - 1, NULL, 10);

    if (number >= load->options->in_flight || device->open == 0) {
        fprintf(stderr, "gateway-load: what answer is this? %.*s\n", (int)message->len,
                message->text);
        exit(1);
    }
    device->open--;
    load->open--;
    if (memmem(message->text, message->len, "\"slot\":", 7) == NULL && load->problems++ == 0)
        fprintf(stderr, "gateway-load: %.*s\n", (int)message->len, message->text);
    if (load->counts)
        add_sample(load, device->asked_ns[number]);
    if (!load->is_over)
        ask(load, device, number);
}

static void on_up(struct load *load, struct device *device)
{
    device->is_up = true;
    load->up++;
}

static void read_device(struct load *load, struct device *device)
{
    struct websocket_message message;

    if (!websocket_read(device->websocket)) {
        lose(load, device);
        return;
    }
    if (!device->is_up && websocket_is_open(device->websocket))
        on_up(load, device);
    while (websocket_next(device->websocket, &message))
        take(load, device, &message);
    if (!websocket_flush(device->websocket))
        lose(load, device);
}

static void on_event(struct load *load, struct device *device, uint32_t events)
{
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = device};

    if (device->has_begun) {
        read_device(load, device);
    } else if (events & (EPOLLERR | EPOLLHUP) || !websocket_begin(device->websocket)) {
        lose(load, device);
    } else {
        device->has_begun = true;
        epoll_ctl(load->epoll, EPOLL_CTL_MOD, websocket_fd(device->websocket), &wanted);
    }
}

static void start_device(struct load *load)
{
    struct device *device = &load->devices[load->started];
    struct epoll_event wanted = {.events = EPOLLOUT, .data.ptr = device};

    device->index = load->started++;
    device->began_ns = now_ns();
    device->asked_ns = calloc(load->options->in_flight, sizeof(*device->asked_ns));
    device->websocket = websocket_connect(&load->address, load->options->in_flight);
    if (device->asked_ns == NULL)
        abort();
    if (device->websocket == NULL)
        load->failed++;
    else if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, websocket_fd(device->websocket), &wanted) != 0)
        lose(load, device);
}

/* ---- the loop ---------------------------------------------------------------------------- */

static bool turn(struct load *load, int wait_ms, void (*after)(struct load *, struct device *))
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(load->epoll, events, EVENTS, wait_ms);

    for (int i = 0; i < count; i++) {
        struct device *device = events[i].data.ptr;

        if (device == NULL)
            return false; /* stdin has ended */
        if (device->websocket != NULL)
            on_event(load, device, events[i].events);
        if (after != NULL && device->websocket != NULL)
            after(load, device);
    }
    return true;
}

static bool open_all(struct load *load)
{
    uint64_t ends_ns = now_ns() + PATIENCE_NS;

    while (load->up + load->failed < load->options->connections && now_ns() < ends_ns) {
        while (load->started < load->options->connections &&
               load->started - load->up - load->failed < load->options->at_a_time)
            start_device(load);
        turn(load, 100, NULL);
    }
    return load->up == load->options->connections;
}

static bool prepare(struct load *load, const struct load_options *options)
{
    char host[64];
    const char *colon = strrchr(options->address, ':');
    struct rlimit files;

    if (colon == NULL || (size_t)(colon - options->address) >= sizeof(host) ||
        options->in_flight > IN_FLIGHT_MAX)
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - options->address), options->address);
    load->address.sin_family = AF_INET;
    load->address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    load->options = options;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->devices = calloc(options->connections, sizeof(*load->devices));
    load->samples_ns = calloc(SAMPLES_MAX, sizeof(*load->samples_ns));
    return inet_pton(AF_INET, host, &load->address.sin_addr) == 1 && load->epoll >= 0 &&
           load->devices != NULL && load->samples_ns != NULL;
}

static void clean_up(struct load *load)
{
    for (unsigned i = 0; i < load->started; i++) {
        websocket_close(load->devices[i].websocket);
        free(load->devices[i].asked_ns);
    }
    close(load->epoll);
    free(load->devices);
    free(load->samples_ns);
}

/* ---- figures ------------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static double percentile_us(const struct load *load, unsigned percent)
{
    size_t rank = (load->sample_count * percent + 99) / 100;

    return rank > 0 ? load->samples_ns[rank - 1] / 1e3 : 0;
}

static void print(struct load *load, double seconds)
{
    qsort(load->samples_ns, load->sample_count, sizeof(*load->samples_ns), compare);
    printf("{\"up\":%u,\"failed\":%u,\"seconds\":%.3f,\"answers\":%zu,\"per_second\":%.0f,"
           "\"p50_us\":%.0f,\"p99_us\":%.0f,\"problems\":%" PRIu64 ",\"unanswered\":%" PRIu64 "}\n",
           load->up, load->failed, seconds, load->sample_count,
           (double)load->sample_count / seconds, percentile_us(load, 50), percentile_us(load, 99),
           load->problems, load->open);
    fflush(stdout);
}

static int exit_code(const struct load *load)
{
    return load->failed == 0 && load->problems == 0 && load->open == 0 ? 0 : 1;
}

/* ---- the two loads ------------------------------------------------------------------------ */

static void run_until(struct load *load, uint64_t ends_ns)
{
    while (load->open > 0 && now_ns() < ends_ns)
        turn(load, 100, NULL);
}

static void ask_on_all(struct load *load)
{
    for (unsigned i = 0; i < load->options->connections; i++) {
        for (unsigned number = 0; number < load->options->in_flight; number++)
            ask(load, &load->devices[i], number);
        if (!websocket_flush(load->devices[i].websocket))
            lose(load, &load->devices[i]);
    }
}

int load_ask(const struct load_options *options)
{
    struct load load = {0};
    uint64_t from_ns, seconds_ns = options->seconds * NS_PER_SECOND;
    int code = 1;

    if (prepare(&load, options) && open_all(&load)) {
        ask_on_all(&load);
        run_until(&load, now_ns() + WARM_UP_NS);
        load.counts = true;
        from_ns = now_ns();
        run_until(&load, from_ns + seconds_ns);
        seconds_ns = now_ns() - from_ns;
        load.is_over = true;
        load.counts = false;
        run_until(&load, now_ns() + PATIENCE_NS);
        print(&load, (double)seconds_ns / NS_PER_SECOND);
        code = exit_code(&load);
    } else {
        fprintf(stderr, "gateway-load: %u of %u connections\n", load.up, options->connections);
    }
    clean_up(&load);
    return code;
}

/* A device of a fleet goes on: it asks once it is up, and is done with its answer. */
static void go_on(struct load *load, struct device *device)
{
    if (!device->is_up || device->began_ns == 0 || device->open > 0)
        return;
    if (load->options->slots > 0 && device->asked_ns[0] == 0) {
        ask(load, device, 0);
        if (!websocket_flush(device->websocket))
            lose(load, device);
        return;
    }
    add_sample(load, device->began_ns);
    device->began_ns = 0;
    load->done++;
}

int load_fleet(const struct load_options *options)
{
    struct load load = {.is_over = true};
    struct epoll_event on_stdin = {.events = EPOLLIN | EPOLLHUP};
    uint64_t from_ns = now_ns();
    int code = 1;

    if (prepare(&load, options)) {
        while (load.done + load.failed < options->connections && now_ns() < from_ns + PATIENCE_NS) {
            while (load.started < options->connections &&
                   load.started - load.done - load.failed < options->at_a_time)
                start_device(&load);
            turn(&load, 100, go_on);
        }
        print(&load, (double)(now_ns() - from_ns) / NS_PER_SECOND);
        epoll_ctl(load.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &on_stdin);
        while (turn(&load, 1000, NULL))
            ;
        code = exit_code(&load);
    }
    clean_up(&load);
    return code;
}
