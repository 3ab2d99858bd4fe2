/* A handle of libcurl's, used for one question after another. Private to lib/fetch. */
#ifndef M4H_FETCH_LINE_H
#define M4H_FETCH_LINE_H

#include "lib/base/attributes.h"
#include "lib/fetch/pool.h"

#include <curl/curl.h>
#include <stdint.h>

/* What it does with what comes: as libcurl's own callbacks. */
struct m4h_fetch_hearer {
    size_t (*on_head)(char *data, size_t size, size_t count, void *context);
    size_t (*on_body)(char *data, size_t size, size_t count, void *context);
};

struct m4h_fetch_line {
    CURL *curl;
    uint32_t token_number;       /* of the token that it has; 0: none yet */
    char error[CURL_ERROR_SIZE]; /* what went wrong last */
    struct m4h_fetch_line *next;
};

/* `config` and `headers` are borrowed for as long as it lives. NULL: no memory. */
struct m4h_fetch_line *m4h_fetch_line_create(const struct m4h_fetch_pool_config *config,
                                             struct curl_slist *headers,
                                             const struct m4h_fetch_hearer *hearer);
/* The next question: `body` is borrowed until it is over; `context` is CURLINFO_PRIVATE, and that
 * of the hearer. */
void m4h_fetch_line_load(struct m4h_fetch_line *line, const char *body, size_t len, void *context);
/* Shows `token` from now on, copied; nothing is done where it has the one of that number. */
void m4h_fetch_line_show_token(struct m4h_fetch_line *line, const char *token, uint32_t number);
/* Accepts NULL. */
void m4h_fetch_line_destroy(struct m4h_fetch_line *line);

#endif
