/* libcurl's easy interface behind a handle of ours. One connection is kept open
 * between questions. Only http and https are spoken, whatever else the library
 * was built with, and nothing is read from ~/.netrc. */
#include "lib/fetch/fetch.h"

#include "lib/base/error.h"
#include "lib/fetch/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECT_MAX_MS 5000L

struct m4h_fetch {
    CURL *curl;
    char *base_url;              /* without a slash at its end */
    struct curl_slist *token;    /* the header, or NULL */
    char error[CURL_ERROR_SIZE]; /* libcurl writes here */
    char text[M4H_FETCH_TEXT_MAX];
    uint32_t timeout_ms;
    bool (*is_stopped)(void *context);
    void *context;
};

/* One question while it is under way. */
struct passage {
    struct m4h_fetch *fetch;
    const struct m4h_fetch_stream *stream; /* NULL: all of the answer is wanted */
    struct m4h_fetch_answer *answer;
    struct curl_slist *headers; /* its own; the last one's `next` is the fetch's token */
    uint64_t heard_ms;          /* when the last byte came, or it began */
    int error;                  /* of ours, 0 where libcurl knows better */
    bool is_ended;              /* by on_data */
};

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- what libcurl calls -------------------------------------------------------- */

static size_t keep(struct passage *passage, const void *data, size_t len)
{
    passage->error = m4h_buffer_add(&passage->answer->body, data, len);
    return passage->error == 0 ? len : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct passage *passage = context;
    size_t len = size * count;
    long status = 0;

    passage->heard_ms = monotonic_ms();
    curl_easy_getinfo(passage->fetch->curl, CURLINFO_RESPONSE_CODE, &status);
    if (passage->stream == NULL || status != 200)
        return keep(passage, data, len);
    passage->is_ended =
        !passage->stream->on_data(passage->stream->context, (const uint8_t *)data, len);
    return passage->is_ended ? 0 : len;
}

/* How long it may be silent: a stream that has begun sends heartbeats. */
static bool is_too_silent(const struct passage *passage)
{
    long status = 0;

    if (passage->stream == NULL)
        return false; /* CURLOPT_TIMEOUT_MS looks after it */
    curl_easy_getinfo(passage->fetch->curl, CURLINFO_RESPONSE_CODE, &status);
    return monotonic_ms() - passage->heard_ms >=
           (status == 200 ? passage->stream->silence_ms : passage->fetch->timeout_ms);
}

static int on_progress(void *context, curl_off_t to_get, curl_off_t got, curl_off_t to_send,
                       curl_off_t sent)
{
    struct passage *passage = context;
    struct m4h_fetch *fetch = passage->fetch;

    (void)to_get, (void)got, (void)to_send, (void)sent;
    if (fetch->is_stopped != NULL && fetch->is_stopped(fetch->context))
        passage->error = M4H_ECLOSED;
    else if (is_too_silent(passage))
        passage->error = M4H_ETIMEOUT;
    return passage->error != 0;
}

/* ---- creating -------------------------------------------------------------------- */

static void set_up(struct m4h_fetch *fetch, const struct m4h_fetch_config *config)
{
    CURL *curl = fetch->curl;

    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a client key may be ".." */
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "mas4hctl/" M4H_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MAX_MS);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (config->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}

static int take_url(struct m4h_fetch *fetch, const char *url)
{
    size_t len = strlen(url);
    int error = m4h_fetch_url_check(url);

    if (error != 0)
        return error;
    while (len > 0 && url[len - 1] == '/')
        len--;
    fetch->base_url = strndup(url, len);
    return fetch->base_url != NULL ? 0 : M4H_ENOMEM;
}

static int take_token(struct m4h_fetch *fetch, const char *token)
{
    char header[M4H_FETCH_TEXT_MAX];
    int len;

    for (const char *c = token; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~')
            return M4H_EINVALID;
    }
    len = snprintf(header, sizeof(header), "Authorization: Bearer %s", token);
    if ((size_t)len >= sizeof(header))
        return M4H_EINVALID;
    fetch->token = curl_slist_append(NULL, header);
    explicit_bzero(header, sizeof(header));
    return fetch->token != NULL ? 0 : M4H_ENOMEM;
}

int m4h_fetch_create(struct m4h_fetch **fetch, const struct m4h_fetch_config *config)
{
    struct m4h_fetch *f;
    int error;

    *fetch = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return M4H_ESYSTEM;
    f = calloc(1, sizeof(*f));
    if (f == NULL) {
        curl_global_cleanup();
        return M4H_ENOMEM;
    }
    f->timeout_ms = config->timeout_ms;
    f->is_stopped = config->is_stopped;
    f->context = config->context;
    f->curl = curl_easy_init();
    error = f->curl != NULL ? take_url(f, config->base_url) : M4H_ENOMEM;
    if (error == 0 && config->token != NULL)
        error = take_token(f, config->token);
    if (error != 0) {
        m4h_fetch_destroy(f);
        return error;
    }
    set_up(f, config);
    *fetch = f;
    return 0;
}

void m4h_fetch_destroy(struct m4h_fetch *fetch)
{
    if (fetch == NULL)
        return;
    curl_easy_cleanup(fetch->curl);
    if (fetch->token != NULL)
        explicit_bzero(fetch->token->data, strlen(fetch->token->data));
    curl_slist_free_all(fetch->token);
    free(fetch->base_url);
    free(fetch);
    curl_global_cleanup();
}

/* ---- asking ---------------------------------------------------------------------- */

