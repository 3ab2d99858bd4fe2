/* Settings from file, environment and command line; questions to the gateway; text to standard
 * output. */
#include "services/ctl/io/session.h"

#include "lib/base/error.h"
#include "lib/json/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096
/* Bytes of a token that a gateway takes, and room for one more, a line's end or too many. */
#define TOKEN_MAX  256
#define TOKEN_SIZE (TOKEN_MAX + 2)

void m4h_ctl_say(const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "mas4hctl: %s\n", text);
}

/* ---- settings ---------------------------------------------------------------------------- */

/* The user's file, else the machine's; NULL where there is none. */
static const char *usual_file(char path[PATH_MAX_BYTES])
{
    const char *folder = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (folder != NULL && *folder == '/')
        snprintf(path, PATH_MAX_BYTES, "%s/mas4h/ctl.conf", folder);
    else if (home != NULL && *home == '/')
        snprintf(path, PATH_MAX_BYTES, "%s/.config/mas4h/ctl.conf", home);
    else
        path[0] = '\0';
    if (path[0] != '\0' && access(path, F_OK) == 0)
        return path;
    snprintf(path, PATH_MAX_BYTES, "/etc/mas4h/ctl.conf");
    return access(path, F_OK) == 0 ? path : NULL;
}

static bool read_settings(struct m4h_ctl_session *session)
{
    char path[PATH_MAX_BYTES], program[] = "mas4hctl", option[] = "--config";
    const char *file = session->arguments.config;
    char *argv[] = {program, option, path, NULL};

    if (file == NULL)
        file = usual_file(path);
    else
        snprintf(path, sizeof(path), "%s", file);
    return m4h_config_from_command_line(&m4h_ctl_config_table, file != NULL ? 3 : 1, argv,
                                        &session->config) == M4H_CONFIG_RUN;
}

static bool choose_color(struct m4h_ctl_session *session)
{
    const char *asked = session->arguments.color;
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    int color = session->config.color;

    if (asked != NULL && strcmp(asked, "auto") == 0)
        color = M4H_CTL_COLOR_AUTO;
    else if (asked != NULL && strcmp(asked, "always") == 0)
        color = M4H_CTL_COLOR_ALWAYS;
    else if (asked != NULL && strcmp(asked, "never") == 0)
        color = M4H_CTL_COLOR_NEVER;
    else if (asked != NULL)
        return false;
    session->is_colored = color == M4H_CTL_COLOR_ALWAYS ||
                          (color == M4H_CTL_COLOR_AUTO && isatty(STDOUT_FILENO) == 1 &&
                           (no_color == NULL || *no_color == '\0') &&
                           (terminal == NULL || strcmp(terminal, "dumb") != 0));
    return true;
}

static enum m4h_ctl_exit notice(struct m4h_ctl_session *session)
{
    struct m4h_ctl_page page;

    m4h_ctl_page_begin(&page, session->is_colored);
    switch (session->arguments.notice) {
    case M4H_CTL_HELP:
        m4h_ctl_arguments_help(&page);
        break;
    case M4H_CTL_VERSION:
        m4h_ctl_page_add(&page, M4H_CTL_PLAIN, "mas4hctl " M4H_VERSION "\n");
        break;
    case M4H_CTL_SAMPLE:
        m4h_config_write_sample(&m4h_ctl_config_table, stdout);
        break;
    case M4H_CTL_NOTHING:
        break;
    }
    return m4h_ctl_session_show(&page);
}

enum m4h_ctl_exit m4h_ctl_session_open(struct m4h_ctl_session *session, int argc, char *const *argv,
                                       bool *is_over)
{
    char message[M4H_CTL_MESSAGE_MAX];

    *is_over = false;
    memset(session, 0, sizeof(*session));
    if (m4h_ctl_arguments_parse(argc, argv, &session->arguments, message) != 0) {
        m4h_ctl_say("%s (mas4hctl --help lists what there is)", message);
        return M4H_CTL_USAGE;
    }
    if (session->arguments.notice != M4H_CTL_NOTHING) {
        *is_over = true;
        return choose_color(session) ? notice(session) : M4H_CTL_USAGE;
    }
    if (!read_settings(session))
        return M4H_CTL_USAGE;
    if (!choose_color(session)) {
        m4h_ctl_say("--color is auto, always or never");
        return M4H_CTL_USAGE;
    }
    return M4H_CTL_DONE;
}

