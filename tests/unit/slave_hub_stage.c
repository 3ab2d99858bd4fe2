/* The hub's stage. */
#include "tests/unit/slave_hub_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hub *hub;

void __wrap_m4h_slave_order(struct m4h_slave *slave, const struct m4h_order *order);
void __wrap_m4h_publisher_send(struct m4h_slave *slave, struct m4h_event *event);
void __wrap_m4h_publisher_refuse(struct m4h_slave *slave, const struct m4h_refuse *refuse);

void __wrap_m4h_slave_order(struct m4h_slave *slave, const struct m4h_order *order)
{
    assert_ptr_equal(slave, &hub->slave);
    assert_true(hub->order_count < ORDERS_MAX);
    hub->orders[hub->order_count++] = *order;
}

void __wrap_m4h_publisher_send(struct m4h_slave *slave, struct m4h_event *event)
{
    assert_ptr_equal(slave, &hub->slave);
    assert_true(event->type < M4H_EVENT_TYPE_COUNT);
    hub->events[event->type]++;
    hub->last_event = *event;
}

void __wrap_m4h_publisher_refuse(struct m4h_slave *slave, const struct m4h_refuse *refuse)
{
    assert_ptr_equal(slave, &hub->slave);
    hub->last_refusal = *refuse;
    hub->refusals++;
}

void __real_m4h_ports_shun(struct m4h_ports *ports, uint16_t port, uint64_t now_ms);
void __wrap_m4h_ports_shun(struct m4h_ports *ports, uint16_t port, uint64_t now_ms);

void __wrap_m4h_ports_shun(struct m4h_ports *ports, uint16_t port, uint64_t now_ms)
{
    hub->shunned++;
    __real_m4h_ports_shun(ports, port, now_ms);
}

int hub_begin(void **state)
{
    (void)state;
    hub = calloc(1, sizeof(*hub));
    assert_non_null(hub);
    hub->config = (struct m4h_slave_config){
        .tunnel_address = (char *)"127.0.0.1",
        .lease_ms = 86400000,
        .explicit_ports = true,
        .flapping_evictions = 3,
        .flapping_window_ms = 60000,
        .flapping_hold_ms = 10000,
    };
    hub->slave.config = &hub->config;
    hub->slave.state = M4H_SLAVE_READY;
    snprintf(hub->dir, sizeof(hub->dir), "/tmp/m4h-hub-XXXXXX");
    assert_non_null(mkdtemp(hub->dir));
    assert_int_equal(m4h_loop_create(&hub->slave.loop), 0);
    assert_int_equal(m4h_roster_create(&hub->slave.roster), 0);
    assert_int_equal(m4h_ports_create(&hub->slave.ports, PORT_MIN, PORT_MAX), 0);
    assert_int_equal(m4h_flaps_create(&hub->slave.flaps), 0);
    assert_int_equal(m4h_lease_file_open(&hub->slave.lease_file, hub->slave.loop, hub->dir,
                                         m4h_ports_leases(hub->slave.ports)),
                     0);
    return 0;
}

int hub_end(void **state)
{
    char path[128];

    (void)state;
    for (size_t i = 0; i < hub->order_count; i++) {
        if (hub->orders[i].kind == M4H_ORDER_FORWARDED && hub->orders[i].as.forwarded.fd >= 0)
            close(hub->orders[i].as.forwarded.fd);
    }
    m4h_lease_file_close(hub->slave.lease_file);
    m4h_loop_destroy(hub->slave.loop);
    m4h_roster_destroy(hub->slave.roster);
    m4h_ports_destroy(hub->slave.ports);
    m4h_flaps_destroy(hub->slave.flaps);
    snprintf(path, sizeof(path), "%s/leases", hub->dir);
    unlink(path);
    assert_int_equal(rmdir(hub->dir), 0);
    free(hub);
    hub = NULL;
    return 0;
}

/* ---- what workers and devices do ---------------------------------------------------- */

struct m4h_resident *admit(const char *client_key)
{
    struct m4h_tunnel tunnel = {0};
    struct m4h_resident *resident;

    m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), client_key);
    snprintf(tunnel.remote_address, sizeof(tunnel.remote_address), "192.0.2.1:%u",
             (unsigned)hub->sessions);
    assert_int_equal(m4h_roster_add(hub->slave.roster, ++hub->sessions, 0, &tunnel, &resident), 0);
    return resident;
}

const struct m4h_order *take_order(uint64_t session_id, enum m4h_order_kind kind)
{
    static struct m4h_order taken;

    for (size_t i = 0; i < hub->order_count; i++) {
        if (hub->orders[i].session_id != session_id || hub->orders[i].kind != kind)
            continue;
        taken = hub->orders[i];
        hub->order_count--;
        memmove(&hub->orders[i], &hub->orders[i + 1],
                (hub->order_count - i) * sizeof(hub->orders[0]));
        return &taken;
    }
    return NULL;
}

uint16_t forward(struct m4h_resident *resident, uint16_t asked)
{
    uint64_t session_id = resident->session_id;
    const struct m4h_order *order;

    m4h_tunnels_forward(&hub->slave, session_id, asked);
    order = take_order(session_id, M4H_ORDER_FORWARDED);
    assert_non_null(order);
    if (order->as.forwarded.fd >= 0)
        close(order->as.forwarded.fd);
    return order->as.forwarded.port;
}

void gone(uint64_t session_id, enum m4h_disconnect_reason reason, uint32_t listeners)
{
    struct m4h_report report = {.kind = M4H_REPORT_GONE, .session_id = session_id};

    report.as.gone.reason = reason;
    report.as.gone.listeners = listeners;
    m4h_tunnels_gone(&hub->slave, &report);
}
