/* What operators may do with one device's ports: the slave's own settings, and what a
 * master has said of this device. */
#ifndef M4H_SLAVE_CORE_OPERATORS_H
#define M4H_SLAVE_CORE_OPERATORS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "lib/base/network.h"

/* A slower tunnel is given this: while a limit holds a device's bytes back, its signs of
 * life wait with them. */
#define M4H_OPERATOR_RATE_MIN 4096u

/* Borrowed, all of it. */
struct m4h_operator_rules {
    const struct m4h_networks *networks;        /* of the settings; empty: from anywhere */
    const struct m4h_networks *device_networks; /* of a master; empty: likewise */
    uint32_t channels_max;                      /* connections at once; 0: no limit */
    uint32_t idle_ms;                           /* without a byte either way; 0: for ever */
    uint64_t bytes_per_second;                  /* each way, all connections; 0: no limit */
};

enum m4h_operator_verdict {
    M4H_OPERATOR_ADMITTED,
    M4H_OPERATOR_FOREIGN,  /* its network is not among the allowed */
    M4H_OPERATOR_SURPLUS,  /* the device has as many connections as it may */
    M4H_OPERATOR_HOMELESS, /* the files that are left are for devices; never judged here */
    M4H_OPERATOR_VERDICT_COUNT,
};

/* What a master says of a device takes the place of the settings, but for the networks:
 * those of the settings hold for every device. `limits` may be NULL. */
struct m4h_operator_rules m4h_operator_rules_of(const struct m4h_operator_rules *settings,
                                                const struct m4h_device_limits *limits,
                                                const struct m4h_networks *device_networks);

/* The networks of `limits`, parsed; the caller frees them. `limits` may be NULL. M4H_EINVALID,
 * M4H_ENOMEM: nobody must be let in for want of a rule. */
M4H_MUST_CHECK int m4h_operator_networks_read(const struct m4h_device_limits *limits,
                                              struct m4h_networks *networks);

/* May an operator connect who comes from `ip` (NULL: it is not known), while the device
 * has `channels` connections? */
enum m4h_operator_verdict m4h_operator_judge(const struct m4h_operator_rules *rules,
                                             const struct m4h_ip *ip, uint32_t channels);
/* For logs and metrics: "network", "channels_max", "files". */
const char *m4h_operator_verdict_name(enum m4h_operator_verdict verdict);

#endif
