/* The masters' records of keys, and revocations: what changes them. Their lists are in lists.c. */
#include "lib/base/error.h"
#include "lib/base/revocations.h"
#include "lib/base/ssh_public_key.h"
#include "lib/json/device.h"
#include "services/ctl/core/device_wish.h"
#include "services/ctl/core/views.h"
#include "services/ctl/io/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BODY_MAX 65536

static enum m4h_ctl_exit show_device(struct m4h_ctl_session *session,
                                     const struct m4h_fetch_answer *answer)
{
    struct m4h_device_record device;
    struct m4h_ctl_page page;
    int error;

    if (session->arguments.is_json)
        return m4h_ctl_session_show_raw(answer);
    error = m4h_json_device_read(answer->body.data, answer->body.len, &device);
    if (error != 0)
        return m4h_ctl_session_not_understood(session, error);
    m4h_ctl_page_begin(&page, session->is_colored);
    m4h_ctl_view_device(&page, &device);
    return m4h_ctl_session_show(&page);
}

/* Asks with `device` as a change where it is not NULL, and shows the record that comes back. */
static enum m4h_ctl_exit ask(struct m4h_ctl_session *session, const char *method, const char *path,
                             const struct m4h_device_record *device)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(BODY_MAX);
    struct m4h_fetch_answer answer;
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code;

    if (device != NULL &&
        (m4h_json_device_change(&body, device) != 0 || m4h_buffer_add(&body, "", 1) != 0)) {
        m4h_buffer_free(&body);
        m4h_ctl_say("%s", m4h_error_text(M4H_ENOMEM));
        return M4H_CTL_REFUSED;
    }
    m4h_ctl_target_begin(&target, path, session->arguments.operand);
    exit_code = m4h_ctl_session_ask(session, method, &target,
                                    device != NULL ? (const char *)body.data : NULL, &answer);
    if (exit_code == M4H_CTL_DONE)
        exit_code = show_device(session, &answer);
    m4h_buffer_free(&answer.body);
    m4h_buffer_free(&body);
    return exit_code;
}

enum m4h_ctl_exit m4h_ctl_device_show(struct m4h_ctl_session *session)
{
    return ask(session, "GET", "/v1/devices/*", NULL);
}

/* ---- making and changing ----------------------------------------------------------------- */

/* The first line of a file; "-": of standard input. */
static bool read_key(const char *path, struct m4h_device_record *device)
{
    char line[M4H_SSH_KEY_TEXT_MAX + M4H_DETAIL_MAX + 2] = "";
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "re");
    const char *comment;

    if (file == NULL) {
        m4h_ctl_say("%s: %s", path, strerror(errno));
        return false;
    }
    if (fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    if (!is_input)
        fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    if (m4h_ssh_key_parse(line, device->public_key, &device->public_key_len, &comment) != 0) {
        m4h_ctl_say("%s: its first line is no public key, such as ssh-ed25519 AAAA...", path);
        return false;
    }
    if (device->comment[0] == '\0')
        m4h_ident_text_clean(device->comment, sizeof(device->comment), comment);
    return true;
}

static bool read_wish(const struct m4h_ctl_session *session, struct m4h_device_record *device)
{
    char message[M4H_CTL_MESSAGE_MAX];

    if (m4h_ctl_device_wish(&session->arguments, device, message) == 0)
        return true;
    m4h_ctl_say("%s", message);
    return false;
}

enum m4h_ctl_exit m4h_ctl_device_add(struct m4h_ctl_session *session)
{
    struct m4h_device_record device;

    if (!read_wish(session, &device) || !read_key(session->arguments.operand, &device))
        return M4H_CTL_USAGE;
    return ask(session, "POST", "/v1/devices", &device);
}

enum m4h_ctl_exit m4h_ctl_device_approve(struct m4h_ctl_session *session)
{
    struct m4h_device_record device;

    if (!read_wish(session, &device))
        return M4H_CTL_USAGE;
    return ask(session, "POST", "/v1/devices/*/approve", &device);
}

enum m4h_ctl_exit m4h_ctl_device_enable(struct m4h_ctl_session *session)
{
    const struct m4h_device_record device = {.state = M4H_DEVICE_ENABLED};

    return ask(session, "PATCH", "/v1/devices/*", &device);
}

enum m4h_ctl_exit m4h_ctl_device_disable(struct m4h_ctl_session *session)
{
    const struct m4h_device_record device = {.state = M4H_DEVICE_DISABLED};

