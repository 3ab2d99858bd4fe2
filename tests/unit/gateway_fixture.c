#include "tests/unit/gateway_fixture.h"

#include "lib/base/attributes.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 65536
#define DEADLINE_S  20

/* ---- the played master and slave --------------------------------------------------- */

static void reply(struct gateway_fixture *fixture, const char *subject, struct m4h_buffer *message,
                  int encode_error)
{
    assert_int_equal(encode_error, 0);
    assert_int_equal(
        m4h_bus_publish(fixture->bus, subject, M4H_BUS_FRESH, NULL, message->data, message->len),
        0);
    m4h_buffer_free(message);
}

static void give_slot(struct gateway_fixture *fixture, const char *subject)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(MESSAGE_MAX);
    struct m4h_slot slot = {.slave_id = "slave-1",
                            .region = "eu",
                            .host = "h",
                            .port = 2222,
                            .host_keys = {"ssh-ed25519 AAAA"},
                            .host_key_count = 1,
                            .expires_wall_ms = 1769860800250u};

    reply(fixture, subject, &message, m4h_wire_dispatch_reply_encode(&slot, NULL, &message));
}

static void on_dispatch(void *context, const struct m4h_bus_message *message)
{
    struct gateway_fixture *fixture = context;
    struct m4h_buffer out = M4H_BUFFER_INIT(MESSAGE_MAX);
    struct m4h_problem full = {M4H_PROBLEM_NO_CAPACITY, "all full", 2500};
    struct m4h_problem learning = {M4H_PROBLEM_UNAVAILABLE, "not ready yet", 0};
    const char *region = fixture->asked.dispatch.region;

    assert_int_equal(
        m4h_wire_dispatch_request_decode(message->data, message->len, &fixture->asked.dispatch), 0);
    if (strcmp(region, "silent") == 0)
        return;
    if (strcmp(region, "once") == 0 && fixture->asked.once_asked++ == 0)
        return;
    if (strcmp(region, "learning") == 0 && fixture->asked.once_asked++ == 0) {
        reply(fixture, message->reply, &out, m4h_wire_dispatch_reply_encode(NULL, &learning, &out));
        return;
    }
    if (strcmp(region, "later") == 0) {
        snprintf(fixture->later, sizeof(fixture->later), "%s", message->reply);
        return;
    }
    if (strcmp(region, "full") == 0) {
        reply(fixture, message->reply, &out, m4h_wire_dispatch_reply_encode(NULL, &full, &out));
        return;
    }
    if (strcmp(region, "garbage") == 0) {
        reply(fixture, message->reply, &out, m4h_buffer_add(&out, "\xff\xff", 2));
        return;
    }
    give_slot(fixture, message->reply);
    if (fixture->later[0] != '\0')
        give_slot(fixture, fixture->later);
    fixture->later[0] = '\0';
}

static struct m4h_tunnel_status tunnel_named(const char *client_key)
{
    struct m4h_tunnel_status tunnel = {
        .tunnel = {.tunnel_id = 0xabc,
                   .stamp = 1,
                   .ports = {40001},
                   .port_count = 1,
                   .remote_address = "192.0.2.1:50022",
                   .connected_wall_ms = 1769860800250u,
                   .key_fingerprint = "SHA256:abc",
                   .client_version = "OpenSSH_9.2"},
        .slave_id = "slave-1",
        .region = "eu",
        .host = "h",
    };

    snprintf(tunnel.tunnel.client_key, sizeof(tunnel.tunnel.client_key), "%s", client_key);
    tunnel.flapping = strcmp(client_key, "twins") == 0;
    if (strcmp(client_key, "on-gone") == 0)
        snprintf(tunnel.slave_id, sizeof(tunnel.slave_id), "slave-gone");
    return tunnel;
}

static void give_tunnel(struct gateway_fixture *fixture, const char *subject,
                        const char *client_key)
{
    struct m4h_buffer out = M4H_BUFFER_INIT(MESSAGE_MAX);
    struct m4h_problem unknown = {M4H_PROBLEM_NOT_FOUND, "no such tunnel", 0};
    struct m4h_tunnel_status tunnel = tunnel_named(client_key);
    bool known = strcmp(client_key, "nobody") != 0;

    reply(fixture, subject, &out,
          m4h_wire_tunnel_reply_encode(&tunnel, known ? NULL : &unknown, &out));
}

