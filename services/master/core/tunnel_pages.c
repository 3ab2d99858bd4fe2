/* Tunnels by client key and in pages.
 *
 * A page goes on in order of client key from where the one before ended. Without a filter it
 * walks along the order of all that show; with one for a slave or a region, along the orders
 * of the slaves that it leaves, merged, so that it looks at nothing else (ADR 0022). There
 * may be tunnels that do not show, since another slave's owns their client key, and those with
 * other labels than are asked for: where a page has passed LOOKS_MAX, it ends, and is short. */
#include "services/master/core/cluster_state.h"

#include "lib/base/error.h"
#include "lib/base/labels.h"

#include <string.h>

/* Entries that are looked at for one page. */
#define LOOKS_MAX 5000u

/* What a page is made from. */
struct selection {
    const struct m4h_cluster *cluster;
    const struct m4h_page_request *request;
    /* Where each order is that the page is merged from: a heap, the earliest first. */
    struct m4h_order_cursor sources[M4H_MASTER_SLAVES_MAX];
    size_t source_count;
    const struct m4h_entry *entries[M4H_PAGE_SIZE_MAX];
    size_t count;
    const struct m4h_entry *last; /* the next page goes on after it; NULL: there is none */
};

static const struct m4h_slave *slave_of(const struct m4h_entry *entry)
{
    return M4H_CONTAINER_OF(entry->holder, const struct m4h_slave, held);
}

static void describe(const struct m4h_cluster *cluster, const struct m4h_entry *entry,
                     struct m4h_tunnel_status *status)
{
    const struct m4h_slave *slave = slave_of(entry);

    m4h_entry_read(entry, &status->tunnel);
    memcpy(status->slave_id, slave->id, sizeof(status->slave_id));
    memcpy(status->region, slave->region, sizeof(status->region));
    memcpy(status->host, slave->info.host, sizeof(status->host));
    status->flapping = m4h_evictions_flaps(&cluster->evictions, status->tunnel.client_key);
}

static bool has_prefix(const struct m4h_entry *entry, const struct m4h_page_request *request)
{
    return strncmp(m4h_entry_client_key(entry), request->client_key_prefix,
                   strlen(request->client_key_prefix)) == 0;
}

static bool is_wanted(const struct m4h_entry *entry, const struct m4h_page_request *request)
{
    return entry->is_owner && m4h_slave_is_wanted(slave_of(entry), request) &&
           m4h_labels_match(m4h_label_set_text(entry->labels), request->labels);
}

/* ---- the orders that a page is merged from ---------------------------------- */

static bool is_before(const struct m4h_order_cursor *a, const struct m4h_order_cursor *b)
{
    return strcmp(m4h_entry_client_key(m4h_order_at(a)), m4h_entry_client_key(m4h_order_at(b))) < 0;
}

/* Puts `source` where the place `at` of the heap is free. */
static void sift_down(struct selection *page, size_t at, struct m4h_order_cursor source)
{
    struct m4h_order_cursor *heap = page->sources;
    size_t below = 2 * at + 1;

    while (below < page->source_count) {
        if (below + 1 < page->source_count && is_before(&heap[below + 1], &heap[below]))
            below++;
        if (!is_before(&heap[below], &source))
            break;
        heap[at] = heap[below];
        at = below;
        below = 2 * at + 1;
    }
    heap[at] = source;
}

/* It has no more entries for the page. */
static bool is_at_end(const struct selection *page, const struct m4h_order_cursor *source)
{
    const struct m4h_entry *entry = m4h_order_at(source);

    return entry == NULL || !has_prefix(entry, page->request);
}

static void add_source(struct selection *page, const struct m4h_order *order)
{
    const struct m4h_page_request *request = page->request;
    bool is_first = strcmp(request->page_token, request->client_key_prefix) < 0;
    struct m4h_order_cursor source = m4h_order_seek(
        order, is_first ? request->client_key_prefix : request->page_token, is_first);

    if (!is_at_end(page, &source))
        page->sources[page->source_count++] = source;
}

