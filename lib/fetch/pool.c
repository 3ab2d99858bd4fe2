/* Questions, each with a line of libcurl's or waiting for one.
 *
 * A question has a timer of its own, because libcurl does not count the time that one waits for a
 * connection; so at most `connections_max` are given to it at once, and the others wait here.
 *
 * Happy path: asked -> runs on a line -> libcurl says that it is over -> its result is delivered,
 * and the first one that waits gets the line. It may also end by its timer, by being cancelled, or
 * with the pool. Who gets a result may ask, cancel others, and destroy the pool: nothing is touched
 * after that but what is still there. */
#include "lib/fetch/pool.h"

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/fetch/driver.h"
#include "lib/fetch/line.h"
#include "lib/fetch/pool_token.h"
#include "lib/fetch/url.h"
#include "lib/net/timer.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define RETRY_AFTER_MAX_S 3600
struct m4h_fetch_ask {
    struct m4h_fetch_pool *pool;
    struct m4h_fetch_line *line; /* NULL while it waits for its turn */
    char *body;
    size_t len;
    struct m4h_buffer answer;
    size_t head_len; /* of the answer, so far */
    bool is_too_big;
    struct m4h_timer *timer;
    void (*on_result)(void *context, const struct m4h_fetch_result *result);
    void *context;
    struct m4h_fetch_ask *prev, *next;
};

struct m4h_fetch_pool {
    struct m4h_loop *loop;
    struct m4h_fetch_driver driver;
    struct m4h_fetch_pool_config config; /* its texts are owned */
    struct curl_slist *headers;
    struct m4h_fetch_token token;
    struct m4h_fetch_line *idle_lines;
    struct m4h_fetch_ask *waiting, *running;
    uint32_t waiting_count, running_count;
    uint64_t connections;
    unsigned calls_out;  /* results that are being delivered */
    bool is_initialised; /* libcurl's global part */
    bool is_destroyed;   /* by one who gets a result */
};

/* ---- what libcurl calls ---------------------------------------------------- */

static size_t on_head(char *data, size_t size, size_t count, void *context)
{
    struct m4h_fetch_ask *ask = context;

    (void)data;
    ask->head_len += size * count;
    ask->is_too_big = ask->head_len > ask->pool->config.answer_max;
    return ask->is_too_big ? 0 : size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct m4h_fetch_ask *ask = context;
    size_t len = size * count;

    if (m4h_buffer_add(&ask->answer, data, len) == 0)
        return len;
    ask->is_too_big = true;
    return 0;
}

/* ---- a question's way ------------------------------------------------------- */

static int run(struct m4h_fetch_ask *ask)
{
    static const struct m4h_fetch_hearer hearer = {on_head, on_body};
    struct m4h_fetch_pool *pool = ask->pool;
    struct m4h_fetch_line *line = pool->idle_lines;

    if (line != NULL)
        LL_DELETE(pool->idle_lines, line);
    else
        line = m4h_fetch_line_create(&pool->config, pool->headers, &hearer);
    if (line == NULL)
        return M4H_ENOMEM;
    m4h_fetch_token_refresh(&pool->token, m4h_loop_now_ms(pool->loop));
    m4h_fetch_line_show_token(line, pool->token.text, pool->token.number);
    m4h_fetch_line_load(line, ask->body, ask->len, ask);
    if (curl_multi_add_handle(pool->driver.multi, line->curl) != CURLM_OK) {
        LL_PREPEND(pool->idle_lines, line);
        return M4H_ENOMEM;
    }
    ask->line = line;
    DL_APPEND(pool->running, ask);
    pool->running_count++;
    return 0;
}

/* Takes it from where it stands. */
static void leave(struct m4h_fetch_ask *ask)
{
    struct m4h_fetch_pool *pool = ask->pool;
    long connections = 0;

    if (ask->line == NULL) {
        DL_DELETE(pool->waiting, ask);
        pool->waiting_count--;
        return;
    }
    DL_DELETE(pool->running, ask);
    pool->running_count--;
    curl_multi_remove_handle(pool->driver.multi, ask->line->curl);
    if (curl_easy_getinfo(ask->line->curl, CURLINFO_NUM_CONNECTS, &connections) == CURLE_OK)
        pool->connections += (uint64_t)connections;
    LL_PREPEND(pool->idle_lines, ask->line);
}

static void free_ask(struct m4h_fetch_ask *ask)
{
    m4h_timer_close(ask->timer);
    m4h_buffer_free(&ask->answer);
    free(ask->body);
    free(ask);
}

static void free_pool(struct m4h_fetch_pool *pool);

