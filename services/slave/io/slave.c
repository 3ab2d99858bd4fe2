/* Start and stop of a slave, and the way of letters between hub and workers. */
#include "services/slave/io/slave.h"

#include "lib/base/error.h"
#include "lib/base/ready_file.h"
#include "lib/base/walltime.h"
#include "lib/config/nats.h"
#include "lib/net/socket.h"
#include "services/slave/io/epoch.h"
#include "services/slave/io/hub.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS_PER_WORKER   400u /* a second, where one did 835 (bench/tunnels.sh) */
#define DEVICE_BACKLOG     4096
#define MESSAGE_MAX_BYTES  (256u * 1024u)
#define BUS_QUEUE_MESSAGES 65536u
#define BUS_QUEUE_BYTES    (64u * 1024u * 1024u)
#define BUS_FLUSH_MS       1000u

/* ---- letters ------------------------------------------------------------------ */

void m4h_slave_order(struct m4h_slave *slave, const struct m4h_order *order)
{
    uint64_t worker = order->session_id >> M4H_SESSION_WORKER_SHIFT;
    struct m4h_order *copy = malloc(sizeof(*copy));

    if (copy == NULL)
        abort(); /* a lost order would leave a device waiting for ever */
    *copy = *order;
    m4h_worker_send(slave->workers[worker], copy);
}

void m4h_slave_report(void *context, struct m4h_letter *letter)
{
    struct m4h_slave *slave = context;
    struct m4h_report *report = M4H_CONTAINER_OF(letter, struct m4h_report, letter);

    switch (report->kind) {
    case M4H_REPORT_KEY:
        m4h_admission_judge(slave, report->session_id, report->as.key);
        break;
    case M4H_REPORT_FORWARD:
        m4h_tunnels_forward(slave, report->session_id, report->as.forward.port);
        break;
    case M4H_REPORT_CANCEL:
        m4h_tunnels_cancel(slave, report->session_id, report->as.cancel.port);
        break;
    case M4H_REPORT_GONE:
        m4h_rechecks_leave(slave, report->session_id);
        if (!m4h_visits_gone(slave, report->session_id))
            m4h_tunnels_gone(slave, report);
        break;
    case M4H_REPORT_SIGN:
        m4h_rivals_sign(slave, report->session_id, report->as.sign.alive);
        break;
    case M4H_REPORT_LATE:
        m4h_tunnels_late(slave, report->session_id);
        break;
    case M4H_REPORT_REFUSED:
        m4h_publisher_refuse(slave, report->as.refused);
        free(report->as.refused);
        break;
    case M4H_REPORT_VISIT:
        m4h_visits_ask(slave, report->session_id, report->as.visit);
        break;
    case M4H_REPORT_REACHED:
        m4h_visits_reached(slave, report->as.reached.visit_id, report->as.reached.reached);
        break;
    case M4H_REPORT_HOPPED:
        m4h_visits_hopped(slave, report->as.hopped.visit_id, report->as.hopped.result);
        break;
    case M4H_REPORT_VISIT_OVER:
        m4h_visits_over(slave, report);
        break;
    }
    free(report);
}

/* ---- events of the loop ---------------------------------------------------------- */

static void on_signal(void *context, int number)
{
    struct m4h_slave *slave = context;

    if (number == SIGHUP) {
        m4h_reload_run(slave);
        return;
    }
    if (slave->stopping) {
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT, "signal=%d another one: ending at once",
                number);
        m4h_drain_hurry(slave);
        return;
    }
    m4h_drain_begin(slave, number == SIGTERM ? "SIGTERM" : "SIGINT", true);
}

static void tell_status(const struct m4h_slave *slave)
{
    m4h_supervisor_status(slave->supervisor, "%s, %s NATS: %u of %u tunnels",
                          m4h_slave_state_name(slave->state),
                          m4h_bus_is_connected(slave->bus) ? "connected to" : "without",
                          m4h_roster_tunnel_count(slave->roster), slave->capacity);
}

static void on_load_time(void *context)
{
    m4h_reload_look(context);
    m4h_publisher_load(context);
    tell_status(context);
}

