/* Static files with their ETag: a browser asks whether it has the right one, so
 * that a gateway of another version behind the same address is seen at once. */
#include "services/gateway/io/pages.h"

#include "lib/base/embedded.h"
#include "lib/http/etag.h"
#include "services/gateway/core/scope.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES (1024u * 1024u)
/* 64 hex digits, two quotes, a NUL. */
#define ETAG_SIZE 67

extern const struct m4h_embedded_file m4h_gateway_web_files[];
extern const size_t m4h_gateway_web_file_count;
extern const struct m4h_embedded_file m4h_gateway_openapi_files[];
extern const size_t m4h_gateway_openapi_file_count;

/* Nothing from elsewhere, nothing inline, no frame around it: text of a device
 * that came to be markup all the same would do nothing. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
                             "connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
                             "form-action 'none'; frame-ancestors 'none'";

static const char *type_of(const char *name)
{
    static const struct {
        const char *end;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".json", "application/json"},
    };
    const char *end = strrchr(name, '.');

    for (size_t i = 0; i < M4H_COUNT(types) && end != NULL; i++) {
        if (strcmp(end, types[i].end) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static const struct m4h_embedded_file *find(const char *name)
{
    for (size_t i = 0; i < m4h_gateway_web_file_count; i++) {
        if (strcmp(m4h_gateway_web_files[i].name, name) == 0)
            return &m4h_gateway_web_files[i];
    }
    return NULL;
}

static void answer_file(struct m4h_http_request *request, const struct m4h_embedded_file *file)
{
    char etag[ETAG_SIZE];
    const struct m4h_http_header headers[] = {
        {"ETag", etag},
        {"Cache-Control", "no-cache"},
        {"Content-Security-Policy", policy},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
    };
    struct m4h_buffer body = M4H_BUFFER_INIT(FILE_MAX_BYTES);
    struct m4h_http_answer answer = {.status = 200,
                                     .content_type = type_of(file->name),
                                     .body = &body,
                                     .headers = headers,
                                     .header_count = M4H_COUNT(headers)};

    snprintf(etag, sizeof(etag), "\"%s\"", file->sha256);
    if (m4h_http_etag_matches(m4h_http_header(request, "If-None-Match"), etag)) {
        answer.status = 304;
        answer.content_type = NULL;
    } else if (m4h_buffer_add(&body, file->bytes, file->len) != 0) {
        answer = (struct m4h_http_answer){.status = 500};
    }
    m4h_http_answer(request, &answer);
}

static void get_file(void *context, struct m4h_http_request *request)
{
    const struct m4h_embedded_file *file = find(m4h_http_path_parameter(request, "name"));

    (void)context;
    if (file != NULL)
        answer_file(request, file);
    else
        m4h_http_answer_problem(request, 404, "not_found", "the dashboard has no such file", 0);
}

static void get_page(void *context, struct m4h_http_request *request)
{
    (void)context;
    answer_file(request, find("index.html"));
}

static void get_openapi(void *context, struct m4h_http_request *request)
{
    (void)context;
    answer_file(request, &m4h_gateway_openapi_files[0]);
}

static const struct m4h_http_route routes[] = {
    {"GET", "/", get_page, false, M4H_GATEWAY_SCOPE_PUBLIC},
    {"GET", "/openapi.json", get_openapi, false, M4H_GATEWAY_SCOPE_PUBLIC},
    {"GET", "/web/{name}", get_file, true, M4H_GATEWAY_SCOPE_PUBLIC},
};

struct m4h_http_routes m4h_gateway_pages_routes(void)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), NULL};
}
