/* The way to a device by its name: the slave to enter at is asked of the gateway, and ssh does the
 * rest, in our place. */
#include "lib/base/error.h"
#include "lib/json/read.h"
#include "services/ctl/core/ssh_way.h"
#include "services/ctl/io/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLAVES_MAX 4096

struct slaves {
    struct m4h_slave_status *all; /* owned */
    size_t count;
};

static const char *or_setting(const char *given, const char *setting)
{
    return given != NULL ? given : setting;
}

/* ---- slaves --------------------------------------------------------------------------------- */

static enum m4h_ctl_exit keep_page(struct m4h_ctl_session *session, struct slaves *slaves,
                                   const struct m4h_fetch_answer *answer,
                                   char token[M4H_JSON_TOKEN_MAX])
{
    struct m4h_slave_status *page, *all;
    size_t count;
    int error = m4h_json_slaves_read(answer->body.data, answer->body.len, &page, &count, token);

    if (error == 0 && slaves->count + count > SLAVES_MAX)
        error = M4H_ETOOBIG;
    if (error == 0 && count > 0) {
        all = realloc(slaves->all, (slaves->count + count) * sizeof(*all));
        error = all == NULL ? M4H_ENOMEM : 0;
        if (all != NULL) {
            memcpy(&all[slaves->count], page, count * sizeof(*page));
            slaves->all = all;
            slaves->count += count;
        }
    }
    free(page);
    return error == 0 ? M4H_CTL_DONE : m4h_ctl_session_not_understood(session, error);
}

/* All slaves, those of --region alone where it is given. */
static enum m4h_ctl_exit ask_slaves(struct m4h_ctl_session *session, struct slaves *slaves)
{
    char token[M4H_JSON_TOKEN_MAX] = "";
    struct m4h_fetch_answer answer;
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code;

    do {
        m4h_ctl_target_begin(&target, "/v1/slaves", NULL);
        m4h_ctl_target_query(&target, "region", session->arguments.region);
        m4h_ctl_target_query(&target, "page_token", token);
        exit_code = m4h_ctl_session_ask(session, "GET", &target, NULL, &answer);
        if (exit_code == M4H_CTL_DONE)
            exit_code = keep_page(session, slaves, &answer, token);
        m4h_buffer_free(&answer.body);
    } while (exit_code == M4H_CTL_DONE && token[0] != '\0');
    return exit_code;
}

/* The named slave, which must be one to enter at; else `nearest` (NULL: none) where it is one, else
 * the first that is. NULL: said why. */
static const struct m4h_slave_status *choose(const struct m4h_ctl_session *session,
                                             const struct slaves *slaves, const char *nearest)
{
    const char *named = session->arguments.slave;
    const struct m4h_slave_status *first = NULL;

    for (size_t i = 0; i < slaves->count; i++) {
        const struct m4h_slave_status *slave = &slaves->all[i];
        const char *wanted = named != NULL ? named : nearest;

        if (!m4h_ctl_ssh_may_enter(slave))
            continue;
        if (wanted != NULL && strcmp(slave->slave_id, wanted) == 0)
            return slave;
        if (first == NULL)
            first = slave;
    }
    if (named != NULL)
        m4h_ctl_say("%s is no slave that takes connections now", named);
    else if (first == NULL)
        m4h_ctl_say("no slave takes connections now");
    return named == NULL ? first : NULL;
}

/* ---- ssh ------------------------------------------------------------------------------------- */

static enum m4h_ctl_exit ask_tunnel(struct m4h_ctl_session *session,
                                    struct m4h_tunnel_status *tunnel)
{
    struct m4h_fetch_answer answer;
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code;
    int error;

    m4h_ctl_target_begin(&target, "/v1/tunnels/*", session->arguments.operand);
    exit_code = m4h_ctl_session_ask(session, "GET", &target, NULL, &answer);
    if (exit_code == M4H_CTL_DONE) {
        error = m4h_json_tunnel_read(answer.body.data, answer.body.len, tunnel);
        if (error != 0)
            exit_code = m4h_ctl_session_not_understood(session, error);
    }
    m4h_buffer_free(&answer.body);
    return exit_code;
}

/* Returns only where there is no ssh to become. */
static enum m4h_ctl_exit become_ssh(const struct m4h_ctl_arguments *arguments, const char *proxy,
                                    const char *alias, const char *name, const char *identity)
{
    size_t room = arguments->word_count + 12, count = 0;
    const char **words = calloc(room, sizeof(*words));

    if (words == NULL) {
        m4h_ctl_say("%s", m4h_error_text(M4H_ENOMEM));
        return M4H_CTL_REFUSED;
    }
    words[count++] = "ssh";
    words[count++] = "-o";
    words[count++] = proxy;
    words[count++] = "-o";
    words[count++] = alias;
    if (identity[0] != '\0') {
        words[count++] = "-i";
        words[count++] = identity;
    }
    if (arguments->user != NULL) {
        words[count++] = "-l";
        words[count++] = arguments->user;
    }
    words[count++] = name;
    for (size_t i = 0; i < arguments->word_count; i++)
        words[count++] = arguments->words[i];
    execvp("ssh", (char *const *)(uintptr_t)words);
    m4h_ctl_say("ssh: %s", strerror(errno));
    free(words);
    return M4H_CTL_REFUSED;
}

