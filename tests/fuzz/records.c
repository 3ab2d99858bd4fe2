/* Messages about records of devices, revocations, places and audits. The first byte says
 * which kind the rest is: what is decoded can be encoded, and its encoding is the same from then
 * on. */
#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/wire/wire.h"
#include "tests/fuzz/target.h"
#include "tests/unit/wire_kinds_records.h"

#include <string.h>

/* In the order that tests/fuzz/seeds.c numbers them in. */
static int (*const recoders[])(const uint8_t *, size_t, struct m4h_buffer *) = {
    recode_locate_request,  recode_locate_reply,        recode_revoke_request,
    recode_revoke_reply,    recode_revocations_request, recode_revocations_reply,
    recode_devices_request, recode_devices_reply,       recode_devices_changed,
    recode_device_get,      recode_device_remove,       recode_device_put,
    recode_device_reply,    recode_audit_record,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_buffer first = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);
    struct m4h_buffer second = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);
    int (*recode)(const uint8_t *, size_t, struct m4h_buffer *);

    if (size == 0)
        return 0;
    recode = recoders[data[0] % M4H_COUNT(recoders)];
    if (recode(data + 1, size - 1, &first) == 0) {
        assert(recode(first.data, first.len, &second) == 0);
        assert(first.len == second.len &&
               (first.len == 0 || memcmp(first.data, second.data, first.len) == 0));
    }
    m4h_buffer_free(&first);
    m4h_buffer_free(&second);
    return 0;
}
