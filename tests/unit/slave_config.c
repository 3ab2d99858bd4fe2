/* The settings of a slave: what one option alone cannot tell. */
#include "lib/base/attributes.h"
#include "services/slave/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Runs a command line of `--set one --set two`. */
static enum m4h_config_outcome run(const char *one, const char *two)
{
    char *argv[] = {(char *)"mas4h-slave", (char *)"--set", (char *)one,
                    (char *)"--set",       (char *)two,     NULL};
    struct m4h_slave_config config;
    enum m4h_config_outcome outcome;

    memset(&config, 0, sizeof(config));
    outcome = m4h_config_from_command_line(&m4h_slave_config_table, 5, argv, &config);
    if (outcome == M4H_CONFIG_RUN)
        m4h_config_free(&m4h_slave_config_table, &config);
    return outcome;
}

static void values_that_cannot_work_are_refused_at_the_start(void **state)
{
    static const struct {
        const char *one, *two;
        enum m4h_config_outcome expected;
    } cases[] = {
        {"tunnel.port_min=20000", "tunnel.port_max=20000", M4H_CONFIG_RUN},
        {"tunnel.port_min=20001", "tunnel.port_max=20000", M4H_CONFIG_WRONG},
        {"slave.capacity=10000", "tunnel.port_max=29999", M4H_CONFIG_RUN},
        {"slave.capacity=10001", "tunnel.port_max=29999", M4H_CONFIG_WRONG},
        /* With one miss a device would be gone before it was ever asked. */
        {"device.keepalive_ms=15s", "device.keepalive_misses=2", M4H_CONFIG_RUN},
        {"device.keepalive_ms=15s", "device.keepalive_misses=1", M4H_CONFIG_WRONG},
        {"device.keepalive_ms=0", "device.keepalive_misses=3", M4H_CONFIG_RUN},
        {"slave.id=", "slave.region=eu", M4H_CONFIG_WRONG},
        {"slave.id=s.1", "slave.region=eu", M4H_CONFIG_WRONG},
        {"load.interval_ms=3s", "slave.region=eu", M4H_CONFIG_RUN},
        {"ssh.host_keys=rsa,ecdsa", "slave.region=eu", M4H_CONFIG_RUN},
        {"ssh.host_keys=", "slave.region=eu", M4H_CONFIG_WRONG},
        {"ssh.host_keys=ed25519,dsa", "slave.region=eu", M4H_CONFIG_WRONG},
        {"device.proxy_protocol=required", "device.proxy_networks=10.0.0.0/28", M4H_CONFIG_RUN},
        {"device.proxy_protocol=required", "device.proxy_networks=", M4H_CONFIG_WRONG},
        {"device.proxy_protocol=required", "device.proxy_networks=balancer", M4H_CONFIG_WRONG},
        {"device.proxy_protocol=off", "device.trusted_networks=10.0.0.1/8", M4H_CONFIG_WRONG},
        {"load.interval_ms=6s", "slave.region=eu", M4H_CONFIG_WRONG},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        if (run(cases[i].one, cases[i].two) != cases[i].expected)
            fail_msg("%s %s: not as expected", cases[i].one, cases[i].two);
    }
}

/* Silence after which a device is gone is the product; see core/session.c. */
static void by_default_a_silent_device_is_gone_within_45_seconds(void **state)
{
    char *argv[] = {(char *)"mas4h-slave", NULL};
    struct m4h_slave_config config;

    (void)state;
    memset(&config, 0, sizeof(config));
    assert_int_equal(m4h_config_from_command_line(&m4h_slave_config_table, 1, argv, &config),
                     M4H_CONFIG_RUN);
    assert_in_range(config.keepalive_ms * config.keepalive_misses, 1, 45000);
    m4h_config_free(&m4h_slave_config_table, &config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_a_silent_device_is_gone_within_45_seconds),
        cmocka_unit_test(values_that_cannot_work_are_refused_at_the_start),
    };

    return cmocka_run_group_tests_name("slave: config", tests, NULL, NULL);
}
