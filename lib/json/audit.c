/* The documents of the audit, written and read. An entry is a struct m4h_audit_record: its
 * record_id is the id that REST gives it, service_id its source. */
#include "lib/base/error.h"
#include "lib/json/json.h"
#include "lib/json/read.h"
#include "lib/json/reader.h"
#include "lib/json/writer.h"

#include <stdlib.h>

/* ---- written --------------------------------------------------------------------- */

static void write_entry(struct m4h_json_writer *writer, const struct m4h_audit_record *entry)
{
    m4h_json_open(writer, NULL, '{');
    m4h_json_text(writer, "id", entry->record_id);
    m4h_json_time(writer, "time", entry->wall_ms);
    m4h_json_text(writer, "source", entry->service_id);
    m4h_json_text(writer, "actor", entry->actor);
    m4h_json_text(writer, "action", entry->action);
    m4h_json_text(writer, "target", entry->target);
    m4h_json_text(writer, "remote_address", entry->remote_address);
    m4h_json_text(writer, "reason", entry->reason);
    m4h_json_text(writer, "error", entry->error);
    m4h_json_text(writer, "detail", entry->detail);
    m4h_json_close(writer, '}');
}

int m4h_json_audit(struct m4h_buffer *out, const struct m4h_audit_record *entries, size_t count,
                   const char *next_page_token)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_open(&writer, "audit", '[');
    for (size_t i = 0; i < count; i++)
        write_entry(&writer, &entries[i]);
    m4h_json_close(&writer, ']');
    m4h_json_text(&writer, "next_page_token", next_page_token);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

/* ---- read ------------------------------------------------------------------------ */

static void read_entry(const json_t *object, struct m4h_audit_record *entry)
{
    m4h_json_get_text(object, "id", entry->record_id, sizeof(entry->record_id));
    entry->wall_ms = m4h_json_get_time(object, "time");
    m4h_json_get_text(object, "source", entry->service_id, sizeof(entry->service_id));
    m4h_json_get_text(object, "actor", entry->actor, sizeof(entry->actor));
    m4h_json_get_text(object, "action", entry->action, sizeof(entry->action));
    m4h_json_get_text(object, "target", entry->target, sizeof(entry->target));
    m4h_json_get_text(object, "remote_address", entry->remote_address,
                      sizeof(entry->remote_address));
    m4h_json_get_text(object, "reason", entry->reason, sizeof(entry->reason));
    m4h_json_get_text(object, "error", entry->error, sizeof(entry->error));
    m4h_json_get_text(object, "detail", entry->detail, sizeof(entry->detail));
}

int m4h_json_audit_read(const uint8_t *data, size_t len, struct m4h_audit_record **entries,
                        size_t *count, char next_page_token[M4H_JSON_TOKEN_MAX])
{
    json_t *document, *list;
    int error = m4h_json_load_object(data, len, &document);

    *entries = NULL;
    *count = 0;
    if (error != 0)
        return error;
    list = m4h_json_get_array(document, "audit");
    if (list == NULL)
        error = M4H_EINVALID;
    else if ((*entries = calloc(json_array_size(list) + 1, sizeof(**entries))) == NULL)
        error = M4H_ENOMEM;
    for (size_t i = 0; error == 0 && i < json_array_size(list); i++)
        read_entry(json_array_get(list, i), &(*entries)[(*count)++]);
    m4h_json_get_text(document, "next_page_token", next_page_token, M4H_JSON_TOKEN_MAX);
    json_decref(document);
    return error;
}
