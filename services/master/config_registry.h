/* The settings of the masters' own records: [registry] and [enrolment]. */
#ifndef M4H_MASTER_CONFIG_REGISTRY_H
#define M4H_MASTER_CONFIG_REGISTRY_H

#include "lib/config/config.h"

struct m4h_registry_settings {
    char *path;
    bool enrols;
    int64_t pending_max;
    int64_t pending_keep_ms;
    int64_t source_max;
};

/* `at` gives the offset of a member; `member` is the struct above in the service's. */
#define M4H_CONFIG_REGISTRY_ROWS(at, member)                                                       \
    {"registry",                                                                                   \
     "path",                                                                                       \
     M4H_CONFIG_PATH,                                                                              \
     M4H_CONFIG_AT_START,                                                                          \
     at(member.path),                                                                              \
     "",                                                                                           \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     "A file of this master's own, which it makes: the records of devices and operators that the " \
     "validator `database` goes by. Empty: they are kept in memory, and other masters tell them "  \
     "again after a restart."},                                                                    \
        {"enrolment",                                                                              \
         "enabled",                                                                                \
         M4H_CONFIG_BOOL,                                                                          \
         M4H_CONFIG_RELOADABLE,                                                                    \
         at(member.enrols),                                                                        \
         "no",                                                                                     \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "Note keys that no validator knows, so that they can be approved. They are refused all "  \
         "the same until then."},                                                                  \
        {"enrolment",                                                                              \
         "pending_max",                                                                            \
         M4H_CONFIG_COUNT,                                                                         \
         M4H_CONFIG_RELOADABLE,                                                                    \
         at(member.pending_max),                                                                   \
         "1000",                                                                                   \
         1,                                                                                        \
         100000,                                                                                   \
         NULL,                                                                                     \
         "Keys that wait at a time; beyond that no other one is noted."},                          \
        {"enrolment",                                                                              \
         "keep_ms",                                                                                \
         M4H_CONFIG_DURATION,                                                                      \
         M4H_CONFIG_RELOADABLE,                                                                    \
         at(member.pending_keep_ms),                                                               \
         "168h",                                                                                   \
         60000,                                                                                    \
         31622400000,                                                                              \
         NULL,                                                                                     \
         "How long a key waits; it is noted anew when it comes after that."},                      \
    {                                                                                              \
        "enrolment", "new_per_source", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE,                    \
            at(member.source_max), "60", 1, 100000, NULL,                                          \
            "New keys that are noted in an hour of one address, or of one /64 of IPv6."            \
    }

#endif
