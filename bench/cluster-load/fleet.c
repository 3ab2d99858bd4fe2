/* All slaves share one loop, one bus and one thread. Events that an order asks for are published
 * in batches, each followed by a question to a master: since it reads in order, its answer
 * says that it has taken the batch. BATCHES_OPEN of them are under way at a time. */
#include "fleet.h"

#include "lib/base/error.h"
#include "lib/bus/bus.h"
#include "lib/net/loop.h"
#include "lib/net/pump.h"
#include "lib/net/timer.h"
#include "lib/net/watch.h"
#include "lib/wire/wire.h"
#include "probe.h"
#include "slave.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOAD_EVERY_MS 2000u
#define TURN_MS       20u
#define BATCH         1000u
#define BATCHES_OPEN  8u
#define ANSWER_MS     10000u
#define QUEUE_BYTES   (256u * 1024 * 1024)

enum work {
    WORK_NONE,
    WORK_CONNECT, /* new devices, in turn over the slaves */
    WORK_FOLD,    /* a device leaves and another comes, in turn */
};

struct fleet {
    struct m4h_loop *loop;
    struct m4h_pump *pump;
    struct m4h_bus *bus;
    struct m4h_timer *turn;
    struct m4h_watch *input;
    struct slave *slaves;
    unsigned slave_count;
    struct m4h_buffer message;
    struct m4h_tunnel *page;
    uint32_t next_device;
    uint64_t turns;
    unsigned next_slave;
    uint64_t random;
    enum work work;
    unsigned left;
    unsigned total;
    unsigned open; /* batches */
    unsigned failed;
    uint64_t began_ns;
    unsigned churn; /* events each second */
    double churn_owed;
    struct probe *probe; /* NULL: none is under way */
    const char *gateway;
    uint32_t probed; /* this device stays */
    char line[128];
    size_t line_len;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void publish(struct fleet *fleet, const struct m4h_event *event)
{
    bool load = event->type == M4H_EVENT_LOAD;
    char subject[2 * M4H_ID_MAX + 64];
    int error;

    snprintf(subject, sizeof(subject), "mas4h.v1.events.%s.%s.%s", event->region, event->slave_id,
             m4h_event_type_name(event->type));
    m4h_buffer_clear(&fleet->message);
    error = m4h_wire_event_encode(event, &fleet->message);
    if (error == 0)
        error =
            m4h_bus_publish(fleet->bus, subject, load ? M4H_BUS_FRESH : M4H_BUS_KEEP,
                            load ? NULL : event->event_id, fleet->message.data, fleet->message.len);
    if (error != 0)
        fprintf(stderr, "cluster-load: %s: %s\n", event->event_id, m4h_error_text(error));
}

/* ---- commands ----------------------------------------------------------------- */

/* The slave of mas4h.v1.slave.ID.verb; NULL: not one of ours. */
static struct slave *find_slave(struct fleet *fleet, const char *subject)
{
    unsigned number;

