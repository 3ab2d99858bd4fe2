/* The token of a pool: the first line of a file. */
#include "lib/fetch/pool_token.h"

#include "lib/base/error.h"
#include "lib/base/file_text.h"
#include "lib/base/log.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MS 1000u

/* The first line is all that counts, without what surrounds it. */
static int take(struct m4h_fetch_token *token, const char *text, size_t len)
{
    size_t used = 0;

    while (used < len && text[used] > ' ' && text[used] <= '~')
        used++;
    if (used == 0 || used > M4H_FETCH_TOKEN_MAX ||
        (used < len && strchr(" \t\r\n", text[used]) == NULL))
        return M4H_EPROTOCOL;
    explicit_bzero(token->text, sizeof(token->text));
    memcpy(token->text, text, used);
    token->number++;
    return 0;
}

static int read_again(struct m4h_fetch_token *token)
{
    char *text;
    size_t len;
    int error;

    token->read = m4h_file_mark_of(token->path);
    error = m4h_file_text_read(token->path, 2 * M4H_FETCH_TOKEN_MAX, &text, &len);
    if (error != 0)
        return error;
    error = take(token, text, len);
    explicit_bzero(text, len);
    free(text);
    return error;
}

int m4h_fetch_token_open(struct m4h_fetch_token *token, const char *path)
{
    int error;

    memset(token, 0, sizeof(*token));
    if (path == NULL || *path == '\0')
        return 0;
    token->path = strdup(path);
    if (token->path == NULL)
        return M4H_ENOMEM;
    error = read_again(token);
    if (error != 0)
        m4h_fetch_token_close(token);
    return error;
}

void m4h_fetch_token_refresh(struct m4h_fetch_token *token, uint64_t now_ms)
{
    struct m4h_file_mark now;
    int error;

    if (token->path == NULL || now_ms - token->looked_ms < LOOK_EVERY_MS)
        return;
    token->looked_ms = now_ms;
    now = m4h_file_mark_of(token->path);
    if (m4h_file_mark_equals(&now, &token->read))
        return;
    error = read_again(token);
    if (error != 0)
        m4h_log(M4H_LOG_WARNING, "fetch",
                "file=\"%s\" reason=\"%s\" the token is not taken, the one of before stays",
                token->path, m4h_error_text(error));
}

void m4h_fetch_token_close(struct m4h_fetch_token *token)
{
    free(token->path);
    explicit_bzero(token, sizeof(*token));
}
