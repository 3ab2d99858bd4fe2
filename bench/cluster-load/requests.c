/* A closed loop of dispatch requests on one connection. A slot of the loop is the number at the
 * end of its inbox. What is asked of an echo is the very same message. */
#include "requests.h"

#include "client.h"
#include "lib/wire/wire.h"
#include "slave.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IN_FLIGHT_MAX  4096
#define SAMPLES_MAX    (1u << 23)
#define WARM_UP_NS     UINT64_C(300000000)
#define ANSWER_MS      5000
#define TAG_OF_PROBLEM 0x12 /* DispatchReply.problem, length-delimited */

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
    uint64_t counted_from_ns;
    uint64_t ends_ns;
    unsigned open;
    uint64_t random;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void ask(struct run *run, unsigned slot)
{
    struct m4h_dispatch_request request = {.request_id = "bench"};
    char reply[96];

    m4h_text_copy(request.region, sizeof(request.region), run->options->region);
    run->random = run->random * 6364136223846793005u + 1442695040888963407u;
    if (run->options->devices > 0)
        slave_client_key((uint32_t)(run->random >> 33) % run->options->devices, request.client_key);
    m4h_buffer_clear(&run->message);
    if (m4h_wire_dispatch_request_encode(&request, &run->message) != 0)
        abort();
    snprintf(reply, sizeof(reply), "%s%x", run->inbox, slot);
    client_publish(run->client, run->options->subject, reply, run->message.data, run->message.len);
    run->asked_ns[slot] = now_ns();
    run->open++;
}

static void take(struct run *run, const struct client_message *message, uint64_t at_ns)
{
    unsigned slot = (unsigned)strtoul(message->subject + run->inbox_len, NULL, 16) % IN_FLIGHT_MAX;

    run->open--;
    if (message->len == 0 || message->data[0] == TAG_OF_PROBLEM)
        run->problems++;
    if (at_ns >= run->counted_from_ns && run->sample_count < SAMPLES_MAX)
        run->samples_ns[run->sample_count++] = (uint32_t)(at_ns - run->asked_ns[slot]);
    if (at_ns < run->ends_ns)
        ask(run, slot);
}

static bool loop(struct run *run)
{
    struct client_message message;

    while (run->open > 0) {
        client_flush(run->client);
        if (!client_read(run->client, ANSWER_MS))
            return false;
        while (client_next(run->client, &message))
            take(run, &message, now_ns());
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
           (double)run->sample_count / run->options->seconds, percentile_us(run, 50),
           percentile_us(run, 99), run->problems, run->open);
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
    run->random = (uint64_t)getpid();
    run->inbox_len =
        (size_t)snprintf(run->inbox, sizeof(run->inbox), "_INBOX.cluster-load.%d.", (int)getpid());
    snprintf(run->inbox + run->inbox_len, sizeof(run->inbox) - run->inbox_len, "*");
    client_subscribe(run->client, run->inbox);
    run->inbox[run->inbox_len] = '\0';
    run->counted_from_ns = now_ns() + WARM_UP_NS;
    run->ends_ns = run->counted_from_ns + options->seconds * UINT64_C(1000000000);
    for (unsigned slot = 0; slot < options->in_flight && slot < IN_FLIGHT_MAX; slot++)
        ask(run, slot);
    answered = loop(run);
    print(run);
    client_close(run->client);
    m4h_buffer_free(&run->message);
    free(run->samples_ns);
    free(run);
    return answered ? 0 : 1;
}
