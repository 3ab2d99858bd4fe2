/* Server-sent events as text. */
#include "services/gateway/core/sse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int m4h_gateway_sse_event(struct m4h_buffer *out, const char *name, const char *id,
                          const struct m4h_buffer *data)
{
    size_t before = out->len;
    int error = m4h_buffer_printf(out, "event: %s\n", name);

    if (error == 0 && id != NULL)
        error = m4h_buffer_printf(out, "id: %s\n", id);
    if (error == 0)
        error = m4h_buffer_add(out, "data: ", 6);
    if (error == 0)
        error = m4h_buffer_add(out, data->data, data->len);
    if (error == 0)
        error = m4h_buffer_add(out, "\n\n", 2);
    if (error != 0)
        out->len = before;
    return error;
}

const char *m4h_gateway_sse_id_format(uint64_t seq, char id[M4H_GATEWAY_SSE_ID_MAX])
{
    snprintf(id, M4H_GATEWAY_SSE_ID_MAX, "%" PRIu64, seq);
    return id;
}

bool m4h_gateway_sse_id_parse(const char *id, uint64_t *seq)
{
    size_t len = strlen(id);

    /* 18 digits: it cannot overflow. */
    if (len == 0 || len > 18 || strspn(id, "0123456789") != len)
        return false;
    *seq = strtoull(id, NULL, 10);
    return true;
}