void m4h_ctl_session_close(struct m4h_ctl_session *session)
{
    m4h_fetch_destroy(session->fetch);
    m4h_config_free(&m4h_ctl_config_table, &session->config);
}

/* ---- the gateway ------------------------------------------------------------------------------
 */

static bool check_length(const char *from, const char *token)
{
    if (strlen(token) <= TOKEN_MAX)
        return true;
    m4h_ctl_say("%s: the token is longer than %d bytes", from, TOKEN_MAX);
    return false;
}

/* The first line of a file. False: said why not. */
static bool read_token_file(const char *path, char token[TOKEN_SIZE])
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t len = file >= 0 ? read(file, token, TOKEN_SIZE - 1) : -1;

    if (len < 0)
        m4h_ctl_say("%s: %s", path, strerror(errno));
    if (file >= 0)
        close(file);
    if (len < 0)
        return false;
    token[len] = '\0';
    token[strcspn(token, "\r\n")] = '\0';
    if (token[0] != '\0')
        return check_length(path, token);
    m4h_ctl_say("%s: holds no token", path);
    return false;
}

/* `token` is empty where there is none. False: said why not. */
static bool find_token(const struct m4h_ctl_session *session, char token[TOKEN_SIZE])
{
    const char *named = session->arguments.token_file;
    const char *given = getenv("MAS4H_TOKEN");

    token[0] = '\0';
    if (named != NULL)
        return read_token_file(named, token);
    if (given != NULL && *given != '\0') {
        snprintf(token, TOKEN_SIZE, "%s", given);
        return check_length("MAS4H_TOKEN", token);
    }
    return session->config.token_file[0] == '\0' ||
           read_token_file(session->config.token_file, token);
}

static const char *find_url(const struct m4h_ctl_session *session)
{
    const char *given = getenv("MAS4H_GATEWAY");

    if (session->arguments.gateway != NULL)
        return session->arguments.gateway;
    return given != NULL && *given != '\0' ? given : session->config.gateway_url;
}

static bool is_printable(const char *token)
{
    for (const char *c = token; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~')
            return false;
    }
    return true;
}

enum m4h_ctl_exit m4h_ctl_session_connect(struct m4h_ctl_session *session)
{
    const char *cacert = session->arguments.cacert;
    struct m4h_fetch_config config;
    char token[TOKEN_SIZE];
    int error;

    if (!find_token(session, token)) {
        explicit_bzero(token, sizeof(token));
        return M4H_CTL_USAGE;
    }
    if (!is_printable(token)) {
        explicit_bzero(token, sizeof(token));
        m4h_ctl_say("the token has a space, or another character that no token has");
        return M4H_CTL_USAGE;
    }
    if (cacert == NULL && session->config.cacert[0] != '\0')
        cacert = session->config.cacert;
    session->url = find_url(session);
    config = (struct m4h_fetch_config){
        .base_url = session->url,
        .token = token[0] != '\0' ? token : NULL,
        .ca_file = cacert,
        .timeout_ms = session->arguments.timeout_ms != 0 ? session->arguments.timeout_ms
                                                         : (uint32_t)session->config.timeout_ms,
    };
    error = m4h_fetch_create(&session->fetch, &config);
    explicit_bzero(token, sizeof(token));
    if (error == 0)
        return M4H_CTL_DONE;
    if (error == M4H_EINVALID)
        m4h_ctl_say("\"%s\" is no URL of a gateway, such as http://127.0.0.1:8080", session->url);
    else
        m4h_ctl_say("%s", m4h_error_text(error));
    return M4H_CTL_USAGE;
}

static void say_refusal(const struct m4h_fetch_answer *answer,
                        const struct m4h_json_refusal *refusal)
{
    const char *text = refusal->detail[0] != '\0' ? refusal->detail : refusal->title;

    if (*text == '\0')
        m4h_ctl_say("the gateway answered with status %u", answer->status);
    else if (refusal->retry_after_ms != 0)
        m4h_ctl_say("%s (%s; try again in %u ms)", text, refusal->code, refusal->retry_after_ms);
    else
        m4h_ctl_say("%s (%s)", text, refusal->code);
}

