/* What workers read of the configuration: made once, shared, freed by the last. */
#include "lib/base/error.h"
#include "services/slave/io/settings.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HOLDERS 4
#define ROUNDS  1000

static void read_config(struct m4h_slave_config *config, const char *set)
{
    char *argv[] = {(char *)"mas4h-slave", (char *)"--set", (char *)set, NULL};

    memset(config, 0, sizeof(*config));
    assert_int_equal(m4h_config_from_command_line(&m4h_slave_config_table, 3, argv, config),
                     M4H_CONFIG_RUN);
}

static void workers_read_what_the_configuration_says(void **state)
{
    struct m4h_slave_config config;
    struct m4h_worker_settings *settings;

    (void)state;
    read_config(&config, "device.keepalive_ms=7s");
    assert_int_equal(m4h_worker_settings_create(&settings, &config), 0);
    /* The configuration may go: a reload frees it while workers still read. */
    m4h_config_free(&m4h_slave_config_table, &config);
    assert_string_equal(settings->id, "slave-1");
    assert_string_equal(settings->region, "local");
    assert_int_equal(settings->session.keepalive_ms, 7000);
    assert_int_equal(settings->session.keepalive_misses, 3);
    assert_int_equal(settings->buffer_bytes, 256 * 1024);
    m4h_worker_settings_release(settings);
}

static struct m4h_door_limits door_limits(const char *set)
{
    char *argv[] = {(char *)"mas4h-slave", (char *)"--set", (char *)"slave.workers=4",
                    (char *)"--set",       (char *)set,     NULL};
    struct m4h_slave_config config = {0};
    struct m4h_worker_settings *settings;
    struct m4h_door_limits limits;

    assert_int_equal(m4h_config_from_command_line(&m4h_slave_config_table, 5, argv, &config),
                     M4H_CONFIG_RUN);
    assert_int_equal(m4h_worker_settings_create(&settings, &config), 0);
    assert_ptr_equal(settings->door.trusted, &settings->trusted);
    limits = settings->door;
    m4h_worker_settings_release(settings);
    m4h_config_free(&m4h_slave_config_table, &config);
    return limits;
}

static void workers_share_what_strangers_may_have(void **state)
{
    (void)state;
    assert_int_equal(door_limits("device.unauthenticated_max=4001").guests_max, 1001);
    assert_int_equal(door_limits("device.unauthenticated_max=64").guests_max, 64);
    assert_int_equal(door_limits("device.source_max=1000").source_max, 250);
    assert_int_equal(door_limits("device.source_max=1").source_max, 64);
    assert_int_equal(door_limits("device.source_max=0").source_max, 0);
    assert_int_equal(door_limits("device.source_prefix_v4=24").prefix_v4, 24);
    assert_int_equal(door_limits("device.source_prefix_v6=48").prefix_v6, 48);
}

static void handshakes_in_flight_go_by_the_time_they_may_take(void **state)
{
    (void)state;
    assert_int_equal(door_limits("device.authenticate_ms=5s").active_max, 200);
    assert_int_equal(door_limits("device.authenticate_ms=100").active_max, 16);
    assert_int_equal(door_limits("device.authenticate_ms=10m").active_max, 500);
    assert_int_equal(door_limits("device.handshakes_max=7").active_max, 7);
    assert_int_equal(door_limits("device.unauthenticated_max=400").active_max, 50);
}

static void balancers_are_read_as_networks(void **state)
{
    struct m4h_slave_config config;
    struct m4h_worker_settings *settings;
    struct m4h_ip ip;

    (void)state;
    read_config(&config, "device.proxy_networks=10.0.0.0/28");
    assert_int_equal(m4h_worker_settings_create(&settings, &config), 0);
    assert_int_equal(m4h_ip_parse("10.0.0.15", &ip), 0);
    assert_true(m4h_networks_contain(&settings->proxies, &ip));
    assert_int_equal(settings->trusted.count, 0);
    assert_false(settings->proxy_required);
    m4h_worker_settings_release(settings);
    m4h_config_free(&m4h_slave_config_table, &config);
}

static void *hold_and_let_go(void *context)
{
    struct m4h_worker_settings *settings = context;

    for (int i = 0; i < ROUNDS; i++)
        m4h_worker_settings_release(m4h_worker_settings_hold(settings));
    m4h_worker_settings_release(settings);
    return NULL;
}

static void the_last_thread_that_lets_go_frees_them(void **state)
{
    struct m4h_slave_config config;
    struct m4h_worker_settings *settings;
    pthread_t threads[HOLDERS];

    (void)state;
    read_config(&config, "device.keys_max=2");
    assert_int_equal(m4h_worker_settings_create(&settings, &config), 0);
    for (int i = 0; i < HOLDERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, hold_and_let_go, m4h_worker_settings_hold(settings)),
            0);
    assert_int_equal(settings->session.keys_max, 2);
    m4h_worker_settings_release(settings);
    for (int i = 0; i < HOLDERS; i++)
        pthread_join(threads[i], NULL);
    m4h_config_free(&m4h_slave_config_table, &config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_read_what_the_configuration_says),
        cmocka_unit_test(workers_share_what_strangers_may_have),
        cmocka_unit_test(handshakes_in_flight_go_by_the_time_they_may_take),
        cmocka_unit_test(balancers_are_read_as_networks),
        cmocka_unit_test(the_last_thread_that_lets_go_frees_them),
    };

    return cmocka_run_group_tests_name("slave: settings", tests, NULL, NULL);
}
