/* Records of many keys from a file: a line each, of authorized_keys or a document of a device. Each
 * is asked for by itself; one that is wrong does not keep the others from getting in. */
#include "lib/base/error.h"
#include "lib/crypto/crypto.h"
#include "lib/json/device.h"
#include "services/ctl/io/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BODY_MAX 65536
/* While the gateway says that it was asked too often. */
#define TRIES_MAX     100u
#define WAIT_MS       1000u
#define WAIT_MOST_MS  60000u
#define TOO_OFTEN     429u
#define THERE_ALREADY 409u

struct import {
    struct m4h_ctl_session *session;
    const char *name; /* of the file, for people */
    unsigned line;
    unsigned added, already, replaced, failed;
};

/* "FILE:LINE: what is wrong". */
static void fail(struct import *import, const char *why)
{
    char text[M4H_DETAIL_MAX + 1];

    import->failed++;
    fprintf(stderr, "%s:%u: %s\n", import->name, import->line,
            m4h_ident_text_clean(text, sizeof(text), why));
}

static void wait_ms(uint32_t ms)
{
    struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}

/* ---- one line ------------------------------------------------------------------------------ */

/* Asks again as long as that is too often. The answer is the caller's to free in every case. */
static int ask(struct import *import, const char *method, const char *target, const char *body,
               struct m4h_fetch_answer *answer, struct m4h_json_refusal *refusal)
{
    const struct m4h_fetch_request request = {method, target, body};

    for (unsigned tries = 1;; tries++) {
        uint32_t ms;
        int error;

        *answer = (struct m4h_fetch_answer){.status = 0};
        *refusal = (struct m4h_json_refusal){.code = ""};
        error = m4h_fetch_ask(import->session->fetch, &request, answer);
        if (error != 0 || answer->status < 300)
            return error;
        if (m4h_json_refusal_read(answer->body.data, answer->body.len, refusal) != 0)
            *refusal = (struct m4h_json_refusal){.code = ""};
        if (answer->status != TOO_OFTEN || tries == TRIES_MAX)
            return 0;
        m4h_buffer_free(&answer->body);
        ms = refusal->retry_after_ms != 0 ? refusal->retry_after_ms : WAIT_MS;
        wait_ms(ms < WAIT_MOST_MS ? ms : WAIT_MOST_MS);
    }
}

/* Where the other lines would fare no better, it says why and is not M4H_CTL_DONE. */
static enum m4h_ctl_exit judge(struct import *import, int error,
                               const struct m4h_fetch_answer *answer,
                               const struct m4h_json_refusal *refusal, unsigned *count)
{
    const char *why = refusal->detail[0] != '\0' ? refusal->detail : refusal->title;
    enum m4h_ctl_exit exit_code =
        error != 0 ? M4H_CTL_UNREACHABLE : m4h_ctl_exit_of(answer->status, refusal->code);

    if (exit_code == M4H_CTL_DONE) {
        (*count)++;
        return exit_code;
    }
    if (exit_code != M4H_CTL_REFUSED) {
        fail(import, "not done, nor what is below it");
        return m4h_ctl_session_judge(import->session, error, answer);
    }
    fail(import, *why != '\0' ? why : "the gateway refuses it");
    return M4H_CTL_DONE;
}

static enum m4h_ctl_exit make(struct import *import, const char *body, bool *is_there)
{
    struct m4h_json_refusal refusal;
    struct m4h_fetch_answer answer;
    enum m4h_ctl_exit exit_code = M4H_CTL_DONE;
    int error = ask(import, "POST", "/v1/devices", body, &answer, &refusal);

    *is_there = error == 0 && answer.status == THERE_ALREADY;
    if (!*is_there)
        exit_code = judge(import, error, &answer, &refusal, &import->added);
    m4h_buffer_free(&answer.body);
    return exit_code;
}

static enum m4h_ctl_exit replace(struct import *import, const char *method, const char *target,
                                 const char *body)
{
    struct m4h_json_refusal refusal;
    struct m4h_fetch_answer answer;
    int error = ask(import, method, target, body, &answer, &refusal);
    enum m4h_ctl_exit exit_code = judge(import, error, &answer, &refusal, &import->replaced);

    m4h_buffer_free(&answer.body);
    return exit_code;
}

/* By the fingerprint, which a document may leave to its key. */
static enum m4h_ctl_exit replace_document(struct import *import, const char *document)
{
    struct m4h_device_record device;
    struct m4h_ctl_target target;

    if (m4h_json_device_read((const uint8_t *)document, strlen(document), &device) != 0 ||
        (device.key_fingerprint[0] == '\0' &&
         m4h_crypto_key_fingerprint(device.public_key, device.public_key_len,
                                    device.key_fingerprint) != 0)) {
        fail(import, "it cannot be read");
        return M4H_CTL_DONE;
    }
    m4h_ctl_target_begin(&target, "/v1/devices/*", device.key_fingerprint);
    return replace(import, "PATCH", target.text, document);
}

