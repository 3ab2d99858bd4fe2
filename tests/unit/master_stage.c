/* The stage of the master's service tests. */
#include "tests/unit/master_stage.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LOAD_EVERY_MS 500

/* ---- slaves on the bus ------------------------------------------------------ */

static struct fake_slave *slave_of(struct stage *stage, const char *subject)
{
    for (size_t i = 0; i < STAGE_SLAVES; i++)
        if (strstr(subject, stage->slaves[i].id) != NULL)
            return &stage->slaves[i];
    fail_msg("nobody listens to %s", subject);
    return NULL;
}

static void send_reply(struct stage *stage, const struct m4h_bus_message *message)
{
    assert_int_equal(m4h_bus_publish(stage->bus, message->reply, M4H_BUS_FRESH, NULL,
                                     stage->out.data, stage->out.len),
                     0);
    m4h_buffer_clear(&stage->out);
}

static void on_snapshot(void *context, const struct m4h_bus_message *message)
{
    struct stage *stage = context;
    const struct fake_slave *slave = slave_of(stage, message->subject);
    struct m4h_snapshot_request request;
    struct m4h_snapshot_page page;
    size_t first, count;

    assert_int_equal(m4h_wire_snapshot_request_decode(message->data, message->len, &request), 0);
    first = request.page * (size_t)stage->tunnels_per_page;
    assert_true(first <= slave->count);
    count = slave->count - first;
    if (count > stage->tunnels_per_page)
        count = stage->tunnels_per_page;
    page = fake_page(slave, 99, request.page, first + count == slave->count);
    assert_int_equal(
        m4h_wire_snapshot_reply_encode(&page, slave->tunnels + first, count, NULL, &stage->out), 0);
    stage->snapshots++;
    send_reply(stage, message);
}

static void on_kick(void *context, const struct m4h_bus_message *message)
{
    struct stage *stage = context;

    assert_int_equal(m4h_wire_kick_request_decode(message->data, message->len, &stage->kicked), 0);
    stage->kicks++;
    assert_int_equal(m4h_wire_kick_reply_encode(NULL, &stage->out), 0);
    send_reply(stage, message);
}

static void on_hello(void *context, const struct m4h_bus_message *message)
{
    struct stage *stage = context;
    struct m4h_master_hello hello;

    assert_int_equal(m4h_wire_hello_decode(message->data, message->len, &hello), 0);
    if (strcmp(hello.master_id, stage->config.id) == 0)
        stage->hello = hello;
}

static void on_reservations(void *context, const struct m4h_bus_message *message)
{
    struct stage *stage = context;
    struct m4h_shared_reservation *reservations;
    char master_id[M4H_ID_MAX + 1];
    uint64_t instance;
    size_t count;

    assert_int_equal(m4h_wire_reservations_decode(message->data, message->len, master_id, &instance,
                                                  &reservations, &count),
                     0);
    stage->shared_count += (unsigned)count;
    if (count > 0)
        stage->shared = reservations[count - 1];
    free(reservations);
}

static void on_loads(void *context)
{
    struct stage *stage = context;

    for (size_t i = 0; i < STAGE_SLAVES && stage->is_connected; i++)
        if (stage->slaves[i].seq > 0)
            stage_publish(stage, fake_load(&stage->slaves[i]));
}

void stage_publish_as(struct stage *stage, const char *subject, const struct m4h_event *event)
{
    assert_int_equal(m4h_wire_event_encode(event, &stage->out), 0);
    assert_int_equal(
        m4h_bus_publish(stage->bus, subject, M4H_BUS_KEEP, NULL, stage->out.data, stage->out.len),
        0);
    m4h_buffer_clear(&stage->out);
}

void stage_publish(struct stage *stage, struct m4h_event event)
{
    char subject[256];

    event.wall_ms = 1790000000000;
    snprintf(event.event_id, sizeof(event.event_id), "%s:%llu:%llu", event.slave_id,
             (unsigned long long)event.epoch, (unsigned long long)event.seq);
    snprintf(subject, sizeof(subject), "mas4h.v1.events.%s.%s.%s", event.region, event.slave_id,
             m4h_event_type_name(event.type));
    stage_publish_as(stage, subject, &event);
}

/* ---- asking ----------------------------------------------------------------- */

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct stage *stage = context;

    stage->is_answered = true;
    stage->reply_error = error;
    m4h_buffer_clear(&stage->reply);
    if (error == 0)
        assert_int_equal(m4h_buffer_add(&stage->reply, data, len), 0);
}

static bool is_answered(struct stage *stage)
{
    return stage->is_answered;
}

void stage_ask(struct stage *stage, const char *subject)
{
    uint64_t id;

    stage->is_answered = false;
    assert_int_equal(m4h_bus_request(stage->bus, subject, stage->out.data, stage->out.len,
                                     m4h_loop_now_ms(stage->loop), 5000, on_reply, stage, &id),
                     0);
    m4h_buffer_clear(&stage->out);
    stage_wait(stage, is_answered);
}

/* ---- the loop --------------------------------------------------------------- */

static void on_look(void *context)
{
    struct stage *stage = context;

    if (stage->condition(stage) || m4h_loop_now_ms(stage->loop) >= stage->limit_ms)
        m4h_loop_stop(stage->loop);
}