    return ask(session, "PATCH", "/v1/devices/*", &device);
}

/* ---- removing ----------------------------------------------------------------------------- */

static enum m4h_ctl_exit remove_by(struct m4h_ctl_session *session, const char *path,
                                   const char *name)
{
    struct m4h_fetch_answer answer;
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code;

    m4h_ctl_target_begin(&target, path, name);
    m4h_ctl_target_query(&target, "reason", session->arguments.reason);
    exit_code = m4h_ctl_session_ask(session, "DELETE", &target, NULL, &answer);
    m4h_buffer_free(&answer.body);
    return exit_code;
}

enum m4h_ctl_exit m4h_ctl_device_remove(struct m4h_ctl_session *session)
{
    enum m4h_ctl_exit exit_code = m4h_ctl_session_confirm(
        session, "Remove", "? If no other validator knows its key, it is not let in again.");

    return exit_code == M4H_CTL_DONE
               ? remove_by(session, "/v1/devices/*", session->arguments.operand)
               : exit_code;
}

enum m4h_ctl_exit m4h_ctl_device_reject(struct m4h_ctl_session *session)
{
    return remove_by(session, "/v1/devices/*", session->arguments.operand);
}

/* ---- revocations ---------------------------------------------------------------------------- */

/* Of a client key, a fingerprint or the name of a revocation. */
static bool name_revocation(const char *operand, struct m4h_revoke_request *request)
{
    bool is_key = strncmp(operand, "SHA256:", 7) == 0;

    if (m4h_revocation_name_parse(operand, request->key_fingerprint, request->client_key))
        return true;
    if (is_key)
        return (size_t)snprintf(request->key_fingerprint, sizeof(request->key_fingerprint), "%s",
                                operand) < sizeof(request->key_fingerprint);
    return (size_t)snprintf(request->client_key, sizeof(request->client_key), "%s", operand) <
           sizeof(request->client_key);
}

static bool read_request(const struct m4h_ctl_arguments *arguments,
                         struct m4h_revoke_request *request)
{
    *request = (struct m4h_revoke_request){.banned = arguments->bans};
    if (!name_revocation(arguments->operand, request)) {
        m4h_ctl_say("\"%s\" is neither a client key nor a fingerprint", arguments->operand);
        return false;
    }
    if (arguments->reason != NULL)
        m4h_ident_text_clean(request->reason, sizeof(request->reason), arguments->reason);
    return true;
}

static enum m4h_ctl_exit post_revocation(struct m4h_ctl_session *session,
                                         const struct m4h_revoke_request *request)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(BODY_MAX);
    struct m4h_fetch_answer answer = {.status = 0};
    enum m4h_ctl_exit exit_code = M4H_CTL_REFUSED;
    struct m4h_ctl_target target;

    m4h_ctl_target_begin(&target, "/v1/revocations", NULL);
    if (m4h_json_revoke_request(&body, request) != 0 || m4h_buffer_add(&body, "", 1) != 0)
        m4h_ctl_say("%s", m4h_error_text(M4H_ENOMEM));
    else
        exit_code = m4h_ctl_session_ask(session, "POST", &target, (const char *)body.data, &answer);
    if (exit_code == M4H_CTL_DONE && session->arguments.is_json)
        exit_code = m4h_ctl_session_show_raw(&answer);
    m4h_buffer_free(&answer.body);
    m4h_buffer_free(&body);
    return exit_code;
}

enum m4h_ctl_exit m4h_ctl_revoke(struct m4h_ctl_session *session)
{
    struct m4h_revoke_request request;
    enum m4h_ctl_exit exit_code;

    if (!read_request(&session->arguments, &request))
        return M4H_CTL_USAGE;
    exit_code = m4h_ctl_session_confirm(session, "Cut",
                                        session->arguments.bans
                                            ? ", and keep it out until the ban is lifted?"
                                            : "? It may come back if a validator lets it in.");
    return exit_code == M4H_CTL_DONE ? post_revocation(session, &request) : exit_code;
}

enum m4h_ctl_exit m4h_ctl_lift(struct m4h_ctl_session *session)
{
    char name[M4H_REVOCATION_NAME_MAX + 1];
    struct m4h_revoke_request request;

    if (!read_request(&session->arguments, &request))
        return M4H_CTL_USAGE;
    m4h_revocation_name(name, request.key_fingerprint, request.client_key);
    return remove_by(session, "/v1/revocations/*", name);
}