static void on_cluster(void *context, const struct m4h_bus_message *message)
{
    struct gateway_fixture *fixture = context;
    struct m4h_buffer out = M4H_BUFFER_INIT(MESSAGE_MAX);
    struct m4h_cluster_status cluster = {.master_id = "master-1",
                                         .version = "5.0.0",
                                         .started_wall_ms = 1769860800250u,
                                         .slaves = 2,
                                         .synced = true,
                                         .flapping = 1};
    struct m4h_region_status regions[] = {{"eu", 2, 1, 3, 100}};

    assert_int_equal(
        m4h_wire_cluster_request_decode(message->data, message->len, fixture->asked.request_id), 0);
    fixture->asked.count++;
    if (fixture->is_mute)
        return;
    reply(fixture, message->reply, &out,
          m4h_wire_cluster_reply_encode(&cluster, regions, 1, NULL, &out));
    if (fixture->held[0] != '\0')
        give_tunnel(fixture, fixture->held, "held");
    fixture->held[0] = '\0';
}

static struct m4h_slave_status slave_named(const char *slave_id)
{
    struct m4h_slave_status slave = {
        .region = "eu",
        .state = M4H_SLAVE_READY,
        .info = {.host = "h", .port = 2222, .capacity = 100, .version = "5.0.0"}};

    snprintf(slave.slave_id, sizeof(slave.slave_id), "%s", slave_id);
    return slave;
}

static void on_slaves(void *context, const struct m4h_bus_message *message)
{
    struct gateway_fixture *fixture = context;
    struct m4h_buffer out = M4H_BUFFER_INIT(MESSAGE_MAX);
    struct m4h_slave_status all[] = {slave_named("slave-1"), slave_named("slave-gone"),
                                     slave_named("slave-stopped")};
    struct m4h_page_request *page = &fixture->asked.page;
    size_t first = 0, count = M4H_COUNT(all);

    all[1].state = M4H_SLAVE_DRAINING;
    all[1].drain_deadline_wall_ms = 1769860800250u;
    all[2].state = M4H_SLAVE_STOPPED;
    assert_int_equal(m4h_wire_slaves_request_decode(message->data, message->len, page), 0);
    if (page->slave_id[0] != '\0') {
        while (first < M4H_COUNT(all) - 1 && strcmp(page->slave_id, all[first].slave_id) != 0)
            first++;
        count = strcmp(page->slave_id, all[first].slave_id) == 0 ? 1 : 0;
    }
    reply(fixture, message->reply, &out,
          m4h_wire_slaves_reply_encode(all + first, count, "", NULL, &out));
}

static void on_tunnels(void *context, const struct m4h_bus_message *message)
{
    struct gateway_fixture *fixture = context;
    struct m4h_buffer out = M4H_BUFFER_INIT(MESSAGE_MAX);
    struct m4h_tunnel_status tunnels[] = {tunnel_named("a"), tunnel_named("b c/d")};

    assert_int_equal(
        m4h_wire_tunnels_request_decode(message->data, message->len, &fixture->asked.page), 0);
    fixture->asked.count++;
    reply(fixture, message->reply, &out,
          m4h_wire_tunnels_reply_encode(tunnels, 2, "b c/d", NULL, &out));
}

static void on_tunnel(void *context, const struct m4h_bus_message *message)
{
    struct gateway_fixture *fixture = context;
    char client_key[M4H_CLIENT_KEY_MAX + 1];

    assert_int_equal(m4h_wire_tunnel_request_decode(message->data, message->len, client_key,
                                                    fixture->asked.request_id),
                     0);
    fixture->asked.count++;
    if (strcmp(client_key, "held") == 0)
        snprintf(fixture->held, sizeof(fixture->held), "%s", message->reply);
    else
        give_tunnel(fixture, message->reply, client_key);
}

