/* An event of a slave, as a master takes it from the bus: what is decoded can be encoded, and
 * its encoding is the same from then on. */
#include "lib/base/buffer.h"
#include "lib/wire/wire.h"
#include "tests/fuzz/target.h"

#include <string.h>

/* Decodes and encodes again; false: it is no such message, or one of a later version. */
static bool again(const uint8_t *data, size_t size, struct m4h_buffer *out)
{
    struct m4h_event event;

    if (m4h_wire_event_decode(data, size, &event) != 0 || event.type == M4H_EVENT_OTHER)
        return false;
    assert(m4h_wire_event_encode(&event, out) == 0);
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
