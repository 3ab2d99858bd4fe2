/* The target of a request: its path, cut into values by the routes, and its query. What comes
 * out is valid text without control characters, whatever was escaped. */
#include "lib/base/ident.h"
#include "lib/base/model.h"
#include "lib/http/route.h"
#include "tests/fuzz/target.h"

#include <stdlib.h>
#include <string.h>

static void handle(void *context, struct m4h_http_request *request)
{
    (void)context;
    (void)request;
}

static const struct m4h_http_route table[] = {
    {"GET", "/v1/tunnels", handle, false, 0},
    {"GET", "/v1/tunnels/{client_key}", handle, false, 0},
    {"DELETE", "/v1/tunnels/{client_key}", handle, false, 0},
    {"POST", "/v1/slaves/{slave_id}/drain", handle, false, 0},
};
static const struct m4h_http_routes routes = {table, M4H_COUNT(table), NULL};

static void check(const struct m4h_http_parameter *parameters, size_t count, size_t max)
{
    assert(count <= max);
    for (size_t i = 0; i < count; i++)
        assert(m4h_ident_text_is_valid(parameters[i].value, strlen(parameters[i].value)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_http_parameter parameters[M4H_HTTP_QUERY_MAX];
    struct m4h_http_match match;
    char *text = malloc(size + 1), *query;
    size_t count;

    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    query = strchr(text, '?');
    if (query != NULL) {
        *query++ = '\0';
        if (m4h_http_query_parse(query, parameters, &count) == 0)
            check(parameters, count, M4H_HTTP_QUERY_MAX);
    }
    memmove(text, m4h_http_target_path(text), strlen(m4h_http_target_path(text)) + 1);
    if (m4h_http_route_find(&routes, 1, "GET", text, &match) == 0)
        check(match.parameters, match.parameter_count, M4H_HTTP_PATH_PARAMETERS_MAX);
    free(text);
    return 0;
}
