/* A table of histograms: a row for each route and one for requests without, a column for each
 * class of status. */
#include "lib/http/durations.h"

#include "lib/base/error.h"
#include "lib/base/latency.h"

#include <stdlib.h>

#define CLASSES 5u /* 1xx to 5xx */

struct row {
    struct m4h_histogram classes[CLASSES];
};

struct m4h_http_durations {
    const struct m4h_http_routes *routes;
    size_t routes_count;
    size_t row_count;
    struct row rows[]; /* the last: without a route */
};

int m4h_http_durations_create(struct m4h_http_durations **durations,
                              const struct m4h_http_routes *routes, size_t routes_count)
{
    size_t row_count = 1;

    for (size_t i = 0; i < routes_count; i++)
        row_count += routes[i].count;
    *durations = calloc(1, sizeof(**durations) + row_count * sizeof(struct row));
    if (*durations == NULL)
        return M4H_ENOMEM;
    (*durations)->routes = routes;
    (*durations)->routes_count = routes_count;
    (*durations)->row_count = row_count;
    for (size_t i = 0; i < row_count; i++)
        for (size_t k = 0; k < CLASSES; k++)
            m4h_latency_init(&(*durations)->rows[i].classes[k]);
    return 0;
}

void m4h_http_durations_destroy(struct m4h_http_durations *durations)
{
    free(durations);
}

static size_t row_of(const struct m4h_http_durations *durations, const struct m4h_http_route *route)
{
    size_t before = 0;

    for (size_t i = 0; i < durations->routes_count && route != NULL; i++) {
        const struct m4h_http_routes *routes = &durations->routes[i];

        for (size_t j = 0; j < routes->count; j++)
            if (&routes->routes[j] == route)
                return before + j;
        before += routes->count;
    }
    return durations->row_count - 1;
}

void m4h_http_durations_add(struct m4h_http_durations *durations,
                            const struct m4h_http_route *route, unsigned status, uint64_t began_us)
{
    unsigned hundreds = status / 100;

    if (hundreds >= 1 && hundreds <= CLASSES)
        m4h_latency_add(&durations->rows[row_of(durations, route)].classes[hundreds - 1], began_us);
}

static void write_row(const struct row *row, const struct m4h_http_route *route, const char *name,
                      struct m4h_metrics *metrics)
{
    static const char *const classes[CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

    for (size_t k = 0; k < CLASSES; k++) {
        const struct m4h_metric_label labels[] = {
            {"route", route != NULL ? route->pattern : "none"},
            {"method", route != NULL ? route->method : "any"},
            {"class", classes[k]}};

        if (m4h_histogram_count(&row->classes[k]) > 0)
            m4h_metrics_histogram(metrics, name, labels, M4H_COUNT(labels), &row->classes[k],
                                  M4H_LATENCY_UNIT);
    }
}

void m4h_http_durations_write(const struct m4h_http_durations *durations, const char *name,
                              struct m4h_metrics *metrics)
{
    const struct row *row = durations->rows;

    m4h_metrics_describe(metrics, name, "histogram",
                         "How long requests took until their answer was there, by route and class "
                         "of status.");
    for (size_t i = 0; i < durations->routes_count; i++)
        for (size_t j = 0; j < durations->routes[i].count; j++)
            write_row(row++, &durations->routes[i].routes[j], name, metrics);
    write_row(row, NULL, name, metrics);
}
