/* The two settings that every validator with something to wait for has in its own section. The
 * rest of a section is in config_<name>.h: its struct, a member of struct m4h_master_config, and
 * its rows, which begin with these. */
#ifndef M4H_MASTER_CONFIG_VALIDATOR_H
#define M4H_MASTER_CONFIG_VALIDATOR_H

#include "lib/config/config.h"

struct m4h_validator_settings {
    int64_t timeout_ms; /* 0: [authorize] validator_timeout_ms */
    int on_failure;     /* enum m4h_on_failure */
};

/* The choices of on_failure, NULL terminated. */
extern const char *const m4h_on_failure_names[];

/* `at` gives the offset of a member; `member` is the struct above in the service's. */
#define M4H_CONFIG_VALIDATOR_ROWS(at, section, member)                                             \
    {section,                                                                                      \
     "timeout_ms",                                                                                 \
     M4H_CONFIG_DURATION,                                                                          \
     M4H_CONFIG_RELOADABLE,                                                                        \
     at(member.timeout_ms),                                                                        \
     "0",                                                                                          \
     0,                                                                                            \
     60000,                                                                                        \
     NULL,                                                                                         \
     "After so long without an answer it has failed. 0: [authorize] validator_timeout_ms."},       \
    {                                                                                              \
        section, "on_failure", M4H_CONFIG_CHOICE, M4H_CONFIG_RELOADABLE, at(member.on_failure),    \
            "cached", 0, 0, m4h_on_failure_names,                                                  \
            "What is said when it has failed. cached: what it said before, else nothing, so that " \
            "slaves ask another master and then go by what they remember; deny: no; next: as the " \
            "next validator says."                                                                 \
    }

#endif