/* Tells the result and ends the question. False: the pool is gone. */
static bool deliver(struct m4h_fetch_ask *ask, const struct m4h_fetch_result *result)
{
    struct m4h_fetch_pool *pool = ask->pool;

    m4h_timer_stop(ask->timer);
    pool->calls_out++;
    ask->on_result(ask->context, result);
    pool->calls_out--;
    free_ask(ask);
    if (!pool->is_destroyed)
        return true;
    if (pool->calls_out == 0)
        free_pool(pool);
    return false;
}

/* Lets those that wait go on where there is room. False: the pool is gone. */
static bool run_next(struct m4h_fetch_pool *pool)
{
    while (pool->waiting != NULL && pool->running_count < pool->config.connections_max) {
        struct m4h_fetch_ask *ask = pool->waiting;
        int error;

        leave(ask);
        error = run(ask);
        if (error != 0 && !deliver(ask, &(struct m4h_fetch_result){
                                            .error = error, .detail = m4h_error_text(error)}))
            return false;
    }
    return true;
}

static int error_of(const struct m4h_fetch_ask *ask, CURLcode code)
{
    if (ask->is_too_big)
        return M4H_ETOOBIG;
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT: /* CURLOPT_CONNECTTIMEOUT_MS: the only one that is set */
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return M4H_EUNAVAILABLE;
    case CURLE_FILESIZE_EXCEEDED:
        return M4H_ETOOBIG;
    case CURLE_OUT_OF_MEMORY:
        return M4H_ENOMEM;
    default:
        return M4H_EPROTOCOL;
    }
}

static void read_answer(const struct m4h_fetch_ask *ask, struct m4h_fetch_result *result)
{
    curl_off_t retry_after_s = 0;
    long status = 0;

    curl_easy_getinfo(ask->line->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(ask->line->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s > RETRY_AFTER_MAX_S)
        retry_after_s = RETRY_AFTER_MAX_S;
    result->status = (unsigned)status;
    result->retry_after_ms = retry_after_s > 0 ? (uint32_t)retry_after_s * 1000 : 0;
    result->body = ask->answer.data;
    result->body_len = ask->answer.len;
}

/* False: the pool is gone. */
static bool end(struct m4h_fetch_ask *ask, CURLcode code)
{
    struct m4h_fetch_result result = {.error = error_of(ask, code), .detail = ""};

    if (result.error == 0)
        read_answer(ask, &result);
    else if (ask->is_too_big)
        result.detail = "the answer is too long";
    else
        result.detail = ask->line->error[0] != '\0' ? ask->line->error : curl_easy_strerror(code);
    leave(ask);
    return deliver(ask, &result);
}

static void on_progress(void *context)
{
    struct m4h_fetch_pool *pool = context;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(pool->driver.multi, &left)) != NULL) {
        struct m4h_fetch_ask *ask = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &ask);
        if (!end(ask, message->data.result))
            return;
    }
    (void)run_next(pool);
}

static void on_deadline(void *context)
{
    struct m4h_fetch_ask *ask = context;
    struct m4h_fetch_pool *pool = ask->pool;
    bool was_running = ask->line != NULL;

    leave(ask);
    if (deliver(ask, &(struct m4h_fetch_result){.error = M4H_ETIMEOUT,
                                                .detail = was_running ? "no answer in time"
                                                                      : "no connection was free"}))
        (void)run_next(pool);
}

static int create_ask(struct m4h_fetch_ask **ask, struct m4h_fetch_pool *pool, const void *body,
                      size_t len)
{
    struct m4h_fetch_ask *a = calloc(1, sizeof(*a));

    *ask = NULL;
    if (a == NULL)
        return M4H_ENOMEM;
    a->pool = pool;
    a->answer = (struct m4h_buffer)M4H_BUFFER_INIT(pool->config.answer_max);
    a->len = len;
    a->body = malloc(len + 1);
    if (a->body == NULL || m4h_timer_create(&a->timer, pool->loop, on_deadline, a) != 0) {
        free_ask(a);
        return M4H_ENOMEM;
    }
    memcpy(a->body, body, len);
    *ask = a;
    return 0;
}

int m4h_fetch_pool_ask(struct m4h_fetch_pool *pool, const void *body, size_t len,
                       uint32_t timeout_ms,
                       void (*on_result)(void *context, const struct m4h_fetch_result *result),
                       void *context, struct m4h_fetch_ask **ask)
{
    bool waits = pool->waiting != NULL || pool->running_count >= pool->config.connections_max;
    int error;

    *ask = NULL;
    if (waits && pool->waiting_count >= pool->config.waiting_max)
        return M4H_EFULL;
    error = create_ask(ask, pool, body, len);
    if (error != 0)
        return error;
    (*ask)->on_result = on_result;
    (*ask)->context = context;
    if (waits) {
        DL_APPEND(pool->waiting, *ask);
        pool->waiting_count++;
    } else {
        error = run(*ask);
    }
    if (error != 0) {
        free_ask(*ask);
        *ask = NULL;
        return error;
    }
    m4h_timer_start((*ask)->timer, timeout_ms, 0);
    return 0;
}

