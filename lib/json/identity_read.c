/* Answers about keys, from a program that may be wrong, old or taken over. */
#include "lib/json/identity.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "lib/json/grant.h"

#include <string.h>

/* 0 is "do not keep it", which the reply has no word for: a moment. */
static void read_valid_for(struct m4h_json_strict *strict, json_t *answer,
                           struct m4h_authorize_reply *reply)
{
    uint64_t valid_for_ms = m4h_json_strict_number(strict, answer, "valid_for_ms", 0, UINT32_MAX);

    if (m4h_json_strict_member(answer, "valid_for_ms") != NULL && valid_for_ms == 0)
        valid_for_ms = 1;
    reply->valid_for_ms = (uint32_t)valid_for_ms;
}

static void read_allow(struct m4h_json_strict *strict, json_t *answer,
                       struct m4h_authorize_reply *reply)
{
    m4h_json_read_operator(strict, answer, &reply->operator_);
    m4h_json_read_client_key(strict, answer, reply->client_key);
    if (reply->client_key[0] != '\0' && reply->operator_.name[0] != '\0')
        m4h_json_refuse(strict, "a key is a device's or an operator's: not \"client_key\" and "
                                "\"operator\"");
    m4h_json_read_limits(strict, answer, &reply->limits);
    reply->limits.port_range_count =
        m4h_json_read_ports(strict, answer, reply->limits.ports, M4H_PORT_RANGES_MAX);
    m4h_json_read_labels(strict, answer, reply->labels);
    m4h_json_read_region(strict, answer, reply->preferred_region);
    m4h_json_read_expiry(strict, answer, &reply->expires_wall_ms);
    reply->fixed_port = (uint16_t)m4h_json_strict_number(strict, answer, "port", 1, UINT16_MAX);
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void read_result(struct m4h_json_strict *strict, json_t *answer,
                        enum m4h_json_identity_result *result)
{
    static const char *const names[] = {
        [M4H_JSON_IDENTITY_UNKNOWN] = "unknown",
        [M4H_JSON_IDENTITY_ALLOW] = "allow",
        [M4H_JSON_IDENTITY_DENY] = "deny",
    };
    const char *text = json_string_value(m4h_json_strict_member(answer, "result"));
    size_t i = 0;

    while (text != NULL && i < M4H_COUNT(names) && strcmp(names[i], text) != 0)
        i++;
    if (text != NULL && i < M4H_COUNT(names))
        *result = (enum m4h_json_identity_result)i;
    else
        m4h_json_refuse(strict, "\"result\" must be \"allow\", \"deny\" or \"unknown\"");
}

static void read_answer(struct m4h_json_strict *strict, json_t *answer,
                        enum m4h_json_identity_result *result, struct m4h_authorize_reply *reply)
{
    static const char *const names[] = {
        "request_id", "result", "reason",       "client_key", "labels",   "ports", "port",
        "region",     "limits", "valid_for_ms", "expires_at", "operator", NULL};
    const char *reason = json_string_value(json_object_get(answer, "reason"));

    if (!json_is_object(answer)) {
        m4h_json_refuse(strict, "the answer must be a JSON object");
        return;
    }
    m4h_json_strict_names(strict, answer, "the answer", names);
    read_result(strict, answer, result);
    m4h_ident_text_clean(reply->detail, sizeof(reply->detail), reason != NULL ? reason : "");
    read_valid_for(strict, answer, reply);
    if (*result == M4H_JSON_IDENTITY_ALLOW)
        read_allow(strict, answer, reply);
}

int m4h_json_identity_answer_read(const uint8_t *data, size_t len,
                                  enum m4h_json_identity_result *result,
                                  struct m4h_authorize_reply *reply,
                                  char problem[M4H_DETAIL_MAX + 1])
{
    struct m4h_json_strict strict = {.problem = problem};
    json_t *answer;

    *result = M4H_JSON_IDENTITY_UNKNOWN;
    problem[0] = '\0';
    memset(reply, 0, sizeof(*reply));
    answer = m4h_json_strict_load(&strict, "the answer", data, len, M4H_JSON_IDENTITY_MAX);
    if (answer == NULL)
        return strict.error;
    read_answer(&strict, answer, result, reply);
    json_decref(answer);
    if (strict.error != 0)
        memset(reply, 0, sizeof(*reply));
    return strict.error;
}
