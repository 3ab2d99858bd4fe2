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

static void refuse(struct m4h_slave *slave, struct m4h_resident *resident, uint32_t port)
{
    struct m4h_refuse refuse = {.reason = M4H_REFUSE_PORT_UNAVAILABLE};
    const struct m4h_tunnel *tunnel = &resident->tunnel;

    if (port != 0)
        snprintf(refuse.detail, sizeof(refuse.detail), "port %" PRIu32 " is not to be had", port);
    else
        snprintf(refuse.detail, sizeof(refuse.detail), "no port is free");
    memcpy(refuse.remote_address, tunnel->remote_address, sizeof(refuse.remote_address));
    memcpy(refuse.key_fingerprint, tunnel->key_fingerprint, sizeof(refuse.key_fingerprint));
    memcpy(refuse.client_key, tunnel->client_key, sizeof(refuse.client_key));
    m4h_publisher_refuse(slave, &refuse);
    answer(slave, resident, -1, 0);
}

static int listen_on(const struct m4h_slave *slave, uint16_t port, int *fd)
{
    struct m4h_address address = {.port = port};
    uint16_t bound;

    m4h_text_copy(address.host, sizeof(address.host), slave->config->tunnel_address);
    return m4h_socket_listen(&address, false, OPERATOR_BACKLOG, fd, &bound);
}

/* Takes a port and listens on it. 0: there is none to be had. */
static uint16_t open_port(struct m4h_slave *slave, const char *client_key, uint32_t asked, int *fd)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);

    for (int i = 0; i < BIND_TRIES_MAX; i++) {
        uint16_t port = (uint16_t)asked;
        int error;

        if (asked == 0)
            port = m4h_ports_take(slave->ports, client_key, now_ms);
        else if (!m4h_ports_take_exactly(slave->ports, port, client_key, now_ms))
            return 0;
        if (port == 0)
            return 0;
        error = listen_on(slave, port, fd);
        if (error == 0)
            return port;
        if (error != M4H_EEXIST) {
            m4h_ports_give_back(slave->ports, port);
            m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT, "port=%u error=\"%s\" cannot listen", port,
                    strerror(errno));
            return 0;
        }
        m4h_ports_shun(slave->ports, port, now_ms);
        if (asked != 0)
            return 0;
    }
    m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT,
            "tries=%d ports of the range are in use by other programs", BIND_TRIES_MAX);
    return 0;
}

static uint64_t random_id(void)
{
    uint64_t id = 0;

    if (getrandom(&id, sizeof(id), 0) != sizeof(id))
        abort(); /* the kernel has a source of randomness since long before we start */
    return id != 0 ? id : 1;
}

static void publish_connect(struct m4h_slave *slave, const struct m4h_resident *resident)
{
    struct m4h_event event = {.type = M4H_EVENT_CONNECT, .as.connect = resident->tunnel};

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
    publish_connect(slave, resident);
}

static void open_for(struct m4h_slave *slave, struct m4h_resident *resident)
{
    struct m4h_tunnel *tunnel = &resident->tunnel;
    int fd = -1;
    uint16_t port = 0;

    if (tunnel->port_count < M4H_TUNNEL_PORTS_MAX)
        port = open_port(slave, tunnel->client_key, resident->asked_port, &fd);
    if (port == 0) {
        refuse(slave, resident, resident->asked_port);
        return;
    }
    tunnel->ports[tunnel->port_count++] = port;
    answer(slave, resident, fd, port);
    if (resident->state == M4H_RESIDENT_UP)
        publish_connect(slave, resident);
    else
        announce(slave, resident);
}

void m4h_tunnels_forward(struct m4h_slave *slave, uint64_t session_id, uint16_t port)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, session_id);
    struct m4h_resident *loser = NULL;
    bool now = true;

    if (resident == NULL || resident->state == M4H_RESIDENT_LEAVING)
        return; /* it is being closed: nobody waits for the answer */
    resident->asked_port = port;
    if (resident->state == M4H_RESIDENT_KNOWN)
        now = m4h_roster_claim(slave->roster, resident, &loser);
    if (loser != NULL)
        m4h_slave_order(slave, &(struct m4h_order){.kind = M4H_ORDER_CLOSE,
                                                   .session_id = loser->session_id,
                                                   .as.close.reason = M4H_DISCONNECT_REPLACED});
    if (now)
        open_for(slave, resident);
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
    m4h_ports_give_back(slave->ports, port);
    remove_port(&resident->tunnel, port);
    publish_connect(slave, resident);
}

void m4h_tunnels_close(struct m4h_slave *slave, struct m4h_resident *resident,
                       enum m4h_disconnect_reason reason)
{
    m4h_roster_leave(slave->roster, resident);
    m4h_slave_order(slave, &(struct m4h_order){.kind = M4H_ORDER_CLOSE,
                                               .session_id = resident->session_id,
                                               .as.close.reason = reason});
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
    struct m4h_resident *successor;

    for (uint8_t i = 0; i < resident->tunnel.port_count; i++)
        m4h_ports_give_back(slave->ports, resident->tunnel.ports[i]);
    if (resident->was_up)
        announce_end(slave, resident);
    m4h_roster_remove(slave->roster, resident, &successor);
    if (successor != NULL)
        open_for(slave, successor);
    m4h_drain_check(slave);
}

/* A listener that is still on its way to the worker keeps the port busy: until the
 * worker has closed it, the device is leaving. */
void m4h_tunnels_gone(struct m4h_slave *slave, const struct m4h_report *report)
{
    struct m4h_resident *resident = m4h_roster_find(slave->roster, report->session_id);

    m4h_admission_forget(slave, report->session_id);
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
