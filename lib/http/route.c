/* Matching of paths against patterns, segment by segment. */
#include "lib/http/route.h"

#include "lib/base/error.h"

#include <stdbool.h>
#include <string.h>

/* Whether the path has the form of the pattern: both are read segment by
 * segment, and a {name} fits any segment. */
static bool fits(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        size_t pattern_len = strcspn(++pattern, "/");
        size_t path_len = strcspn(++path, "/");

        if (*pattern != '{' && (pattern_len != path_len || memcmp(pattern, path, path_len) != 0))
            return false;
        pattern += pattern_len;
        path += path_len;
    }
    return *pattern == '\0' && *path == '\0';
}

/* Takes the values out of a path that fits. */
static int take_values(const char *pattern, char *path, struct m4h_http_match *match)
{
    while (*pattern == '/') {
        size_t pattern_len = strcspn(++pattern, "/");
        size_t path_len = strcspn(++path, "/");
        char *next = path + path_len;

        if (*pattern == '{') {
            struct m4h_http_parameter *parameter = &match->parameters[match->parameter_count++];

            *next = '\0';
            if (path_len == 0 || m4h_http_percent_decode(path) != 0)
                return M4H_EINVALID;
            parameter->name = pattern + 1;
            parameter->value = path;
        }
        pattern += pattern_len;
        path = next;
    }
    return 0;
}

static bool serves(const struct m4h_http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void allow(struct m4h_http_match *match, const char *method)
{
    size_t len = strlen(match->allow);
    size_t more = strlen(method) + (len > 0 ? 2 : 0);

    if (len + more >= sizeof(match->allow))
        return;
    if (len > 0)
        memcpy(match->allow + len, ", ", 2);
    memcpy(match->allow + len + more - strlen(method), method, strlen(method) + 1);
    if (strcmp(method, "GET") == 0)
        allow(match, "HEAD");
}

int m4h_http_route_find(const struct m4h_http_routes *routes, size_t routes_count,
                        const char *method, char *path, struct m4h_http_match *match)
{
    memset(match, 0, sizeof(*match));
    for (size_t i = 0; i < routes_count; i++) {
        for (size_t j = 0; j < routes[i].count; j++) {
            const struct m4h_http_route *route = &routes[i].routes[j];

            if (!fits(route->pattern, path))
                continue;
            if (!serves(route, method)) {
                allow(match, route->method);
                continue;
            }
            match->route = route;
            match->context = routes[i].context;
            return take_values(route->pattern, path, match);
        }
    }
    return match->allow[0] != '\0' ? M4H_EEXIST : M4H_ENOTFOUND;
}
