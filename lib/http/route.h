/* Finds the route of a path. Pure. Private to lib/http. */
#ifndef M4H_HTTP_ROUTE_H
#define M4H_HTTP_ROUTE_H

#include "lib/base/attributes.h"
#include "lib/http/http.h"
#include "lib/http/target.h"

/* Room for the methods of an Allow header. */
#define M4H_HTTP_ALLOW_MAX 64

struct m4h_http_match {
    const struct m4h_http_route *route;
    void *context;
    /* Names lie in the pattern (up to their brace), values in the path. */
    struct m4h_http_parameter parameters[M4H_HTTP_PATH_PARAMETERS_MAX];
    size_t parameter_count;
    char allow[M4H_HTTP_ALLOW_MAX]; /* with M4H_EEXIST: "GET, HEAD, DELETE" */
};

/* Looks up `method` and `path`, which it cuts into pieces: values are decoded in
 * place. The first route that fits is taken. M4H_ENOTFOUND: no such path;
 * M4H_EEXIST: there is one, with other methods; M4H_EINVALID: a value does not
 * decode or is empty. */
M4H_MUST_CHECK int m4h_http_route_find(const struct m4h_http_routes *routes, size_t routes_count,
                                       const char *method, char *path,
                                       struct m4h_http_match *match);

#endif
