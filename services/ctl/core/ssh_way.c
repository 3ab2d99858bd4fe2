/* ssh runs a ProxyCommand by the user's shell, after it has replaced its tokens; so each word is
 * quoted for the shell, with its "%" doubled, and once more where a word is itself a command of
 * ssh's. */
#include "services/ctl/core/ssh_way.h"

#include "lib/base/ident.h"

#include <stdio.h>
#include <string.h>

/* Host keys come from a command that says them, so that no file has to be made, kept up to date and
 * removed. ssh wants its path, which env has everywhere. */
#define SAY_KEYS "/usr/bin/env printf \"%%s %%s %%s\\n\""

/* "ssh-ed25519 AAAA...", and nothing that ssh's reading of settings could take for more. */
static bool is_host_key(const char *key)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=@.-";
    size_t kind = strspn(key, letters);

    return kind > 0 && key[kind] == ' ' && key[kind + 1] != '\0' &&
           key[kind + 1 + strspn(key + kind + 1, letters)] == '\0';
}

static bool is_host(const char *host)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";

    return host[0] != '\0' && host[0] != '-' && host[strspn(host, letters)] == '\0';
}

bool m4h_ctl_ssh_may_enter(const struct m4h_slave_status *slave)
{
    bool has_key = false;

    for (size_t i = 0; i < slave->info.host_key_count; i++)
        has_key = has_key || is_host_key(slave->info.host_keys[i]);
    return slave->state == M4H_SLAVE_READY && has_key && is_host(slave->info.host) &&
           m4h_ident_id_is_valid(slave->slave_id);
}

/* ---- names -------------------------------------------------------------------------------- */

bool m4h_ctl_ssh_can_say(const char *client_key)
{
    return client_key[0] != '/' && strpbrk(client_key, "]\\") == NULL &&
           strlen(client_key) <= M4H_CLIENT_KEY_MAX;
}

