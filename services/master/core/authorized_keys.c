/* The authorized_keys format: lines, options, keys. */
#include "services/master/core/authorized_keys.h"

#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "services/master/core/key_limits.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OPTION_NAME_MAX 40u
/* 16 of the longest networks, and what stands between them. */
#define OPTION_VALUE_MAX 1100u

/* A piece of the text; not NUL terminated. */
struct span {
    const char *at;
    size_t len;
};

/* What a line says. */
struct key_line {
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    struct m4h_device_limits limits;
    struct span type;
    struct span base64;
    struct span comment;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span text)
{
    while (text.len > 0 && is_blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

static bool is_text(struct span text, const char *other)
{
    return text.len == strlen(other) && strncasecmp(text.at, other, text.len) == 0;
}

static bool is_in(struct span text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_text(text, list[i]))
            return true;
    return false;
}

/* ---- options -------------------------------------------------------------- */

static const char *const harmless_options[] = {
    "restrict",          "no-pty",         "no-agent-forwarding",
    "no-x11-forwarding", "no-user-rc",     "pty",
    "agent-forwarding",  "x11-forwarding", "user-rc",
    "port-forwarding",   "command",        "environment",
    "permitopen",        "tunnel",         "no-touch-required",
};

static const char *const narrowing_options[] = {
    "from", "expiry-time", "no-port-forwarding", "cert-authority", "principals", "verify-required",
};

/* Takes the next word off the front: up to a blank or, in options, a comma, but
 * not inside quotes. False: a quote is not closed. */
static bool take_word(struct span *rest, bool is_option, struct span *word)
{
    size_t len = 0;
    bool quoted = false;

    for (; len < rest->len; len++) {
        char c = rest->at[len];

        if (quoted && c == '\\' && len + 1 < rest->len && rest->at[len + 1] == '"')
            len++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (is_blank(c) || (is_option && c == ',')))
            break;
    }
    *word = (struct span){rest->at, len};
    rest->at += len;
    rest->len -= len;
    return !quoted;
}

/* Writes the text between the quotes, \" as a quote. False: it is not quoted,
 * empty, or too long. */
