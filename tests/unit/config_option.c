/* Values of options: what is taken, and what is refused with which words. */
#include "tests/unit/config_fixture.h"

#include "lib/base/attributes.h"

#include <stdlib.h>
#include <string.h>

static void set(struct run *run, const char *assignment)
{
    run_with(run, NULL, "--set", assignment, NULL);
}

static void assert_number(const char *assignment, size_t offset, int64_t expected)
{
    struct run run;
    int64_t value;

    set(&run, assignment);
    if (run.outcome != M4H_CONFIG_RUN)
        fail_msg("%s was refused: %s", assignment, run.err);
    memcpy(&value, (char *)&run.config + offset, sizeof(value));
    if (value != expected)
        fail_msg("%s gave %ld", assignment, (long)value);
    run_free(&run);
}

static void assert_refused(const char *assignment, const char *words)
{
    struct run run;

    set(&run, assignment);
    if (run.outcome != M4H_CONFIG_WRONG)
        fail_msg("%s was taken", assignment);
    assert_contains(run.err, words);
    run_free(&run);
}

static void defaults_are_set_without_any_source(void **state)
{
    struct run run;

    (void)state;
    run_with(&run, NULL, NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_string_equal(run.config.name, "");
    assert_string_equal(run.config.id, "s1");
    assert_string_equal(run.config.path, "/var/lib/x");
    assert_string_equal(run.config.listen, ":22");
    assert_true(run.config.nodelay);
    assert_int_equal(run.config.port_min, 2000);
    assert_int_equal(run.config.timeout_ms, 500);
    assert_int_equal(run.config.keepalive_s, 15000);
    assert_int_equal(run.config.pause, 120000);
    assert_int_equal(run.config.buffer, 65536);
    assert_int_equal(run.config.mode, 0);
    assert_string_equal(run.err, "");
    run_free(&run);
}

static void numbers_are_read_in_their_range(void **state)
{
    const size_t at = offsetof(struct sample, port_min);
    const char *words = "[tunnel] port_min: expected a number from 1024 to 65535, got ";

    (void)state;
    assert_number("tunnel.port_min=1024", at, 1024);
    assert_number("tunnel.port_min=02999", at, 2999);
    assert_refused("tunnel.port_min=1023", words);
    assert_refused("tunnel.port_min=65536", words);
    assert_refused("tunnel.port_min=", words);
    assert_refused("tunnel.port_min=x", words);
    assert_refused("tunnel.port_min=2k", words);
    assert_refused("tunnel.port_min=0x800", words);
    assert_refused("tunnel.port_min=--2000", words);
    assert_refused("tunnel.port_min=2000 ", words);
    assert_refused("tunnel.port_min=99999999999999999999", words);
}

static void durations_are_milliseconds_whatever_their_unit(void **state)
{
    const size_t timeout = offsetof(struct sample, timeout_ms);
    const size_t keepalive = offsetof(struct sample, keepalive_s);

    (void)state;
    assert_number("tunnel.timeout_ms=250", timeout, 250);
    assert_number("tunnel.timeout_ms=0", timeout, 0);
    assert_number("tunnel.timeout_ms=5s", timeout, 5000);
    assert_number("tunnel.timeout_ms=1h", timeout, 3600000);
    assert_number("tunnel.keepalive_s=20", keepalive, 20000);
    assert_number("tunnel.keepalive_s=2500ms", keepalive, 2500);
    assert_number("tunnel.pause=0", offsetof(struct sample, pause), 0);
    assert_refused("tunnel.timeout_ms=2h", "expected a duration (500ms, 5s, 2m, 1h) from 0 to 1h");
    assert_refused("tunnel.keepalive_s=999ms", "from 1s to 2m, got \"999ms\"");
    assert_refused("tunnel.timeout_ms=-1", "from 0 to 1h");
    assert_refused("tunnel.timeout_ms=1d", "from 0 to 1h");
    assert_refused("tunnel.pause=10", "expected a duration");
    assert_refused("tunnel.pause=9223372036854775807h", "expected a duration");
}

static void sizes_are_bytes_whatever_their_unit(void **state)
{
    const size_t at = offsetof(struct sample, buffer);

    (void)state;
    assert_number("tunnel.buffer=4096", at, 4096);
    assert_number("tunnel.buffer=64k", at, 65536);
    assert_number("tunnel.buffer=64K", at, 65536);
    assert_number("tunnel.buffer=16M", at, 16 << 20);
    assert_number("tunnel.buffer=8G", at, (int64_t)8 << 30);
    assert_refused("tunnel.buffer=4095", "a size (4096, 64k, 16M, 1G) of at least 4k, got");
    assert_refused("tunnel.buffer=1T", "a size");
    assert_refused("tunnel.buffer=9223372036854775807G", "a size");
}

static void booleans_have_four_pairs_of_names(void **state)
{
    static const char *const names[] = {"no", "yes", "false", "TRUE", "off", "On", "0", "1"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(names); i++) {
        char assignment[64];
        struct run run;

        snprintf(assignment, sizeof(assignment), "tunnel.nodelay=%s", names[i]);
        set(&run, assignment);
        assert_int_equal(run.outcome, M4H_CONFIG_RUN);
        assert_int_equal(run.config.nodelay, i % 2 == 1);
        run_free(&run);
    }
    assert_refused("tunnel.nodelay=maybe", "expected yes or no, got \"maybe\"");
    assert_refused("tunnel.nodelay=", "expected yes or no");
}

static void a_choice_is_one_of_its_names(void **state)
{
    struct run run;

    (void)state;
    set(&run, "general.mode=proxy");
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_int_equal(run.config.mode, 1);
    run_free(&run);
    assert_refused("general.mode=Proxy", "expected one of plain, proxy, got \"Proxy\"");
}

static void texts_are_checked_for_what_they_are(void **state)
{
    (void)state;
    assert_refused("general.id=S1", "expected 1 to 63 characters of a-z, 0-9 and -, got \"S1\"");
    assert_refused("general.id=", "expected 1 to 63 characters");
    assert_refused("general.listen=22", "expected an address (host:port or [v6]:port), got \"22\"");
    assert_refused("general.name=a\tb", "expected text without control characters");
    assert_refused("general.name=\xff", "expected text without control characters");
}

static void an_address_may_be_emptied(void **state)
{
    struct run run;

    (void)state;
    set(&run, "general.listen=");
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_string_equal(run.config.listen, "");
    run_free(&run);
}

static void networks_are_a_list_of_prefixes(void **state)
{
    struct run run;

    (void)state;
    set(&run, "general.trusted=10.0.0.0/8, 2001:db8::/32");
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_string_equal(run.config.trusted, "10.0.0.0/8, 2001:db8::/32");
    run_free(&run);
    set(&run, "general.trusted=");
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    run_free(&run);
    assert_refused("general.trusted=10.0.0.1/8",
                   "[general] trusted: expected networks separated by commas (10.0.0.0/8, "
                   "2001:db8::/32), got \"10.0.0.1/8\"");
    assert_refused("general.trusted=10.0.0.0/8,", "expected networks separated by commas");
}

static void a_wrong_text_is_not_shown_as_it_may_be_a_secret(void **state)
{
    struct run run;

    (void)state;
    set(&run, "general.name=hunter2\n");
    assert_int_equal(run.outcome, M4H_CONFIG_WRONG);
    assert_null(strstr(run.err, "hunter2"));
    run_free(&run);
}

static void a_value_beyond_its_limit_is_refused(void **state)
{
    char assignment[5000] = "general.name=";
    struct run run;

    (void)state;
    memset(assignment + 13, 'x', 4001);
    set(&run, assignment);
    assert_int_equal(run.outcome, M4H_CONFIG_WRONG);
    run_free(&run);
    assignment[13 + 4000] = '\0';
    set(&run, assignment);
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    run_free(&run);
}

const struct CMUnitTest config_option_tests[] = {
    cmocka_unit_test(defaults_are_set_without_any_source),
    cmocka_unit_test(numbers_are_read_in_their_range),
    cmocka_unit_test(durations_are_milliseconds_whatever_their_unit),
    cmocka_unit_test(sizes_are_bytes_whatever_their_unit),
    cmocka_unit_test(booleans_have_four_pairs_of_names),
    cmocka_unit_test(a_choice_is_one_of_its_names),
    cmocka_unit_test(texts_are_checked_for_what_they_are),
    cmocka_unit_test(an_address_may_be_emptied),
    cmocka_unit_test(networks_are_a_list_of_prefixes),
    cmocka_unit_test(a_wrong_text_is_not_shown_as_it_may_be_a_secret),
    cmocka_unit_test(a_value_beyond_its_limit_is_refused),
};
const size_t config_option_test_count = M4H_COUNT(config_option_tests);