static void open_sources(struct selection *page)
{
    const struct m4h_slaves *slaves = &page->cluster->slaves;

    if (page->request->slave_id[0] == '\0' && page->request->region[0] == '\0') {
        add_source(page, &page->cluster->tunnels.order);
        return;
    }
    for (size_t i = 0; i < slaves->count; i++)
        if (m4h_slave_is_wanted(slaves->sorted[i], page->request))
            add_source(page, &slaves->sorted[i]->held.order);
    for (size_t i = page->source_count / 2; i-- > 0;)
        sift_down(page, i, page->sources[i]);
}

/* The next entry of all orders. There must be one. */
static const struct m4h_entry *take_next(struct selection *page)
{
    struct m4h_order_cursor source = page->sources[0];
    const struct m4h_entry *entry = m4h_order_at(&source);

    m4h_order_step(&source);
    if (is_at_end(page, &source))
        source = page->sources[--page->source_count];
    if (page->source_count > 0)
        sift_down(page, 0, source);
    return entry;
}

static void fill(struct selection *page)
{
    const struct m4h_entry *entry = NULL;
    size_t looks = 0;

    for (; page->source_count > 0 && looks < LOOKS_MAX; looks++) {
        entry = take_next(page);
        if (!is_wanted(entry, page->request))
            continue;
        if (page->count == page->request->page_size) {
            page->last = page->entries[page->count - 1];
            return;
        }
        page->entries[page->count++] = entry;
    }
    if (page->source_count > 0)
        page->last = entry;
}

/* ---- answers -------------------------------------------------------------- */

void m4h_cluster_tunnels(const struct m4h_cluster *cluster, const struct m4h_page_request *request,
                         struct m4h_tunnel_status *tunnels, size_t *count,
                         char next_page_token[M4H_PAGE_TOKEN_MAX + 1])
{
    struct selection page;

    page.cluster = cluster;
    page.request = request;
    page.source_count = 0;
    page.count = 0;
    page.last = NULL;
    open_sources(&page);
    fill(&page);
    *count = page.count;
    for (size_t i = 0; i < page.count; i++)
        describe(cluster, page.entries[i], &tunnels[i]);
    next_page_token[0] = '\0';
    if (page.last != NULL)
        m4h_text_copy(next_page_token, M4H_PAGE_TOKEN_MAX + 1, m4h_entry_client_key(page.last));
}

int m4h_cluster_tunnel(const struct m4h_cluster *cluster, const char *client_key,
                       struct m4h_tunnel_status *tunnel)
{
    const struct m4h_entry *owner = m4h_tunnel_index_owner(&cluster->tunnels, client_key);

    if (owner == NULL || !m4h_slave_is_listed(slave_of(owner)))
        return M4H_ENOTFOUND;
    describe(cluster, owner, tunnel);
    return 0;
}

int m4h_cluster_locate(const struct m4h_cluster *cluster, const char *client_key,
                       struct m4h_located *located)
{
    const struct m4h_entry *owner = m4h_tunnel_index_owner(&cluster->tunnels, client_key);
    const struct m4h_slave *slave = owner != NULL ? slave_of(owner) : NULL;

    if (slave == NULL || !m4h_slave_is_listed(slave))
        return M4H_ENOTFOUND;
    if (!slave->has_info)
        return M4H_EUNAVAILABLE;
    m4h_entry_read(owner, &located->tunnel);
    memcpy(located->slave_id, slave->id, sizeof(located->slave_id));
    memcpy(located->region, slave->region, sizeof(located->region));
    memcpy(located->host, slave->info.host, sizeof(located->host));
    located->port = slave->info.port;
    memcpy(located->host_keys, slave->info.host_keys, sizeof(located->host_keys));
    located->host_key_count = slave->info.host_key_count;
    return 0;
}
