/* Ports and ownership: a device that asks for its first port owns its client key
 * from then on; whoever had it leaves first, so that the port can be handed on. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/net/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Operators that wait to be accepted, for each port. */
#define OPERATOR_BACKLOG 64
/* Ports that turn out to be in use before a device is told that there is none. */
#define BIND_TRIES_MAX 256

static void answer(struct m4h_slave *slave, struct m4h_resident *resident, int fd, uint16_t port)
{
    resident->listeners += fd >= 0;
    m4h_slave_order(slave, &(struct m4h_order){.kind = M4H_ORDER_FORWARDED,
                                               .session_id = resident->session_id,
                                               .as.forwarded = {fd, port}});
}

void m4h_tunnels_refuse(struct m4h_slave *slave, struct m4h_resident *resident,
                        enum m4h_refuse_reason reason, const char *detail)
{
    struct m4h_refuse refuse = {.reason = reason};
    const struct m4h_tunnel *tunnel = &resident->tunnel;

    m4h_text_copy(refuse.detail, sizeof(refuse.detail), detail);
    memcpy(refuse.remote_address, tunnel->remote_address, sizeof(refuse.remote_address));
    memcpy(refuse.key_fingerprint, tunnel->key_fingerprint, sizeof(refuse.key_fingerprint));
    memcpy(refuse.client_key, tunnel->client_key, sizeof(refuse.client_key));
    m4h_publisher_refuse(slave, &refuse);
    answer(slave, resident, -1, 0);
}

/* ---- finding a port --------------------------------------------------------- */

/* A port that is being opened: how it went. */
struct opening {
    uint16_t port; /* 0: none is open */
    int fd;
    char detail[96]; /* why not */
};

/* Listens on a port that was taken. False: another program has it. */
static bool listens(struct m4h_slave *slave, uint16_t port, struct opening *opening)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    struct m4h_address address = {.port = port};
    uint16_t bound;
    int error;

    m4h_text_copy(address.host, sizeof(address.host), slave->config->tunnel_address);
    error = m4h_socket_listen(&address, false, OPERATOR_BACKLOG, &opening->fd, &bound);
    if (error == 0) {
        opening->port = port;
        return true;
    }
    if (error == M4H_EEXIST) {
        m4h_ports_shun(slave->ports, port, now_ms);
        snprintf(opening->detail, sizeof(opening->detail), "port %u is in use by another program",
                 port);
        return false;
    }
    m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT, "port=%u error=\"%s\" cannot listen", port,
            strerror(errno));
    m4h_ports_give_back(slave->ports, port, now_ms);
    snprintf(opening->detail, sizeof(opening->detail), "port %u cannot be opened", port);
    return true;
}

static void open_any(struct m4h_slave *slave, const struct m4h_port_wish *wish,
                     struct opening *opening)
{
    for (int i = 0; i < BIND_TRIES_MAX; i++) {
        uint16_t port = m4h_ports_take(slave->ports, wish, m4h_loop_now_ms(slave->loop));

        if (port == 0) {
            snprintf(opening->detail, sizeof(opening->detail), "no port is free");
            return;
        }
        if (listens(slave, port, opening))
            return;
    }
    m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT,
            "tries=%d ports of the range are in use by other programs", BIND_TRIES_MAX);
}

static bool may_ask_for(const struct m4h_slave *slave, const struct m4h_resident *resident,
                        uint32_t port)
{
    for (uint8_t i = 0; i < resident->port_range_count; i++) {
        if (port >= resident->ports[i].first && port <= resident->ports[i].last)
            return true;
    }
    return resident->port_range_count == 0 && slave->config->explicit_ports;
}

static void open_very(struct m4h_slave *slave, const struct m4h_port_wish *wish,
                      struct opening *opening)
{
    static const struct {
        int error;
        const char *text;
    } reasons[] = {
        {M4H_EINVALID, "is not one of this slave's"},
        {M4H_EEXIST, "is in use"},
        {M4H_EUNAVAILABLE, "is kept for another device"},
        {M4H_EAGAIN, "is in use by another program"},
    };
    int error = m4h_ports_take_exactly(slave->ports, wish, m4h_loop_now_ms(slave->loop));

