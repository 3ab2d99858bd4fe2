/* Grants: from where, until when, to whom. */
#include "services/master/core/key_grant.h"

#include "lib/base/network.h"
#include "lib/base/pattern.h"

#include <string.h>

/* ---- from ------------------------------------------------------------------- */

/* One pattern of the list, without its !. */
struct pattern {
    bool is_negated;
    char text[M4H_NETWORK_TEXT_MAX];
};

/* The first pattern of the list; `*rest` is what follows, NULL at the end. False: too long, or
 * there is nothing. */
static bool take_pattern(const char *list, struct pattern *pattern, const char **rest)
{
    size_t len = strcspn(list, ",");

    *rest = list[len] == ',' ? list + len + 1 : NULL;
    pattern->is_negated = len > 0 && list[0] == '!';
    list += pattern->is_negated;
    len -= pattern->is_negated;
    if (len == 0 || len >= sizeof(pattern->text))
        return false;
    memcpy(pattern->text, list, len);
    pattern->text[len] = '\0';
    return true;
}

static bool pattern_is_valid(const char *text)
{
    struct m4h_network network;

    if (strchr(text, '/') != NULL)
        return m4h_network_parse(text, &network) == 0;
    return strspn(text, "0123456789abcdefABCDEF.:*?") == strlen(text);
}

bool m4h_key_from_is_valid(const char *patterns)
{
    struct pattern pattern;

    while (patterns != NULL)
        if (!take_pattern(patterns, &pattern, &patterns) || !pattern_is_valid(pattern.text))
            return false;
    return true;
}

static bool pattern_matches(const char *pattern, const struct m4h_ip *ip)
{
    struct m4h_network network;
    char text[M4H_IP_TEXT_MAX];

    if (m4h_network_parse(pattern, &network) == 0)
        return m4h_network_contains(&network, ip);
    return m4h_pattern_matches(pattern, m4h_ip_text(ip, text));
}

bool m4h_key_from_matches(const char *patterns, const struct m4h_ip *ip)
{
    struct pattern pattern;
    bool fits = false;

    while (patterns != NULL) {
        if (!take_pattern(patterns, &pattern, &patterns))
            return false;
        if (!pattern_matches(pattern.text, ip))
            continue;
        if (pattern.is_negated)
            return false;
        fits = true;
    }
    return fits;
}

/* ---- the verdict ---------------------------------------------------------------- */

static bool comes_from_there(const struct m4h_key_grant *grant, const char *peer)
{
    struct m4h_ip ip;

    return grant->from[0] == '\0' ||
           (m4h_ip_parse_peer(peer, &ip) == 0 && m4h_key_from_matches(grant->from, &ip));
}

void m4h_key_grant_judge(const struct m4h_key_grant *grant,
                         const struct m4h_authorize_request *request, uint64_t wall_ms,
                         struct m4h_verdict *verdict)
{
    struct m4h_authorize_reply *reply = &verdict->reply;

    if (grant->forbids_forwards) {
        m4h_verdict_set(verdict, M4H_VERDICT_DENY, "the key may not forward ports");
    } else if (grant->expires_wall_ms != 0 && grant->expires_wall_ms <= wall_ms) {
        m4h_verdict_set(verdict, M4H_VERDICT_DENY, "the key has expired");
    } else if (!comes_from_there(grant, request->remote_address)) {
        m4h_verdict_set(verdict, M4H_VERDICT_DENY, "the key may not be used from that address");
    } else {
        m4h_verdict_set(verdict, M4H_VERDICT_ALLOW, "");
        m4h_text_copy(reply->client_key, sizeof(reply->client_key), grant->client_key);
        m4h_text_copy(reply->labels, sizeof(reply->labels), grant->labels);
        m4h_text_copy(reply->preferred_region, sizeof(reply->preferred_region), grant->region);
        reply->limits = grant->limits;
        reply->fixed_port = grant->fixed_port;
        reply->expires_wall_ms = grant->expires_wall_ms;
        reply->operator_ = grant->operator_;
    }
}

static bool rules_are_equal(const struct m4h_operator_rule *a, const struct m4h_operator_rule *b)
{
    return strcmp(a->client_key_pattern, b->client_key_pattern) == 0 &&
           strcmp(a->labels, b->labels) == 0 && a->port_range_count == b->port_range_count &&
           memcmp(a->ports, b->ports, a->port_range_count * sizeof(a->ports[0])) == 0;
}

static bool operators_are_equal(const struct m4h_operator *a, const struct m4h_operator *b)
{
    if (strcmp(a->name, b->name) != 0 || a->rule_count != b->rule_count)
        return false;
    for (size_t i = 0; i < a->rule_count; i++)
        if (!rules_are_equal(&a->rules[i], &b->rules[i]))
            return false;
    return true;
}

static bool ends_no_earlier(const struct m4h_key_grant *before, const struct m4h_key_grant *now)
{
    return now->expires_wall_ms == 0 ||
           (before->expires_wall_ms != 0 && now->expires_wall_ms >= before->expires_wall_ms);
}

bool m4h_key_grant_holds(const struct m4h_key_grant *before, const struct m4h_key_grant *now)
{
    return strcmp(before->client_key, now->client_key) == 0 && !now->forbids_forwards &&
           strcmp(before->from, now->from) == 0 && ends_no_earlier(before, now) &&
           operators_are_equal(&before->operator_, &now->operator_);
}
