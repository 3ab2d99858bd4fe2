#include "lib/base/attributes.h"
#include "services/gateway/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Runs a command line of at most three arguments. */
static enum m4h_config_outcome run(const char *one, const char *two,
                                   struct m4h_gateway_config *config)
{
    char *argv[] = {(char *)"mas4h-gateway", (char *)"--set", (char *)one,
                    (char *)"--set",         (char *)two,     NULL};

    memset(config, 0, sizeof(*config));
    return m4h_config_from_command_line(&m4h_gateway_config_table, 5, argv, config);
}

static void an_address_that_others_reach_needs_tokens_or_open_access(void **state)
{
    static const struct {
        const char *listen, *open;
        enum m4h_config_outcome expected;
    } cases[] = {
        {"http.listen=127.0.0.1:0", "http.open_access=no", M4H_CONFIG_RUN},
        {"http.listen=[::1]:8080", "http.open_access=no", M4H_CONFIG_RUN},
        {"http.listen=localhost:8080", "http.open_access=no", M4H_CONFIG_RUN},
        {"http.listen=0.0.0.0:8080", "http.open_access=no", M4H_CONFIG_WRONG},
        {"http.listen=:8080", "http.open_access=no", M4H_CONFIG_WRONG},
        {"http.listen=192.0.2.1:8080", "http.open_access=no", M4H_CONFIG_WRONG},
        {"http.listen=192.0.2.1:8080", "http.open_access=yes", M4H_CONFIG_RUN},
        {"http.listen=192.0.2.1:8080", "access.tokens_file=/etc/mas4h/tokens", M4H_CONFIG_RUN},
        {"http.listen=", "http.open_access=yes", M4H_CONFIG_WRONG},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_gateway_config config;

        assert_int_equal(run(cases[i].listen, cases[i].open, &config), cases[i].expected);
        m4h_config_free(&m4h_gateway_config_table, &config);
    }
}

static void the_proxy_protocol_needs_proxies_that_are_trusted(void **state)
{
    static const struct {
        const char *protocol, *trusted;
        enum m4h_config_outcome expected;
    } cases[] = {
        {"http.proxy_protocol=off", "http.trusted_proxies=", M4H_CONFIG_RUN},
        {"http.proxy_protocol=required", "http.trusted_proxies=", M4H_CONFIG_WRONG},
        {"http.proxy_protocol=required", "http.trusted_proxies=10.0.0.1", M4H_CONFIG_RUN},
        {"http.proxy_protocol=off", "http.trusted_proxies=everybody", M4H_CONFIG_WRONG},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_gateway_config config;

        assert_int_equal(run(cases[i].protocol, cases[i].trusted, &config), cases[i].expected);
        m4h_config_free(&m4h_gateway_config_table, &config);
    }
}

static void names_of_hosts_have_no_ports(void **state)
{
    static const struct {
        const char *names;
        enum m4h_config_outcome expected;
    } cases[] = {
        {"http.host_names=", M4H_CONFIG_RUN},
        {"http.host_names=gw.example, gw-2.example", M4H_CONFIG_RUN},
        {"http.host_names=gw.example:80", M4H_CONFIG_WRONG},
        {"http.host_names=*", M4H_CONFIG_WRONG},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_gateway_config config;

        assert_int_equal(run("http.open_access=no", cases[i].names, &config), cases[i].expected);
        m4h_config_free(&m4h_gateway_config_table, &config);
    }
}

static void without_a_master_a_503_is_there_within_two_seconds(void **state)
{
    struct m4h_gateway_config config;

    (void)state;
    assert_int_equal(run("http.open_access=no", "http.proxy_protocol=off", &config),
                     M4H_CONFIG_RUN);
    assert_true(config.rpc_timeout_ms <= 1800);
    m4h_config_free(&m4h_gateway_config_table, &config);
}

static void the_sample_file_is_what_the_table_writes(void **state)
{
    char sample[65536], written[65536];
    FILE *file = fopen(M4H_SOURCE_DIR "/deploy/config/gateway.conf", "r");
    FILE *memory = fmemopen(written, sizeof(written), "w");
    size_t len;

    (void)state;
    assert_non_null(file);
    assert_non_null(memory);
    len = fread(sample, 1, sizeof(sample) - 1, file);
    sample[len] = '\0';
    fclose(file);
    m4h_config_write_sample(&m4h_gateway_config_table, memory);
    fclose(memory);
    assert_string_equal(sample, written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_others_reach_needs_tokens_or_open_access),
        cmocka_unit_test(the_proxy_protocol_needs_proxies_that_are_trusted),
        cmocka_unit_test(names_of_hosts_have_no_ports),
        cmocka_unit_test(without_a_master_a_503_is_there_within_two_seconds),
        cmocka_unit_test(the_sample_file_is_what_the_table_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
