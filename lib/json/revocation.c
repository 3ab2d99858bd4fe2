/* Revocations, both ways. */
#include "lib/base/error.h"
#include "lib/base/revocations.h"
#include "lib/json/device.h"
#include "lib/json/grant.h"
#include "lib/json/reader.h"

#include <stdlib.h>
#include <string.h>

#define FINGERPRINT     "SHA256:"
#define FINGERPRINT_LEN 50u /* 43 of them are base64 */

/* ---- written ---------------------------------------------------------------------- */

static void write_revocation(struct m4h_json_writer *writer, const struct m4h_revoke *revoke)
{
    char name[M4H_REVOCATION_NAME_MAX + 1];

    m4h_revocation_name(name, revoke->key_fingerprint, revoke->client_key);
    m4h_json_open(writer, NULL, '{');
    m4h_json_text(writer, "name", name);
    m4h_json_text(writer, "client_key", revoke->client_key);
    m4h_json_text(writer, "key_fingerprint", revoke->key_fingerprint);
    m4h_json_bool(writer, "banned", revoke->banned);
    m4h_json_time(writer, "at", revoke->stamp >> 16);
    m4h_json_text(writer, "actor", revoke->actor);
    m4h_json_text(writer, "reason", revoke->reason);
    m4h_json_close(writer, '}');
}

int m4h_json_revocation(struct m4h_buffer *out, const struct m4h_revoke *revoke)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    write_revocation(&writer, revoke);
    return m4h_json_finish(&writer);
}

int m4h_json_revocations(struct m4h_buffer *out, const struct m4h_revoke *revocations, size_t count,
                         const char *next_page_token)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_open(&writer, "revocations", '[');
    for (size_t i = 0; i < count; i++)
        write_revocation(&writer, &revocations[i]);
    m4h_json_close(&writer, ']');
    m4h_json_text(&writer, "next_page_token", next_page_token);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

int m4h_json_revoke_request(struct m4h_buffer *out, const struct m4h_revoke_request *request)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    if (request->key_fingerprint[0] != '\0')
        m4h_json_text(&writer, "key_fingerprint", request->key_fingerprint);
    else
        m4h_json_text(&writer, "client_key", request->client_key);
    m4h_json_bool(&writer, "ban", request->banned);
    m4h_json_text(&writer, "reason", request->reason);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

/* ---- a request ---------------------------------------------------------------------- */

static void read_request(struct m4h_json_strict *strict, json_t *object,
                         struct m4h_revoke_request *request)
{
    static const char *const names[] = {"client_key", "key_fingerprint", "ban", "reason", NULL};

    if (!json_is_object(object)) {
        m4h_json_refuse(strict, "the request must be a JSON object");
        return;
    }
    m4h_json_strict_names(strict, object, "the request", names);
    m4h_json_read_client_key(strict, object, request->client_key);
    m4h_json_strict_text(strict, object, "key_fingerprint", request->key_fingerprint,
                         sizeof(request->key_fingerprint));
    if ((request->client_key[0] != '\0') == (request->key_fingerprint[0] != '\0'))
        m4h_json_refuse(strict, "name a \"client_key\" or a \"key_fingerprint\": one of them");
    if (request->key_fingerprint[0] != '\0' &&
        (strncmp(request->key_fingerprint, FINGERPRINT, strlen(FINGERPRINT)) != 0 ||
         strlen(request->key_fingerprint) != FINGERPRINT_LEN))
        m4h_json_refuse(strict, "\"key_fingerprint\" must be as in \"SHA256:...\"");
    request->banned = true;
    if (m4h_json_strict_member(object, "ban") != NULL)
        request->banned = m4h_json_strict_bool(strict, object, "ban");
    m4h_json_strict_text(strict, object, "reason", request->reason, sizeof(request->reason));
}

int m4h_json_revoke_request_parse(const uint8_t *data, size_t len,
                                  struct m4h_revoke_request *request,
                                  char problem[M4H_DETAIL_MAX + 1])
{
    struct m4h_json_strict strict = {.problem = problem};
    json_t *object;

    memset(request, 0, sizeof(*request));
    problem[0] = '\0';
    object = m4h_json_strict_load(&strict, "the request", data, len, M4H_JSON_DEVICE_MAX);
    if (object == NULL)
        return strict.error;
    read_request(&strict, object, request);
    json_decref(object);
    if (strict.error != 0)
        memset(request, 0, sizeof(*request));
    return strict.error;
}

/* ---- as a client shows them ------------------------------------------------------------ */

static void read_revocation(const json_t *object, struct m4h_revoke *revoke)
{
    m4h_json_get_text(object, "client_key", revoke->client_key, sizeof(revoke->client_key));
    m4h_json_get_text(object, "key_fingerprint", revoke->key_fingerprint,
                      sizeof(revoke->key_fingerprint));
    revoke->banned = m4h_json_get_bool(object, "banned");
    revoke->stamp = m4h_json_get_time(object, "at") << 16;
    m4h_json_get_text(object, "actor", revoke->actor, sizeof(revoke->actor));
    m4h_json_get_text(object, "reason", revoke->reason, sizeof(revoke->reason));
}

int m4h_json_revocation_read(const uint8_t *data, size_t len, struct m4h_revoke *revoke)
{
    json_t *object;
    int error = m4h_json_load_object(data, len, &object);

    memset(revoke, 0, sizeof(*revoke));
    if (error == 0)
        read_revocation(object, revoke);
    json_decref(object);
    return error;
}

int m4h_json_revocations_read(const uint8_t *data, size_t len, struct m4h_revoke **revocations,
                              size_t *count, char next_page_token[M4H_JSON_TOKEN_MAX])
{
    json_t *list, *document;
    int error = m4h_json_load_page(data, len, "revocations", &document, &list, next_page_token);

    *revocations = NULL;
    *count = 0;
    if (error == 0) {
        *revocations = m4h_json_room_for(list, sizeof(**revocations));
        if (*revocations == NULL)
            error = M4H_ENOMEM;
    }
    for (size_t i = 0; error == 0 && i < json_array_size(list); i++)
        read_revocation(json_array_get(list, i), &(*revocations)[(*count)++]);
    json_decref(document);
    return error;
}
