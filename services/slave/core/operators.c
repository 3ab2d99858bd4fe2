/* Who may come to a device, how many, for how long and how fast. */
#include "services/slave/core/operators.h"

#include "lib/base/error.h"

#include <stdlib.h>

struct m4h_operator_rules m4h_operator_rules_of(const struct m4h_operator_rules *settings,
                                                const struct m4h_device_limits *limits,
                                                const struct m4h_networks *device_networks)
{
    struct m4h_operator_rules rules = *settings;

    rules.device_networks = device_networks;
    if (limits != NULL && limits->channels_max > 0)
        rules.channels_max = limits->channels_max;
    if (limits != NULL && limits->idle_ms > 0)
        rules.idle_ms = limits->idle_ms;
    if (limits != NULL && limits->bytes_per_second > 0)
        rules.bytes_per_second = limits->bytes_per_second;
    if (rules.bytes_per_second > 0 && rules.bytes_per_second < M4H_OPERATOR_RATE_MIN)
        rules.bytes_per_second = M4H_OPERATOR_RATE_MIN;
    return rules;
}

int m4h_operator_networks_read(const struct m4h_device_limits *limits,
                               struct m4h_networks *networks)
{
    *networks = (struct m4h_networks){NULL, 0};
    if (limits == NULL || limits->operator_network_count == 0)
        return 0;
    networks->list = calloc(limits->operator_network_count, sizeof(*networks->list));
    if (networks->list == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < limits->operator_network_count; i++) {
        if (m4h_network_parse(limits->operator_networks[i], &networks->list[i]) != 0) {
            m4h_networks_free(networks);
            return M4H_EINVALID;
        }
        networks->count++;
    }
    return 0;
}

static bool lets_in(const struct m4h_networks *networks, const struct m4h_ip *ip)
{
    if (networks == NULL || networks->count == 0)
        return true;
    return ip != NULL && m4h_networks_contain(networks, ip);
}

enum m4h_operator_verdict m4h_operator_judge(const struct m4h_operator_rules *rules,
                                             const struct m4h_ip *ip, uint32_t channels)
{
    if (!lets_in(rules->networks, ip) || !lets_in(rules->device_networks, ip))
        return M4H_OPERATOR_FOREIGN;
    if (rules->channels_max > 0 && channels >= rules->channels_max)
        return M4H_OPERATOR_SURPLUS;
    return M4H_OPERATOR_ADMITTED;
}

const char *m4h_operator_verdict_name(enum m4h_operator_verdict verdict)
{
    static const char *const names[M4H_OPERATOR_VERDICT_COUNT] = {
        [M4H_OPERATOR_ADMITTED] = "admitted",
        [M4H_OPERATOR_FOREIGN] = "network",
        [M4H_OPERATOR_SURPLUS] = "channels_max",
        [M4H_OPERATOR_HOMELESS] = "files",
    };

    return verdict < M4H_OPERATOR_VERDICT_COUNT ? names[verdict] : "unknown";
}