    if (sscanf(subject, "mas4h.v1.slave.bench-%u.", &number) != 1 || number >= fleet->slave_count)
        return NULL;
    return &fleet->slaves[number];
}

static void answer(struct fleet *fleet, const struct m4h_bus_message *message, int error)
{
    if (error == 0 && message->reply != NULL)
        error = m4h_bus_publish(fleet->bus, message->reply, M4H_BUS_FRESH, NULL,
                                fleet->message.data, fleet->message.len);
    if (error != 0)
        fprintf(stderr, "cluster-load: no answer to %s\n", message->subject);
}

static void on_snapshot(void *context, const struct m4h_bus_message *message)
{
    struct fleet *fleet = context;
    struct slave *slave = find_slave(fleet, message->subject);
    struct m4h_snapshot_request request;
    struct m4h_snapshot_page page;
    struct m4h_problem problem = {0};
    size_t count = 0;

    if (slave == NULL ||
        m4h_wire_snapshot_request_decode(message->data, message->len, &request) != 0)
        return;
    slave_snapshot(slave, &request, &page, fleet->page, &count, &problem);
    m4h_buffer_clear(&fleet->message);
    answer(fleet, message,
           m4h_wire_snapshot_reply_encode(&page, fleet->page, count, &problem, &fleet->message));
}

static void on_kick(void *context, const struct m4h_bus_message *message)
{
    struct fleet *fleet = context;
    struct slave *slave = find_slave(fleet, message->subject);
    struct m4h_kick_request request;
    struct m4h_problem problem = {0};
    struct m4h_event event;
    size_t i = 0;

    if (slave == NULL || m4h_wire_kick_request_decode(message->data, message->len, &request) != 0)
        return;
    while (i < slave->count && slave->tunnels[i].tunnel_id != request.tunnel_id)
        i++;
    if (i == slave->count) {
        m4h_problem_set(&problem, M4H_PROBLEM_NOT_FOUND, "no such tunnel here");
    } else {
        slave_disconnect(slave, i, &event);
        event.as.disconnect.reason = request.reason;
        publish(fleet, &event);
    }
    m4h_buffer_clear(&fleet->message);
    answer(fleet, message, m4h_wire_kick_reply_encode(&problem, &fleet->message));
}

/* ---- what devices do ------------------------------------------------------------ */

static struct slave *next_slave(struct fleet *fleet)
{
    return &fleet->slaves[fleet->next_slave++ % fleet->slave_count];
}

static void connect_one(struct fleet *fleet)
{
    struct m4h_event event;

    slave_connect(next_slave(fleet), fleet->next_device++, &event);
    publish(fleet, &event);
}

/* One device leaves. False: there is none on that slave. */
static bool disconnect_one(struct fleet *fleet)
{
    struct slave *slave = next_slave(fleet);
    struct m4h_event event;
    size_t leaver;

    if (slave->count == 0)
        return false;
    fleet->random = fleet->random * 6364136223846793005u + 1442695040888963407u;
    leaver = (size_t)(fleet->random >> 33) % slave->count;
    if (fleet->probe != NULL && slave->tunnels[leaver].device == fleet->probed)
        return false;
    slave_disconnect(slave, leaver, &event);
    publish(fleet, &event);
    return true;
}

static void step(struct fleet *fleet, unsigned number, enum work work)
{
    if (work == WORK_CONNECT || number % 2 == 0 || !disconnect_one(fleet))
        connect_one(fleet);
}

static void send_batches(struct fleet *fleet);

static void finish(struct fleet *fleet)
{
    double seconds = (double)(now_ns() - fleet->began_ns) / 1e9;

    printf("{\"events\":%u,\"seconds\":%.3f,\"per_second\":%.0f,\"unanswered\":%u}\n", fleet->total,
           seconds, fleet->total / seconds, fleet->failed);
    fflush(stdout);
    fleet->work = WORK_NONE;
}

static void on_batch_taken(void *context, int error, const uint8_t *data, size_t len)
{
    struct fleet *fleet = context;

    (void)data;
    (void)len;
    fleet->open--;
    fleet->failed += error != 0;
    if (fleet->left == 0 && fleet->open == 0)
        finish(fleet);
    else
        send_batches(fleet);
}

static void ask_whether_taken(struct fleet *fleet)
{
    uint64_t id;

    m4h_buffer_clear(&fleet->message);
    if (m4h_wire_cluster_request_encode("", &fleet->message) != 0)
        abort();
    fleet->open++;
    if (m4h_bus_request(fleet->bus, "mas4h.v1.rpc.status.cluster", fleet->message.data,
                        fleet->message.len, m4h_loop_now_ms(fleet->loop), ANSWER_MS, on_batch_taken,
                        fleet, &id) != 0) {
        fleet->open--;
        fleet->failed++;
    }
}

static void send_batches(struct fleet *fleet)
{
    while (fleet->left > 0 && fleet->open < BATCHES_OPEN) {
        for (unsigned i = 0; i < BATCH && fleet->left > 0; i++)
            step(fleet, fleet->left--, fleet->work);
        ask_whether_taken(fleet);
    }
}

static void run_churn(struct fleet *fleet)
{
    fleet->churn_owed += fleet->churn * (TURN_MS / 1000.0);
    for (; fleet->churn_owed >= 1; fleet->churn_owed--)
        step(fleet, (unsigned)fleet->random++, WORK_FOLD);
}

/* Each slave has its own moment within LOAD_EVERY_MS. */
static void on_turn(void *context)
{
    const unsigned turns = LOAD_EVERY_MS / TURN_MS;
    struct fleet *fleet = context;
    struct m4h_event event;

    for (unsigned i = (unsigned)(fleet->turns % turns); i < fleet->slave_count; i += turns) {
        slave_load(&fleet->slaves[i], &event);
        if (m4h_bus_is_connected(fleet->bus))
            publish(fleet, &event);
    }
    fleet->turns++;
    run_churn(fleet);
}

/* ---- probes --------------------------------------------------------------------- */

static void connect_probed(void *context, char *client_key)
{
    struct fleet *fleet = context;

    fleet->probed = fleet->next_device;
    slave_client_key(fleet->probed, client_key);
    connect_one(fleet);
}

static void on_probe_done(void *context)
{
    struct fleet *fleet = context;

    probe_close(fleet->probe);
    fleet->probe = NULL;
}

/* ---- orders --------------------------------------------------------------------- */

static void print_counts(const struct fleet *fleet)
{
    printf("{");
    for (unsigned i = 0; i < fleet->slave_count; i++)
        printf("%s\"%s\":%zu", i > 0 ? "," : "", fleet->slaves[i].id, fleet->slaves[i].count);
    printf("}\n");
    fflush(stdout);
}

static void obey(struct fleet *fleet, const char *line)
{
    unsigned number = 0;

    if (strcmp(line, "counts") == 0) {
        print_counts(fleet);
    } else if (sscanf(line, "churn %u", &number) == 1) {
        fleet->churn = number;
    } else if (fleet->probe == NULL && fleet->gateway != NULL &&
               sscanf(line, "probe %u", &number) == 1 && number > 0) {
        fleet->probe =
            probe_start(fleet->loop, fleet->gateway, number, connect_probed, on_probe_done, fleet);
    } else if (fleet->work == WORK_NONE && (sscanf(line, "connect %u", &number) == 1 ||
                                            sscanf(line, "fold %u", &number) == 1)) {
        fleet->work = line[0] == 'c' ? WORK_CONNECT : WORK_FOLD;
        fleet->left = fleet->total = number;
        fleet->failed = 0;
        fleet->began_ns = now_ns();
        send_batches(fleet);
    } else {
        fprintf(stderr, "cluster-load: not an order, or one is under way: %s\n", line);
    }
}

static void on_input(void *context, unsigned events)
{
    struct fleet *fleet = context;
    ssize_t got = read(STDIN_FILENO, fleet->line + fleet->line_len,
                       sizeof(fleet->line) - 1 - fleet->line_len);
    char *end;

    (void)events;
    if (got <= 0) {
        m4h_loop_stop(fleet->loop);
        return;
    }
    fleet->line_len += (size_t)got;
    fleet->line[fleet->line_len] = '\0';
    while ((end = strchr(fleet->line, '\n')) != NULL) {
        *end = '\0';
        obey(fleet, fleet->line);
        fleet->line_len -= (size_t)(end + 1 - fleet->line);
        memmove(fleet->line, end + 1, fleet->line_len + 1);
    }
    if (fleet->line_len == sizeof(fleet->line) - 1)
        fleet->line_len = 0;
}

/* ---- life ----------------------------------------------------------------------- */

static void on_status(void *context, bool connected)
{
    (void)context;
    printf("%s\n", connected ? "connected" : "disconnected");
    fflush(stdout);
}

static uint64_t run_bus(void *context, uint64_t now_ms)
{
    return m4h_bus_run(((struct fleet *)context)->bus, now_ms);
}

static unsigned count_of(const char *list)
{
    unsigned count = 1;

    for (; (list = strchr(list, ',')) != NULL; list++)
        count++;
    return count;
}

/* The number-th of the list, from its beginning again after the last. */
static void copy_item(const char *list, unsigned number, char item[M4H_ID_MAX + 1])
{
    size_t len;

    number %= count_of(list);
    for (; number > 0 && strchr(list, ',') != NULL; number--)
        list = strchr(list, ',') + 1;
    len = strcspn(list, ",");
    len = len < M4H_ID_MAX ? len : M4H_ID_MAX;
    memcpy(item, list, len);
    item[len] = '\0';
}

static void make_slaves(struct fleet *fleet, const struct fleet_options *options)
{
    char region[M4H_ID_MAX + 1];
    char capacity[M4H_ID_MAX + 1];
    struct m4h_event event;

    fleet->slave_count = options->slaves > 0 ? options->slaves : 1;
    fleet->slaves = calloc(fleet->slave_count, sizeof(*fleet->slaves));
    fleet->page = calloc(M4H_SNAPSHOT_PAGE_TUNNELS, sizeof(*fleet->page));
    if (fleet->slaves == NULL || fleet->page == NULL)
        abort();
    for (unsigned i = 0; i < fleet->slave_count; i++) {
        copy_item(options->regions, i, region);
        copy_item(options->capacities, i, capacity);
        slave_init(&fleet->slaves[i], i, region, (uint32_t)strtoul(capacity, NULL, 10));
        slave_start(&fleet->slaves[i], &event);
    }
    for (unsigned i = 0; i < options->tunnels; i++)
        slave_connect(next_slave(fleet), fleet->next_device++, &event);
}

static int create_bus(struct fleet *fleet, const char *url)
{
    static const struct m4h_bus_subscription subscriptions[] = {
        {"mas4h.v1.slave.*.snapshot", NULL, on_snapshot},
        {"mas4h.v1.slave.*.kick", NULL, on_kick},
    };
    const struct m4h_bus_config config = {
        .url = url,
        .name = "cluster-load",
        .queue_messages = 65536,
        .queue_bytes = QUEUE_BYTES,
        .subscriptions = subscriptions,
        .subscription_count = sizeof(subscriptions) / sizeof(subscriptions[0]),
        .on_status = on_status,
        .wake = m4h_pump_wake,
        .wake_context = fleet->pump,
        .run_soon = m4h_pump_run_soon,
        .context = fleet,
    };

    return m4h_bus_create(&fleet->bus, &config);
}

static int create(struct fleet *fleet, const struct fleet_options *options)
{
    int error = m4h_loop_create(&fleet->loop);

    if (error == 0)
        error = m4h_timer_create(&fleet->turn, fleet->loop, on_turn, fleet);
    if (error == 0)
        error = m4h_pump_create(&fleet->pump, fleet->loop, run_bus, fleet);
    if (error == 0)
        error = m4h_watch_start(&fleet->input, fleet->loop, STDIN_FILENO, M4H_WATCH_READ, on_input,
                                fleet);
    return error == 0 ? create_bus(fleet, options->url) : error;
}

static void destroy(struct fleet *fleet)
{
    probe_close(fleet->probe);
    m4h_bus_destroy(fleet->bus, 1000);
    m4h_watch_close(fleet->input);
    m4h_timer_close(fleet->turn);
    m4h_pump_close(fleet->pump);
    m4h_loop_destroy(fleet->loop);
    for (unsigned i = 0; i < fleet->slave_count; i++)
        slave_free(&fleet->slaves[i]);
    free(fleet->slaves);
    free(fleet->page);
    m4h_buffer_free(&fleet->message);
}

int fleet_run(const struct fleet_options *options)
{
    struct fleet fleet = {
        .message.cap = M4H_WIRE_MESSAGE_MAX, .random = 1, .gateway = options->gateway};
    int error;

    make_slaves(&fleet, options);
    error = create(&fleet, options);
    if (error != 0) {
        fprintf(stderr, "cluster-load: slaves: %s\n", m4h_error_text(error));
        return 1;
    }
    m4h_timer_start(fleet.turn, TURN_MS, TURN_MS);
    m4h_loop_run(fleet.loop);
    destroy(&fleet);
    return 0;
}
