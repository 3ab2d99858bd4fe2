/* Answers about keys, from a program that may be wrong, old or taken over. Every member is known,
 * has its type and its rule, or the answer counts as none: a name that is spelt wrong must not
 * leave out a limit. */
#include "lib/json/identity.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "lib/base/labels.h"
#include "lib/base/network.h"
#include "lib/base/walltime.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS_MAX 65535u
/* As in authorized_keys: a slave gives at least so much, and counts no more. */
#define RATE_MIN 4096u
#define RATE_MAX ((uint64_t)1 << 40)

/* One answer while it is read; what is wrong is kept once. */
struct reading {
    char *problem; /* M4H_DETAIL_MAX + 1 */
    int error;
};

static void refuse(struct reading *reading, const char *format, ...) M4H_PRINTF(2, 3);

static void refuse(struct reading *reading, const char *format, ...)
{
    char text[M4H_DETAIL_MAX + 1];
    va_list args;

    if (reading->error != 0)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    m4h_ident_text_clean(reading->problem, M4H_DETAIL_MAX + 1, text);
    reading->error = M4H_EINVALID;
}

/* ---- members -------------------------------------------------------------------- */

/* Only these may be there; a member whose name begins with "x-" is the program's own. */
static void check_names(struct reading *reading, json_t *object, const char *where,
                        const char *const *names)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        size_t i = 0;

        while (names[i] != NULL && strcmp(names[i], name) != 0)
            i++;
        if (names[i] == NULL && strncmp(name, "x-", 2) != 0)
            refuse(reading, "%s has a member \"%.40s\", which is not known", where, name);
    }
}