static enum m4h_ctl_exit take_document(struct import *import, const char *document)
{
    bool is_there;
    enum m4h_ctl_exit exit_code = make(import, document, &is_there);

    if (is_there && import->session->arguments.replaces)
        return replace_document(import, document);
    import->already += is_there;
    return exit_code;
}

/* NULL: no memory, or it is no text. */
static const char *body_of_key(struct m4h_buffer *body, const char *line, bool replaces)
{
    body->len = 0;
    if (m4h_json_device_line(body, line, replaces) != 0 || m4h_buffer_add(body, "", 1) != 0)
        return NULL;
    return (const char *)body->data;
}

static enum m4h_ctl_exit take_key(struct import *import, const char *line)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(BODY_MAX);
    enum m4h_ctl_exit exit_code = M4H_CTL_DONE;
    bool is_there = false;

    if (body_of_key(&body, line, false) == NULL)
        fail(import, "it cannot be sent");
    else
        exit_code = make(import, (const char *)body.data, &is_there);
    if (is_there && import->session->arguments.replaces) {
        if (body_of_key(&body, line, true) == NULL)
            fail(import, "it cannot be sent");
        else
            exit_code = replace(import, "POST", "/v1/devices", (const char *)body.data);
    } else {
        import->already += is_there;
    }
    m4h_buffer_free(&body);
    return exit_code;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* Ends the line where its end is, and makes tabs the spaces that they stand for. NULL: it is empty
 * or a comment. */
static char *trim(char *line, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
        line[--len] = '\0';
    for (char *c = line; *c != '\0'; c++) {
        if (*c == '\t')
            *c = ' ';
    }
    line += strspn(line, " ");
    return *line == '\0' || *line == '#' ? NULL : line;
}

static enum m4h_ctl_exit take_line(struct import *import, char *text, size_t len)
{
    bool has_nul = memchr(text, '\0', len) != NULL;
    const char *line = trim(text, len);

    if (line == NULL && !has_nul)
        return M4H_CTL_DONE;
    if (has_nul || !m4h_ident_text_is_valid(line, strlen(line))) {
        fail(import, "it is no text in UTF-8");
        return M4H_CTL_DONE;
    }
    if (strlen(line) > (*line == '{' ? M4H_JSON_DEVICE_MAX : M4H_DEVICE_LINE_MAX)) {
        fail(import, "it is longer than a line may be");
        return M4H_CTL_DONE;
    }
    return *line == '{' ? take_document(import, line) : take_key(import, line);
}

static enum m4h_ctl_exit take_lines(struct import *import, FILE *file)
{
    enum m4h_ctl_exit exit_code = M4H_CTL_DONE;
    char *text = NULL;
    size_t size = 0;
    ssize_t len;

    while (exit_code == M4H_CTL_DONE && (len = getline(&text, &size, file)) >= 0) {
        import->line++;
        exit_code = take_line(import, text, (size_t)len);
    }
    if (exit_code == M4H_CTL_DONE && ferror(file) != 0) {
        m4h_ctl_say("%s: %s", import->name, strerror(errno));
        exit_code = M4H_CTL_REFUSED;
    }
    free(text);
    return exit_code;
}

static enum m4h_ctl_exit sum_up(const struct import *import, enum m4h_ctl_exit exit_code)
{
    char text[128];
    int len = import->session->arguments.replaces
                  ? snprintf(text, sizeof(text), "%u added, %u replaced, %u failed\n",
                             import->added, import->replaced, import->failed)
                  : snprintf(text, sizeof(text), "%u added, %u there already, %u failed\n",
                             import->added, import->already, import->failed);
    enum m4h_ctl_exit written = m4h_ctl_session_write(text, (size_t)len);

    if (exit_code != M4H_CTL_DONE)
        return exit_code;
    return import->failed > 0 ? M4H_CTL_REFUSED : written;
}

enum m4h_ctl_exit m4h_ctl_device_import(struct m4h_ctl_session *session)
{
    const char *path = session->arguments.operand;
    bool is_input = path == NULL || strcmp(path, "-") == 0;
    struct import import = {.session = session, .name = is_input ? "-" : path};
    FILE *file = is_input ? stdin : fopen(path, "re");
    enum m4h_ctl_exit exit_code;

    if (file == NULL) {
        m4h_ctl_say("%s: %s", path, strerror(errno));
        return M4H_CTL_USAGE;
    }
    exit_code = take_lines(&import, file);
    if (!is_input)
        fclose(file);
    return sum_up(&import, exit_code);
}
