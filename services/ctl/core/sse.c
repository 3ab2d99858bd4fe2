/* Lines, then fields, then messages. */
#include "services/ctl/core/sse.h"

#include "lib/base/error.h"

#include <string.h>

void m4h_ctl_sse_begin(struct m4h_ctl_sse *sse,
                       bool (*on_message)(void *context, const struct m4h_ctl_sse_message *message),
                       void *context)
{
    *sse = (struct m4h_ctl_sse){.line = M4H_BUFFER_INIT(M4H_CTL_SSE_MESSAGE_MAX),
                                .data = M4H_BUFFER_INIT(M4H_CTL_SSE_MESSAGE_MAX),
                                .on_message = on_message,
                                .context = context};
}

static void forget_message(struct m4h_ctl_sse *sse)
{
    m4h_buffer_clear(&sse->data);
    sse->event[0] = '\0';
    sse->has_data = false;
}

void m4h_ctl_sse_restart(struct m4h_ctl_sse *sse)
{
    forget_message(sse);
    m4h_buffer_clear(&sse->line);
    memcpy(sse->id, sse->last_id, sizeof(sse->id));
    sse->is_after_cr = false;
    sse->is_begun = false;
}

void m4h_ctl_sse_end(struct m4h_ctl_sse *sse)
{
    m4h_buffer_free(&sse->line);
    m4h_buffer_free(&sse->data);
}

/* What does not fit is as if it had not been said. */
static void keep_text(char *out, size_t out_size, const char *value, size_t len)
{
    if (len >= out_size || memchr(value, '\0', len) != NULL)
        return;
    memcpy(out, value, len);
    out[len] = '\0';
}

static void keep_retry(struct m4h_ctl_sse *sse, const char *value, size_t len)
{
    uint32_t ms = 0;

    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9' || ms > 100000000)
            return;
        ms = ms * 10 + (uint32_t)(value[i] - '0');
    }
    sse->retry_ms = ms;
}

static int add_data(struct m4h_ctl_sse *sse, const char *value, size_t len)
{
    int error = sse->has_data ? m4h_buffer_add(&sse->data, "\n", 1) : 0;

    sse->has_data = true;
    return error != 0 ? error : m4h_buffer_add(&sse->data, value, len);
}

static bool is_named(const char *line, size_t name_len, const char *name)
{
    return strlen(name) == name_len && memcmp(line, name, name_len) == 0;
}

static int take_field(struct m4h_ctl_sse *sse, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon != NULL ? (size_t)(colon - line) : len;
    const char *value = colon != NULL ? colon + 1 : line + len;
    size_t value_len = (size_t)(line + len - value);

    if (value_len > 0 && *value == ' ') {
        value++;
        value_len--;
    }
    if (is_named(line, name_len, "data"))
        return add_data(sse, value, value_len);
    if (is_named(line, name_len, "event"))
        keep_text(sse->event, sizeof(sse->event), value, value_len);
    else if (is_named(line, name_len, "id"))
        keep_text(sse->id, sizeof(sse->id), value, value_len);
    else if (is_named(line, name_len, "retry"))
        keep_retry(sse, value, value_len);
    return 0; /* comments, and fields that are not known */
}

static int give_out(struct m4h_ctl_sse *sse)
{
    struct m4h_ctl_sse_message message = {.event = sse->event[0] != '\0' ? sse->event : "message"};
    bool is_wanted = true;
    int error;

    memcpy(sse->last_id, sse->id, sizeof(sse->last_id));
    if (sse->has_data) {
        error = m4h_buffer_add(&sse->data, "", 1);
        if (error != 0)
            return error;
        message.data = (const char *)sse->data.data;
        message.data_len = sse->data.len - 1;
        is_wanted = sse->on_message(sse->context, &message);
    }
    forget_message(sse);
    return is_wanted ? 0 : M4H_ECLOSED;
}

static int take_line(struct m4h_ctl_sse *sse)
{
    static const char mark[] = "\xef\xbb\xbf"; /* may stand at the very beginning */
    size_t skipped = 0;
    int error;

    if (!sse->is_begun && sse->line.len >= 3 && memcmp(sse->line.data, mark, 3) == 0)
        skipped = 3;
    sse->is_begun = true;
    if (sse->line.len == skipped)
        error = give_out(sse);
    else
        error = take_field(sse, (const char *)sse->line.data + skipped, sse->line.len - skipped);
    m4h_buffer_clear(&sse->line);
    return error;
}

int m4h_ctl_sse_feed(struct m4h_ctl_sse *sse, const uint8_t *bytes, size_t len)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < len; i++) {
        bool is_second = sse->is_after_cr && bytes[i] == '\n';

        sse->is_after_cr = bytes[i] == '\r';
        if (is_second)
            continue;
        if (bytes[i] == '\r' || bytes[i] == '\n')
            error = take_line(sse);
        else
            error = m4h_buffer_add(&sse->line, &bytes[i], 1);
    }
    return error;
}
