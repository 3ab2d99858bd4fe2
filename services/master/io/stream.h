/* The JetStream stream of the events: asks for it to be created as the settings say, which
 * changes nothing where it is there. Tried again every minute until it is right; the master
 * answers whatever comes of it. Main thread. */
#ifndef M4H_MASTER_IO_STREAM_H
#define M4H_MASTER_IO_STREAM_H

#include "lib/bus/bus.h"
#include "services/master/config.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed at first, then filled with what is borrowed. */
struct m4h_master_stream {
    const struct m4h_master_config *config;
    struct m4h_bus *bus;
    uint64_t next_ms; /* when to ask */
    bool is_asked;
    bool is_right;
    int last_result; /* that was logged */
};

/* Asks where it is time to. Returns when to call again at the latest. */
uint64_t m4h_master_stream_run(struct m4h_master_stream *stream, uint64_t now_ms);
/* The connection is new: it may be another server's stream. */
void m4h_master_stream_connected(struct m4h_master_stream *stream);

#endif