    if (error == 0)
        (void)listens(slave, wish->port, opening);
    for (size_t i = 0; i < M4H_COUNT(reasons); i++) {
        if (error == reasons[i].error)
            snprintf(opening->detail, sizeof(opening->detail), "port %u %s", wish->port,
                     reasons[i].text);
    }
}

/* The very one; or, where any will do, the one to try first, or 0. */
static uint16_t wished_port(const struct m4h_resident *resident)
{
    if (resident->asked_port != 0 || resident->tunnel.port_count > 0)
        return (uint16_t)resident->asked_port;
    return resident->fixed_port != 0 ? resident->fixed_port : resident->last_port;
}

static struct opening open_port(struct m4h_slave *slave, const struct m4h_resident *resident)
{
    struct opening opening = {.fd = -1};
    const struct m4h_tunnel *tunnel = &resident->tunnel;
    uint16_t asked = (uint16_t)resident->asked_port;
    bool is_fixed = asked == 0 && tunnel->port_count == 0 && resident->fixed_port != 0;
    struct m4h_port_wish wish = {
        .client_key = tunnel->client_key,
        .port = wished_port(resident),
        .ranges = resident->ports,
        .range_count = resident->port_range_count,
        .lease_ms = (uint64_t)slave->config->lease_ms,
    };

    if (tunnel->port_count == M4H_TUNNEL_PORTS_MAX)
        snprintf(opening.detail, sizeof(opening.detail), "as many ports as a tunnel can have");
    else if (is_fixed)
        open_very(slave, &wish, &opening);
    else if (asked == 0)
        open_any(slave, &wish, &opening);
    else if (may_ask_for(slave, resident, asked))
        open_very(slave, &wish, &opening);
    else
        snprintf(opening.detail, sizeof(opening.detail), "this device may not ask for port %u",
                 asked);
    return opening;
}

/* ---- tunnels up ---------------------------------------------------------------- */

static uint64_t random_id(void)
{
    uint64_t id = 0;

    if (getrandom(&id, sizeof(id), 0) != sizeof(id))
        abort(); /* the kernel has a source of randomness since long before we start */
    return id != 0 ? id : 1;
}

void m4h_tunnels_tell(struct m4h_slave *slave, const struct m4h_resident *resident)
{
    struct m4h_event event = {.type = M4H_EVENT_CONNECT,
                              .as.connect = resident->tunnel,
                              .without_master = resident->without_master};

    m4h_publisher_send(slave, &event);
}

static void announce(struct m4h_slave *slave, struct m4h_resident *resident)
{
    struct m4h_tunnel *tunnel = &resident->tunnel;
    uint64_t wall_ms = m4h_walltime_now_ms();
    char id[M4H_TUNNEL_ID_TEXT_MAX], client_key[2 * M4H_CLIENT_KEY_MAX];
    char version[2 * M4H_CLIENT_VERSION_MAX];

    tunnel->tunnel_id = random_id();
    tunnel->stamp = m4h_stamp_next(&slave->clock, wall_ms, resident->owner_stamp);
    tunnel->connected_wall_ms = wall_ms;
    m4h_roster_up(slave->roster, resident, m4h_loop_now_ms(slave->loop));
    slave->counters.connects++;
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT,
            "device=%s peer=%s port=%u tunnel=%s key=%s client=%s tunnel is up",
            m4h_log_quote(client_key, sizeof(client_key), tunnel->client_key),
            tunnel->remote_address, tunnel->ports[0], m4h_tunnel_id_format(tunnel->tunnel_id, id),
            tunnel->key_fingerprint,
            m4h_log_quote(version, sizeof(version), tunnel->client_version));
    m4h_tunnels_tell(slave, resident);
}

