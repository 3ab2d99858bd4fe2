/* A small table with one option of each type, and a way to run it. */
#ifndef M4H_TESTS_UNIT_CONFIG_FIXTURE_H
#define M4H_TESTS_UNIT_CONFIG_FIXTURE_H

#include "lib/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct sample {
    char *name;
    char *id;
    char *path;
    char *listen;
    char *trusted;
    bool nodelay;
    int64_t port_min;
    int64_t port_max;
    int64_t timeout_ms;
    int64_t keepalive_s;
    int64_t pause;
    int64_t buffer;
    int mode;
};

extern const struct m4h_config_table sample_table;

/* What one run of the command line said and gave. */
struct run {
    enum m4h_config_outcome outcome;
    struct sample config;
    char *out; /* owned */
    char *err; /* owned */
};

/* Runs the command line "sample ARGS..." (NULL terminated) in an environment. */
void run_with(struct run *run, char **variables, ...);
void run_free(struct run *run);

/* Writes a file in a folder of its own; the path is freed, and both removed, by
 * remove_file. */
char *write_file(const char *content, size_t len);
void remove_file(char *path);

/* Runs with a configuration file of that content. */
void run_file(struct run *run, const char *content);

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part));                            \
    } while (0)

extern const struct CMUnitTest config_option_tests[];
extern const size_t config_option_test_count;
extern const struct CMUnitTest config_file_tests[];
extern const size_t config_file_test_count;
extern const struct CMUnitTest config_environment_tests[];
extern const size_t config_environment_test_count;
extern const struct CMUnitTest config_command_line_tests[];
extern const size_t config_command_line_test_count;
extern const struct CMUnitTest config_sample_tests[];
extern const size_t config_sample_test_count;
extern const struct CMUnitTest config_reload_tests[];
extern const size_t config_reload_test_count;

#endif
