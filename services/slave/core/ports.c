/* A table of ports. A device's home is its key's hash modulo the range; it is
 * looked for from there on, so that the lease is found without an index. */
#include "services/slave/core/ports.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"

#include <assert.h>
#include <stdlib.h>

/* How far from its home a device's last port is looked for. Further away only
 * in a crowded range, and then the lease is lost, not the device. */
#define LEASE_DISTANCE_MAX 128u
#define SHUN_MS            60000u

struct port {
    uint64_t holder; /* hash of the client key that had it last; 0: nobody */
    uint64_t shunned_until_ms;
    bool taken;
};

struct m4h_ports {
    uint16_t min;
    uint32_t count;
    struct port *table;
};

int m4h_ports_create(struct m4h_ports **ports, uint16_t min, uint16_t max)
{
    assert(min > 0 && min <= max);
    *ports = calloc(1, sizeof(**ports));
    if (*ports == NULL)
        return M4H_ENOMEM;
    (*ports)->min = min;
    (*ports)->count = (uint32_t)max - min + 1;
    (*ports)->table = calloc((*ports)->count, sizeof(*(*ports)->table));
    if ((*ports)->table == NULL) {
        free(*ports);
        *ports = NULL;
        return M4H_ENOMEM;
    }
    return 0;
}

void m4h_ports_destroy(struct m4h_ports *ports)
{
    if (ports == NULL)
        return;
    free(ports->table);
    free(ports);
}

static bool is_free(const struct port *port, uint64_t now_ms)
{
    return !port->taken && port->shunned_until_ms <= now_ms;
}

static uint64_t holder_of(const char *client_key)
{
    uint64_t hash = m4h_ident_hash(client_key);

    return hash != 0 ? hash : 1;
}

/* The first free port from `home` on, within `distance`, whose holder is
 * `holder`; `any`: whosever. Returns its index, or count. */
static uint32_t search(const struct m4h_ports *ports, uint32_t home, uint32_t distance,
                       uint64_t holder, bool any, uint64_t now_ms)
{
    for (uint32_t i = 0; i < distance && i < ports->count; i++) {
        uint32_t at = (home + i) % ports->count;
        const struct port *port = &ports->table[at];

        if ((any || port->holder == holder) && is_free(port, now_ms))
            return at;
    }
    return ports->count;
}

static uint16_t take(struct m4h_ports *ports, uint32_t at, uint64_t holder)
{
    ports->table[at].taken = true;
    ports->table[at].holder = holder;
    return (uint16_t)(ports->min + at);
}

uint16_t m4h_ports_take(struct m4h_ports *ports, const char *client_key, uint64_t now_ms)
{
    uint64_t holder = holder_of(client_key);
    uint32_t home = (uint32_t)(holder % ports->count);
    uint32_t at = search(ports, home, LEASE_DISTANCE_MAX, holder, false, now_ms);

    if (at == ports->count)
        at = search(ports, home, ports->count, 0, false, now_ms);
    if (at == ports->count)
        at = search(ports, home, ports->count, 0, true, now_ms);
    return at == ports->count ? 0 : take(ports, at, holder);
}

bool m4h_ports_take_exactly(struct m4h_ports *ports, uint16_t port, const char *client_key,
                            uint64_t now_ms)
{
    uint32_t at = (uint32_t)port - ports->min;

    if (port < ports->min || at >= ports->count || !is_free(&ports->table[at], now_ms))
        return false;
    take(ports, at, holder_of(client_key));
    return true;
}

void m4h_ports_give_back(struct m4h_ports *ports, uint16_t port)
{
    assert(port >= ports->min && (uint32_t)port - ports->min < ports->count);
    ports->table[port - ports->min].taken = false;
}

void m4h_ports_shun(struct m4h_ports *ports, uint16_t port, uint64_t now_ms)
{
    m4h_ports_give_back(ports, port);
    ports->table[port - ports->min].holder = 0;
    ports->table[port - ports->min].shunned_until_ms = now_ms + SHUN_MS;
}
