/* The tokens file: lines, words, and the search that takes always as long. */
#include "services/gateway/core/tokens.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "services/gateway/core/scope.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 512u
#define BLANKS         " \t\r"
#define HASH_PREFIX    "sha256:"

/* ---- scopes ----------------------------------------------------------------- */

static const char *const scope_names[] = {
    [M4H_GATEWAY_SCOPE_PUBLIC] = "",
    [M4H_GATEWAY_SCOPE_SLOT] = "slot",
    [M4H_GATEWAY_SCOPE_READ] = "read",
    [M4H_GATEWAY_SCOPE_OPERATE] = "operate",
};

const char *m4h_token_scope_name(unsigned scope)
{
    return scope < M4H_COUNT(scope_names) ? scope_names[scope] : "";
}

bool m4h_token_scopes_allow(unsigned scopes, unsigned scope)
{
    unsigned enough = 1u << scope;

    if (scope == M4H_GATEWAY_SCOPE_READ)
        enough |= 1u << M4H_GATEWAY_SCOPE_OPERATE;
    return (scopes & enough) != 0;
}

static bool read_scopes(char *list, unsigned *scopes)
{
    char *rest = list, *name;

    *scopes = 0;
    while ((name = strsep(&rest, ",")) != NULL) {
        unsigned scope = M4H_GATEWAY_SCOPE_SLOT;

        while (scope < M4H_COUNT(scope_names) && strcmp(name, scope_names[scope]) != 0)
            scope++;
        if (scope == M4H_COUNT(scope_names))
            return false;
        *scopes |= 1u << scope;
    }
    return true;
}

/* ---- one line ------------------------------------------------------------------ */

static bool read_name(const char *text, char name[M4H_ID_MAX + 1])
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-");

    if (len == 0 || len > M4H_ID_MAX || text[len] != '\0')
        return false;
    memcpy(name, text, len + 1);
    return true;
}

static bool read_hash(const char *text, char hash[M4H_TOKEN_HASH_LEN + 1])
{
    size_t prefix = strlen(HASH_PREFIX);

    if (strncmp(text, HASH_PREFIX, prefix) != 0 || strlen(text + prefix) != M4H_TOKEN_HASH_LEN ||
        strspn(text + prefix, "0123456789abcdefABCDEF") != M4H_TOKEN_HASH_LEN)
        return false;
    for (size_t i = 0; i < M4H_TOKEN_HASH_LEN; i++)
        hash[i] = (char)tolower(text[prefix + i]);
    hash[M4H_TOKEN_HASH_LEN] = '\0';
    return true;
}

static bool read_rate(const char *text, uint32_t *rate)
{
    size_t len = strspn(text, "0123456789");
    unsigned long value = len > 0 && len < 8 && text[len] == '\0' ? strtoul(text, NULL, 10) : 0;

    *rate = (uint32_t)value;
    return value > 0 && value <= M4H_TOKEN_RATE_MAX;
}

static const char *read_option(const char *word, struct m4h_token *token)
{
    if (strncmp(word, "expires=", 8) == 0)
        return m4h_walltime_parse(word + 8, &token->expires_wall_ms) == 0
                   ? NULL
                   : "expires= needs a time as 2027-01-31T00:00:00Z";
    if (strncmp(word, "rate=", 5) == 0)
        return read_rate(word + 5, &token->rate) ? NULL : "rate= needs a number from 1 to 1000000";
    return "an option that is not known: expires= and rate= are";
}

/* The next word of the line, or NULL. */
static char *next_word(char **rest)
{
    char *word;

    while ((word = strsep(rest, BLANKS)) != NULL && *word == '\0')
        ;
    return word;
}