static void write_ready_file(struct m4h_slave *slave)
{
    struct m4h_address listen;
    char lines[512];
    int len;

    if (m4h_address_parse(slave->config->device_listen, &listen) != 0)
        return;
    len = snprintf(lines, sizeof(lines),
                   strchr(listen.host, ':') ? "device=[%s]:%u\n" : "device=%s:%u\n", listen.host,
                   slave->listen_port);
    if (slave->http != NULL && m4h_address_parse(slave->config->http_listen, &listen) == 0)
        snprintf(lines + len, sizeof(lines) - (size_t)len, "http=%s:%u\n", listen.host,
                 m4h_http_server_port(slave->http));
    if (m4h_ready_file_write(slave->config->ready_file, lines) != 0)
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT, "ready_file=\"%s\" error=\"%s\" cannot write",
                slave->config->ready_file, strerror(errno));
}

static void on_bus_status(void *context, bool connected)
{
    struct m4h_slave *slave = context;

    m4h_log(connected ? M4H_LOG_INFO : M4H_LOG_WARNING, M4H_SLAVE_COMPONENT,
            connected ? "connected to NATS" : "lost NATS: tunnels go on, events wait");
    m4h_outbox_io_status(slave, connected);
    m4h_rechecks_bus(slave, connected);
    if (!connected)
        m4h_known_masters_forget(&slave->masters);
    if (!connected || slave->state == M4H_SLAVE_STOPPED)
        return;
    write_ready_file(slave);
    m4h_publisher_load(slave);
    m4h_questions_resume(slave);
}

static uint64_t run_bus(void *context, uint64_t now_ms)
{
    struct m4h_slave *slave = context;

    return slave->bus != NULL ? m4h_bus_run(slave->bus, now_ms) : UINT64_MAX;
}

/* ---- start ------------------------------------------------------------------------ */

static int fill_info(struct m4h_slave *slave, const struct m4h_ssh_host_keys *host_keys,
                     uint16_t port)
{
    const struct m4h_slave_config *config = slave->config;
    struct m4h_slave_info *info = &slave->info;

    if (config->device_host[0] != '\0')
        m4h_text_copy(info->host, sizeof(info->host), config->device_host);
    else if (gethostname(info->host, sizeof(info->host) - 1) != 0)
        info->host[0] = '\0';
    if (!m4h_ident_host_is_valid(info->host)) {
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT,
                "host=\"%s\" no host name or address: set [device] host", info->host);
        return M4H_EINVALID;
    }
    slave->listen_port = port;
    info->port = config->device_port != 0 ? (uint16_t)config->device_port : port;
    for (size_t i = 0; i < host_keys->count; i++)
        m4h_text_copy(info->host_keys[i], sizeof(info->host_keys[i]),
                      host_keys->list[i].public_line);
    info->host_key_count = (uint8_t)host_keys->count;
    m4h_text_copy(info->version, sizeof(info->version), M4H_VERSION);
    info->started_wall_ms = m4h_walltime_now_ms();
    info->weight = (uint32_t)config->weight;
    info->handshakes_per_second = config->slots_per_second > 0
                                      ? (uint32_t)config->slots_per_second
                                      : slave->worker_count * SLOTS_PER_WORKER;
    return 0;
}

static int report_listen(const struct m4h_slave *slave, int error)
{
    m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT, "address=%s error=\"%s\" cannot listen",
            slave->config->device_listen,
            error == M4H_EINVALID ? "not an address of this machine" : strerror(errno));
    return error;
}

/* One listener for each worker, all on the same port. */
static int start_workers(struct m4h_slave *slave, const struct m4h_ssh_host_keys *host_keys,
                         uint16_t *port)
{
    const struct m4h_slave_config *config = slave->config;
    const struct m4h_ssh_server_config ssh = {
        .host_keys = host_keys,
        .ciphers = config->ciphers,
        .key_exchanges = config->key_exchanges,
        .macs = config->macs,
        .dropbear_macs = config->dropbear_macs,
        .key_types = config->key_types,
        .certificates = config->certificates,
        .compression = config->compression,
    };
    struct m4h_address address;
    uint32_t wanted = m4h_slave_config_workers(slave->config);

    if (m4h_address_parse(slave->config->device_listen, &address) != 0)
        return M4H_EINVALID;
    slave->workers = calloc(wanted, sizeof(struct m4h_worker *));
    if (slave->workers == NULL)
        return M4H_ENOMEM;
    for (uint32_t i = 0; i < wanted; i++) {
        int fd;
        int error = m4h_socket_listen(&address, true, DEVICE_BACKLOG, &fd, port);

        if (error != 0)
            return report_listen(slave, error);
        address.port = *port;
        error = m4h_worker_create(&slave->workers[i], i, fd, slave->settings, &ssh, slave->loop,
                                  slave->mailbox);
        if (error != 0)
            return error;
        slave->worker_count++;
        error = m4h_worker_start(slave->workers[i]);
        if (error != 0)
            return error;
    }
    return 0;
}

