/* The settings of a master: what is refused, and that the sample file is true. */
#include "services/master/config.h"

#include "lib/base/attributes.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum m4h_config_outcome run(const char *setting, struct m4h_master_config *config)
{
    char text[200];
    char *argv[] = {"mas4h-master", "--set", text, NULL};

    snprintf(text, sizeof(text), "%s", setting);
    *config = (struct m4h_master_config){0};
    return m4h_config_from_command_line(&m4h_master_config_table, 3, argv, config);
}

static void the_defaults_are_those_that_are_promised(void **state)
{
    struct m4h_master_config config;

    (void)state;
    assert_int_equal(run("master.id=m", &config), M4H_CONFIG_RUN);
    assert_string_equal(config.nats_url, "nats://127.0.0.1:4222");
    assert_int_equal(config.valid_for_ms, 60000);
    assert_int_equal(config.reservation_ms, 2500);
    assert_int_equal(config.slots_per_second, -1);
    assert_string_equal(config.fallback, "");
    assert_int_equal(config.silent_after_ms, 6000);
    assert_int_equal(config.lost_after_ms, 10000);
    m4h_config_free(&m4h_master_config_table, &config);
}

static void settings_that_make_no_sense_are_refused(void **state)
{
    static const char *const wrong[] = {
        "dispatch.fallback=eu", "dispatch.fallback=eu>US",      "cluster.silent_after_ms=10000",
        "master.id=Master 1",   "dispatch.slots_per_second=-2", "http.listen=9101",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        struct m4h_master_config config;

        if (run(wrong[i], &config) != M4H_CONFIG_WRONG)
            fail_msg("%s is taken", wrong[i]);
    }
}

static void the_sample_file_is_what_the_table_writes(void **state)
{
    char sample[65536], written[65536];
    FILE *file = fopen(M4H_SOURCE_DIR "/deploy/config/master.conf", "r");
    FILE *memory = fmemopen(written, sizeof(written), "w");
    size_t len;

    (void)state;
    assert_non_null(file);
    assert_non_null(memory);
    len = fread(sample, 1, sizeof(sample) - 1, file);
    sample[len] = '\0';
    fclose(file);
    m4h_config_write_sample(&m4h_master_config_table, memory);
    fclose(memory);
    assert_string_equal(sample, written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_that_are_promised),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
        cmocka_unit_test(the_sample_file_is_what_the_table_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
