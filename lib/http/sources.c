/* A table by prefix. */
#define HASH_NONFATAL_OOM 1
#include "lib/http/sources.h"

#include <stdlib.h>
#include <uthash.h>

#define V4_BITS 32
#define V6_BITS 64

struct m4h_http_source {
    UT_hash_handle hh;
    struct m4h_ip prefix;
    uint32_t connections;
};

static struct m4h_http_source *find(const struct m4h_http_sources *sources,
                                    const struct m4h_ip *prefix)
{
    struct m4h_http_source *source;

    HASH_FIND(hh, sources->table, prefix, sizeof(*prefix), source);
    return source;
}

static struct m4h_http_source *add(struct m4h_http_sources *sources, const struct m4h_ip *prefix)
{
    struct m4h_http_source *source = calloc(1, sizeof(*source));

    if (source == NULL)
        return NULL;
    source->prefix = *prefix;
    HASH_ADD(hh, sources->table, prefix, sizeof(source->prefix), source);
    if (source->hh.tbl != NULL)
        return source;
    free(source);
    return NULL;
}

bool m4h_http_sources_have_room(const struct m4h_http_sources *sources, const struct m4h_ip *ip)
{
    const struct m4h_ip prefix = m4h_ip_prefix(ip, V4_BITS, V6_BITS);
    const struct m4h_http_source *source = find(sources, &prefix);

    return sources->max == 0 || source == NULL || source->connections < sources->max;
}

struct m4h_http_source *m4h_http_sources_enter(struct m4h_http_sources *sources,
                                               const struct m4h_ip *ip)
{
    const struct m4h_ip prefix = m4h_ip_prefix(ip, V4_BITS, V6_BITS);
    struct m4h_http_source *source;

    if (sources->max == 0)
        return NULL;
    source = find(sources, &prefix);
    if (source == NULL)
        source = add(sources, &prefix);
    if (source != NULL)
        source->connections++;
    return source;
}

void m4h_http_sources_leave(struct m4h_http_sources *sources, struct m4h_http_source *source)
{
    if (source == NULL || --source->connections > 0)
        return;
    HASH_DEL(sources->table, source);
    free(source);
}
