/* A table of ports beside that of their leases. A device's home is its key's hash
 * modulo the range; what it gets where it has no lease is looked for from there on. */
#include "services/slave/core/ports.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"

#include <assert.h>
#include <stdlib.h>

#define SHUN_MS 60000u

struct port {
    uint64_t shunned_until_ms;
    bool taken;
};

struct m4h_ports {
    uint16_t min;
    uint32_t count;
    struct port *table;
    struct m4h_leases *leases;
};

int m4h_ports_create(struct m4h_ports **ports, uint16_t min, uint16_t max)
{
    struct m4h_ports *made = calloc(1, sizeof(*made));

    assert(min > 0 && min <= max);
    *ports = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->min = min;
    made->count = (uint32_t)max - min + 1;
    made->table = calloc(made->count, sizeof(*made->table));
    if (made->table == NULL || m4h_leases_create(&made->leases, min, max) != 0) {
        m4h_ports_destroy(made);
        return M4H_ENOMEM;
    }
    *ports = made;
    return 0;
}

void m4h_ports_destroy(struct m4h_ports *ports)
{
    if (ports == NULL)
        return;
    m4h_leases_destroy(ports->leases);
    free(ports->table);
    free(ports);
}

struct m4h_leases *m4h_ports_leases(struct m4h_ports *ports)
{
    return ports->leases;
}

static uint64_t holder_of(const char *client_key)
{
    uint64_t hash = m4h_ident_hash(client_key);

    return hash != 0 ? hash : 1;
}

static bool has(const struct m4h_ports *ports, uint16_t port)
{
    return port >= ports->min && (uint32_t)port - ports->min < ports->count;
}

static struct port *at(const struct m4h_ports *ports, uint16_t port)
{
    assert(has(ports, port));
    return &ports->table[port - ports->min];
}

static bool is_free(const struct m4h_ports *ports, uint16_t port, uint64_t now_ms)
{
    return !at(ports, port)->taken && at(ports, port)->shunned_until_ms <= now_ms;
}

/* Whether the port is kept for another device than `holder`. */
static bool is_kept(const struct m4h_ports *ports, uint16_t port, uint64_t holder,
                    uint64_t lease_ms, uint64_t now_ms)
{
    uint64_t whose = m4h_leases_holder(ports->leases, port);

    return whose != 0 && whose != holder &&
           m4h_leases_away_ms(ports->leases, port, now_ms) < lease_ms;
}

static bool is_within(uint16_t port, const struct m4h_port_range *ranges, uint8_t count)
{
    for (uint8_t i = 0; i < count; i++) {
        if (port >= ranges[i].first && port <= ranges[i].last)
            return true;
    }
    return false;
}

/* A free port that was the device's, in its ranges if `within`; or 0. */
static uint16_t own_port(const struct m4h_ports *ports, const struct m4h_port_wish *wish,
                         uint64_t holder, bool within, uint64_t now_ms)
{
    uint16_t port = 0;

    while ((port = m4h_leases_next(ports->leases, holder, port)) != 0) {
        if (is_free(ports, port, now_ms) &&
            (!within || is_within(port, wish->ranges, wish->range_count)))
            break;
    }
    return port;
}

/* The first free port of the device's ranges that is kept for nobody, or 0. */
static uint16_t port_in_ranges(const struct m4h_ports *ports, const struct m4h_port_wish *wish,
                               uint64_t holder, uint64_t now_ms)
{
    for (uint8_t i = 0; i < wish->range_count; i++) {
        for (uint32_t number = wish->ranges[i].first; number <= wish->ranges[i].last; number++) {
            uint16_t port = (uint16_t)number;

            if (has(ports, port) && is_free(ports, port, now_ms) &&
                !is_kept(ports, port, holder, wish->lease_ms, now_ms))
                return port;
        }
    }
    return 0;
}

/* The first free port from the device's home on that is kept for nobody; else the
 * free one whose holder is away for longest; else 0. */
static uint16_t other_port(const struct m4h_ports *ports, uint64_t holder, uint64_t lease_ms,
                           uint64_t now_ms)
{
    uint32_t home = (uint32_t)(holder % ports->count);
    uint16_t oldest = 0;
    uint64_t longest_ms = 0;

    for (uint32_t i = 0; i < ports->count; i++) {
        uint16_t port = (uint16_t)(ports->min + (home + i) % ports->count);
        uint64_t away_ms;

        if (!is_free(ports, port, now_ms))
            continue;
        if (!is_kept(ports, port, holder, lease_ms, now_ms))
            return port;
        away_ms = m4h_leases_away_ms(ports->leases, port, now_ms);
        if (oldest == 0 || away_ms > longest_ms) {
            oldest = port;
            longest_ms = away_ms;
        }
    }
    return oldest;
}

static uint16_t take(struct m4h_ports *ports, uint16_t port, uint64_t holder)
{
    at(ports, port)->taken = true;
    m4h_leases_grant(ports->leases, port, holder);
    return port;
}

uint16_t m4h_ports_take(struct m4h_ports *ports, const struct m4h_port_wish *wish, uint64_t now_ms)
{
    uint64_t holder = holder_of(wish->client_key);
    bool hinted = wish->port != 0;
    uint16_t port = 0;

    if (hinted && wish->range_count > 0)
        hinted = is_within(wish->port, wish->ranges, wish->range_count);
    if (hinted && m4h_ports_take_exactly(ports, wish, now_ms) == 0)
        return wish->port;
    if (wish->range_count > 0)
        port = own_port(ports, wish, holder, true, now_ms);
    if (port == 0)
        port = port_in_ranges(ports, wish, holder, now_ms);
    if (port == 0)
        port = own_port(ports, wish, holder, false, now_ms);
    if (port == 0)
        port = other_port(ports, holder, wish->lease_ms, now_ms);
    return port != 0 ? take(ports, port, holder) : 0;
}

int m4h_ports_take_exactly(struct m4h_ports *ports, const struct m4h_port_wish *wish,
                           uint64_t now_ms)
{
    uint64_t holder = holder_of(wish->client_key);
    uint16_t port = wish->port;

    if (!has(ports, port))
        return M4H_EINVALID;
    if (at(ports, port)->taken)
        return M4H_EEXIST;
    if (at(ports, port)->shunned_until_ms > now_ms)
        return M4H_EAGAIN;
    if (is_kept(ports, port, holder, wish->lease_ms, now_ms))
        return M4H_EUNAVAILABLE;
    take(ports, port, holder);
    return 0;
}

void m4h_ports_give_back(struct m4h_ports *ports, uint16_t port, uint64_t now_ms)
{
    at(ports, port)->taken = false;
    m4h_leases_leave(ports->leases, port, now_ms);
}

void m4h_ports_shun(struct m4h_ports *ports, uint16_t port, uint64_t now_ms)
{
    at(ports, port)->taken = false;
    at(ports, port)->shunned_until_ms = now_ms + SHUN_MS;
    m4h_leases_drop(ports->leases, port);
}