static void on_kick(void *context, const struct m4h_bus_message *message)
{
    struct gateway_fixture *fixture = context;
    struct m4h_buffer out = M4H_BUFFER_INIT(MESSAGE_MAX);
    struct m4h_problem left = {M4H_PROBLEM_NOT_FOUND, "no such tunnel here", 0};
    int error = m4h_wire_kick_request_decode(message->data, message->len, &fixture->asked.kick);
    bool is_there = strcmp(fixture->asked.kick.client_key, "just-left") != 0;

    assert_int_equal(error, 0);
    reply(fixture, message->reply, &out, m4h_wire_kick_reply_encode(is_there ? NULL : &left, &out));
}

static void on_drain(void *context, const struct m4h_bus_message *message)
{
    struct gateway_fixture *fixture = context;
    struct m4h_buffer out = M4H_BUFFER_INIT(MESSAGE_MAX);

    assert_int_equal(
        m4h_wire_drain_request_decode(message->data, message->len, &fixture->asked.drain), 0);
    reply(fixture, message->reply, &out, m4h_wire_drain_reply_encode(17, NULL, &out));
}

static void on_status(void *context, bool connected)
{
    (void)context;
    (void)connected;
}

static uint64_t on_pump(void *context, uint64_t now_ms)
{
    struct gateway_fixture *fixture = context;

    return m4h_bus_run(fixture->bus, now_ms);
}

static void play(struct gateway_fixture *fixture)
{
    static const struct m4h_bus_subscription subscriptions[] = {
        {"mas4h.v1.rpc.dispatch", "master", on_dispatch},
        {"mas4h.v1.rpc.status.cluster", "master", on_cluster},
        {"mas4h.v1.rpc.status.slaves", "master", on_slaves},
        {"mas4h.v1.rpc.status.tunnels", "master", on_tunnels},
        {"mas4h.v1.rpc.status.tunnel", "master", on_tunnel},
        {"mas4h.v1.slave.slave-1.kick", NULL, on_kick},
        {"mas4h.v1.slave.slave-1.drain", NULL, on_drain},
    };
    struct m4h_bus_config config = {
        .url = m4h_nats_server_url(fixture->nats),
        .name = "played",
        .queue_messages = 4096,
        .queue_bytes = 1024 * 1024,
        .subscriptions = subscriptions,
        .subscription_count = M4H_COUNT(subscriptions),
        .on_status = on_status,
        .wake = m4h_pump_wake,
        .context = fixture,
    };

    assert_int_equal(m4h_pump_create(&fixture->bus_pump, fixture->http.loop, on_pump, fixture), 0);
    config.wake_context = fixture->bus_pump;
    assert_int_equal(m4h_bus_create(&fixture->bus, &config), 0);
}

/* ---- the gateway ------------------------------------------------------------------------ */

static void start_gateway(struct gateway_fixture *fixture)
{
    char url[128];
    char *argv[] = {(char *)"mas4h-gateway",
                    (char *)"--set",
                    (char *)"http.listen=127.0.0.1:0",
                    (char *)"--set",
                    (char *)"http.open_access=yes",
                    (char *)"--set",
                    url,
                    (char *)"--set",
                    (char *)"rpc.timeout_ms=600",
                    (char *)"--set",
                    (char *)"slots.in_flight_max=3",
                    NULL};

    snprintf(url, sizeof(url), "nats.url=%s", m4h_nats_server_url(fixture->nats));
    assert_int_equal(m4h_config_from_command_line(&m4h_gateway_config_table, M4H_COUNT(argv) - 1,
                                                  argv, &fixture->config),
                     M4H_CONFIG_RUN);
    assert_int_equal(
        m4h_gateway_create(&fixture->gateway, fixture->http.loop, &fixture->config, NULL, NULL), 0);
    fixture->http.port = m4h_gateway_port(fixture->gateway);
}

void gateway_fixture_start(struct gateway_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->nats = m4h_nats_server_create(false);
    assert_non_null(fixture->nats);
    http_fixture_prepare(&fixture->http);
    play(fixture);
    start_gateway(fixture);
    http_fixture_go(&fixture->http);
    gateway_fixture_await_readiness(fixture, 200);
}

static void end(void *context)
{
    struct gateway_fixture *fixture = context;

    m4h_gateway_destroy(fixture->gateway);
    m4h_bus_destroy(fixture->bus, 100);
    m4h_pump_close(fixture->bus_pump);
}

