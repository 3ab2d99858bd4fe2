/* The settings of the validator `service`: see config_validator.h. */
#ifndef M4H_MASTER_CONFIG_SERVICE_H
#define M4H_MASTER_CONFIG_SERVICE_H

#include "services/master/config_validator.h"

struct m4h_service_config {
    struct m4h_validator_settings validator;
    char *subject;
    int format; /* 0 protobuf, 1 json */
};

/* NULL terminated. */
extern const char *const m4h_service_format_names[];

#define M4H_CONFIG_SERVICE_ROWS(at)                                                                \
    {"service",                                                                                    \
     "subject",                                                                                    \
     M4H_CONFIG_TEXT,                                                                              \
     M4H_CONFIG_AT_START,                                                                          \
     at(service.subject),                                                                          \
     "mas4h.v1.validate",                                                                          \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     "The NATS subject on which the validator service asks a program of yours, in any language."}, \
        {"service",                                                                                \
         "format",                                                                                 \
         M4H_CONFIG_CHOICE,                                                                        \
         M4H_CONFIG_AT_START,                                                                      \
         at(service.format),                                                                       \
         "protobuf",                                                                               \
         0,                                                                                        \
         0,                                                                                        \
         m4h_service_format_names,                                                                 \
         "What it is asked in, and answers in: the messages of proto/, or the JSON documents "     \
         "that "                                                                                   \
         "a webhook gets."},                                                                       \
        M4H_CONFIG_VALIDATOR_ROWS(at, "service", service.validator)

#endif
