/* A slot request in JSON, of REST and of the WebSocket, and the answer to it: what
 * the client chose is written back, and can be read again. */
#include "lib/base/buffer.h"
#include "lib/json/json.h"
#include "tests/fuzz/target.h"

#include <string.h>

static void answer(const struct m4h_dispatch_request *request, const struct m4h_problem *problem)
{
    struct m4h_buffer text = M4H_BUFFER_INIT(65536);
    const struct m4h_json_problem document = {.status = 400,
                                              .code = "invalid_argument",
                                              .detail = problem->detail,
                                              .request_id = request->request_id};
    struct m4h_dispatch_request read;
    struct m4h_problem none;

    assert(memchr(request->request_id, '\0', sizeof(request->request_id)) != NULL);
    assert(m4h_json_slot_error(&text, request->request_id, &document) == 0);
    if (request->request_id[0] != '\0') {
        assert(m4h_json_slot_message_parse(text.data, text.len, &read, &none) == 0);
        assert(strcmp(read.request_id, request->request_id) == 0);
    }
    m4h_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_dispatch_request request;
    struct m4h_problem problem;

    memset(&request, 0, sizeof(request));
    memset(&problem, 0, sizeof(problem));
    if (m4h_json_slot_request_parse(data, size, &request, &problem) == 0)
        assert(request.request_id[0] == '\0');
    memset(&request, 0, sizeof(request));
    memset(&problem, 0, sizeof(problem));
    if (m4h_json_slot_message_parse(data, size, &request, &problem) == 0)
        assert(request.request_id[0] != '\0');
    answer(&request, &problem);
    return 0;
}
