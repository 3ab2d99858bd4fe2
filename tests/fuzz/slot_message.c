/* A slot request in protobuf, as a device sends it over a WebSocket, and the answer to it: what
 * the client chose is written back, and can be read again. */
#include "lib/base/buffer.h"
#include "lib/wire/wire.h"
#include "tests/fuzz/target.h"

#include <string.h>

static void answer(const char *request_id, const struct m4h_problem *problem)
{
    struct m4h_buffer bytes = M4H_BUFFER_INIT(65536);
    char read_id[M4H_REQUEST_ID_MAX + 1];
    struct m4h_problem read;
    struct m4h_slot slot;

    assert(m4h_wire_slot_answer_encode(request_id, NULL, problem, &bytes) == 0);
    assert(m4h_wire_slot_answer_decode(bytes.data, bytes.len, read_id, &slot, &read) == 0);
    assert(strcmp(read_id, request_id) == 0 && read.code == problem->code);
    m4h_buffer_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_dispatch_request request, again;
    struct m4h_buffer bytes = M4H_BUFFER_INIT(65536);
    struct m4h_problem problem;

    if (m4h_wire_slot_request_decode(data, size, &request, &problem) == 0) {
        assert(request.request_id[0] != '\0' && problem.code == 0);
        assert(m4h_wire_slot_request_encode(&request, &bytes) == 0);
        assert(m4h_wire_slot_request_decode(bytes.data, bytes.len, &again, &problem) == 0);
        assert(strcmp(again.region, request.region) == 0);
    } else if (problem.code != 0) {
        answer(request.request_id, &problem);
    }
    m4h_buffer_free(&bytes);
    return 0;
}
