/* The settings of the validator `command`: see config_validator.h. */
#ifndef M4H_MASTER_CONFIG_COMMAND_H
#define M4H_MASTER_CONFIG_COMMAND_H

#include "services/master/config_validator.h"

struct m4h_command_settings {
    struct m4h_validator_settings validator;
    char *program;
    int64_t processes_max;
    int64_t queue_max;
    int64_t memory_bytes;
    int64_t cpu_ms;
    int64_t open_files;
};

#define M4H_CONFIG_COMMAND_ROWS(at)                                                                \
    {"command",                                                                                    \
     "program",                                                                                    \
     M4H_CONFIG_TEXT,                                                                              \
     M4H_CONFIG_AT_START,                                                                          \
     at(command.program),                                                                          \
     "",                                                                                           \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     "The program that the validator command runs, with its arguments, as sshd's "                 \
     "AuthorizedKeysCommand: %f fingerprint, %t type, %k key in base64, %u user name, %a "         \
     "address. "                                                                                   \
     "No shell reads it. It belongs to root or this user, and nobody else may write it."},         \
        {"command",                                                                                \
         "processes_max",                                                                          \
         M4H_CONFIG_COUNT,                                                                         \
         M4H_CONFIG_RELOADABLE,                                                                    \
         at(command.processes_max),                                                                \
         "4",                                                                                      \
         1,                                                                                        \
         256,                                                                                      \
         NULL,                                                                                     \
         "How many of it run at a time."},                                                         \
        {"command",                                                                                \
         "queue_max",                                                                              \
         M4H_CONFIG_COUNT,                                                                         \
         M4H_CONFIG_RELOADABLE,                                                                    \
         at(command.queue_max),                                                                    \
         "256",                                                                                    \
         0,                                                                                        \
         65536,                                                                                    \
         NULL,                                                                                     \
         "Keys that wait for one of them; beyond that it has failed."},                            \
        {"command",                                                                                \
         "memory",                                                                                 \
         M4H_CONFIG_SIZE,                                                                          \
         M4H_CONFIG_RELOADABLE,                                                                    \
         at(command.memory_bytes),                                                                 \
         "512M",                                                                                   \
         0,                                                                                        \
         1099511627776,                                                                            \
         NULL,                                                                                     \
         "Address space of each. 0: no limit, which Node and Go need."},                           \
        {"command",                                                                                \
         "cpu_ms",                                                                                 \
         M4H_CONFIG_DURATION,                                                                      \
         M4H_CONFIG_RELOADABLE,                                                                    \
         at(command.cpu_ms),                                                                       \
         "10s",                                                                                    \
         0,                                                                                        \
         3600000,                                                                                  \
         NULL,                                                                                     \
         "Time on a processor of each, in whole seconds. 0: no limit but its time-out."},          \
        {"command",                                                                                \
         "open_files",                                                                             \
         M4H_CONFIG_COUNT,                                                                         \
         M4H_CONFIG_RELOADABLE,                                                                    \
         at(command.open_files),                                                                   \
         "64",                                                                                     \
         0,                                                                                        \
         1048576,                                                                                  \
         NULL,                                                                                     \
         "Files that each may have open. 0: as many as the master."},                              \
        M4H_CONFIG_VALIDATOR_ROWS(at, "command", command.validator)

#endif
