/* From look to look: rates and history. How it is drawn is in top_draw.c. */
#include "services/ctl/core/top.h"

#include "lib/base/error.h"
#include "services/ctl/core/top_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void m4h_ctl_top_begin(struct m4h_ctl_top *top)
{
    memset(top, 0, sizeof(*top));
}

void m4h_ctl_top_end(struct m4h_ctl_top *top)
{
    free(top->slaves);
    top->slaves = NULL;
}

static const struct m4h_ctl_top_slave *before(const struct m4h_ctl_top *top, const char *slave_id)
{
    for (size_t i = 0; i < top->slave_count; i++) {
        if (strcmp(top->slaves[i].slave_id, slave_id) == 0)
            return &top->slaves[i];
    }
    return NULL;
}

static uint64_t per_second(uint64_t then, uint64_t now, uint64_t ms)
{
    return now > then && ms > 0 ? (uint64_t)((double)(now - then) * 1000.0 / (double)ms) : 0;
}

static void keep_slave(const struct m4h_ctl_top *top, const struct m4h_slave_status *slave,
                       uint64_t ms, struct m4h_ctl_top_slave *kept)
{
    const struct m4h_ctl_top_slave *old = before(top, slave->slave_id);

    *kept = (struct m4h_ctl_top_slave){
        .state = slave->state,
        .tunnels = slave->tunnels,
        .capacity = slave->info.capacity,
        .channels = slave->channels,
        .cpu_permille = slave->cpu_permille,
        .started_wall_ms = slave->info.started_wall_ms,
        .last_seen_wall_ms = slave->last_seen_wall_ms,
        .bytes_from = slave->bytes_from_device,
        .bytes_to = slave->bytes_to_device,
    };
    memcpy(kept->slave_id, slave->slave_id, sizeof(kept->slave_id));
    memcpy(kept->region, slave->region, sizeof(kept->region));
    if (old != NULL && old->started_wall_ms == kept->started_wall_ms) {
        kept->from_per_second = per_second(old->bytes_from, kept->bytes_from, ms);
        kept->to_per_second = per_second(old->bytes_to, kept->bytes_to, ms);
    }
}

static void keep_history(struct m4h_ctl_top *top, uint64_t tunnels)
{
    if (top->tunnel_count == M4H_CTL_TOP_HISTORY) {
        memmove(top->tunnels, top->tunnels + 1,
                (M4H_CTL_TOP_HISTORY - 1) * sizeof(top->tunnels[0]));
        top->tunnel_count--;
    }
    top->tunnels[top->tunnel_count++] = tunnels;
}

int m4h_ctl_top_take(struct m4h_ctl_top *top, const struct m4h_cluster_status *cluster,
                     const struct m4h_slave_status *slaves, size_t count, uint64_t now_ms)
{
    uint64_t ms = top->looked_ms != 0 ? now_ms - top->looked_ms : 0;
    struct m4h_ctl_top_slave *kept = calloc(count > 0 ? count : 1, sizeof(*kept));

    if (kept == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < count; i++)
        keep_slave(top, &slaves[i], ms, &kept[i]);
    free(top->slaves);
    top->slaves = kept;
    top->slave_count = count;
    if (top->first >= count)
        top->first = count > 0 ? count - 1 : 0;
    top->tunnels_per_second =
        ms > 0 ? ((double)cluster->tunnels - (double)top->cluster.tunnels) * 1000.0 / (double)ms
               : 0;
    top->cluster = *cluster;
    keep_history(top, cluster->tunnels);
    top->looked_ms = now_ms;
    top->fault[0] = '\0';
    return 0;
}

void m4h_ctl_top_fail(struct m4h_ctl_top *top, const char *fault)
{
    snprintf(top->fault, sizeof(top->fault), "%s", fault);
}

void m4h_ctl_top_scroll(struct m4h_ctl_top *top, int by, unsigned rows)
{
    size_t shown = rows > M4H_CTL_TOP_FRAME_ROWS ? rows - M4H_CTL_TOP_FRAME_ROWS : 1;
    size_t last = top->slave_count > shown ? top->slave_count - shown : 0;

    if (by < 0)
        top->first = top->first > (size_t)-by ? top->first - (size_t)-by : 0;
    else
        top->first += (size_t)by;
    if (top->first > last)
        top->first = last;
}
