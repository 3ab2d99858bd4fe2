/* The JetStream streams of the events: asks what is there, creates what is missing, changes
 * what differs where [events] stream_update allows it, and says what stands against it. Asked
 * again every 15 s where all is right, for metrics, else every minute; the master answers
 * whatever comes of it. Main thread. */
#ifndef M4H_MASTER_IO_STREAM_H
#define M4H_MASTER_IO_STREAM_H

#include "lib/base/metrics.h"
#include "lib/bus/bus.h"
#include "lib/net/loop.h"
#include "services/master/config.h"
#include "services/master/core/stream_plan.h"

#include <stdbool.h>
#include <stdint.h>

#define M4H_STREAM_DETAIL_MAX 256

struct m4h_master_streams;

struct m4h_master_stream {
    struct m4h_master_streams *all; /* that it belongs to */
    struct m4h_event_stream wished;
    struct m4h_event_stream_state found; /* when it was asked last */
    enum m4h_stream_state state;
    enum m4h_stream_call call; /* under way */
    uint64_t next_ms;          /* when to ask */
    char differs[M4H_STREAM_DETAIL_MAX];
    char logged[M4H_STREAM_DETAIL_MAX];
    enum m4h_stream_state logged_state;
    struct m4h_stream_changes changes; /* of what was right before */
};

struct m4h_master_streams {
    const struct m4h_master_config *config; /* borrowed */
    struct m4h_bus *bus;                    /* borrowed */
    const struct m4h_loop *loop;            /* borrowed; its clock */
    struct m4h_master_stream streams[M4H_STREAM_PLANS_MAX];
    size_t count;
};

/* `streams` must stay where it is while the bus is there. All is borrowed. */
void m4h_master_streams_open(struct m4h_master_streams *streams,
                             const struct m4h_master_config *config, struct m4h_bus *bus,
                             const struct m4h_loop *loop);
/* Asks where it is time to. Returns when to call again at the latest. */
uint64_t m4h_master_streams_run(struct m4h_master_streams *streams, uint64_t now_ms);
/* The connection is new: they may be another server's streams. */
void m4h_master_streams_connected(struct m4h_master_streams *streams);
void m4h_master_streams_write_metrics(const struct m4h_master_streams *streams,
                                      struct m4h_metrics *metrics);

#endif
