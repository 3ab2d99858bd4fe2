/* Words and tokens. */
#include "services/master/core/command_line.h"

#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/base/network.h"
#include "lib/base/ssh_fields.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char tokens[] = "ftkua%";

/* ---- words ---------------------------------------------------------------------- */

/* Takes a word off the front, and writes it without its quotes where it stood. NULL: a quote is
 * not closed. */
static char *take_word(char **rest)
{
    char *from = *rest, *word = from, *out = from;
    bool is_quoted = false;

    for (; *from != '\0' && (is_quoted || (*from != ' ' && *from != '\t')); from++) {
        if (*from == '"') {
            is_quoted = !is_quoted;
            continue;
        }
        if (is_quoted && from[0] == '\\' && (from[1] == '"' || from[1] == '\\'))
            from++;
        *out++ = *from;
    }
    *rest = *from != '\0' ? from + 1 : from;
    *out = '\0';
    return is_quoted ? NULL : word;
}

static bool tokens_are_good(const char *word)
{
    for (; *word != '\0'; word++) {
        if (*word == '%' && (*++word == '\0' || strchr(tokens, *word) == NULL))
            return false;
    }
    return true;
}

static const char *split(struct m4h_command_line *line)
{
    char *rest = line->text;

    for (;;) {
        char *word;

        rest += strspn(rest, " \t");
        if (*rest == '\0')
            return line->count > 0 ? NULL : "there is none";
        if (line->count == M4H_COMMAND_WORDS_MAX)
            return "it has more than 32 words";
        word = take_word(&rest);
        if (word == NULL)
            return "a quote is not closed";
        if (!tokens_are_good(word))
            return "a % stands before none of f, t, k, u, a and %";
        line->words[line->count++] = word;
    }
}

int m4h_command_line_parse(struct m4h_command_line *line, const char *text, char *wrong,
                           size_t size)
{
    const char *fault;

    *line = (struct m4h_command_line){.text = strdup(text)};
    if (line->text == NULL)
        return M4H_ENOMEM;
    fault = split(line);
    if (fault == NULL && (line->words[0][0] != '/' || strchr(line->words[0], '%') != NULL))
        fault = "it begins with the whole path of a program";
    if (fault == NULL)
        return 0;
    snprintf(wrong, size, "%s", fault);
    m4h_command_line_free(line);
    return M4H_EINVALID;
}

void m4h_command_line_free(struct m4h_command_line *line)
{
    free(line->text);
    *line = (struct m4h_command_line){0};
}

/* ---- tokens ---------------------------------------------------------------------- */

/* What the tokens stand for. */
struct meanings {
    char type[64];
    char base64[M4H_BASE64_SIZE(M4H_PUBLIC_KEY_BLOB_MAX)];
    char address[M4H_IP_TEXT_MAX];
};

static void find_meanings(struct meanings *meanings, const struct m4h_authorize_request *request)
{
    struct m4h_ssh_bytes rest = {request->public_key, request->public_key_len}, type;
    struct m4h_ip ip;

    memset(meanings, 0, sizeof(*meanings));
    if (m4h_ssh_take_string(&rest, &type))
        m4h_ssh_bytes_copy_text(type, meanings->type, sizeof(meanings->type));
    m4h_base64_encode(request->public_key, request->public_key_len, meanings->base64);
    if (m4h_ip_parse_peer(request->remote_address, &ip) == 0)
        m4h_ip_text(&ip, meanings->address);
}

static const char *meaning_of(char token, const struct meanings *meanings,
                              const struct m4h_authorize_request *request)
{
    switch (token) {
    case 'f':
        return request->key_fingerprint;
    case 't':
        return meanings->type;
    case 'k':
        return meanings->base64;
    case 'u':
        return request->username;
    case 'a':
        return meanings->address;
    default:
        return "%";
    }
}

static bool add(char **at, const char *end, const char *text, size_t len)
{
    if (len >= (size_t)(end - *at))
        return false;
    memcpy(*at, text, len);
    *at += len;
    **at = '\0';
    return true;
}

static bool expand_word(const char *word, const struct meanings *meanings,
                        const struct m4h_authorize_request *request, char **at, const char *end)
{
    bool fits = add(at, end, "", 0);

    for (; fits && *word != '\0'; word++) {
        const char *text = *word == '%' ? meaning_of(*++word, meanings, request) : NULL;

        fits = text != NULL ? add(at, end, text, strlen(text)) : add(at, end, word, 1);
    }
    return fits;
}

int m4h_command_line_expand(const struct m4h_command_line *line,
                            const struct m4h_authorize_request *request,
                            struct m4h_command_arguments *arguments)
{
    const char *end = arguments->text + sizeof(arguments->text);
    char *at = arguments->text;
    struct meanings meanings;

    find_meanings(&meanings, request);
    for (size_t i = 0; i < line->count; i++) {
        arguments->list[i] = at;
        if (!expand_word(line->words[i], &meanings, request, &at, end))
            return M4H_ETOOBIG;
        at++; /* behind the NUL; where that is the end, the next word does not fit */
    }
    arguments->list[line->count] = NULL;
    return 0;
}