static void open_for(struct m4h_slave *slave, struct m4h_resident *resident)
{
    struct m4h_tunnel *tunnel = &resident->tunnel;
    struct opening opening = open_port(slave, resident);

    if (opening.port == 0) {
        m4h_tunnels_refuse(slave, resident, M4H_REFUSE_PORT_UNAVAILABLE, opening.detail);
        return;
    }
    m4h_lease_file_changed(slave->lease_file);
    tunnel->ports[tunnel->port_count++] = opening.port;
    answer(slave, resident, opening.fd, opening.port);
    if (resident->state == M4H_RESIDENT_UP)
        m4h_tunnels_tell(slave, resident);
    else
        announce(slave, resident);
}

void m4h_tunnels_claim(struct m4h_slave *slave, struct m4h_resident *resident)
{
    struct m4h_resident *loser;
    bool now = m4h_roster_claim(slave->roster, resident, &loser);

    if (loser != NULL)
        m4h_slave_order(slave, &(struct m4h_order){.kind = M4H_ORDER_CLOSE,
                                                   .session_id = loser->session_id,
                                                   .as.close.reason = M4H_DISCONNECT_REPLACED});
    if (now)
        open_for(slave, resident);
}

void m4h_tunnels_forward(struct m4h_slave *slave, uint64_t session_id, uint16_t port)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, session_id);

    if (resident == NULL || resident->state == M4H_RESIDENT_LEAVING)
        return; /* it is being closed: nobody waits for the answer */
    resident->asked_port = port;
    if (resident->state != M4H_RESIDENT_KNOWN)
        open_for(slave, resident);
    else if (m4h_rivals_may_claim(slave, resident))
        m4h_tunnels_claim(slave, resident);
}

static void remove_port(struct m4h_tunnel *tunnel, uint16_t port)
{
    uint8_t kept = 0;

    for (uint8_t i = 0; i < tunnel->port_count; i++) {
        if (tunnel->ports[i] != port)
            tunnel->ports[kept++] = tunnel->ports[i];
    }
    tunnel->port_count = kept;
}

/* The ports of a tunnel change only with an event that says so: one that gives up
 * its last port, or is leaving, keeps what was announced until it is gone. */
void m4h_tunnels_cancel(struct m4h_slave *slave, uint64_t session_id, uint16_t port)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, session_id);

    if (resident == NULL || resident->state == M4H_RESIDENT_LEAVING)
        return;
    if (resident->tunnel.port_count <= 1) {
        m4h_tunnels_close(slave, resident, M4H_DISCONNECT_FORWARD_CANCELLED);
        return;
    }
    m4h_ports_give_back(slave->ports, port, m4h_loop_now_ms(slave->loop));
    remove_port(&resident->tunnel, port);
    m4h_tunnels_tell(slave, resident);
}

void m4h_tunnels_close_for(struct m4h_slave *slave, struct m4h_resident *resident,
                           enum m4h_disconnect_reason reason, const char *actor, const char *detail)
{
    if (resident->cause == NULL)
        resident->cause = calloc(1, sizeof(*resident->cause));
    if (resident->cause != NULL) { /* else its end is told without */
        resident->cause->reason = reason;
        m4h_ident_text_clean(resident->cause->actor, sizeof(resident->cause->actor), actor);
        m4h_ident_text_clean(resident->cause->detail, sizeof(resident->cause->detail), detail);
    }
    m4h_tunnels_close(slave, resident, reason);
}

void m4h_tunnels_close(struct m4h_slave *slave, struct m4h_resident *resident,
                       enum m4h_disconnect_reason reason)
{
    m4h_roster_leave(slave->roster, resident);
    m4h_slave_order(slave, &(struct m4h_order){.kind = M4H_ORDER_CLOSE,
                                               .session_id = resident->session_id,
                                               .as.close.reason = reason});
}

void m4h_tunnels_ask_to_leave(struct m4h_slave *slave, struct m4h_resident *resident)
{
    resident->asked_to_leave = true;
    m4h_slave_order(
        slave, &(struct m4h_order){.kind = M4H_ORDER_LEAVE, .session_id = resident->session_id});
}

/* Who asked for its end, and why, where it came to that end. */
static void fill_cause(const struct m4h_slave *slave, const struct m4h_resident *resident,
                       struct m4h_disconnect *end)
{
    const struct m4h_cause *cause = resident->cause;

