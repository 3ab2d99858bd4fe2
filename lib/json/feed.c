/* What a feed of events says of itself, between the events. */
#include "lib/json/json.h"
#include "lib/json/writer.h"

int m4h_json_feed_hello(struct m4h_buffer *out, const char *gateway_id, bool resumes)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "gateway_id", gateway_id);
    m4h_json_text(&writer, "version", M4H_VERSION);
    m4h_json_bool(&writer, "resumes", resumes);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

int m4h_json_feed_gap(struct m4h_buffer *out, const char *reason, const char *after_id,
                      const char *before_id)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "reason", reason);
    if (after_id != NULL)
        m4h_json_text(&writer, "after_id", after_id);
    if (before_id != NULL)
        m4h_json_text(&writer, "before_id", before_id);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

int m4h_json_feed_end(struct m4h_buffer *out, const char *reason)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "reason", reason);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}