enum m4h_ctl_exit m4h_ctl_session_judge(struct m4h_ctl_session *session, int error,
                                        const struct m4h_fetch_answer *answer)
{
    struct m4h_json_refusal refusal = {.code = ""};
    enum m4h_ctl_exit exit_code;

    if (error != 0) {
        m4h_ctl_say("%s: %s", session->url, m4h_fetch_error_text(session->fetch));
        return M4H_CTL_UNREACHABLE;
    }
    if (answer->status >= 200 && answer->status < 300)
        return M4H_CTL_DONE;
    if (m4h_json_refusal_read(answer->body.data, answer->body.len, &refusal) != 0)
        refusal = (struct m4h_json_refusal){.code = ""};
    exit_code = m4h_ctl_exit_of(answer->status, refusal.code);
    say_refusal(answer, &refusal);
    if (exit_code == M4H_CTL_NOT_PERMITTED)
        m4h_ctl_say("a token that has the scope comes from --token-file, MAS4H_TOKEN or ctl.conf");
    return exit_code;
}

enum m4h_ctl_exit m4h_ctl_session_not_understood(struct m4h_ctl_session *session, int error)
{
    m4h_ctl_say("%s: the answer is none of a mas4h gateway (%s)", session->url,
                m4h_error_text(error));
    return M4H_CTL_UNREACHABLE;
}

enum m4h_ctl_exit m4h_ctl_session_ask(struct m4h_ctl_session *session, const char *method,
                                      const struct m4h_ctl_target *target, const char *body,
                                      struct m4h_fetch_answer *answer)
{
    const struct m4h_fetch_request request = {method, target->text, body};

    *answer = (struct m4h_fetch_answer){.status = 0};
    if (target->is_too_long) {
        m4h_ctl_say("the filters are too long");
        return M4H_CTL_USAGE;
    }
    return m4h_ctl_session_judge(session, m4h_fetch_ask(session->fetch, &request, answer), answer);
}

/* ---- consent ------------------------------------------------------------------------------- */

enum m4h_ctl_exit m4h_ctl_session_confirm(const struct m4h_ctl_session *session, const char *what,
                                          const char *rest)
{
    char line[16];

    if (session->arguments.has_consent)
        return M4H_CTL_DONE;
    if (isatty(STDIN_FILENO) != 1) {
        m4h_ctl_say("standard input is no terminal, so nobody can be asked: say --yes");
        return M4H_CTL_USAGE;
    }
    fprintf(stderr, "%s %s%s [y/N] ", what, session->arguments.operand, rest);
    fflush(stderr);
    if (fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y'))
        return M4H_CTL_DONE;
    m4h_ctl_say("not done");
    return M4H_CTL_REFUSED;
}

/* ---- standard output --------------------------------------------------------------------------
 */

enum m4h_ctl_exit m4h_ctl_session_write(const void *bytes, size_t len)
{
    if ((len == 0 || fwrite(bytes, 1, len, stdout) == len) && fflush(stdout) == 0)
        return M4H_CTL_DONE;
    if (errno != EPIPE)
        m4h_ctl_say("standard output: %s", strerror(errno));
    return M4H_CTL_REFUSED;
}

enum m4h_ctl_exit m4h_ctl_session_show(struct m4h_ctl_page *page)
{
    enum m4h_ctl_exit exit_code = M4H_CTL_REFUSED;

    if (page->error != 0)
        m4h_ctl_say("%s", m4h_error_text(page->error));
    else
        exit_code = m4h_ctl_session_write(page->text.data, page->text.len);
    m4h_ctl_page_end(page);
    return exit_code;
}

enum m4h_ctl_exit m4h_ctl_session_show_raw(const struct m4h_fetch_answer *answer)
{
    enum m4h_ctl_exit exit_code = m4h_ctl_session_write(answer->body.data, answer->body.len);

    if (exit_code != M4H_CTL_DONE ||
        (answer->body.len > 0 && answer->body.data[answer->body.len - 1] == '\n'))
        return exit_code;
    return m4h_ctl_session_write("\n", 1);
}
