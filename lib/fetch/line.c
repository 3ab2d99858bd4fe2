/* The options of a transfer: what is the same for all questions is set once.
 *
 * CURLOPT_QUICK_EXIT: without it, giving up a question whose host is being looked up waits for
 * the thread that does so, and the loop would wait with it. */
#include "lib/fetch/line.h"

#include <stdbool.h>
#include <stdlib.h>

#define CA_CACHE_SECONDS 60L
#define IDLE_SECONDS     60L

static bool is_given(const char *text)
{
    return text != NULL && *text != '\0';
}

static void set_trust(CURL *curl, const struct m4h_fetch_pool_config *config)
{
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS);
    if (is_given(config->ca_file)) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (is_given(config->cert_file))
        curl_easy_setopt(curl, CURLOPT_SSLCERT, config->cert_file);
    if (is_given(config->key_file))
        curl_easy_setopt(curl, CURLOPT_SSLKEY, config->key_file);
}

static void set_bounds(CURL *curl, const struct m4h_fetch_pool_config *config)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)config->answer_max);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

struct m4h_fetch_line *m4h_fetch_line_create(const struct m4h_fetch_pool_config *config,
                                             struct curl_slist *headers,
                                             const struct m4h_fetch_hearer *hearer)
{
    struct m4h_fetch_line *line = calloc(1, sizeof(*line));

    if (line == NULL)
        return NULL;
    line->curl = curl_easy_init();
    if (line->curl == NULL) {
        free(line);
        return NULL;
    }
    set_bounds(line->curl, config);
    set_trust(line->curl, config);
    curl_easy_setopt(line->curl, CURLOPT_URL, config->url);
    curl_easy_setopt(line->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(line->curl, CURLOPT_USERAGENT, config->user_agent);
    curl_easy_setopt(line->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(line->curl, CURLOPT_ERRORBUFFER, line->error);
    curl_easy_setopt(line->curl, CURLOPT_HEADERFUNCTION, hearer->on_head);
    curl_easy_setopt(line->curl, CURLOPT_WRITEFUNCTION, hearer->on_body);
    return line;
}

void m4h_fetch_line_load(struct m4h_fetch_line *line, const char *body, size_t len, void *context)
{
    line->error[0] = '\0';
    curl_easy_setopt(line->curl, CURLOPT_PRIVATE, context);
    curl_easy_setopt(line->curl, CURLOPT_HEADERDATA, context);
    curl_easy_setopt(line->curl, CURLOPT_WRITEDATA, context);
    curl_easy_setopt(line->curl, CURLOPT_POSTFIELDSIZE, (long)len);
    curl_easy_setopt(line->curl, CURLOPT_POSTFIELDS, body);
}

void m4h_fetch_line_show_token(struct m4h_fetch_line *line, const char *token, uint32_t number)
{
    if (line->token_number == number)
        return;
    curl_easy_setopt(line->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
    curl_easy_setopt(line->curl, CURLOPT_XOAUTH2_BEARER, token);
    line->token_number = number;
}

void m4h_fetch_line_destroy(struct m4h_fetch_line *line)
{
    if (line == NULL)
        return;
    curl_easy_cleanup(line->curl);
    free(line);
}
