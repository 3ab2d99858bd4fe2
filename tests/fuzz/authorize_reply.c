/* A master's word on a key, as a slave takes it from the bus: what is decoded can be
 * encoded, and its encoding is the same from then on. */
#include "lib/base/buffer.h"
#include "lib/wire/wire.h"
#include "tests/fuzz/target.h"

#include <string.h>

/* Decodes and encodes again; false: it is no such message. */
static bool again(const uint8_t *data, size_t size, struct m4h_buffer *out)
{
    struct m4h_authorize_reply reply;
    struct m4h_problem problem;

    if (m4h_wire_authorize_reply_decode(data, size, &reply, &problem) != 0)
        return false;
    assert(memchr(reply.client_key, '\0', sizeof(reply.client_key)) != NULL);
    assert(m4h_wire_authorize_reply_encode(&reply, &problem, out) == 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_buffer first = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);
    struct m4h_buffer second = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);

    if (again(data, size, &first)) {
        assert(again(first.data, first.len, &second));
        assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    }
    m4h_buffer_free(&first);
    m4h_buffer_free(&second);
    return 0;
}