void gateway_fixture_stop(struct gateway_fixture *fixture)
{
    http_fixture_end(&fixture->http, end, fixture);
    m4h_nats_server_destroy(fixture->nats);
    m4h_config_free(&m4h_gateway_config_table, &fixture->config);
}

static void on_drained(void *context)
{
    struct gateway_fixture *fixture = context;

    fixture->is_drained = true;
}

static void drain(void *context)
{
    struct gateway_fixture *fixture = context;

    m4h_gateway_drain(fixture->gateway, on_drained, fixture);
}

void gateway_fixture_drain(struct gateway_fixture *fixture)
{
    http_fixture_run(&fixture->http, drain, fixture);
}

/* Asked so often the gateway gives a question up. */
#define TRIES 6u

static void mute(void *context)
{
    struct gateway_fixture *fixture = context;

    fixture->is_mute = true;
    fixture->asked.count = 0;
}

void gateway_fixture_mute(struct gateway_fixture *fixture)
{
    const struct timespec pause = {0, 2000000};
    time_t deadline = time(NULL) + DEADLINE_S;

    m4h_nats_server_kill(fixture->nats);
    gateway_fixture_await_readiness(fixture, 503);
    http_fixture_run(&fixture->http, mute, fixture);
    assert_true(m4h_nats_server_restart(fixture->nats));
    while (gateway_fixture_asked(fixture)->count < TRIES) {
        if (time(NULL) > deadline)
            fail_msg("asked %u times only", gateway_fixture_asked(fixture)->count);
        nanosleep(&pause, NULL);
    }
}

static void greet(void *context)
{
    static const struct m4h_master_hello hello = {
        .master_id = "master-1", .version = "5.0.0", .instance = 1};
    struct gateway_fixture *fixture = context;
    struct m4h_buffer out = M4H_BUFFER_INIT(MESSAGE_MAX);

    fixture->is_mute = false;
    assert_int_equal(m4h_wire_hello_encode(&hello, &out), 0);
    assert_int_equal(m4h_bus_publish(fixture->bus, "mas4h.v1.master.hello", M4H_BUS_FRESH, NULL,
                                     out.data, out.len),
                     0);
    m4h_buffer_free(&out);
}

void gateway_fixture_greet(struct gateway_fixture *fixture)
{
    http_fixture_run(&fixture->http, greet, fixture);
}

int gateway_fixture_ask(struct gateway_fixture *fixture, const char *line, const char *body,
                        char *text, size_t size)
{
    char head[1024];
    int fd = http_connect(&fixture->http), status;

    snprintf(head, sizeof(head), "%s\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", line,
             strlen(body), body);
    http_send(fd, head);
    status = http_read_answer(fd, text, size, strncmp(line, "HEAD", 4) == 0);
    close(fd);
    return status;
}

static void copy_asked(void *context)
{
    struct gateway_fixture *fixture = context;

    fixture->seen = fixture->asked;
}

const struct gateway_asked *gateway_fixture_asked(struct gateway_fixture *fixture)
{
    http_fixture_run(&fixture->http, copy_asked, fixture);
    return &fixture->seen;
}

void gateway_fixture_await_region(struct gateway_fixture *fixture, const char *region)
{
    const struct timespec pause = {0, 2000000};
    time_t deadline = time(NULL) + DEADLINE_S;

    while (strcmp(gateway_fixture_asked(fixture)->dispatch.region, region) != 0) {
        if (time(NULL) > deadline)
            fail_msg("no slot of %s was asked for", region);
        nanosleep(&pause, NULL);
    }
}

void gateway_fixture_await_readiness(struct gateway_fixture *fixture, int status)
{
    const struct timespec pause = {0, 10000000};
    time_t deadline = time(NULL) + DEADLINE_S;
    char text[4096];

    while (gateway_fixture_ask(fixture, "GET /readyz HTTP/1.1", "", text, sizeof(text)) != status) {
        if (time(NULL) > deadline)
            fail_msg("readiness did not become %d: %s", status, text);
        nanosleep(&pause, NULL);
    }
}
