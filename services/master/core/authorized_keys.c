/* The authorized_keys format: lines, options, keys. */
#include "services/master/core/authorized_keys.h"

#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "services/master/core/key_options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* 16 of the longest networks, and what stands between them. */
#define OPTION_VALUE_MAX 1100u

/* A piece of the text; not NUL terminated. */
struct span {
    const char *at;
    size_t len;
};

/* A line, taken apart. */
struct parts {
    struct m4h_key_options options;
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

static int read_option(struct m4h_key_options *options, struct span option, char *wrong,
                       size_t size)
{
    const char *equals = memchr(option.at, '=', option.len), *why;
    struct span name = option;
    char name_text[M4H_KEY_OPTION_NAME_MAX + 1] = "", value[OPTION_VALUE_MAX + 1];
    bool has_value = false;

    if (equals != NULL) {
        name.len = (size_t)(equals - option.at);
        has_value =
            unquote((struct span){equals + 1, option.len - name.len - 1}, value, sizeof(value));
    }
    if (name.len > M4H_KEY_OPTION_NAME_MAX)
        return bad_option(wrong, size, name, "is not known");
    memcpy(name_text, name.at, name.len);
    why = m4h_key_options_read(options, name_text, has_value ? value : NULL);
    return why != NULL ? bad_option(wrong, size, name, why) : 0;
}

/* Reads the options at the front of the line. */
static int read_options(struct m4h_key_options *options, struct span *rest, char *wrong,
                        size_t size)
{
    for (;;) {
        struct span option;
        int error;

        if (!take_word(rest, true, &option)) {
            snprintf(wrong, size, "a quote is not closed");
            return M4H_EINVALID;
        }
        error = read_option(options, option, wrong, size);
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
static int read_parts(struct parts *parts, struct span text, char *wrong, size_t size)
{
    struct span rest = text, word;

    if (!take_word(&rest, false, &word) || !is_key_type(word)) {
        int error;

        rest = text;
        error = read_options(&parts->options, &rest, wrong, size);
        if (error != 0)
            return error;
        rest = trim(rest);
        take_word(&rest, false, &word);
    }
    parts->type = word;
    rest = trim(rest);
    take_word(&rest, false, &parts->base64);
    parts->comment = trim(rest);
    if (is_key_type(parts->type))
        return 0;
    snprintf(wrong, size, "not a key type that is taken here");
    return M4H_EINVALID;
}

/* The comment names the device where no option does. */
static int use_comment(struct m4h_key_grant *grant, struct span comment, char *wrong, size_t size)
{
    if (grant->client_key[0] != '\0' || grant->operator_.name[0] != '\0' || comment.len == 0)
        return 0;
    if (comment.len <= M4H_CLIENT_KEY_MAX) {
        memcpy(grant->client_key, comment.at, comment.len);
        grant->client_key[comment.len] = '\0';
        if (strlen(grant->client_key) == comment.len &&
            m4h_ident_client_key_is_valid(grant->client_key))
            return 0;
    }
    snprintf(wrong, size,
             "the comment cannot name a device (1 to 128 printable bytes of UTF-8): "
             "name it with client-key=\"...\"");
    return M4H_EINVALID;
}

static int read_key(struct m4h_key_line *line, const struct parts *parts, char *wrong, size_t size)
{
    int error = m4h_base64_decode(parts->base64.at, parts->base64.len, line->blob,
                                  sizeof(line->blob), &line->blob_len);

    if (error == 0 && blob_is_of_type(line->blob, line->blob_len, parts->type))
        return 0;
    snprintf(wrong, size, "the key is damaged, or not of the type that is named");
    return M4H_EINVALID;
}

int m4h_authorized_keys_read_line(struct m4h_key_line *line, const char *text, size_t len,
                                  char *wrong, size_t size)
{
    struct span rest = trim((struct span){text, len});
    struct parts parts = {0};
    const char *why;
    int error;

    memset(line, 0, sizeof(*line));
    if (rest.len == 0 || rest.at[0] == '#')
        return M4H_ENOTFOUND;
    if (rest.len > M4H_AUTHORIZED_KEYS_LINE_MAX) {
        snprintf(wrong, size, "longer than %u bytes", M4H_AUTHORIZED_KEYS_LINE_MAX);
        return M4H_ETOOBIG;
    }
    error = read_parts(&parts, rest, wrong, size);
    if (error != 0)
        return error;
    why = m4h_key_options_finish(&parts.options, line);
    if (why != NULL) {
        snprintf(wrong, size, "%s", why);
        return M4H_EINVALID;
    }
    if (!line->is_authority)
        error = use_comment(&line->grant, parts.comment, wrong, size);
    return error == 0 ? read_key(line, &parts, wrong, size) : error;
}

/* ---- the file ------------------------------------------------------------- */

static int take_line(struct m4h_keys *keys, const char *text, size_t len,
                     struct m4h_key_fault *fault)
{
    struct m4h_key_line line;
    int error =
        m4h_authorized_keys_read_line(&line, text, len, fault->message, sizeof(fault->message));

    if (error != 0)
        return error == M4H_ENOTFOUND ? 0 : error;
    if (line.is_authority) {
        snprintf(fault->message, sizeof(fault->message),
                 "an authority is named in [certificates] ca_keys, not here");
        return M4H_EINVALID;
    }
    error = m4h_keys_add(keys, line.blob, line.blob_len, &line.grant, fault->place, &fault->other);
    if (error == M4H_EEXIST)
        snprintf(fault->message, sizeof(fault->message), "the same key as in line %u, which holds",
                 fault->other.line);
    return error;
}

int m4h_authorized_keys_parse(struct m4h_keys *keys, const char *text, size_t len, uint32_t file,
                              struct m4h_key_report *report)
{
    const char *end = text + len;
    uint32_t number = 0;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        struct m4h_key_fault fault = {.place = {file, ++number}, .other = {file, 0}};
        int error = take_line(keys, text, (size_t)(stop - text), &fault);

        if (error == M4H_ENOMEM || error == M4H_EFULL)
            return error;
        if (error != 0 && report->fault_count++ < M4H_AUTHORIZED_KEYS_FAULTS_MAX)
            report->faults[report->fault_count - 1] = fault;
        text = newline != NULL ? newline + 1 : end;
    }
    return 0;
}
