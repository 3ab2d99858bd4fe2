/* The command line of mas4hctl: from words to what is asked. Pure. */
#ifndef M4H_CTL_CORE_ARGUMENTS_H
#define M4H_CTL_CORE_ARGUMENTS_H

#include "lib/base/attributes.h"
#include "services/ctl/core/page.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum m4h_ctl_command {
    M4H_CTL_STATUS,
    M4H_CTL_SLAVES,
    M4H_CTL_SLAVE,
    M4H_CTL_TUNNELS,
    M4H_CTL_TUNNEL,
    M4H_CTL_SLOT,
    M4H_CTL_KICK,
    M4H_CTL_DRAIN,
    M4H_CTL_EVENTS,
    M4H_CTL_AUDIT,
    M4H_CTL_TOP,
    M4H_CTL_TOKEN_NEW,
    M4H_CTL_SSH,
    M4H_CTL_SSH_CONFIG,
    M4H_CTL_DEVICE_LIST,
    M4H_CTL_DEVICE_SHOW,
    M4H_CTL_DEVICE_ADD,
    M4H_CTL_DEVICE_IMPORT,
    M4H_CTL_DEVICE_DISABLE,
    M4H_CTL_DEVICE_ENABLE,
    M4H_CTL_DEVICE_REMOVE,
    M4H_CTL_DEVICE_PENDING,
    M4H_CTL_DEVICE_APPROVE,
    M4H_CTL_DEVICE_REJECT,
    M4H_CTL_REVOKE,
    M4H_CTL_LIFT,
    M4H_CTL_REVOCATIONS,
};

/* What is printed instead of doing anything. */
enum m4h_ctl_notice {
    M4H_CTL_NOTHING,
    M4H_CTL_HELP,
    M4H_CTL_VERSION,
    M4H_CTL_SAMPLE, /* of the settings */
};

#define M4H_CTL_MESSAGE_MAX 256

/* Texts are borrowed from argv, NULL where they are not given. */
struct m4h_ctl_arguments {
    enum m4h_ctl_command command;
    enum m4h_ctl_notice notice;
    const char *operand; /* KEY, SLAVE, NAME or FILE */

    const char *gateway, *token_file, *cacert, *config, *color;
    uint32_t timeout_ms; /* 0: not given */
    bool is_json;

    const char *region, *slave, *prefix, *label, *client_key, *type, *after;
    const char *since, *until, *actor, *action, *device;
    const char *name, *scope, *expires;
    const char *state, *operator_, *devices, *ports, *port, *comment, *reason;
    const char *identity, *user, *suffix, *write;
    const char *const *words; /* behind "--", of ssh */
    size_t word_count;
    uint32_t limit, rate, interval_ms; /* 0: not given */
    bool bans, is_banned, replaces;
    bool is_quiet, has_consent, waits, follows;
};

/* `argv` as main gets it. M4H_EINVALID: `message` says what is wrong. */
M4H_MUST_CHECK int m4h_ctl_arguments_parse(int argc, char *const *argv,
                                           struct m4h_ctl_arguments *arguments,
                                           char message[M4H_CTL_MESSAGE_MAX]);

/* How it is used: all commands and options. */
void m4h_ctl_arguments_help(struct m4h_ctl_page *page);

#endif
