/* The way to a device by its name, in the words of ssh(1): the hop over a slave, whose host keys
 * are pinned, as a ProxyCommand; and as a block of ssh_config(5). Needs OpenSSH 8.5 or newer. Pure.
 *
 * A ProxyCommand rather than a ProxyJump, because ssh writes the names of hosts in lower case, and
 * client keys are what they are. */
#ifndef M4H_CTL_CORE_SSH_WAY_H
#define M4H_CTL_CORE_SSH_WAY_H

#include "lib/base/model.h"
#include "services/ctl/core/page.h"

/* A client key as a host's name: each byte may take three, and a suffix follows. */
#define M4H_CTL_SSH_NAME_MAX   (3 * M4H_CLIENT_KEY_MAX + M4H_ID_MAX + 2)
#define M4H_CTL_SSH_SHARED_MAX 64

/* How a slave is entered. Texts are borrowed. */
struct m4h_ctl_ssh_entry {
    const struct m4h_slave_status *slave; /* one that m4h_ctl_ssh_may_enter */
    const char *user;                     /* there; empty: as ssh would have it */
    const char *identity;                 /* a file; empty: as ssh would have it */
    const char *const *shared;            /* more words for that ssh, or NULL */
    size_t shared_count;
};

/* It takes connections, and its host keys are known. */
bool m4h_ctl_ssh_may_enter(const struct m4h_slave_status *slave);

/* Whether ssh -W can say this client key. */
bool m4h_ctl_ssh_can_say(const char *client_key);
/* [a-z0-9.-], at most M4H_ID_MAX, neither end a dot or a dash. */
bool m4h_ctl_ssh_suffix_is_valid(const char *suffix);

/* What ssh calls the device, in known_hosts too: "door-7.mas4h". Bytes that no host's name has
 * become "_" and two hexadecimal digits. Returns `out`. */
const char *m4h_ctl_ssh_name(const char *client_key, const char *suffix,
                             char out[M4H_CTL_SSH_NAME_MAX]);

/* The value of ProxyCommand that leads to the device. */
void m4h_ctl_ssh_proxy_command(struct m4h_ctl_page *page, const struct m4h_ctl_ssh_entry *entry,
                               const char *client_key);

/* Blocks of ssh_config(5): each slave that may be entered, as "SUFFIX-SLAVE", and all devices as
 * "CLIENT-KEY.SUFFIX" by way of `entry`. */
void m4h_ctl_ssh_config(struct m4h_ctl_page *page, const struct m4h_ctl_ssh_entry *entry,
                        const struct m4h_slave_status *slaves, size_t count, const char *suffix);

/* Of the words for ssh that follow its host, those that the hop needs as well: which settings and
 * which keys to use, how to ask, how much to say. They end where the command begins. Returns how
 * many of `shared` were filled; those that do not fit are left out. */
size_t m4h_ctl_ssh_shared(const char *const *words, size_t count,
                          const char *shared[M4H_CTL_SSH_SHARED_MAX]);

#endif
