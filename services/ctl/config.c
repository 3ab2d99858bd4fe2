/* The table of mas4hctl's settings. */
#include "services/ctl/config.h"

#include "lib/base/attributes.h"

#define AT(member) offsetof(struct m4h_ctl_config, member)

static const char *const colors[] = {"auto", "always", "never", NULL};

static const struct m4h_config_option options[] = {
    {"gateway", "url", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(gateway_url),
     "http://127.0.0.1:8080", 0, 0, NULL, "Where the gateway, or the balancer before it, is."},
    {"gateway", "token_file", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(token_file), "", 0, 0, NULL,
     "A file whose first line is the access token; ~/ is not expanded."},
    {"gateway", "cacert", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(cacert), "", 0, 0, NULL,
     "The authorities (PEM) that the gateway's certificate is checked by, instead of the "
     "system's."},
    {"gateway", "timeout_ms", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, AT(timeout_ms), "10000",
     100, 600000, NULL, "Time for an answer."},
    {"ssh", "user", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(ssh_user), "ops", 0, 0, NULL,
     "The user name at slaves, where it means nothing but stands in events; not that at devices."},
    {"ssh", "identity", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(ssh_identity), "", 0, 0, NULL,
     "The private key that slaves know, for mas4hctl ssh and ssh-config; none: ssh chooses."},
    {"ssh", "suffix", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(ssh_suffix), "mas4h", 0, 0, NULL,
     "What ssh calls devices: door-7.mas4h, also in known_hosts."},
    {"output", "color", M4H_CONFIG_CHOICE, M4H_CONFIG_AT_START, AT(color), "auto", 0, 0, colors,
     "auto: on a terminal, unless NO_COLOR is set."},
};

const struct m4h_config_table m4h_ctl_config_table = {
    .program = "mas4hctl",
    .prefix = "MAS4H_CTL",
    .summary = "Shows and operates a mas4h cluster.",
    .options = options,
    .option_count = M4H_COUNT(options),
    .size = sizeof(struct m4h_ctl_config),
};
