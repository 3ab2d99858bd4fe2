/* Reads OpenSSH's authorized_keys format (sshd(8), AUTHORIZED_KEYS FILE FORMAT)
 * into a table of keys. A line that is wrong, or that we cannot honour, is told
 * with its number and skipped; the others count. Pure.
 *
 * The device's client key is the option client-key="...", else the line's
 * comment, else the fingerprint of the key.
 *
 * OpenSSH's options, in whatever case:
 *  - what takes away or gives things that a bouncer never has (a shell, a
 *    command, a terminal, agent, X11 and outward forwarding) is accepted and
 *    changes nothing: restrict, no-pty, no-agent-forwarding, no-X11-forwarding,
 *    no-user-rc, pty, agent-forwarding, X11-forwarding, user-rc,
 *    port-forwarding, command, environment, permitopen, tunnel,
 *    no-touch-required;
 *  - what limits the device is kept with the key, and its slave holds it to that:
 *    permitlisten, and our own operators-from, max-forwards, max-channels,
 *    idle-timeout, bandwidth (key_limits.h);
 *  - what else narrows who may use the key, or for what, is not enforced yet, so
 *    such a line is refused rather than read as a wider permission: from,
 *    expiry-time, no-port-forwarding, cert-authority, principals,
 *    verify-required;
 *  - an option that is not known is refused, as sshd does. */
#ifndef M4H_MASTER_AUTHORIZED_KEYS_H
#define M4H_MASTER_AUTHORIZED_KEYS_H

#include "services/master/core/keys.h"

/* Longer lines are refused: a key of 4096 bytes and its options fit. */
#define M4H_AUTHORIZED_KEYS_LINE_MAX 16384u
/* The largest file that is read, bytes. */
#define M4H_AUTHORIZED_KEYS_FILE_MAX (256u * 1024 * 1024)
/* Bad lines that are told of one by one. */
#define M4H_AUTHORIZED_KEYS_FAULTS_MAX 50u

/* One bad line. */
struct m4h_key_fault {
    uint32_t line;
    char message[160]; /* may hold text from the file: quote it */
};

struct m4h_key_report {
    struct m4h_key_fault faults[M4H_AUTHORIZED_KEYS_FAULTS_MAX];
    uint32_t fault_count; /* of all; the array holds the first ones */
};

/* Adds the keys of the text to `keys`. 0 also where lines are bad; M4H_ENOMEM,
 * M4H_EFULL (more than M4H_KEYS_MAX): `keys` then holds a part. */
M4H_MUST_CHECK int m4h_authorized_keys_parse(struct m4h_keys *keys, const char *text, size_t len,
                                             struct m4h_key_report *report);

#endif
