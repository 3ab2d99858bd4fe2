/* A kick, as a slave takes it from the bus: what is decoded can be encoded, and is then
 * the same. Reads m4h_wire_kick_request_decode, and the other small commands. */
#include "lib/base/buffer.h"
#include "lib/wire/wire.h"
#include "tests/fuzz/target.h"

#include <string.h>

static void kick(const uint8_t *data, size_t size)
{
    struct m4h_kick_request first = {0}, second = {0};
    struct m4h_buffer bytes = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);

    if (m4h_wire_kick_request_decode(data, size, &first) == 0) {
        assert(m4h_wire_kick_request_encode(&first, &bytes) == 0);
        assert(m4h_wire_kick_request_decode(bytes.data, bytes.len, &second) == 0);
        assert(strcmp(first.client_key, second.client_key) == 0);
        assert(first.tunnel_id == second.tunnel_id && first.reason == second.reason);
    }
    m4h_buffer_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_drain_request drain;
    struct m4h_snapshot_request snapshot;
    struct m4h_revoke revoke;

    kick(data, size);
    (void)!m4h_wire_drain_request_decode(data, size, &drain);
    (void)!m4h_wire_snapshot_request_decode(data, size, &snapshot);
    (void)!m4h_wire_revoke_decode(data, size, &revoke);
    return 0;
}
