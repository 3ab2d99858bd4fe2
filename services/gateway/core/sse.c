/* Server-sent events as text. */
#include "services/gateway/core/sse.h"

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
