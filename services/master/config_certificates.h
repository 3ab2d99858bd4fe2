/* The settings of the validator `certificates`. */
#ifndef M4H_MASTER_CONFIG_CERTIFICATES_H
#define M4H_MASTER_CONFIG_CERTIFICATES_H

#include "lib/config/config.h"

struct m4h_certificates_settings {
    char *ca_keys;
    char *revoked_keys;
    int client_key; /* enum m4h_certificate_name */
};

/* The choices of client_key, NULL terminated. */
extern const char *const m4h_certificate_names[];

/* `at` gives the offset of a member; `member` is the struct above in the service's. */
#define M4H_CONFIG_CERTIFICATES_ROWS(at, member)                                                   \
    {"certificates",                                                                               \
     "ca_keys",                                                                                    \
     M4H_CONFIG_PATH,                                                                              \
     M4H_CONFIG_AT_START,                                                                          \
     at(member.ca_keys),                                                                           \
     "",                                                                                           \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     "The public keys of the authorities whose user certificates are taken, a line each as in "    \
     "authorized_keys; options say whom they may name (principals=\"berlin-*\") and what such a "  \
     "device may do. Read again when it changes."},                                                \
        {"certificates",                                                                           \
         "revoked_keys",                                                                           \
         M4H_CONFIG_PATH,                                                                          \
         M4H_CONFIG_AT_START,                                                                      \
         at(member.revoked_keys),                                                                  \
         "",                                                                                       \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "Certificates and keys that are good no more, as sshd's RevokedKeys: a list of "          \
         "ssh-keygen -k, or public keys and fingerprints line by line. Read again when it "        \
         "changes; while it was never read no certificate is taken. Empty: none are."},            \
    {                                                                                              \
        "certificates", "client_key", M4H_CONFIG_CHOICE, M4H_CONFIG_AT_START,                      \
            at(member.client_key), "principal", 0, 0, m4h_certificate_names,                       \
            "What of a certificate names the device: principal, the first one, or key-id."         \
    }

#endif
