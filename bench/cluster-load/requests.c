/* Requests on one connection: a closed loop, or so many each second. The place of a request among
 * those in flight is the number at the end of its inbox. It does not know what it asks: what is
 * asked of an echo is the very same message. */
#include "requests.h"

#include "lib/base/attributes.h"
#include "lib/wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IN_FLIGHT_MAX 4096
#define SAMPLES_MAX   (1u << 23)
#define WARM_UP_NS    UINT64_C(300000000)
#define ANSWER_MS     5000

struct run {
    const struct requests_options *options;
    struct client *client;
    struct m4h_buffer message;
    char inbox[64];
    size_t inbox_len;
    uint64_t asked_ns[IN_FLIGHT_MAX];
    uint32_t *samples_ns;
    size_t sample_count;
    uint64_t problems;
    uint64_t asked;
    uint64_t began_ns;
    uint64_t counted_from_ns;
    uint64_t ends_ns;
    unsigned open;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void ask(struct run *run, unsigned place)
{
    char reply[96];

    m4h_buffer_clear(&run->message);
    run->options->make(run->options->context, &run->message);
    snprintf(reply, sizeof(reply), "%s%x", run->inbox, place);
    client_publish(run->client, run->options->subject, reply, run->message.data, run->message.len);
    run->asked_ns[place] = now_ns();
    run->asked++;
    run->open++;
}

static bool may_ask(const struct run *run, uint64_t at_ns)
{
    return run->options->count > 0 ? run->asked < run->options->count : at_ns < run->ends_ns;
}

static void take(struct run *run, const struct client_message *message, uint64_t at_ns)
{
    unsigned place = (unsigned)strtoul(message->subject + run->inbox_len, NULL, 16) % IN_FLIGHT_MAX;

    run->open--;
    if (message->len == 0 || !run->options->is_good(message->data, message->len))
        run->problems++;
    if (at_ns >= run->counted_from_ns && run->sample_count < SAMPLES_MAX)
        run->samples_ns[run->sample_count++] = (uint32_t)(at_ns - run->asked_ns[place]);
    if (run->options->rate == 0 && may_ask(run, at_ns))
        ask(run, place);
}

/* Those whose time has come, where they come at a rate. Returns how long until the next one. */
static int ask_due(struct run *run)
{
    const struct requests_options *options = run->options;
    uint64_t at_ns = now_ns();

    if (options->rate == 0)
        return ANSWER_MS;
    for (; may_ask(run, at_ns) && run->open < IN_FLIGHT_MAX; at_ns = now_ns()) {
        uint64_t due_ns = run->began_ns + run->asked * UINT64_C(1000000000) / options->rate;

        if (at_ns < due_ns)
            return (int)((due_ns - at_ns) / 1000000 + 1);
        ask(run, (unsigned)(run->asked % IN_FLIGHT_MAX));
    }
    return ANSWER_MS;
}

static bool loop(struct run *run)
{
    struct client_message message;
    int wait_ms = ask_due(run);

    while (run->open > 0 || wait_ms < ANSWER_MS) {
        client_flush(run->client);
        if (!client_read(run->client, wait_ms) && wait_ms == ANSWER_MS)
            return false;
        while (client_next(run->client, &message))
            take(run, &message, now_ns());
        wait_ms = ask_due(run);
    }
    return true;
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static double percentile_us(const struct run *run, unsigned percent)
{
    size_t rank = (run->sample_count * percent + 99) / 100;

    return rank > 0 ? run->samples_ns[rank - 1] / 1e3 : 0;
}

static void print(struct run *run)
{
    qsort(run->samples_ns, run->sample_count, sizeof(*run->samples_ns), compare);
    printf("{\"in_flight\":%u,\"answers\":%zu,\"per_second\":%.0f,\"p50_us\":%.0f,"
           "\"p99_us\":%.0f,\"problems\":%" PRIu64 ",\"unanswered\":%u}\n",
           run->options->in_flight, run->sample_count,
           (double)run->sample_count * 1e9 / (double)(now_ns() - run->counted_from_ns),
           percentile_us(run, 50), percentile_us(run, 99), run->problems, run->open);
}

int requests_run(const struct requests_options *options)
{
    struct run *run = calloc(1, sizeof(*run));
    bool answered;

    if (run == NULL || (run->samples_ns = calloc(SAMPLES_MAX, sizeof(*run->samples_ns))) == NULL)
        abort();
    run->options = options;
    run->message.cap = M4H_WIRE_MESSAGE_MAX;
    run->client = client_connect(options->url);
    run->inbox_len =
        (size_t)snprintf(run->inbox, sizeof(run->inbox), "_INBOX.cluster-load.%d.", (int)getpid());
    snprintf(run->inbox + run->inbox_len, sizeof(run->inbox) - run->inbox_len, "*");
    client_subscribe(run->client, run->inbox);
    run->inbox[run->inbox_len] = '\0';
    run->began_ns = now_ns();
    run->counted_from_ns = run->began_ns + (options->count > 0 ? 0 : WARM_UP_NS);
    run->ends_ns = run->counted_from_ns + options->seconds * UINT64_C(1000000000);
    for (unsigned place = 0; options->rate == 0 && place < options->in_flight &&
                             place < IN_FLIGHT_MAX && may_ask(run, run->began_ns);
         place++)
        ask(run, place);
    answered = loop(run);
    print(run);
    client_close(run->client);
    m4h_buffer_free(&run->message);
    free(run->samples_ns);
    free(run);
    return answered ? 0 : 1;
}
