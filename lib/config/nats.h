/* The rows of [nats], which every service has: how it reaches the bus. The service's
 * struct has the members nats_url, nats_user, nats_password, nats_password_file,
 * nats_credentials, nats_nkey, nats_inbox_prefix, nats_tls_ca, nats_tls_cert and
 * nats_tls_key, all char *; `at` gives the offset of a member. What a new row says
 * reaches the bus by M4H_CONFIG_NATS_FILL, in all services at once. */
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
        M4H_CONFIG_NATS_ROW(at, "password_file", M4H_CONFIG_PATH, nats_password_file, "",          \
                            "A file whose first line is that password, instead of it."),           \
        M4H_CONFIG_NATS_ROW(at, "credentials", M4H_CONFIG_PATH, nats_credentials, "",              \
                            "A .creds file, instead of user and password."),                       \
        M4H_CONFIG_NATS_ROW(at, "nkey", M4H_CONFIG_PATH, nats_nkey, "",                            \
                            "A file with the seed of a user's nkey (SU...), instead of them."),    \
        M4H_CONFIG_NATS_ROW(at, "inbox_prefix", M4H_CONFIG_TEXT, nats_inbox_prefix, "_INBOX",      \
                            "Answers come to subjects below this: what the user may subscribe."),  \
        M4H_CONFIG_NATS_ROW(at, "tls_ca", M4H_CONFIG_PATH, nats_tls_ca, "",                        \
                            "A PEM file of authorities: connect by TLS and trust these only."),    \
        M4H_CONFIG_NATS_ROW(at, "tls_cert", M4H_CONFIG_PATH, nats_tls_cert, "",                    \
                            "A PEM file: the certificate that is shown to servers."),              \
        M4H_CONFIG_NATS_ROW(at, "tls_key", M4H_CONFIG_PATH, nats_tls_key, "",                      \
                            "A PEM file: the private key of that certificate.")

/* Gives a struct m4h_bus_config what [nats] has a word on. The strings stay the service's. */
#define M4H_CONFIG_NATS_FILL(bus, config)                                                          \
    do {                                                                                           \
        (bus)->url = (config)->nats_url;                                                           \
        (bus)->credentials = (config)->nats_credentials;                                           \
        (bus)->nkey = (config)->nats_nkey;                                                         \
        (bus)->user = (config)->nats_user;                                                         \
        (bus)->password = (config)->nats_password;                                                 \
        (bus)->password_file = (config)->nats_password_file;                                       \
        (bus)->inbox_prefix = (config)->nats_inbox_prefix;                                         \
        (bus)->tls_ca = (config)->nats_tls_ca;                                                     \
        (bus)->tls_cert = (config)->nats_tls_cert;                                                 \
        (bus)->tls_key = (config)->nats_tls_key;                                                   \
    } while (0)

#endif
