/* The rows of [nats], which every service has: how it reaches the bus. The service's
 * struct has the members nats_url, nats_user, nats_password, nats_credentials and
 * nats_tls_ca, all char *; `at` gives the offset of a member. */
#ifndef M4H_CONFIG_NATS_H
#define M4H_CONFIG_NATS_H

#include "lib/config/config.h"

#define M4H_CONFIG_NATS_ROW(at, key, type, member, fallback, help)                                 \
    {                                                                                              \
        "nats", key, type, M4H_CONFIG_AT_START, at(member), fallback, 0, 0, NULL, help             \
    }

#define M4H_CONFIG_NATS_ROWS(at)                                                                   \
    M4H_CONFIG_NATS_ROW(at, "url", M4H_CONFIG_TEXT, nats_url, "nats://127.0.0.1:4222",             \
                        "NATS servers, separated by commas."),                                     \
        M4H_CONFIG_NATS_ROW(at, "user", M4H_CONFIG_TEXT, nats_user, "", "User name on the bus."),  \
        M4H_CONFIG_NATS_ROW(at, "password", M4H_CONFIG_TEXT, nats_password, "",                    \
                            "Password of that user."),                                             \
        M4H_CONFIG_NATS_ROW(at, "credentials", M4H_CONFIG_PATH, nats_credentials, "",              \
                            "A .creds file, instead of user and password."),                       \
        M4H_CONFIG_NATS_ROW(at, "tls_ca", M4H_CONFIG_PATH, nats_tls_ca, "",                        \
                            "A PEM file of authorities: connect by TLS and trust these only.")

#endif