static int start_bus(struct m4h_slave *slave)
{
    const struct m4h_slave_config *config = slave->config;
    struct m4h_bus_subscription subscriptions[M4H_COMMANDS_COUNT + 1];
    char subjects[M4H_COMMANDS_COUNT][128];
    struct m4h_bus_config bus = {
        .name = config->id,
        .queue_messages = BUS_QUEUE_MESSAGES,
        .queue_bytes = BUS_QUEUE_BYTES,
        .subscriptions = subscriptions,
        .subscription_count = M4H_COUNT(subscriptions),
        .on_status = on_bus_status,
        .on_ack = m4h_outbox_io_ack,
        .wake = m4h_pump_wake,
        .wake_context = slave->pump,
        .run_soon = m4h_pump_run_soon,
        .context = slave,
    };

    M4H_CONFIG_NATS_FILL(&bus, config);
    m4h_commands_subscriptions(slave, subscriptions, subjects);
    subscriptions[M4H_COMMANDS_COUNT] = (struct m4h_bus_subscription){
        .subject = "mas4h.v1.master.hello", .on_message = m4h_questions_on_hello};
    return m4h_bus_create(&slave->bus, &bus);
}

struct m4h_decisions_limits m4h_slave_decisions_limits(const struct m4h_slave_config *config)
{
    return (struct m4h_decisions_limits){
        .entries_max = (uint32_t)config->authorize_cache,
        .stale_ms = (uint32_t)config->authorize_stale_ms,
    };
}

static int make_cores(struct m4h_slave *slave)
{
    const struct m4h_slave_config *config = slave->config;
    const struct m4h_decisions_limits limits = m4h_slave_decisions_limits(config);
    int error = m4h_roster_create(&slave->roster);

    m4h_snapshots_init(&slave->snapshots, M4H_SNAPSHOT_PAGE_TUNNELS);
    if (error == 0)
        error =
            m4h_ports_create(&slave->ports, (uint16_t)config->port_min, (uint16_t)config->port_max);
    if (error == 0)
        error = m4h_decisions_create(&slave->decisions, &limits);
    if (error == 0)
        error = m4h_flaps_create(&slave->flaps);
    slave->denials = calloc(1, sizeof(*slave->denials));
    if (error == 0 && slave->denials == NULL)
        error = M4H_ENOMEM;
    return error;
}

static int make_loop(struct m4h_slave *slave)
{
    int error = m4h_loop_create(&slave->loop);

    if (error == 0)
        error = m4h_supervisor_create(&slave->supervisor, slave->loop, m4h_pulse_is_alive, slave);
    if (error == 0)
        error = m4h_signals_start(&slave->signals, slave->loop, on_signal, slave);
    if (error == 0)
        error = m4h_mailbox_create(&slave->mailbox, slave->loop, m4h_slave_report, slave);
    if (error == 0)
        error = m4h_pump_create(&slave->pump, slave->loop, run_bus, slave);
    if (error == 0)
        error = m4h_timer_create(&slave->load_timer, slave->loop, on_load_time, slave);
    if (error == 0)
        error = m4h_drain_create(slave);
    if (error == 0)
        error = m4h_outbox_io_create(slave);
    if (error == 0)
        error = m4h_questions_create(slave);
    if (error == 0)
        error = m4h_rechecks_create(slave);
    if (error == 0)
        error = m4h_revocations_io_create(slave);
    if (error == 0)
        error = m4h_visits_create(slave);
    return error;
}

