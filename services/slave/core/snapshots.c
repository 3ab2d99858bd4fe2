/* The copies: a few, in an array. They know nothing of who asks. */
#include "services/slave/core/snapshots.h"

#include "lib/base/error.h"

#include <assert.h>
#include <stdlib.h>

void m4h_snapshots_init(struct m4h_snapshots *snapshots, uint32_t page_tunnels)
{
    assert(page_tunnels > 0 && page_tunnels <= M4H_SNAPSHOT_PAGE_TUNNELS);
    *snapshots = (struct m4h_snapshots){.page_tunnels = page_tunnels};
}

static void drop(struct m4h_snapshot_copy *copy)
{
    free(copy->tunnels);
    *copy = (struct m4h_snapshot_copy){0};
}

void m4h_snapshots_free(struct m4h_snapshots *snapshots)
{
    for (size_t i = 0; i < M4H_SNAPSHOTS_KEPT; i++)
        drop(&snapshots->kept[i]);
}

static void drop_old(struct m4h_snapshots *snapshots, uint64_t now_ms)
{
    for (size_t i = 0; i < M4H_SNAPSHOTS_KEPT; i++) {
        struct m4h_snapshot_copy *copy = &snapshots->kept[i];

        if (copy->id != 0 && now_ms - copy->asked_ms > M4H_SNAPSHOTS_KEPT_MS)
            drop(copy);
    }
}

static struct m4h_snapshot_copy *find(struct m4h_snapshots *snapshots, uint64_t id)
{
    for (size_t i = 0; i < M4H_SNAPSHOTS_KEPT; i++)
        if (snapshots->kept[i].id == id)
            return &snapshots->kept[i];
    return NULL;
}

/* The last copy, where it is still right. */
static struct m4h_snapshot_copy *find_current(struct m4h_snapshots *snapshots,
                                              const struct m4h_snapshot_source *source)
{
    struct m4h_snapshot_copy *copy =
        snapshots->last_id != 0 ? find(snapshots, snapshots->last_id) : NULL;

    return copy != NULL && copy->seq == source->seq && copy->state == source->state &&
                   copy->count == m4h_roster_tunnel_count(source->roster) &&
                   copy->digest == m4h_roster_digest(source->roster)
               ? copy
               : NULL;
}

static void copy_tunnel(void *context, struct m4h_resident *resident)
{
    struct m4h_snapshot_copy *copy = context;

    if (resident->was_up)
        copy->tunnels[copy->count++] = resident->tunnel;
}

/* A free place is one that was never asked for. */
static struct m4h_snapshot_copy *longest_unasked(struct m4h_snapshots *snapshots)
{
    struct m4h_snapshot_copy *found = &snapshots->kept[0];

    for (size_t i = 1; i < M4H_SNAPSHOTS_KEPT; i++)
        if (snapshots->kept[i].asked_ms < found->asked_ms)
            found = &snapshots->kept[i];
    return found;
}

/* NULL: no memory. */
static struct m4h_snapshot_copy *make(struct m4h_snapshots *snapshots,
                                      const struct m4h_snapshot_source *source)
{
    size_t count = m4h_roster_tunnel_count(source->roster);
    struct m4h_tunnel *tunnels = calloc(count > 0 ? count : 1, sizeof(*tunnels));
    struct m4h_snapshot_copy *copy = longest_unasked(snapshots);

    if (tunnels == NULL)
        return NULL;
    drop(copy);
    *copy = (struct m4h_snapshot_copy){.id = ++snapshots->last_id,
                                       .seq = source->seq,
                                       .digest = m4h_roster_digest(source->roster),
                                       .state = source->state,
                                       .tunnels = tunnels};
    m4h_roster_each(source->roster, copy_tunnel, copy);
    return copy;
}

static int choose(struct m4h_snapshots *snapshots, uint64_t id,
                  const struct m4h_snapshot_source *source, struct m4h_snapshot_copy **copy)
{
    *copy = id != 0 ? find(snapshots, id) : find_current(snapshots, source);
    if (*copy == NULL && id != 0)
        return M4H_ENOTFOUND;
    if (*copy == NULL)
        *copy = make(snapshots, source);
    return *copy != NULL ? 0 : M4H_ENOMEM;
}

int m4h_snapshots_page(struct m4h_snapshots *snapshots, const struct m4h_snapshot_request *request,
                       const struct m4h_snapshot_source *source, uint64_t now_ms,
                       struct m4h_snapshot_page *page, const struct m4h_tunnel **tunnels,
                       size_t *count)
{
    uint64_t first = (uint64_t)request->page * snapshots->page_tunnels;
    struct m4h_snapshot_copy *copy;
    size_t left;
    int error;

    drop_old(snapshots, now_ms);
    error = choose(snapshots, request->snapshot_id, source, &copy);
    if (error != 0)
        return error;
    copy->asked_ms = now_ms;
    if (first > copy->count)
        return M4H_ENOTFOUND;
    left = copy->count - (size_t)first;
    page->snapshot_id = copy->id;
    page->page = request->page;
    page->last = left <= snapshots->page_tunnels;
    page->seq = copy->seq;
    page->state = copy->state;
    *tunnels = copy->tunnels + first;
    *count = page->last ? left : snapshots->page_tunnels;
    return 0;
}
