/* One simulated slave: its tunnels and what it says of them, as the structs of
 * lib/base/model.h. It does not know the bus. A device is a number; all that a tunnel shows
 * comes from it, so a tunnel costs 24 bytes here. */
#ifndef BENCH_SLAVE_H
#define BENCH_SLAVE_H

#include "lib/base/model.h"
#include "lib/base/stamp.h"

struct slave_tunnel {
    uint64_t tunnel_id;
    uint64_t stamp;
    uint32_t device;
};

struct slave_snapshot {
    uint64_t snapshot_id; /* 0: none */
    uint64_t seq;
    struct slave_tunnel *tunnels; /* owned */
    size_t count;
};

#define SLAVE_SNAPSHOTS 4

struct slave {
    char id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    struct m4h_slave_info info;
    uint64_t epoch;
    uint64_t seq;
    uint64_t digest;
    uint64_t load_count;
    uint64_t tunnels_made;
    unsigned number;
    struct m4h_stamp_clock clock;
    struct slave_tunnel *tunnels; /* owned */
    size_t count;
    size_t allocated;
    struct slave_snapshot snapshots[SLAVE_SNAPSHOTS];
    uint64_t snapshots_made;
};

void slave_init(struct slave *slave, unsigned number, const char *region, uint32_t capacity);
void slave_free(struct slave *slave);

/* Writes a device's client key. */
void slave_client_key(uint32_t device, char client_key[M4H_CLIENT_KEY_MAX + 1]);

/* Each changes the slave and fills the event that says so. */
void slave_start(struct slave *slave, struct m4h_event *event);
void slave_connect(struct slave *slave, uint32_t device, struct m4h_event *event);
/* Ends its tunnel number `index`, which is below `count`; returns the device. */
uint32_t slave_disconnect(struct slave *slave, size_t index, struct m4h_event *event);
/* Fills a load event. */
void slave_load(struct slave *slave, struct m4h_event *event);

/* The page that was asked for, its tunnels in `tunnels` (M4H_SNAPSHOT_PAGE_TUNNELS of room).
 * False: there is none, as `problem` says. */
bool slave_snapshot(struct slave *slave, const struct m4h_snapshot_request *request,
                    struct m4h_snapshot_page *page, struct m4h_tunnel *tunnels, size_t *count,
                    struct m4h_problem *problem);

#endif
