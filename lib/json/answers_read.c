/* Answers to operations, and refusals, as a client reads them. */
#include "lib/base/error.h"
#include "lib/json/read.h"
#include "lib/json/reader.h"

#include <string.h>

int m4h_json_slot_read(const uint8_t *data, size_t len, struct m4h_slot *slot)
{
    const json_t *object;
    json_t *document;
    int error = m4h_json_load_object(data, len, &document);

    memset(slot, 0, sizeof(*slot));
    if (error != 0)
        return error;
    object = json_object_get(document, "slot");
    if (json_is_object(object)) {
        m4h_json_get_text(object, "slave_id", slot->slave_id, sizeof(slot->slave_id));
        m4h_json_get_text(object, "region", slot->region, sizeof(slot->region));
        m4h_json_get_text(object, "host", slot->host, sizeof(slot->host));
        slot->port = m4h_json_get_port(object, "port");
        slot->expires_wall_ms = m4h_json_get_time(object, "expires_at");
        slot->host_key_count = m4h_json_get_host_keys(object, slot->host_keys);
    } else {
        error = M4H_EINVALID;
    }
    json_decref(document);
    return error;
}

int m4h_json_draining_read(const uint8_t *data, size_t len, uint32_t *tunnels)
{
    json_t *document;
    int error = m4h_json_load_object(data, len, &document);

    *tunnels = m4h_json_get_u32(document, "tunnels");
    json_decref(document);
    return error;
}

int m4h_json_refusal_read(const uint8_t *data, size_t len, struct m4h_json_refusal *refusal)
{
    json_t *document;
    int error = m4h_json_load_object(data, len, &document);

    m4h_json_get_text(document, "code", refusal->code, sizeof(refusal->code));
    m4h_json_get_text(document, "title", refusal->title, sizeof(refusal->title));
    m4h_json_get_text(document, "detail", refusal->detail, sizeof(refusal->detail));
    m4h_json_get_text(document, "request_id", refusal->request_id, sizeof(refusal->request_id));
    refusal->retry_after_ms = m4h_json_get_u32(document, "retry_after_ms");
    json_decref(document);
    return error;
}

int m4h_json_text_read(const uint8_t *data, size_t len, const char *name, char *out,
                       size_t out_size)
{
    json_t *document;
    int error = m4h_json_load_object(data, len, &document);

    m4h_json_get_text(document, name, out, out_size);
    json_decref(document);
    return error;
}