static int error_of(const struct passage *passage, CURLcode code)
{
    if (code == CURLE_OK || passage->is_ended)
        return 0;
    if (passage->error != 0)
        return passage->error;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return M4H_EUNAVAILABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return M4H_ETIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return M4H_ENOMEM;
    default:
        return M4H_EPROTOCOL;
    }
}

/* Adds "Name: value". False: no memory. */
static bool add_header(struct passage *passage, const char *name, const char *value)
{
    char header[M4H_FETCH_TEXT_MAX];
    struct curl_slist *longer;

    if ((size_t)snprintf(header, sizeof(header), "%s: %s", name, value) >= sizeof(header))
        return false;
    longer = curl_slist_append(passage->headers, header);
    if (longer == NULL)
        return false;
    passage->headers = longer;
    return true;
}

/* Puts the token behind the headers of this question, lent. */
static struct curl_slist *lend_token(struct passage *passage, struct curl_slist **last)
{
    *last = passage->headers;
    while (*last != NULL && (*last)->next != NULL)
        *last = (*last)->next;
    if (*last == NULL)
        return passage->fetch->token;
    (*last)->next = passage->fetch->token;
    return passage->headers;
}

static int pass(struct passage *passage, const char *target)
{
    struct m4h_fetch *fetch = passage->fetch;
    size_t size = strlen(fetch->base_url) + strlen(target) + 1;
    char *url = malloc(size);
    struct curl_slist *last;
    CURLcode code;
    long status = 0;
    int error;

    if (url == NULL)
        return M4H_ENOMEM;
    snprintf(url, size, "%s%s", fetch->base_url, target);
    fetch->error[0] = '\0';
    passage->heard_ms = monotonic_ms();
    curl_easy_setopt(fetch->curl, CURLOPT_URL, url);
    curl_easy_setopt(fetch->curl, CURLOPT_HTTPHEADER, lend_token(passage, &last));
    curl_easy_setopt(fetch->curl, CURLOPT_WRITEDATA, passage);
    curl_easy_setopt(fetch->curl, CURLOPT_XFERINFODATA, passage);
    curl_easy_setopt(fetch->curl, CURLOPT_TIMEOUT_MS,
                     passage->stream != NULL ? 0L : (long)fetch->timeout_ms);
    code = curl_easy_perform(fetch->curl);
    curl_easy_setopt(fetch->curl, CURLOPT_HTTPHEADER, NULL);
    if (last != NULL)
        last->next = NULL;
    free(url);
    error = error_of(passage, code);
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
    passage->answer->status = (unsigned)status;
    snprintf(fetch->text, sizeof(fetch->text), "%s",
             error == 0                ? ""
             : passage->error != 0     ? m4h_error_text(passage->error)
             : fetch->error[0] != '\0' ? fetch->error
                                       : curl_easy_strerror(code));
    return error;
}

static int finish(struct passage *passage, int error)
{
    struct m4h_fetch_answer *answer = passage->answer;
    uint8_t *end;

    curl_slist_free_all(passage->headers);
    if (error == 0) {
        end = m4h_buffer_room(&answer->body, 1);
        if (end != NULL)
            *end = '\0';
        else
            error = M4H_ENOMEM;
    }
    if (error != 0) {
        m4h_buffer_free(&answer->body);
        answer->status = 0;
    }
    return error;
}

static void begin(struct passage *passage, struct m4h_fetch_answer *answer)
{
    answer->status = 0;
    answer->body = (struct m4h_buffer)M4H_BUFFER_INIT(M4H_FETCH_ANSWER_MAX);
    passage->answer = answer;
}

/* A POST without a body says that its length is 0. */
static void set_method(struct m4h_fetch *fetch, const struct m4h_fetch_request *request)
{
    bool is_post = strcmp(request->method, "POST") == 0;

    curl_easy_setopt(fetch->curl, CURLOPT_HTTPGET, 1L);
    if (is_post || request->body != NULL)
        curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDS,
                         request->body != NULL ? request->body : "");
    curl_easy_setopt(fetch->curl, CURLOPT_CUSTOMREQUEST, is_post ? NULL : request->method);
}

int m4h_fetch_ask(struct m4h_fetch *fetch, const struct m4h_fetch_request *request,
                  struct m4h_fetch_answer *answer)
{
    struct passage passage = {.fetch = fetch};
    int error = 0;

    begin(&passage, answer);
    /* libcurl would call it a form; an empty header takes that out. */
    if (!add_header(&passage, "Content-Type", request->body != NULL ? "application/json" : ""))
        error = M4H_ENOMEM;
    set_method(fetch, request);
    if (error == 0)
        error = pass(&passage, request->target);
    return finish(&passage, error);
}

int m4h_fetch_follow(struct m4h_fetch *fetch, const struct m4h_fetch_stream *stream,
                     struct m4h_fetch_answer *answer)
{
    struct passage passage = {.fetch = fetch, .stream = stream};
    const char *last_id = stream->last_event_id;
    int error = 0;

    begin(&passage, answer);
    if (!add_header(&passage, "Accept", stream->accept) ||
        (last_id != NULL && *last_id != '\0' && !add_header(&passage, "Last-Event-ID", last_id)))
        error = M4H_ENOMEM;
    curl_easy_setopt(fetch->curl, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(fetch->curl, CURLOPT_HTTPGET, 1L);
    if (error == 0)
        error = pass(&passage, stream->target);
    return finish(&passage, error);
}

const char *m4h_fetch_error_text(const struct m4h_fetch *fetch)
{
    return fetch->text;
}
