/* Changes of records, with the bus played by the test: whom a change cuts, in which order who
 * hears of it, and what stays in the file. */
#include "services/master/io/records.h"

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"
#include "services/master/io/chain.h"
#include "services/master/io/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FINGERPRINT "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct m4h_master master;
static struct m4h_master_config config;

/* The subjects of what was sent, one behind the other. */
static char sent[400];

int __wrap_m4h_bus_publish(struct m4h_bus *bus, const char *subject, enum m4h_bus_class class,
                           const char *message_id, const uint8_t *data, size_t len);

int __wrap_m4h_bus_publish(struct m4h_bus *bus, const char *subject, enum m4h_bus_class class,
                           const char *message_id, const uint8_t *data, size_t len)
{
    size_t at = strlen(sent);

    (void)bus, (void)class, (void)message_id, (void)data, (void)len;
    snprintf(sent + at, sizeof(sent) - at, "%s ", subject);
    return 0;
}

static int begin(void **state)
{
    const struct m4h_cluster_config cluster = {.silent_after_ms = 6000, .lost_after_ms = 10000};

    (void)state;
    memset(&master, 0, sizeof(master));
    sent[0] = '\0';
    config = (struct m4h_master_config){
        .id = "master-1",
        .validators = "authorized_keys",
        .registry = {.path = "", .pending_max = 10, .pending_keep_ms = 60000, .source_max = 10}};
    master.config = &config;
    master.out.cap = 65536;
    master.random = 7;
    master.records_complete = true;
    master.masters.count = 1;
    assert_int_equal(m4h_loop_create(&master.loop), 0);
    assert_int_equal(m4h_cluster_create(&master.cluster, &cluster), 0);
    assert_int_equal(m4h_master_open_revocations(&master), 0);
    assert_int_equal(m4h_chain_create_of(&master.chain, &master, NULL, 0), 0);
    return m4h_records_create(&master.records, &master);
}

static int end(void **state)
{
    (void)state;
    m4h_records_destroy(master.records);
    m4h_chain_destroy(master.chain);
    m4h_revocations_destroy(master.revocations);
    m4h_cluster_destroy(master.cluster);
    m4h_buffer_free(&master.out);
    m4h_loop_destroy(master.loop);
    return 0;
}

/* Another master says so. */
static void hear(enum m4h_device_state state, const char *client_key, uint64_t wall_ms)
{
    struct m4h_device_record record = {.state = state, .stamp = wall_ms << 16};

    m4h_text_copy(record.key_fingerprint, sizeof(record.key_fingerprint), FINGERPRINT);
    m4h_text_copy(record.client_key, sizeof(record.client_key), client_key);
    m4h_records_take(master.records, &record, false);
}

static void what_another_master_ends_is_cut_here_as_well(void **state)
{
    uint64_t now_ms = m4h_walltime_now_ms();

    (void)state;
    hear(M4H_DEVICE_ENABLED, "pump-1", now_ms - 90000);
    assert_string_equal(sent, "");
    hear(M4H_DEVICE_DISABLED, "pump-1", now_ms - 80000);
    assert_string_equal(sent, "mas4h.v1.control.revoke ");
    assert_true(m4h_revocations_stamp(master.revocations, FINGERPRINT, "") >= now_ms << 16);
}

static void what_another_master_changes_now_is_cut_and_what_it_changed_long_ago_is_not(void **state)
{
    uint64_t now_ms = m4h_walltime_now_ms();

    (void)state;
    hear(M4H_DEVICE_ENABLED, "pump-1", now_ms - 90000);
    hear(M4H_DEVICE_ENABLED, "pump-2", now_ms - 80000);
    assert_string_equal(sent, "");
    hear(M4H_DEVICE_ENABLED, "pump-3", now_ms);
    assert_string_equal(sent, "mas4h.v1.control.revoke ");
}

static void a_master_that_has_let_nobody_in_yet_cuts_nobody(void **state)
{
    uint64_t now_ms = m4h_walltime_now_ms();

    (void)state;
    master.records_complete = false;
    hear(M4H_DEVICE_ENABLED, "pump-1", now_ms - 2);
    hear(M4H_DEVICE_REMOVED, "pump-1", now_ms - 1);
    assert_string_equal(sent, "");
}

static void other_masters_hear_of_a_record_before_its_device_is_cut(void **state)
{
    struct m4h_device_put put = {.device.state = M4H_DEVICE_DISABLED, .actor = "ann"};
    struct m4h_bus_message message = {.subject = "mas4h.v1.rpc.devices.put", .reply = "_INBOX.1"};
    struct m4h_buffer out = M4H_BUFFER_INIT(65536);

    (void)state;
    hear(M4H_DEVICE_ENABLED, "pump-1", m4h_walltime_now_ms() - 5);
    m4h_text_copy(put.device.key_fingerprint, sizeof(put.device.key_fingerprint), FINGERPRINT);
    m4h_text_copy(put.device.client_key, sizeof(put.device.client_key), "pump-1");
    assert_int_equal(m4h_wire_device_put_encode(&put, &out), 0);
    message.data = out.data;
    message.len = out.len;
    m4h_records_change(master.records, M4H_CHANGE_PUT, &message);
    m4h_buffer_free(&out);
    assert_string_equal(sent, "_INBOX.1 mas4h.v1.master.devices mas4h.v1.control.revoke ");
}

static void hear_of_pending(char last)
{
    struct m4h_device_record record = {.state = M4H_DEVICE_PENDING, .stamp = 1 << 16};

    m4h_text_copy(record.key_fingerprint, sizeof(record.key_fingerprint), FINGERPRINT);
    record.key_fingerprint[sizeof(FINGERPRINT) - 2] = last;
    record.created_wall_ms = m4h_walltime_now_ms();
    m4h_records_take(master.records, &record, false);
}

static void stop_when_written(void *context)
{
    (void)context;
    if (m4h_records_waiting(master.records) == 0)
        m4h_loop_stop(master.loop);
}

static size_t count_pending(void)
{
    struct m4h_registry_counts counts;

    m4h_registry_count(m4h_records_registry(master.records), &counts);
    return counts.pending;
}

static void what_has_no_room_does_not_stay_in_the_file(void **state)
{
    char folder[] = "/tmp/mas4h-records-XXXXXX", path[64];
    struct m4h_timer *timer;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/records", folder);
    m4h_records_destroy(master.records);
    config.registry.path = path;
    config.registry.pending_max = 2;
    assert_int_equal(m4h_records_create(&master.records, &master), 0);
    for (char last = 'a'; last <= 'd'; last++)
        hear_of_pending(last); /* the first is being written while the others come */
    assert_int_equal(m4h_timer_create(&timer, master.loop, stop_when_written, NULL), 0);
    m4h_timer_start(timer, 1, 1);
    m4h_loop_run(master.loop);
    m4h_timer_close(timer);
    assert_int_equal(count_pending(), 2);
    m4h_records_destroy(master.records);
    config.registry.pending_max = 10;
    assert_int_equal(m4h_records_create(&master.records, &master), 0);
    assert_int_equal(count_pending(), 2);
    m4h_records_destroy(master.records);
    master.records = NULL;
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_another_master_ends_is_cut_here_as_well),
        TEST(what_another_master_changes_now_is_cut_and_what_it_changed_long_ago_is_not),
        TEST(a_master_that_has_let_nobody_in_yet_cuts_nobody),
        TEST(other_masters_hear_of_a_record_before_its_device_is_cut),
        TEST(what_has_no_room_does_not_stay_in_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