static bool unquote(struct span value, char *out, size_t out_size)
{
    size_t made = 0;

    if (value.len < 3 || value.at[0] != '"' || value.at[value.len - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < value.len; i++) {
        if (value.at[i] == '\\' && i + 2 < value.len && value.at[i + 1] == '"')
            i++;
        if (made + 1 == out_size)
            return false;
        out[made++] = value.at[i];
    }
    out[made] = '\0';
    return true;
}

static int bad_option(char *wrong, size_t size, struct span name, const char *why)
{
    snprintf(wrong, size, "option %.*s %s", (int)(name.len < 40 ? name.len : 40), name.at, why);
    return M4H_EINVALID;
}

/* True where it is an option that limits the device; `*error` is then that of reading it. */
static bool read_limit(struct key_line *line, struct span name, struct span value, char *wrong,
                       size_t size, int *error)
{
    char option[OPTION_NAME_MAX + 1] = "", text[OPTION_VALUE_MAX + 1];
    const char *why = "needs its value in quotes";

    if (name.len > OPTION_NAME_MAX)
        return false;
    memcpy(option, name.at, name.len);
    if (!m4h_key_limits_knows(option))
        return false;
    if (unquote(value, text, sizeof(text)))
        why = m4h_key_limits_read(&line->limits, option, text);
    *error = why != NULL ? bad_option(wrong, size, name, why) : 0;
    return true;
}

static int read_option(struct key_line *line, struct span option, char *wrong, size_t size)
{
    const char *equals = memchr(option.at, '=', option.len);
    struct span name = option, value = {"", 0};
    int error;

    if (equals != NULL) {
        name.len = (size_t)(equals - option.at);
        value = (struct span){equals + 1, option.len - name.len - 1};
    }
    if (is_text(name, "client-key")) {
        if (!unquote(value, line->client_key, sizeof(line->client_key)) ||
            !m4h_ident_client_key_is_valid(line->client_key))
            return bad_option(wrong, size, name, "needs 1 to 128 printable bytes in quotes");
        return 0;
    }
    if (read_limit(line, name, value, wrong, size, &error))
        return error;
    if (is_in(name, narrowing_options, M4H_COUNT(narrowing_options)))
        return bad_option(wrong, size, name, "is not enforced here, so the key is refused");
    if (!is_in(name, harmless_options, M4H_COUNT(harmless_options)))
        return bad_option(wrong, size, name, "is not known");
    return 0;
}

/* Reads the options at the front of the line. */
static int read_options(struct key_line *line, struct span *rest, char *wrong, size_t size)
{
    for (;;) {
        struct span option;
        int error;

        if (!take_word(rest, true, &option)) {
            snprintf(wrong, size, "a quote is not closed");
            return M4H_EINVALID;
        }
        error = read_option(line, option, wrong, size);
        if (error != 0)
            return error;
        if (rest->len == 0 || rest->at[0] != ',')
            return 0;
        rest->at++;
        rest->len--;
    }
}

/* ---- keys ----------------------------------------------------------------- */

static bool is_key_type(struct span word)
{
    static const char *const types[] = {
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "ssh-rsa",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    };

    return is_in(word, types, M4H_COUNT(types));
}

/* The length of the string that begins at `at` (RFC 4251 section 5), or
 * SIZE_MAX where it does not fit. */
static size_t string_length(const uint8_t *blob, size_t len, size_t at)
{
    size_t value;

    if (len - at < 4)
        return SIZE_MAX;
    value = (size_t)blob[at] << 24 | (size_t)blob[at + 1] << 16 | (size_t)blob[at + 2] << 8 |
            blob[at + 3];
    return value <= len - at - 4 ? value : SIZE_MAX;
}

/* True where the blob is strings to its end, the first of them the type, and at
 * least one more. */
static bool blob_is_of_type(const uint8_t *blob, size_t len, struct span type)
{
    size_t at = 0, strings = 0;

    while (at < len) {
        size_t length = string_length(blob, len, at);

        if (length == SIZE_MAX)
            return false;
        if (strings++ == 0 && (length != type.len || memcmp(blob + at + 4, type.at, length) != 0))
            return false;
        at += 4 + length;
    }
    return strings >= 2;
}

/* Splits a line into its parts. */
static int read_parts(struct key_line *line, struct span text, char *wrong, size_t size)
{
    struct span rest = text, word;

    *line = (struct key_line){0};
    if (!take_word(&rest, false, &word) || !is_key_type(word)) {
        int error;

        rest = text;
        error = read_options(line, &rest, wrong, size);
        if (error != 0)
            return error;
        rest = trim(rest);
        take_word(&rest, false, &word);
    }
    line->type = word;
    rest = trim(rest);
    take_word(&rest, false, &line->base64);
    line->comment = trim(rest);
    if (is_key_type(line->type))
        return 0;
    snprintf(wrong, size, "not a key type that is taken here");
    return M4H_EINVALID;
}

/* The comment names the device where no option does. */
static int use_comment(struct key_line *line, char *wrong, size_t size)
{
    if (line->client_key[0] != '\0' || line->comment.len == 0)
        return 0;
    if (line->comment.len <= M4H_CLIENT_KEY_MAX) {
        memcpy(line->client_key, line->comment.at, line->comment.len);
        line->client_key[line->comment.len] = '\0';
        if (strlen(line->client_key) == line->comment.len &&
            m4h_ident_client_key_is_valid(line->client_key))
            return 0;
    }
    snprintf(wrong, size,
             "the comment cannot name a device (1 to 128 printable bytes of UTF-8): "
             "name it with client-key=\"...\"");
    return M4H_EINVALID;
}

static int add_key(struct m4h_keys *keys, const struct key_line *line, uint32_t number, char *wrong,
                   size_t size)
{
    uint8_t blob[M4H_PUBLIC_KEY_BLOB_MAX];
    uint32_t other_line = 0;
    size_t len;
    int error = m4h_base64_decode(line->base64.at, line->base64.len, blob, sizeof(blob), &len);

    if (error != 0 || !blob_is_of_type(blob, len, line->type)) {
        snprintf(wrong, size, "the key is damaged, or not of the type that is named");
        return M4H_EINVALID;
    }
    error = m4h_keys_add(keys, blob, len, line->client_key, &line->limits, number, &other_line);
    if (error == M4H_EEXIST)
        snprintf(wrong, size, "the same key as in line %u, which holds", other_line);
    return error;
}

/* ---- the file ------------------------------------------------------------- */

static int read_line(struct m4h_keys *keys, struct span text, uint32_t number, char *wrong,
                     size_t size)
{
    struct key_line line;
    int error;

    text = trim(text);
    if (text.len == 0 || text.at[0] == '#')
        return 0;
    if (text.len > M4H_AUTHORIZED_KEYS_LINE_MAX) {
        snprintf(wrong, size, "longer than %u bytes", M4H_AUTHORIZED_KEYS_LINE_MAX);
        return M4H_ETOOBIG;
    }
    error = read_parts(&line, text, wrong, size);
    if (error == 0)
        error = use_comment(&line, wrong, size);
    return error == 0 ? add_key(keys, &line, number, wrong, size) : error;
}

int m4h_authorized_keys_parse(struct m4h_keys *keys, const char *text, size_t len,
                              struct m4h_key_report *report)
{
    const char *end = text + len;
    uint32_t number = 0;

    report->fault_count = 0;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        struct m4h_key_fault fault = {.line = ++number};
        int error = read_line(keys, (struct span){text, (size_t)(stop - text)}, number,
                              fault.message, sizeof(fault.message));

        if (error == M4H_ENOMEM || error == M4H_EFULL)
            return error;
        if (error != 0 && report->fault_count++ < M4H_AUTHORIZED_KEYS_FAULTS_MAX)
            report->faults[report->fault_count - 1] = fault;
        text = newline != NULL ? newline + 1 : end;
    }
    return 0;
}