static enum m4h_ctl_exit go(struct m4h_ctl_session *session, struct m4h_ctl_ssh_entry *entry,
                            const char *suffix)
{
    const struct m4h_ctl_arguments *arguments = &session->arguments;
    char name[M4H_CTL_SSH_NAME_MAX], alias[M4H_CTL_SSH_NAME_MAX + 16];
    const char *shared[M4H_CTL_SSH_SHARED_MAX];
    enum m4h_ctl_exit exit_code = M4H_CTL_REFUSED;
    struct m4h_ctl_page proxy;

    entry->shared = shared;
    entry->shared_count = m4h_ctl_ssh_shared(arguments->words, arguments->word_count, shared);
    m4h_ctl_ssh_name(arguments->operand, suffix, name);
    snprintf(alias, sizeof(alias), "HostKeyAlias=%s", name);
    m4h_ctl_page_begin(&proxy, false);
    m4h_ctl_page_put(&proxy, M4H_CTL_PLAIN, "ProxyCommand=");
    m4h_ctl_ssh_proxy_command(&proxy, entry, arguments->operand);
    if (proxy.error == 0)
        proxy.error = m4h_buffer_add(&proxy.text, "", 1);
    if (proxy.error != 0)
        m4h_ctl_say("%s", m4h_error_text(proxy.error));
    else
        exit_code =
            become_ssh(arguments, (const char *)proxy.text.data, alias, name, entry->identity);
    m4h_ctl_page_end(&proxy);
    return exit_code;
}

/* The settings that both commands have. M4H_CTL_USAGE: said why. */
static enum m4h_ctl_exit begin_entry(const struct m4h_ctl_session *session,
                                     struct m4h_ctl_ssh_entry *entry, const char **suffix)
{
    *entry = (struct m4h_ctl_ssh_entry){
        .user = session->config.ssh_user,
        .identity = or_setting(session->arguments.identity, session->config.ssh_identity),
    };
    *suffix = or_setting(session->arguments.suffix, session->config.ssh_suffix);
    if (m4h_ctl_ssh_suffix_is_valid(*suffix))
        return M4H_CTL_DONE;
    m4h_ctl_say("\"%s\" is no end of a host's name: lower case letters, digits, dots, dashes",
                *suffix);
    return M4H_CTL_USAGE;
}

enum m4h_ctl_exit m4h_ctl_ssh(struct m4h_ctl_session *session)
{
    struct m4h_ctl_ssh_entry entry;
    struct m4h_tunnel_status tunnel;
    struct slaves slaves = {.all = NULL};
    enum m4h_ctl_exit exit_code;
    const char *suffix;

    if (!m4h_ctl_ssh_can_say(session->arguments.operand)) {
        m4h_ctl_say(
            "ssh cannot say this client key: a \"/\" begins it, or it has a \"]\" or \"\\\"");
        return M4H_CTL_USAGE;
    }
    exit_code = begin_entry(session, &entry, &suffix);
    if (exit_code == M4H_CTL_DONE)
        exit_code = ask_tunnel(session, &tunnel);
    if (exit_code == M4H_CTL_DONE)
        exit_code = ask_slaves(session, &slaves);
    if (exit_code == M4H_CTL_DONE) {
        entry.slave = choose(session, &slaves, tunnel.slave_id);
        exit_code = entry.slave != NULL ? go(session, &entry, suffix) : M4H_CTL_REFUSED;
    }
    free(slaves.all);
    return exit_code;
}

/* ---- settings for ssh --------------------------------------------------------------------------
 */

/* Whole or not at all: into a file beside it, which then takes its place. */
static enum m4h_ctl_exit replace_file(const char *path, const struct m4h_buffer *text)
{
    char beside[4096];
    FILE *file = NULL;
    int descriptor, error = 0;

    if ((size_t)snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= sizeof(beside)) {
        m4h_ctl_say("%s: %s", path, strerror(ENAMETOOLONG));
        return M4H_CTL_REFUSED;
    }
    descriptor = mkstemp(beside);
    if (descriptor >= 0)
        file = fdopen(descriptor, "w");
    if (file == NULL || fwrite(text->data, 1, text->len, file) != text->len || fflush(file) != 0 ||
        fsync(descriptor) != 0 || rename(beside, path) != 0)
        error = errno;
    if (file != NULL)
        fclose(file);
    else if (descriptor >= 0)
        close(descriptor);
    if (error == 0)
        return M4H_CTL_DONE;
    if (descriptor >= 0)
        unlink(beside);
    m4h_ctl_say("%s: %s", path, strerror(error));
    return M4H_CTL_REFUSED;
}

static enum m4h_ctl_exit give_config(const struct m4h_ctl_arguments *arguments,
                                     struct m4h_ctl_page *page)
{
    enum m4h_ctl_exit exit_code;

    if (arguments->write == NULL || page->error != 0)
        return m4h_ctl_session_show(page);
    exit_code = replace_file(arguments->write, &page->text);
    m4h_ctl_page_end(page);
    return exit_code;
}

enum m4h_ctl_exit m4h_ctl_ssh_settings(struct m4h_ctl_session *session)
{
    struct slaves slaves = {.all = NULL};
    struct m4h_ctl_ssh_entry entry;
    enum m4h_ctl_exit exit_code;
    struct m4h_ctl_page page;
    const char *suffix;

    exit_code = begin_entry(session, &entry, &suffix);
    if (exit_code == M4H_CTL_DONE)
        exit_code = ask_slaves(session, &slaves);
    if (exit_code == M4H_CTL_DONE) {
        entry.slave = choose(session, &slaves, NULL);
        exit_code = entry.slave != NULL ? M4H_CTL_DONE : M4H_CTL_REFUSED;
    }
    if (exit_code == M4H_CTL_DONE) {
        m4h_ctl_page_begin(&page, false);
        m4h_ctl_ssh_config(&page, &entry, slaves.all, slaves.count, suffix);
        exit_code = give_config(&session->arguments, &page);
    }
    free(slaves.all);
    return exit_code;
}