static int start(struct m4h_slave *slave)
{
    struct m4h_ssh_host_keys host_keys;
    struct m4h_event event = {.type = M4H_EVENT_START};
    uint16_t port = 0;
    int error = make_cores(slave);

    if (error == 0)
        error = make_loop(slave);
    if (error == 0)
        error = m4h_worker_settings_create(&slave->settings, slave->config);
    if (error == 0)
        error = m4h_ssh_start();
    if (error == 0)
        error = m4h_ssh_host_keys_ensure(slave->config->host_key_dir, slave->config->host_keys,
                                         &host_keys);
    if (error != 0)
        return error;
    slave->epoch = m4h_epoch_next(slave->config->host_key_dir, m4h_walltime_now_ms());
    error = m4h_lease_file_open(&slave->lease_file, slave->loop, slave->config->host_key_dir,
                                m4h_ports_leases(slave->ports));
    if (error != 0)
        return error;
    error = start_bus(slave);
    if (error == 0)
        error = m4h_ops_start(slave);
    if (error == 0)
        error = start_workers(slave, &host_keys, &port);
    if (error == 0)
        error = fill_info(slave, &host_keys, port);
    if (error != 0)
        return error;
    event.as.start = slave->info;
    m4h_publisher_send(slave, &event);
    m4h_timer_start(slave->load_timer, (uint64_t)slave->config->load_interval_ms,
                    (uint64_t)slave->config->load_interval_ms);
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT,
            "slave=%s region=%s host=%s port=%u capacity=%u workers=%u version=%s started",
            slave->config->id, slave->config->region, slave->info.host, slave->info.port,
            slave->capacity, slave->worker_count, M4H_VERSION);
    return 0;
}

int m4h_slave_create(struct m4h_slave **slave, struct m4h_slave_config *config,
                     struct m4h_config_source *source)
{
    struct m4h_slave *made = calloc(1, sizeof(*made));
    int error;

    *slave = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->config = config;
    made->source = source;
    made->state = M4H_SLAVE_READY;
    made->message = (struct m4h_buffer)M4H_BUFFER_INIT(MESSAGE_MAX_BYTES);
    m4h_capacity_set(made);
    m4h_capacity_check_ports(made);
    error = start(made);
    if (error != 0) {
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT, "error=\"%s\" cannot start",
                m4h_error_text(error));
        m4h_slave_destroy(made);
        return error;
    }
    *slave = made;
    return 0;
}

void m4h_slave_run(struct m4h_slave *slave)
{
    m4h_supervisor_ready(slave->supervisor);
    tell_status(slave);
    m4h_loop_run(slave->loop);
}

static bool stop_workers(struct m4h_slave *slave)
{
    bool stopped = true;

    for (uint32_t i = 0; i < slave->worker_count; i++) {
        if (m4h_worker_stop(slave->workers[i]))
            continue;
        stopped = false;
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT, "worker=%u does not end", i);
    }
    return stopped;
}

/* Workers end first, and their last reports are read, so that every tunnel's end
 * is published before the bus is closed. Where one does not end, only the bus and the
 * file of leases get to their ends: the process is to end with the memory as it is. */
bool m4h_slave_destroy(struct m4h_slave *slave)
{
    if (slave == NULL)
        return true;
    m4h_ready_file_remove(slave->config->ready_file);
    if (!stop_workers(slave)) {
        m4h_bus_destroy(slave->bus, BUS_FLUSH_MS);
        m4h_lease_file_close(slave->lease_file);
        return false;
    }
    m4h_mailbox_close(slave->mailbox);
    for (uint32_t i = 0; i < slave->worker_count; i++)
        m4h_worker_destroy(slave->workers[i]);
    free(slave->workers);
    m4h_worker_settings_release(slave->settings);
    m4h_http_server_destroy(slave->http);
    m4h_visits_destroy(slave);
    m4h_bus_destroy(slave->bus, BUS_FLUSH_MS);
    m4h_questions_destroy(slave);
    m4h_rechecks_destroy(slave);
    m4h_revocations_io_destroy(slave);
    m4h_snapshots_free(&slave->snapshots);
    m4h_pump_close(slave->pump);
    m4h_lease_file_close(slave->lease_file);
    m4h_timer_close(slave->load_timer);
    m4h_timer_close(slave->question_timer);
    m4h_timer_close(slave->drain_timer);
    m4h_outbox_io_destroy(slave);
    m4h_signals_close(slave->signals);
    m4h_supervisor_close(slave->supervisor);
    m4h_loop_destroy(slave->loop);
    m4h_roster_destroy(slave->roster);
    m4h_ports_destroy(slave->ports);
    m4h_decisions_destroy(slave->decisions);
    free(slave->denials);
    m4h_flaps_destroy(slave->flaps);
    m4h_buffer_free(&slave->message);
    free(slave);
    return true;
}
