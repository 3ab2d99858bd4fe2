/* What `mas4hctl top` shows: the latest look at the cluster, what has changed since the one before,
 * and how many tunnels there were lately. The owner embeds it, begins and ends it. Pure. */
#ifndef M4H_CTL_CORE_TOP_H
#define M4H_CTL_CORE_TOP_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "services/ctl/core/page.h"

#define M4H_CTL_TOP_HISTORY 240

/* What is kept of a slave. */
struct m4h_ctl_top_slave {
    char slave_id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    enum m4h_slave_state state;
    uint32_t tunnels, capacity, channels, cpu_permille;
    uint64_t started_wall_ms, last_seen_wall_ms;
    uint64_t bytes_from, bytes_to;           /* devices, since it started */
    uint64_t from_per_second, to_per_second; /* since the look before */
};

struct m4h_ctl_top {
    struct m4h_cluster_status cluster;
    struct m4h_ctl_top_slave *slaves; /* owned */
    size_t slave_count;
    uint64_t tunnels[M4H_CTL_TOP_HISTORY]; /* the latest last */
    size_t tunnel_count;
    double tunnels_per_second; /* more, or fewer, since the look before */
    uint64_t looked_ms;        /* monotonic; 0: never */
    char fault[256];           /* why the last look failed; empty: it did not */
    size_t first;              /* slave that is shown: how far down one is */
};

/* Where it is drawn. */
struct m4h_ctl_screen {
    unsigned rows, columns;
    bool is_utf8;     /* it shows more than ASCII */
    const char *url;  /* of the gateway */
    uint64_t now_ms;  /* monotonic */
    uint64_t wall_ms; /* for ages */
};

void m4h_ctl_top_begin(struct m4h_ctl_top *top);
void m4h_ctl_top_end(struct m4h_ctl_top *top);

/* A look that worked. M4H_ENOMEM: as before. */
M4H_MUST_CHECK int m4h_ctl_top_take(struct m4h_ctl_top *top,
                                    const struct m4h_cluster_status *cluster,
                                    const struct m4h_slave_status *slaves, size_t count,
                                    uint64_t now_ms);
/* One that did not; what was seen before stays. */
void m4h_ctl_top_fail(struct m4h_ctl_top *top, const char *fault);

/* Up (below 0) or down in the list of slaves, within `rows` of a screen. */
void m4h_ctl_top_scroll(struct m4h_ctl_top *top, int by, unsigned rows);

/* At most `rows` lines of at most `columns`, from the top left corner on; what was there before is
 * erased. */
void m4h_ctl_top_draw(const struct m4h_ctl_top *top, const struct m4h_ctl_screen *screen,
                      struct m4h_ctl_page *page);

#endif
