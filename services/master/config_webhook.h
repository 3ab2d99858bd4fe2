/* The settings of the validator `webhook`: see config_validator.h. */
#ifndef M4H_MASTER_CONFIG_WEBHOOK_H
#define M4H_MASTER_CONFIG_WEBHOOK_H

#include "services/master/config_validator.h"

struct m4h_webhook_config {
    struct m4h_validator_settings validator;
    char *url;
    char *token_file;
    char *ca_file;
    char *cert_file;
    char *key_file;
    int64_t connect_timeout_ms;
    int64_t connections_max;
    int64_t breaker_failures;
    int64_t breaker_rest_ms;
    int64_t breaker_rest_max_ms;
};

#define M4H_CONFIG_WEBHOOK_ROW(at, key, type, member, fallback, min, max, help)                    \
    {                                                                                              \
        "webhook", key, type, M4H_CONFIG_AT_START, at(webhook.member), fallback, min, max, NULL,   \
            help                                                                                   \
    }

#define M4H_CONFIG_WEBHOOK_ROWS(at)                                                                \
    M4H_CONFIG_WEBHOOK_ROW(                                                                        \
        at, "url", M4H_CONFIG_TEXT, url, "", 0, 0,                                                 \
        "Where the validator webhook posts its questions, https or http: docs/PROTOCOL.md says "   \
        "what they and the answers are."),                                                         \
        M4H_CONFIG_WEBHOOK_ROW(                                                                    \
            at, "token_file", M4H_CONFIG_PATH, token_file, "", 0, 0,                               \
            "A file whose first line is sent as Authorization: Bearer; read again when it "        \
            "changes. Empty: none."),                                                              \
        M4H_CONFIG_WEBHOOK_ROW(at, "ca_file", M4H_CONFIG_PATH, ca_file, "", 0, 0,                  \
                               "A PEM file of authorities to trust, instead of the system's."),    \
        M4H_CONFIG_WEBHOOK_ROW(at, "cert_file", M4H_CONFIG_PATH, cert_file, "", 0, 0,              \
                               "A PEM file: the certificate that is shown to the server."),        \
        M4H_CONFIG_WEBHOOK_ROW(at, "key_file", M4H_CONFIG_PATH, key_file, "", 0, 0,                \
                               "A PEM file: the private key of that certificate."),                \
        M4H_CONFIG_WEBHOOK_ROW(at, "connect_timeout_ms", M4H_CONFIG_DURATION, connect_timeout_ms,  \
                               "500", 1, 60000, "How long a connection may take to be there."),    \
        M4H_CONFIG_WEBHOOK_ROW(                                                                    \
            at, "connections_max", M4H_CONFIG_COUNT, connections_max, "128", 1, 4096,              \
            "Connections at once, kept open between questions; more questions wait."),             \
        M4H_CONFIG_WEBHOOK_ROW(                                                                    \
            at, "breaker_failures", M4H_CONFIG_COUNT, breaker_failures, "20", 0, 1000000,          \
            "After so many failures in a row it is not asked for a while. 0: it always is."),      \
        M4H_CONFIG_WEBHOOK_ROW(                                                                    \
            at, "breaker_rest_ms", M4H_CONFIG_DURATION, breaker_rest_ms, "1000", 1, 3600000,       \
            "How long it is then left alone, before one question tries it again; twice as long "   \
            "each time."),                                                                         \
        M4H_CONFIG_WEBHOOK_ROW(at, "breaker_rest_max_ms", M4H_CONFIG_DURATION,                     \
                               breaker_rest_max_ms, "30000", 1, 3600000,                           \
                               "The longest of these rests."),                                     \
        M4H_CONFIG_VALIDATOR_ROWS(at, "webhook", webhook.validator)

#endif
