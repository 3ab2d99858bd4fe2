/* Dispatch requests, of any device or of one of so many. */
#include "slots.h"

#include "lib/wire/wire.h"
#include "slave.h"

#include <stdlib.h>
#include <unistd.h>

#define TAG_OF_PROBLEM 0x12 /* DispatchReply.problem, length-delimited */

struct slots {
    const struct slots_options *options;
    uint64_t random;
};

static void make(void *context, struct m4h_buffer *out)
{
    struct slots *slots = context;
    struct m4h_dispatch_request request = {.request_id = "bench"};

    m4h_text_copy(request.region, sizeof(request.region), slots->options->region);
    slots->random = slots->random * 6364136223846793005u + 1442695040888963407u;
    if (slots->options->devices > 0)
        slave_client_key((uint32_t)(slots->random >> 33) % slots->options->devices,
                         request.client_key);
    if (m4h_wire_dispatch_request_encode(&request, out) != 0)
        abort();
}

static bool is_good(const uint8_t *data, size_t len)
{
    (void)len;
    return data[0] != TAG_OF_PROBLEM;
}

int slots_run(const struct slots_options *options, struct requests_options *requests)
{
    struct slots slots = {options, (uint64_t)getpid()};

    requests->make = make;
    requests->is_good = is_good;
    requests->context = &slots;
    return requests_run(requests);
}
