/* Questions about keys, as JSON. */
#include "lib/json/identity.h"

#include "lib/base/error.h"
#include "lib/base/ssh_certificate.h"
#include "lib/base/ssh_public_key.h"
#include "lib/json/writer.h"

/* The key itself, out of its certificate. */
static bool format_plain_key(const struct m4h_authorize_request *request,
                             char line[M4H_SSH_KEY_TEXT_MAX])
{
    struct m4h_ssh_certificate certificate;
    uint8_t blob[M4H_PUBLIC_KEY_BLOB_MAX];
    size_t len;

    return m4h_ssh_certificate_parse(request->public_key, request->public_key_len, &certificate) ==
               0 &&
           m4h_ssh_certificate_plain_key(&certificate, blob, sizeof(blob), &len) == 0 &&
           m4h_ssh_key_format(blob, len, line);
}

static bool write_key(struct m4h_json_writer *writer, const struct m4h_authorize_request *request)
{
    char line[M4H_SSH_KEY_TEXT_MAX];

    if (!m4h_ssh_certificate_is_one(request->public_key, request->public_key_len)) {
        if (!m4h_ssh_key_format(request->public_key, request->public_key_len, line))
            return false;
        m4h_json_text(writer, "public_key", line);
        return true;
    }
    if (!format_plain_key(request, line))
        return false;
    m4h_json_text(writer, "public_key", line);
    if (!m4h_ssh_key_format(request->public_key, request->public_key_len, line))
        return false;
    m4h_json_text(writer, "certificate", line);
    return true;
}

int m4h_json_identity_request(struct m4h_buffer *out, const char *request_id,
                              const struct m4h_authorize_request *request)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "request_id", request_id);
    if (!write_key(&writer, request))
        writer.error = M4H_EINVALID;
    m4h_json_text(&writer, "key_fingerprint", request->key_fingerprint);
    m4h_json_text(&writer, "username", request->username);
    m4h_json_text(&writer, "remote_address", request->remote_address);
    m4h_json_text(&writer, "slave_id", request->slave_id);
    m4h_json_text(&writer, "region", request->region);
    m4h_json_bool(&writer, "recheck", request->recheck);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}
