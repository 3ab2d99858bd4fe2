/* Who is signed in. */
#include "lib/json/json.h"
#include "lib/json/writer.h"

int m4h_json_session(struct m4h_buffer *out, const struct m4h_json_session *session)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "name", session->name);
    m4h_json_open(&writer, "scopes", '[');
    for (size_t i = 0; i < session->scope_count; i++)
        m4h_json_text(&writer, NULL, session->scopes[i]);
    m4h_json_close(&writer, ']');
    m4h_json_bool(&writer, "open", session->is_open);
    m4h_json_time(&writer, "expires_at", session->expires_wall_ms);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}