void stage_wait(struct stage *stage, bool (*condition)(struct stage *stage))
{
    bool holds;

    stage->condition = condition;
    stage->limit_ms = m4h_loop_now_ms(stage->loop) + STAGE_WAIT_MS;
    m4h_timer_start(stage->look, 0, 2);
    m4h_loop_run(stage->loop);
    m4h_timer_stop(stage->look);
    holds = condition(stage);
    assert_true(holds);
}

static uint64_t run_bus(void *context, uint64_t now_ms)
{
    struct stage *stage = context;

    return m4h_bus_run(stage->bus, now_ms);
}

static void on_status(void *context, bool connected)
{
    struct stage *stage = context;

    stage->is_connected = connected;
}

static bool is_connected(struct stage *stage)
{
    return stage->is_connected;
}

bool stage_master_is_ready(struct stage *stage)
{
    return m4h_master_is_ready(stage->master);
}

/* ---- life ------------------------------------------------------------------- */

void stage_write_keys(const struct stage *stage, const char *text)
{
    FILE *file = fopen(stage->keys_path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void stage_start_master(struct stage *stage)
{
    char url[100], keys[160], ready[160];
    char *argv[] = {"mas4h-master",
                    "--set",
                    url,
                    "--set",
                    keys,
                    "--set",
                    ready,
                    "--set",
                    "http.listen=127.0.0.1:0",
                    NULL};

    snprintf(url, sizeof(url), "nats.url=%s", m4h_nats_server_url(stage->nats));
    snprintf(keys, sizeof(keys), "authorize.authorized_keys=%s", stage->keys_path);
    snprintf(ready, sizeof(ready), "run.ready_file=%s", stage->ready_path);
    assert_int_equal(m4h_config_from_command_line(&m4h_master_config_table,
                                                  (int)M4H_COUNT(argv) - 1, argv, &stage->config),
                     M4H_CONFIG_RUN);
    assert_int_equal(m4h_master_create(&stage->master, stage->loop, &stage->config, NULL, NULL), 0);
}

void stage_stop_master(struct stage *stage)
{
    m4h_master_destroy(stage->master);
    stage->master = NULL;
    m4h_config_free(&m4h_master_config_table, &stage->config);
}

static void create_bus(struct stage *stage)
{
    const struct m4h_bus_subscription subscriptions[] = {
        {"mas4h.v1.slave.*.snapshot", NULL, on_snapshot},
        {"mas4h.v1.slave.*.kick", NULL, on_kick},
        {"mas4h.v1.master.hello", NULL, on_hello},
        {"mas4h.v1.master.reservations", NULL, on_reservations},
    };
    struct m4h_bus_config config = {
        .url = m4h_nats_server_url(stage->nats),
        .name = "test",
        .queue_messages = 10000,
        .queue_bytes = 16u * 1024 * 1024,
        .subscriptions = subscriptions,
        .subscription_count = M4H_COUNT(subscriptions),
        .on_status = on_status,
        .wake = m4h_pump_wake,
        .context = stage,
    };

    assert_int_equal(m4h_pump_create(&stage->pump, stage->loop, run_bus, stage), 0);
    config.wake_context = stage->pump;
    assert_int_equal(m4h_bus_create(&stage->bus, &config), 0);
    stage_wait(stage, is_connected);
}

struct stage *stage_create(void)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    assert_non_null(stage);
    m4h_log_set_level(M4H_LOG_WARNING);
    stage->tunnels_per_page = 10;
    stage->out.cap = stage->reply.cap = M4H_WIRE_MESSAGE_MAX;
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/mas4h-master-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    snprintf(stage->keys_path, sizeof(stage->keys_path), "%s/authorized_keys", stage->folder);
    snprintf(stage->ready_path, sizeof(stage->ready_path), "%s/ready", stage->folder);
    stage_write_keys(stage, "");
    fake_slave_init(&stage->slaves[0], "s1", "eu");
    fake_slave_init(&stage->slaves[1], "s2", "us");
    stage->nats = m4h_nats_server_create(false);
    assert_non_null(stage->nats);
    assert_int_equal(m4h_loop_create(&stage->loop), 0);
    assert_int_equal(m4h_timer_create(&stage->look, stage->loop, on_look, stage), 0);
    assert_int_equal(m4h_timer_create(&stage->loads, stage->loop, on_loads, stage), 0);
    create_bus(stage);
    m4h_timer_start(stage->loads, 0, LOAD_EVERY_MS);
    return stage;
}

void stage_destroy(struct stage *stage)
{
    stage_stop_master(stage);
    m4h_bus_destroy(stage->bus, 100);
    m4h_pump_close(stage->pump);
    m4h_timer_close(stage->look);
    m4h_timer_close(stage->loads);
    m4h_loop_destroy(stage->loop);
    m4h_nats_server_destroy(stage->nats);
    for (size_t i = 0; i < STAGE_SLAVES; i++)
        fake_slave_free(&stage->slaves[i]);
    unlink(stage->keys_path);
    unlink(stage->ready_path);
    rmdir(stage->folder);
    m4h_buffer_free(&stage->out);
    m4h_buffer_free(&stage->reply);
    free(stage);
}
