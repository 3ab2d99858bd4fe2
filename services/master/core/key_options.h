/* The options of a line of authorized_keys, in whatever case. Knows neither lines nor files. Pure.
 *
 *  - What takes away or gives things that a bouncer never has (a shell, a
 *    command, a terminal, agent and X11 forwarding) is accepted and changes nothing:
 *    restrict, no-pty, no-agent-forwarding, no-X11-forwarding, no-user-rc, pty,
 *    agent-forwarding, X11-forwarding, user-rc, command, environment, tunnel,
 *    no-touch-required; and permitopen, where the key is no operator's.
 *  - Who may use the key: from="PATTERN,...", expiry-time="YYYYMMDD..." as OpenSSH has them;
 *    no-port-forwarding (unless port-forwarding comes later) refuses it.
 *  - What the device gets: client-key="NAME", port="N" (that one and no other, where it asks for
 * any), region="NAME" (where its slots should be), labels="NAME=VALUE,...", and the limits of
 *    key_limits.h.
 *  - operator="NAME": the key is an operator's, who reaches devices by their names:
 *    permitopen="PATTERN:PORTS" (up to 8 times; a port, a range or *; several with commas),
 *    permit-labels="NAME=VALUE,..." (all of these must be the device's), max-channels.
 *  - cert-authority and principals="PATTERN,...": the key signs those of others; whoever reads the
 *    line decides whether that has a place there.
 *  - verify-required is not enforced, so such a line is refused; as is any other option. */
#ifndef M4H_MASTER_KEY_OPTIONS_H
#define M4H_MASTER_KEY_OPTIONS_H

#include "lib/base/attributes.h"
#include "services/master/core/key_grant.h"

#define M4H_KEY_OPTION_NAME_MAX 40u
#define M4H_KEY_PRINCIPALS_MAX  511u

/* What a line says. */
struct m4h_key_line {
    uint8_t blob[M4H_PUBLIC_KEY_BLOB_MAX]; /* the key in its SSH wire form */
    size_t blob_len;
    struct m4h_key_grant grant;
    bool is_authority;
    char principals[M4H_KEY_PRINCIPALS_MAX + 1]; /* "": any */
};

/* Options on their way in; zero at first. */
struct m4h_key_options {
    struct m4h_key_grant grant;
    char permit_labels[M4H_LABELS_TEXT_MAX + 1];
    bool has_rule;           /* permitopen or permit-labels was there */
    const char *rule_wrong;  /* what is wrong with a permitopen; of no account to devices */
    const char *device_only; /* an option that an operator cannot have */
    bool is_authority;
    char principals[M4H_KEY_PRINCIPALS_MAX + 1];
};

/* Takes one option in, `value` without its quotes, NULL: it has none in quotes. NULL, or what is
 * wrong with it, for people: static. */
M4H_MUST_CHECK const char *m4h_key_options_read(struct m4h_key_options *options, const char *name,
                                                const char *value);
/* All are there: fills in all of the line but the key. NULL, or what does not go together: static.
 */
M4H_MUST_CHECK const char *m4h_key_options_finish(struct m4h_key_options *options,
                                                  struct m4h_key_line *line);

#endif