bool m4h_ctl_ssh_suffix_is_valid(const char *suffix)
{
    size_t len = strlen(suffix);

    return len > 0 && len <= M4H_ID_MAX &&
           strspn(suffix, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len &&
           strchr(".-", suffix[0]) == NULL && strchr(".-", suffix[len - 1]) == NULL;
}

static bool is_of_names(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

const char *m4h_ctl_ssh_name(const char *client_key, const char *suffix,
                             char out[M4H_CTL_SSH_NAME_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;

    for (const char *c = client_key; *c != '\0' && len < (size_t)3 * M4H_CLIENT_KEY_MAX - 2; c++) {
        if (is_of_names(*c) && (len > 0 || *c != '-')) {
            out[len++] = *c;
        } else {
            out[len++] = '_';
            out[len++] = digits[(unsigned char)*c >> 4];
            out[len++] = digits[(unsigned char)*c & 15];
        }
    }
    snprintf(out + len, M4H_CTL_SSH_NAME_MAX - len, ".%s", suffix);
    return out;
}

/* ---- words -------------------------------------------------------------------------------- */

static void put(struct m4h_ctl_page *page, const char *text)
{
    m4h_ctl_page_put(page, M4H_CTL_PLAIN, text);
}

/* Text inside quotes of a shell's, behind ssh's tokens. */
static void put_quoted(struct m4h_ctl_page *page, const char *text)
{
    for (; *text != '\0'; text++) {
        const char one[2] = {*text, '\0'};

        put(page, *text == '\'' ? "'\\''" : *text == '%' ? "%%" : one);
    }
}

/* " 'a' 'b'": a word in parts. */
static void put_word(struct m4h_ctl_page *page, const char *before, const char *text)
{
    put(page, " '");
    put_quoted(page, before);
    put_quoted(page, text);
    put(page, "'");
}

/* The value of KnownHostsCommand. The slave goes by its id there, whatever its address. */
static void put_known_hosts(struct m4h_ctl_page *page, const struct m4h_slave_status *slave)
{
    put(page, SAY_KEYS);
    for (size_t i = 0; i < slave->info.host_key_count; i++) {
        if (is_host_key(slave->info.host_keys[i]))
            m4h_ctl_page_add(page, M4H_CTL_PLAIN, " %s %s", slave->slave_id,
                             slave->info.host_keys[i]);
    }
}

static void put_entry(struct m4h_ctl_page *page, const struct m4h_ctl_ssh_entry *entry)
{
    struct m4h_ctl_page keys;
    char port[8];

    m4h_ctl_page_begin(&keys, false);
    put_known_hosts(&keys, entry->slave);
    if (keys.error == 0)
        keys.error = m4h_buffer_add(&keys.text, "", 1);
    if (keys.error == 0)
        put_word(page, "-oKnownHostsCommand=", (const char *)keys.text.data);
    else if (page->error == 0)
        page->error = keys.error;
    m4h_ctl_page_end(&keys);
    put_word(page, "-oHostKeyAlias=", entry->slave->slave_id);
    put(page, " -oStrictHostKeyChecking=yes -oUserKnownHostsFile=/dev/null"
              " -oGlobalKnownHostsFile=/dev/null -oUpdateHostKeys=no");
    if (entry->identity[0] != '\0')
        put_word(page, "-i", entry->identity);
    for (size_t i = 0; i < entry->shared_count; i++)
        put_word(page, "", entry->shared[i]);
    if (entry->user[0] != '\0')
        put_word(page, "-l", entry->user);
    snprintf(port, sizeof(port), "%u", entry->slave->info.port);
    put_word(page, "-p", port);
    put_word(page, "", entry->slave->info.host);
}

void m4h_ctl_ssh_proxy_command(struct m4h_ctl_page *page, const struct m4h_ctl_ssh_entry *entry,
                               const char *client_key)
{
    put(page, "ssh -W '[");
    put_quoted(page, client_key);
    put(page, "]:%p'");
    put_entry(page, entry);
}

/* ---- a file of settings ---------------------------------------------------------------------- */

static void put_slave(struct m4h_ctl_page *page, const struct m4h_slave_status *slave,
                      const struct m4h_ctl_ssh_entry *entry, const char *suffix)
{
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\nHost %s-%s\n  HostName %s\n  Port %u\n", suffix,
                     slave->slave_id, slave->info.host, slave->info.port);
    if (entry->user[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, "  User %s\n", entry->user);
    if (entry->identity[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, "  IdentityFile \"%s\"\n", entry->identity);
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "  HostKeyAlias %s\n", slave->slave_id);
    put(page, "  StrictHostKeyChecking yes\n  UserKnownHostsFile /dev/null\n"
              "  GlobalKnownHostsFile /dev/null\n  UpdateHostKeys no\n  KnownHostsCommand ");
    put_known_hosts(page, slave);
    put(page, "\n");
}

void m4h_ctl_ssh_config(struct m4h_ctl_page *page, const struct m4h_ctl_ssh_entry *entry,
                        const struct m4h_slave_status *slaves, size_t count, const char *suffix)
{
    m4h_ctl_page_add(page, M4H_CTL_PLAIN,
                     "# Made by mas4hctl ssh-config; make it anew when slaves come or go.\n"
                     "# ssh door-7.%s: the device door-7, by way of %s.\n"
                     "# ssh -J %s-%s door-7: the same, by way of a slave of your choice.\n",
                     suffix, entry->slave->slave_id, suffix, entry->slave->slave_id);
    for (size_t i = 0; i < count; i++) {
        if (m4h_ctl_ssh_may_enter(&slaves[i]))
            put_slave(page, &slaves[i], entry, suffix);
    }
    /* %n has the capitals that %h has not; sh, since the user's shell may be any. */
    m4h_ctl_page_add(page, M4H_CTL_PLAIN,
                     "\nHost *.%s\n  ProxyCommand sh -c 'name=$0 port=$1; shift; "
                     "exec ssh -W \"[${name%%%%.%s}]:$port\" \"$@\"' '%%n' %%p",
                     suffix, suffix);
    put_entry(page, entry);
    put(page, "\n");
}