/* NULL, or what is wrong. */
static const char *read_token(char *line, struct m4h_token *token)
{
    char *rest = line;
    char *name = next_word(&rest), *scopes = next_word(&rest), *hash = next_word(&rest), *word;
    const char *wrong = NULL;

    *token = (struct m4h_token){.expires_wall_ms = UINT64_MAX};
    if (!read_name(name, token->name))
        return "a name is 1 to 63 of A-Z a-z 0-9 . _ @ -";
    if (scopes == NULL || !read_scopes(scopes, &token->scopes))
        return "the second word is its scopes: slot, read, operate, with commas between";
    if (hash == NULL || !read_hash(hash, token->hash))
        return "the third word is sha256: and 64 hexadecimal digits";
    while (wrong == NULL && (word = next_word(&rest)) != NULL)
        wrong = read_option(word, token);
    return wrong;
}

/* ---- the file -------------------------------------------------------------------- */

static void report_fault(struct m4h_token_report *report, uint32_t line, const char *message)
{
    if (report->fault_count < M4H_TOKENS_FAULTS_MAX)
        report->faults[report->fault_count] = (struct m4h_token_fault){line, message};
    report->fault_count++;
}

static bool has_name(const struct m4h_tokens *tokens, const char *name)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (strcmp(tokens->list[i].name, name) == 0)
            return true;
    return false;
}

static int add(struct m4h_tokens *tokens, const struct m4h_token *token)
{
    struct m4h_token *grown;

    if (tokens->count == M4H_TOKENS_MAX)
        return M4H_EFULL;
    if ((tokens->count & (tokens->count - 1)) == 0) { /* a power of two: it is full */
        grown =
            realloc(tokens->list, sizeof(*grown) * (tokens->count == 0 ? 1 : 2 * tokens->count));
        if (grown == NULL)
            return M4H_ENOMEM;
        tokens->list = grown;
    }
    tokens->list[tokens->count++] = *token;
    return 0;
}

/* Takes one line, without its end. */
static int take_line(struct m4h_tokens *tokens, const char *at, size_t len, uint32_t number,
                     struct m4h_token_report *report)
{
    char line[LINE_MAX_BYTES + 1];
    struct m4h_token token;
    const char *wrong;

    if (len > LINE_MAX_BYTES || memchr(at, '\0', len) != NULL) {
        report_fault(report, number, "the line is too long, or no text");
        return 0;
    }
    memcpy(line, at, len);
    line[len] = '\0';
    line[strcspn(line, "#")] = '\0';
    if (line[strspn(line, BLANKS)] == '\0')
        return 0;
    wrong = read_token(line, &token);
    if (wrong == NULL && has_name(tokens, token.name))
        wrong = "this name is used by a line before";
    if (wrong == NULL && m4h_tokens_find(tokens, token.hash) != NULL)
        wrong = "this token is that of a line before";
    if (wrong == NULL)
        return add(tokens, &token);
    report_fault(report, number, wrong);
    return 0;
}

int m4h_tokens_parse(struct m4h_tokens *tokens, const char *text, size_t len,
                     struct m4h_token_report *report)
{
    int error = 0;

    *tokens = (struct m4h_tokens){0};
    report->fault_count = 0;
    for (uint32_t number = 1; len > 0 && error == 0; number++) {
        const char *end = memchr(text, '\n', len);
        size_t line_len = end != NULL ? (size_t)(end - text) : len;
        size_t taken = end != NULL ? line_len + 1 : line_len;

        error = take_line(tokens, text, line_len, number, report);
        text += taken;
        len -= taken;
    }
    if (error != 0)
        m4h_tokens_free(tokens);
    return error;
}

void m4h_tokens_free(struct m4h_tokens *tokens)
{
    free(tokens->list);
    *tokens = (struct m4h_tokens){0};
}

/* 0 where they are the same. */
static int difference(const char *a, const char *b)
{
    int bits = 0;

    for (size_t i = 0; i < M4H_TOKEN_HASH_LEN; i++)
        bits |= a[i] ^ b[i];
    return bits;
}

const struct m4h_token *m4h_tokens_find(const struct m4h_tokens *tokens,
                                        const char hash[M4H_TOKEN_HASH_LEN + 1])
{
    const struct m4h_token *found = NULL;

    for (size_t i = 0; i < tokens->count; i++)
        found = difference(tokens->list[i].hash, hash) == 0 ? &tokens->list[i] : found;
    return found;
}
