/* What mas4hctl reads of a gateway: a stream of server-sent events, and the documents in it. How
 * the bytes are cut changes nothing, and no text that comes out can steer a terminal. */
#include "lib/json/read.h"
#include "services/ctl/core/sse.h"
#include "services/ctl/core/views.h"
#include "tests/fuzz/target.h"

#include <string.h>

struct reading {
    struct m4h_ctl_sse sse;
    uint64_t digest; /* of all messages */
    size_t count;
};

static void show(const struct m4h_ctl_sse_message *message)
{
    struct m4h_ctl_page page;
    struct m4h_event event;

    if (m4h_json_event_read((const uint8_t *)message->data, message->data_len, &event) != 0)
        return;
    m4h_ctl_page_begin(&page, false);
    m4h_ctl_view_event(&page, &event);
    assert(page.error == 0 && page.text.len > 0);
    assert(m4h_ident_text_is_valid((const char *)page.text.data, page.text.len - 1));
    m4h_ctl_page_end(&page);
}

static bool on_message(void *context, const struct m4h_ctl_sse_message *message)
{
    struct reading *reading = context;

    assert(message->data[message->data_len] == '\0');
    reading->count++;
    reading->digest = reading->digest * 31 + m4h_ident_hash(message->event);
    reading->digest = reading->digest * 31 + m4h_ident_hash(message->data);
    show(message);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole = {.count = 0}, cut = {.count = 0};
    int error, cut_error = 0;

    m4h_ctl_sse_begin(&whole.sse, on_message, &whole);
    m4h_ctl_sse_begin(&cut.sse, on_message, &cut);
    error = m4h_ctl_sse_feed(&whole.sse, data, size);
    for (size_t i = 0; cut_error == 0 && i < size; i++)
        cut_error = m4h_ctl_sse_feed(&cut.sse, data + i, 1);
    assert(error == cut_error && whole.count == cut.count && whole.digest == cut.digest);
    assert(strcmp(whole.sse.last_id, cut.sse.last_id) == 0);
    m4h_ctl_sse_end(&whole.sse);
    m4h_ctl_sse_end(&cut.sse);
    return 0;
}