/* Those who wait go on with libcurl's next call: no callback comes from within this one. */
void m4h_fetch_ask_cancel(struct m4h_fetch_ask *ask)
{
    struct m4h_fetch_pool *pool;

    if (ask == NULL)
        return;
    pool = ask->pool;
    leave(ask);
    free_ask(ask);
    if (pool->waiting != NULL)
        m4h_fetch_driver_nudge(&pool->driver);
}

/* ---- the pool ------------------------------------------------------------------ */

/* False: no memory. What is empty becomes NULL. */
static bool keep(const char **text)
{
    if (*text == NULL || **text == '\0') {
        *text = NULL;
        return true;
    }
    *text = strdup(*text);
    return *text != NULL;
}

static bool keep_texts(struct m4h_fetch_pool_config *config)
{
    const char **texts[] = {&config->url,       &config->user_agent, &config->ca_file,
                            &config->cert_file, &config->key_file,   &config->token_file};
    bool is_kept = true;

    for (size_t i = 0; i < M4H_COUNT(texts); i++) {
        if (is_kept)
            is_kept = keep(texts[i]);
        else
            *texts[i] = NULL;
    }
    return is_kept;
}

static int make_headers(struct curl_slist **headers)
{
    *headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (*headers == NULL || curl_slist_append(*headers, "Accept: application/json") == NULL)
        return M4H_ENOMEM;
    return 0;
}

static int set_up(struct m4h_fetch_pool *pool, const struct m4h_fetch_pool_config *config)
{
    int error = m4h_fetch_url_check(config->url);

    if (error != 0)
        return error;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return M4H_ESYSTEM;
    pool->is_initialised = true;
    pool->config = *config;
    if (!keep_texts(&pool->config))
        return M4H_ENOMEM;
    error = m4h_fetch_driver_open(&pool->driver, pool->loop, on_progress, pool);
    if (error == 0)
        error = make_headers(&pool->headers);
    if (error == 0)
        error = m4h_fetch_token_open(&pool->token, pool->config.token_file);
    if (error == 0)
        curl_multi_setopt(pool->driver.multi, CURLMOPT_MAXCONNECTS, (long)config->connections_max);
    return error;
}

int m4h_fetch_pool_create(struct m4h_fetch_pool **pool, struct m4h_loop *loop,
                          const struct m4h_fetch_pool_config *config)
{
    struct m4h_fetch_pool *p = calloc(1, sizeof(*p));
    int error;

    *pool = NULL;
    if (p == NULL)
        return M4H_ENOMEM;
    p->loop = loop;
    error = set_up(p, config);
    if (error != 0) {
        m4h_fetch_pool_destroy(p);
        return error;
    }
    *pool = p;
    return 0;
}

static void free_texts(struct m4h_fetch_pool_config *config)
{
    free((void *)config->url);
    free((void *)config->user_agent);
    free((void *)config->ca_file);
    free((void *)config->cert_file);
    free((void *)config->key_file);
    free((void *)config->token_file);
}

static void free_pool(struct m4h_fetch_pool *pool)
{
    struct m4h_fetch_line *line, *next;

    LL_FOREACH_SAFE(pool->idle_lines, line, next)
    m4h_fetch_line_destroy(line);
    m4h_fetch_driver_close(&pool->driver);
    m4h_fetch_token_close(&pool->token);
    curl_slist_free_all(pool->headers);
    free_texts(&pool->config);
    if (pool->is_initialised)
        curl_global_cleanup();
    free(pool);
}

static void drop_all(struct m4h_fetch_ask **list)
{
    while (*list != NULL) {
        struct m4h_fetch_ask *ask = *list;

        leave(ask);
        free_ask(ask);
    }
}

void m4h_fetch_pool_destroy(struct m4h_fetch_pool *pool)
{
    if (pool == NULL)
        return;
    drop_all(&pool->waiting);
    drop_all(&pool->running);
    pool->is_destroyed = true;
    if (pool->calls_out == 0)
        free_pool(pool);
}

void m4h_fetch_pool_stats(const struct m4h_fetch_pool *pool, struct m4h_fetch_pool_stats *stats)
{
    *stats = (struct m4h_fetch_pool_stats){.running = pool->running_count,
                                           .waiting = pool->waiting_count,
                                           .connections = pool->connections};
}