/* NULL where it is not there, or null. */
static json_t *get(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

static json_t *get_object(struct reading *reading, json_t *object, const char *name)
{
    json_t *value = get(object, name);

    if (value == NULL || json_is_object(value))
        return value;
    refuse(reading, "\"%s\" must be an object", name);
    return NULL;
}

static json_t *get_array(struct reading *reading, json_t *object, const char *name, size_t max)
{
    json_t *value = get(object, name);

    if (value == NULL)
        return NULL;
    if (json_is_array(value) && json_array_size(value) <= max)
        return value;
    refuse(reading, "\"%s\" must be an array of at most %zu", name, max);
    return NULL;
}

/* A text without control characters, "" where it is not there. */
static void read_text(struct reading *reading, json_t *object, const char *name, char *out,
                      size_t size)
{
    json_t *value = get(object, name);

    out[0] = '\0';
    if (value == NULL)
        return;
    if (!json_is_string(value) || json_string_length(value) >= size ||
        !m4h_ident_text_is_valid(json_string_value(value), json_string_length(value)))
        refuse(reading, "\"%s\" must be text of at most %zu bytes without control characters", name,
               size - 1);
    else
        m4h_text_copy(out, size, json_string_value(value));
}

/* 0 where it is not there. */
static uint64_t read_number(struct reading *reading, json_t *object, const char *name, uint64_t min,
                            uint64_t max)
{
    json_t *value = get(object, name);
    json_int_t number = json_integer_value(value);

    if (value == NULL)
        return 0;
    if (json_is_integer(value) && number >= 0 && (uint64_t)number >= min && (uint64_t)number <= max)
        return (uint64_t)number;
    refuse(reading, "\"%s\" must be a number from %llu to %llu", name, (unsigned long long)min,
           (unsigned long long)max);
    return 0;
}

/* ---- what several of them have ----------------------------------------------------- */

static bool take_port(const char **text, uint16_t *port)
{
    unsigned value = 0;
    const char *from = *text;

    while (**text >= '0' && **text <= '9' && value <= UINT16_MAX)
        value = value * 10 + (unsigned)(*(*text)++ - '0');
    if (*text == from || value < 1 || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* 22, "22" or "8000-8010". */
static bool read_port_range(const json_t *value, struct m4h_port_range *range)
{
    const char *text = json_string_value(value);

    if (json_is_integer(value)) {
        if (json_integer_value(value) < 1 || json_integer_value(value) > UINT16_MAX)
            return false;
        range->first = range->last = (uint16_t)json_integer_value(value);
        return true;
    }
    if (text == NULL || !take_port(&text, &range->first))
        return false;
    range->last = range->first;
    if (*text == '-') {
        text++;
        if (!take_port(&text, &range->last))
            return false;
    }
    return *text == '\0' && range->first <= range->last;
}

static uint8_t read_ports(struct reading *reading, json_t *object, struct m4h_port_range *ranges,
                          size_t max)
{
    json_t *ports = get_array(reading, object, "ports", max), *value;
    uint8_t count = 0;
    size_t i;

    json_array_foreach(ports, i, value)
    {
        if (read_port_range(value, &ranges[count]))
            count++;
        else
            refuse(reading, "\"ports\" must hold numbers from 1 to 65535 and ranges like "
                            "\"8000-8010\"");
    }
    if (ports != NULL && json_array_size(ports) == 0)
        refuse(reading, "\"ports\" must hold one at least; leave it out to allow any");
    return count;
}

static void read_labels(struct reading *reading, json_t *object,
                        char labels[M4H_LABELS_TEXT_MAX + 1])
{
    json_t *wanted = get_object(reading, object, "labels"), *value;
    const char *name;

    json_object_foreach(wanted, name, value)
    {
        const char *text = json_string_value(value);

        if (text == NULL || strlen(text) != json_string_length(value) ||
            m4h_labels_add(labels, name, text) != 0)
            refuse(reading,
                   "\"labels\": \"%.63s\" cannot be a label of that value, or there are "
                   "too many",
                   name);
    }
}

/* ---- the parts of an answer ----------------------------------------------------------- */

static void read_networks(struct reading *reading, json_t *object, struct m4h_device_limits *limits)
{
    json_t *networks = get_array(reading, object, "operator_networks", M4H_OPERATOR_NETWORKS_MAX);
    struct m4h_network network;
    json_t *value;
    size_t i;

    json_array_foreach(networks, i, value)
    {
        char *out = limits->operator_networks[limits->operator_network_count];
        const char *text = json_string_value(value);

        if (text != NULL && m4h_text_copy(out, M4H_NETWORK_TEXT_MAX, text) &&
            m4h_network_parse(out, &network) == 0)
            limits->operator_network_count++;
        else
            refuse(reading, "\"operator_networks\" must hold networks like \"10.0.0.0/8\"");
    }
    if (networks != NULL && json_array_size(networks) == 0)
        refuse(reading, "\"operator_networks\" must hold one at least; leave it out to allow any");
}

static void read_limits(struct reading *reading, json_t *answer, struct m4h_device_limits *limits)
{
    static const char *const names[] = {"max_forwards",     "max_channels",      "idle_ms",
                                        "bytes_per_second", "operator_networks", NULL};
    json_t *object = get_object(reading, answer, "limits");

    limits->port_range_count = read_ports(reading, answer, limits->ports, M4H_PORT_RANGES_MAX);
    if (object == NULL)
        return;
    check_names(reading, object, "\"limits\"", names);
    limits->forwards_max =
        (uint32_t)read_number(reading, object, "max_forwards", 1, M4H_TUNNEL_PORTS_MAX);
    limits->channels_max = (uint32_t)read_number(reading, object, "max_channels", 1, CHANNELS_MAX);
    limits->idle_ms = (uint32_t)read_number(reading, object, "idle_ms", 1, UINT32_MAX);
    limits->bytes_per_second = read_number(reading, object, "bytes_per_second", RATE_MIN, RATE_MAX);
    read_networks(reading, object, limits);
}

static void read_rule(struct reading *reading, json_t *object, struct m4h_operator_rule *rule)
{
    static const char *const names[] = {"devices", "labels", "ports", NULL};

    if (!json_is_object(object)) {
        refuse(reading, "\"rules\" must hold objects");
        return;
    }
    check_names(reading, object, "a rule", names);
    read_text(reading, object, "devices", rule->client_key_pattern,
              sizeof(rule->client_key_pattern));
    read_labels(reading, object, rule->labels);
    rule->port_range_count = read_ports(reading, object, rule->ports, M4H_OPERATOR_PORTS_MAX);
}

static void read_operator(struct reading *reading, json_t *answer, struct m4h_operator *operator_)
{
    static const char *const names[] = {"name", "rules", "max_channels", NULL};
    json_t *object = get_object(reading, answer, "operator"), *rules, *rule;
    size_t i;

    if (object == NULL)
        return;
    check_names(reading, object, "\"operator\"", names);
    read_text(reading, object, "name", operator_->name, sizeof(operator_->name));
    if (!m4h_ident_client_key_is_valid(operator_->name))
        refuse(reading, "\"operator\" must have a \"name\" of 1 to %d bytes", M4H_CLIENT_KEY_MAX);
    operator_->channels_max =
        (uint32_t)read_number(reading, object, "max_channels", 1, CHANNELS_MAX);
    rules = get_array(reading, object, "rules", M4H_OPERATOR_RULES_MAX);
    json_array_foreach(rules, i, rule)
        read_rule(reading, rule, &operator_->rules[operator_->rule_count++]);
}

static void read_client_key(struct reading *reading, json_t *answer,
                            struct m4h_authorize_reply *reply)
{
    json_t *value = get(answer, "client_key");

    read_text(reading, answer, "client_key", reply->client_key, sizeof(reply->client_key));
    if (value != NULL && !m4h_ident_client_key_is_valid(reply->client_key))
        refuse(reading, "\"client_key\" must be 1 to %d bytes without a space at either end",
               M4H_CLIENT_KEY_MAX);
    if (value != NULL && reply->operator_.name[0] != '\0')
        refuse(reading, "a key is a device's or an operator's: not \"client_key\" and "
                        "\"operator\"");
}

static void read_region(struct reading *reading, json_t *answer, struct m4h_authorize_reply *reply)
{
    read_text(reading, answer, "region", reply->preferred_region, sizeof(reply->preferred_region));
    if (reply->preferred_region[0] != '\0' && !m4h_ident_id_is_valid(reply->preferred_region))
        refuse(reading, "\"region\" must be made of a-z, 0-9 and -");
}

static void read_expiry(struct reading *reading, json_t *answer, struct m4h_authorize_reply *reply)
{
    char text[64];

    read_text(reading, answer, "expires_at", text, sizeof(text));
    if (text[0] != '\0' && m4h_walltime_parse(text, &reply->expires_wall_ms) != 0)
        refuse(reading, "\"expires_at\" must be a time like 2030-01-31T12:00:00Z");
}

/* 0 is "do not keep it", which the reply has no word for: a moment. */
static void read_valid_for(struct reading *reading, json_t *answer,
                           struct m4h_authorize_reply *reply)
{
    uint64_t valid_for_ms = read_number(reading, answer, "valid_for_ms", 0, UINT32_MAX);

    if (get(answer, "valid_for_ms") != NULL && valid_for_ms == 0)
        valid_for_ms = 1;
    reply->valid_for_ms = (uint32_t)valid_for_ms;
}

static void read_allow(struct reading *reading, json_t *answer, struct m4h_authorize_reply *reply)
{
    read_operator(reading, answer, &reply->operator_);
    read_client_key(reading, answer, reply);
    read_limits(reading, answer, &reply->limits);
    read_labels(reading, answer, reply->labels);
    read_region(reading, answer, reply);
    read_expiry(reading, answer, reply);
    reply->fixed_port = (uint16_t)read_number(reading, answer, "port", 1, UINT16_MAX);
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void read_result(struct reading *reading, json_t *answer,
                        enum m4h_json_identity_result *result)
{
    static const char *const names[] = {
        [M4H_JSON_IDENTITY_UNKNOWN] = "unknown",
        [M4H_JSON_IDENTITY_ALLOW] = "allow",
        [M4H_JSON_IDENTITY_DENY] = "deny",
    };
    const char *text = json_string_value(get(answer, "result"));
    size_t i = 0;

    while (text != NULL && i < M4H_COUNT(names) && strcmp(names[i], text) != 0)
        i++;
    if (text != NULL && i < M4H_COUNT(names))
        *result = (enum m4h_json_identity_result)i;
    else
        refuse(reading, "\"result\" must be \"allow\", \"deny\" or \"unknown\"");
}

static void read_answer(struct reading *reading, json_t *answer,
                        enum m4h_json_identity_result *result, struct m4h_authorize_reply *reply)
{
    static const char *const names[] = {
        "request_id", "result", "reason",       "client_key", "labels",   "ports", "port",
        "region",     "limits", "valid_for_ms", "expires_at", "operator", NULL};
    const char *reason = json_string_value(json_object_get(answer, "reason"));

    if (!json_is_object(answer)) {
        refuse(reading, "the answer must be a JSON object");
        return;
    }
    check_names(reading, answer, "the answer", names);
    read_result(reading, answer, result);
    m4h_ident_text_clean(reply->detail, sizeof(reply->detail), reason != NULL ? reason : "");
    read_valid_for(reading, answer, reply);
    if (*result == M4H_JSON_IDENTITY_ALLOW)
        read_allow(reading, answer, reply);
}

static json_t *load(struct reading *reading, const uint8_t *data, size_t len)
{
    json_error_t where;
    json_t *document;

    if (len > M4H_JSON_IDENTITY_MAX) {
        refuse(reading, "the answer is longer than %d bytes", M4H_JSON_IDENTITY_MAX);
        reading->error = M4H_ETOOBIG;
        return NULL;
    }
    document = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, &where);
    if (document != NULL)
        return document;
    refuse(reading, "the answer is not JSON at line %d, column %d", where.line, where.column);
    reading->error =
        json_error_code(&where) == json_error_out_of_memory ? M4H_ENOMEM : M4H_EPROTOCOL;
    return NULL;
}

int m4h_json_identity_answer_read(const uint8_t *data, size_t len,
                                  enum m4h_json_identity_result *result,
                                  struct m4h_authorize_reply *reply,
                                  char problem[M4H_DETAIL_MAX + 1])
{
    struct reading reading = {.problem = problem};
    json_t *answer;

    *result = M4H_JSON_IDENTITY_UNKNOWN;
    problem[0] = '\0';
    memset(reply, 0, sizeof(*reply));
    answer = load(&reading, data, len);
    if (answer == NULL)
        return reading.error;
    read_answer(&reading, answer, result, reply);
    json_decref(answer);
    if (reading.error != 0)
        memset(reply, 0, sizeof(*reply));
    return reading.error;
}
