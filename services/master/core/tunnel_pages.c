/* Tunnels by client key and in pages.
 *
 * A page goes on along the order from where the one before ended, and passes what the
 * filter leaves out. Where it has passed as many as the filter leaves in all, and is not
 * full, it is made in another way: each of those is looked at, and the first ones are
 * kept. Where the filter leaves more than SCAN_MAX, the page ends there, and is short
 * (ADR 0020). */
#include "services/master/core/cluster_state.h"

#include "lib/base/error.h"

#include <string.h>

/* Entries that are looked at for one page, in each of the two ways. */
#define SCAN_MAX 20000u

/* What a page is made from: the first entries that are wanted, in order. */
struct selection {
    const struct m4h_cluster *cluster;
    const struct m4h_page_request *request;
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

/* ---- along the order ------------------------------------------------------ */

static const struct m4h_entry *first_of(const struct selection *page)
{
    const struct m4h_page_request *request = page->request;

    if (strcmp(request->page_token, request->client_key_prefix) < 0)
        return m4h_tunnel_index_from(&page->cluster->tunnels, request->client_key_prefix);
    return m4h_tunnel_index_after(&page->cluster->tunnels, request->page_token);
}

/* Fills the page from the next `most` entries. False: these were not enough. */
static bool walk(struct selection *page, size_t most)
{
    const struct m4h_entry *entry = first_of(page), *last = NULL;
    size_t seen = 0;

    while (entry != NULL && has_prefix(entry, page->request) && seen++ < most &&
           page->count < page->request->page_size) {
        if (m4h_slave_is_wanted(slave_of(entry), page->request))
            page->entries[page->count++] = entry;
        last = entry;
        entry = m4h_entry_next_owner(entry);
    }
    if (entry == NULL || !has_prefix(entry, page->request))
        return true;
    page->last = last;
    return page->count == page->request->page_size;
}

/* ---- all that the filter leaves ------------------------------------------- */

/* How many tunnels the wanted slaves hold. */
static size_t wanted_count(const struct m4h_cluster *cluster,
                           const struct m4h_page_request *request)
{
    size_t count = 0;

    for (size_t i = 0; i < cluster->slaves.count; i++)
        if (m4h_slave_is_wanted(cluster->slaves.sorted[i], request))
            count += cluster->slaves.sorted[i]->held.count;
    return count;
}

static bool is_before(const struct m4h_entry *a, const struct m4h_entry *b)
{
    return strcmp(m4h_entry_client_key(a), m4h_entry_client_key(b)) < 0;
}

/* The entries are a heap, whose root is the last one of the order. */
static void sift_down(struct selection *page, size_t at, const struct m4h_entry *entry)
{
    size_t below = 2 * at + 1;

    while (below < page->count) {
        if (below + 1 < page->count && is_before(page->entries[below], page->entries[below + 1]))
            below++;
        if (!is_before(entry, page->entries[below]))
            break;
        page->entries[at] = page->entries[below];
        at = below;
        below = 2 * at + 1;
    }
    page->entries[at] = entry;
}

static void sift_up(struct selection *page, const struct m4h_entry *entry)
{
    size_t at = page->count++;

    while (at > 0 && is_before(page->entries[(at - 1) / 2], entry)) {
        page->entries[at] = page->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    page->entries[at] = entry;
}

static void sort(struct selection *page)
{
    size_t count = page->count;

    while (page->count > 1) {
        const struct m4h_entry *last = page->entries[0];
        const struct m4h_entry *moved = page->entries[--page->count];

        sift_down(page, 0, moved);
        page->entries[page->count] = last;
    }
    page->count = count;
}

/* Keeps the entry where it is among the first of those seen so far. */
static void consider(struct selection *page, const struct m4h_entry *entry)
{
    const char *client_key = m4h_entry_client_key(entry);
    bool is_full = page->count == page->request->page_size;

    if (strcmp(client_key, page->request->page_token) <= 0 || !has_prefix(entry, page->request))
        return;
    if (is_full && !is_before(entry, page->entries[0])) {
        page->last = entry;
        return;
    }
    if (m4h_tunnel_index_owner(&page->cluster->tunnels, client_key) != entry)
        return;
    if (is_full) {
        page->last = entry;
        sift_down(page, 0, entry);
    } else {
        sift_up(page, entry);
    }
}

/* Fills the page from all that the wanted slaves hold. */
static void pick(struct selection *page)
{
    const struct m4h_slaves *slaves = &page->cluster->slaves;

    page->count = 0;
    page->last = NULL; /* until there is more than fits */
    for (size_t i = 0; i < slaves->count; i++) {
        const struct m4h_slave *slave = slaves->sorted[i];

        if (!m4h_slave_is_wanted(slave, page->request))
            continue;
        for (const struct m4h_entry *entry = slave->held.first; entry != NULL;
             entry = entry->slave_next)
            consider(page, entry);
    }
    sort(page);
    if (page->last != NULL)
        page->last = page->entries[page->count - 1];
}

/* ---- answers -------------------------------------------------------------- */

void m4h_cluster_tunnels(const struct m4h_cluster *cluster, const struct m4h_page_request *request,
                         struct m4h_tunnel_status *tunnels, size_t *count,
                         char next_page_token[M4H_PAGE_TOKEN_MAX + 1])
{
    size_t wanted = wanted_count(cluster, request);
    struct selection page = {.cluster = cluster, .request = request};

    if (!walk(&page, wanted < SCAN_MAX ? wanted + request->page_size : SCAN_MAX) &&
        wanted < SCAN_MAX)
        pick(&page);
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
