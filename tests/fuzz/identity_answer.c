/* An answer about a key, as a program outside gives it: what is taken can be told to a slave. */
#include "lib/base/buffer.h"
#include "lib/base/ident.h"
#include "lib/json/identity.h"
#include "lib/wire/wire.h"
#include "tests/fuzz/target.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_buffer bytes = M4H_BUFFER_INIT(65536);
    struct m4h_problem none = {0};
    enum m4h_json_identity_result result;
    struct m4h_authorize_reply reply;
    char problem[M4H_DETAIL_MAX + 1];

    if (m4h_json_identity_answer_read(data, size, &result, &reply, problem) != 0) {
        assert(problem[0] != '\0' && reply.client_key[0] == '\0');
        return 0;
    }
    if (result == M4H_JSON_IDENTITY_ALLOW) {
        reply.allowed = true;
        if (reply.client_key[0] == '\0' && reply.operator_.name[0] == '\0')
            m4h_text_copy(reply.client_key, sizeof(reply.client_key), "SHA256:x");
        assert(m4h_wire_authorize_reply_encode(&reply, &none, &bytes) == 0);
    }
    m4h_buffer_free(&bytes);
    return 0;
}
