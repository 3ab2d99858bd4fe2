/* Changes of records. */
#include "services/master/core/device_change.h"

#include "lib/base/ident.h"
#include "services/master/core/registry.h"

#include <string.h>

static bool is_kept(const struct m4h_device_record *record)
{
    return record != NULL && record->state != M4H_DEVICE_REMOVED;
}

static bool is_live(const struct m4h_device_record *record)
{
    return is_kept(record) && record->state != M4H_DEVICE_PENDING;
}

static bool refuse(struct m4h_problem *problem, enum m4h_problem_code code, const char *detail)
{
    m4h_problem_set(problem, code, detail);
    return false;
}

static bool check(const struct m4h_device_record *wish, struct m4h_problem *problem)
{
    if (!m4h_registry_fingerprint_is_valid(wish->key_fingerprint))
        return refuse(problem, M4H_PROBLEM_INVALID,
                      "a record needs a public key, or its SHA-256 fingerprint");
    if (wish->state != 0 && wish->state != M4H_DEVICE_ENABLED && wish->state != M4H_DEVICE_DISABLED)
        return refuse(problem, M4H_PROBLEM_INVALID, "a record is enabled or disabled");
    if (wish->client_key[0] != '\0' && wish->operator_.name[0] != '\0')
        return refuse(problem, M4H_PROBLEM_INVALID, "a key is a device's or an operator's");
    return true;
}

static bool check_state(const struct m4h_device_record *there, const struct m4h_device_put *put,
                        struct m4h_problem *problem)
{
    if (put->create_only && is_live(there))
        return refuse(problem, M4H_PROBLEM_CONFLICT, "there is a record of this key already");
    if (put->device.stamp != 0 && (there == NULL || there->stamp != put->device.stamp))
        return refuse(problem, M4H_PROBLEM_CONFLICT, "the record has been changed meanwhile");
    return true;
}

/* What a change does not say and the record keeps: its beginning, and how it came. */
static void keep(const struct m4h_device_record *there, struct m4h_device_record *out)
{
    if (out->public_key_len == 0) {
        memcpy(out->public_key, there->public_key, there->public_key_len);
        out->public_key_len = there->public_key_len;
    }
    if (is_live(there))
        out->created_wall_ms = there->created_wall_ms;
    m4h_text_copy(out->remote_address, sizeof(out->remote_address), there->remote_address);
    m4h_text_copy(out->username, sizeof(out->username), there->username);
    out->attempts = there->attempts;
}

bool m4h_device_change_put(const struct m4h_device_record *there, const struct m4h_device_put *put,
                           uint64_t stamp, uint64_t wall_ms, struct m4h_device_record *out,
                           struct m4h_problem *problem)
{
    if (!check(&put->device, problem) || !check_state(there, put, problem))
        return false;
    *out = put->device;
    out->state = put->device.state != 0 ? put->device.state : M4H_DEVICE_ENABLED;
    out->created_wall_ms = wall_ms;
    out->remote_address[0] = out->username[0] = '\0';
    out->attempts = 0;
    if (is_kept(there))
        keep(there, out);
    if (out->operator_.name[0] == '\0' && out->client_key[0] == '\0')
        m4h_text_copy(out->client_key, sizeof(out->client_key), out->key_fingerprint);
    out->stamp = stamp;
    m4h_text_copy(out->actor, sizeof(out->actor), put->actor);
    return true;
}

void m4h_device_change_remove(const struct m4h_device_record *there, const char *actor,
                              uint64_t stamp, struct m4h_device_record *out)
{
    *out = (struct m4h_device_record){
        .state = M4H_DEVICE_REMOVED,
        .created_wall_ms = there->created_wall_ms,
        .stamp = stamp,
    };
    m4h_text_copy(out->key_fingerprint, sizeof(out->key_fingerprint), there->key_fingerprint);
    m4h_text_copy(out->client_key, sizeof(out->client_key), there->client_key);
    m4h_text_copy(out->actor, sizeof(out->actor), actor);
}

/* ---- what a change voids --------------------------------------------------------- */

static bool ends_earlier(const struct m4h_device_record *there, const struct m4h_device_record *now)
{
    return now->expires_wall_ms != 0 &&
           (there->expires_wall_ms == 0 || now->expires_wall_ms < there->expires_wall_ms);
}

static bool is_same_rule(const struct m4h_operator_rule *a, const struct m4h_operator_rule *b)
{
    if (strcmp(a->client_key_pattern, b->client_key_pattern) != 0 ||
        strcmp(a->labels, b->labels) != 0 || a->port_range_count != b->port_range_count)
        return false;
    for (uint8_t i = 0; i < a->port_range_count; i++)
        if (a->ports[i].first != b->ports[i].first || a->ports[i].last != b->ports[i].last)
            return false;
    return true;
}

static bool is_same_operator(const struct m4h_operator *a, const struct m4h_operator *b)
{
    if (strcmp(a->name, b->name) != 0 || a->rule_count != b->rule_count)
        return false;
    for (uint8_t i = 0; i < a->rule_count; i++)
        if (!is_same_rule(&a->rules[i], &b->rules[i]))
            return false;
    return true;
}

const char *m4h_device_change_voids(const struct m4h_device_record *there,
                                    const struct m4h_device_record *now)
{
    if (there->state != M4H_DEVICE_ENABLED)
        return NULL;
    if (now->state == M4H_DEVICE_REMOVED)
        return "its record was removed";
    if (now->state != M4H_DEVICE_ENABLED)
        return "its record was disabled";
    if (strcmp(there->client_key, now->client_key) != 0)
        return "its client key was changed";
    if (!is_same_operator(&there->operator_, &now->operator_))
        return "what it may reach was changed";
    if (ends_earlier(there, now))
        return "it ends earlier";
    return NULL;
}
