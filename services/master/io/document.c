/* JSON documents to verdicts. */
#include "services/master/io/document.h"

#include "lib/json/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int m4h_document_write(struct m4h_buffer *out, const char *master_id, const char *name,
                       uint64_t number, const struct m4h_authorize_request *request)
{
    char request_id[2 * M4H_ID_MAX];

    snprintf(request_id, sizeof(request_id), "%s-%s-%" PRIu64, master_id, name, number);
    return m4h_json_identity_request(out, request_id, request);
}

void m4h_document_read(struct m4h_verdict *verdict, const uint8_t *data, size_t len)
{
    static const enum m4h_verdict_kind kinds[] = {
        [M4H_JSON_IDENTITY_UNKNOWN] = M4H_VERDICT_UNKNOWN,
        [M4H_JSON_IDENTITY_ALLOW] = M4H_VERDICT_ALLOW,
        [M4H_JSON_IDENTITY_DENY] = M4H_VERDICT_DENY,
    };
    enum m4h_json_identity_result result;
    char problem[M4H_DETAIL_MAX + 1];

    memset(verdict, 0, sizeof(*verdict));
    if (m4h_json_identity_answer_read(data, len, &result, &verdict->reply, problem) == 0)
        verdict->kind = kinds[result];
    else
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, problem);
}