    if (cause != NULL && cause->reason == end->reason) {
        memcpy(end->actor, cause->actor, sizeof(end->actor));
        memcpy(end->detail, cause->detail, sizeof(end->detail));
    } else if (end->reason == M4H_DISCONNECT_DRAINED) {
        memcpy(end->actor, slave->drain_actor, sizeof(end->actor));
    }
}

static void announce_end(struct m4h_slave *slave, const struct m4h_resident *resident)
{
    const struct m4h_farewell *farewell = &resident->farewell;
    const struct m4h_tunnel *tunnel = &resident->tunnel;
    struct m4h_event event = {.type = M4H_EVENT_DISCONNECT};
    struct m4h_disconnect *end = &event.as.disconnect;
    char id[M4H_TUNNEL_ID_TEXT_MAX], client_key[2 * M4H_CLIENT_KEY_MAX];

    memcpy(end->client_key, tunnel->client_key, sizeof(end->client_key));
    end->tunnel_id = tunnel->tunnel_id;
    end->reason = farewell->reason;
    fill_cause(slave, resident, end);
    end->bytes_from_device = farewell->bytes_from_device;
    end->bytes_to_device = farewell->bytes_to_device;
    end->duration_ms = m4h_loop_now_ms(slave->loop) - resident->up_since_ms;
    slave->counters.disconnects[end->reason]++;
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT,
            "device=%s peer=%s port=%u tunnel=%s reason=%s age_s=%" PRIu64
            " bytes_from_device=%" PRIu64 " bytes_to_device=%" PRIu64 " tunnel is gone",
            m4h_log_quote(client_key, sizeof(client_key), tunnel->client_key),
            tunnel->remote_address, tunnel->ports[0], m4h_tunnel_id_format(tunnel->tunnel_id, id),
            m4h_disconnect_reason_name(end->reason), end->duration_ms / 1000,
            end->bytes_from_device, end->bytes_to_device);
    m4h_publisher_send(slave, &event);
}

static void remove_resident(struct m4h_slave *slave, struct m4h_resident *resident)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint64_t rival = m4h_rivals_left(slave, resident);
    struct m4h_resident *successor;

    for (uint8_t i = 0; i < resident->tunnel.port_count; i++)
        m4h_ports_give_back(slave->ports, resident->tunnel.ports[i], now_ms);
    if (resident->was_up)
        announce_end(slave, resident);
    m4h_roster_remove(slave->roster, resident, &successor);
    if (successor != NULL)
        open_for(slave, successor);
    if (rival != 0)
        m4h_rivals_go_on(slave, rival);
    m4h_drain_check(slave);
}

/* A listener that is still on its way to the worker keeps the port busy: until the
 * worker has closed it, the device is leaving. */
void m4h_tunnels_gone(struct m4h_slave *slave, const struct m4h_report *report)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, report->session_id);

    m4h_questions_forget(slave, report->session_id);
    if (resident == NULL)
        return;
    resident->farewell = (struct m4h_farewell){
        .reason = report->as.gone.reason,
        .bytes_from_device = report->as.gone.bytes_from_device,
        .bytes_to_device = report->as.gone.bytes_to_device,
    };
    resident->listeners -= report->as.gone.listeners;
    if (resident->listeners == 0)
        remove_resident(slave, resident);
    else
        m4h_roster_leave(slave->roster, resident);
}

void m4h_tunnels_late(struct m4h_slave *slave, uint64_t session_id)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, session_id);

    if (resident != NULL && --resident->listeners == 0)
        remove_resident(slave, resident);
}

void m4h_tunnels_give_up(struct m4h_slave *slave)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    struct m4h_resident *resident, *successor;

    while ((resident = m4h_roster_any(slave->roster)) != NULL) {
        for (uint8_t i = 0; i < resident->tunnel.port_count; i++)
            m4h_ports_give_back(slave->ports, resident->tunnel.ports[i], now_ms);
        resident->farewell = (struct m4h_farewell){.reason = M4H_DISCONNECT_DRAINED};
        if (resident->was_up)
            announce_end(slave, resident);
        m4h_roster_remove(slave->roster, resident, &successor);
    }
}
