/* A page of a slave's tunnels, as a master takes it from the bus: what is decoded can be
 * encoded, and its encoding is the same from then on. */
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/fuzz/target.h"

#include <stdlib.h>
#include <string.h>

/* Decodes and encodes again; false: it is no such message. */
static bool again(const uint8_t *data, size_t size, struct m4h_buffer *out)
{
    struct m4h_snapshot_page page;
    struct m4h_problem problem;
    struct m4h_tunnel *tunnels;
    size_t count;
    int error;

    if (m4h_wire_snapshot_reply_decode(data, size, &page, &tunnels, &count, &problem) != 0)
        return false;
    assert(count <= M4H_PAGE_SIZE_MAX && (count == 0) == (tunnels == NULL));
    for (size_t i = 0; i < count; i++)
        assert(tunnels[i].port_count <= M4H_TUNNEL_PORTS_MAX);
    error = m4h_wire_snapshot_reply_encode(&page, tunnels, count, &problem, out);
    free(tunnels);
    /* Many tunnels of the greatest size came in a larger message than we would make. */
    assert(error == 0 || (error == M4H_ETOOBIG && count > M4H_SNAPSHOT_PAGE_TUNNELS));
    return error == 0;
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
