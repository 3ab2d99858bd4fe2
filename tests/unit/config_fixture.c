/* The table under test, and runs of the command line. */
#include "tests/unit/config_fixture.h"

#include "lib/base/attributes.h"
#include "lib/config/command_line.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16

static const char *const modes[] = {"plain", "proxy", NULL};

static const struct m4h_config_option options[] = {
    {"general", "name", M4H_CONFIG_TEXT, M4H_CONFIG_RELOADABLE, offsetof(struct sample, name), "",
     0, 0, NULL, "What people call it."},
    {"general", "id", M4H_CONFIG_ID, M4H_CONFIG_AT_START, offsetof(struct sample, id), "s1", 0, 0,
     NULL, "Its id."},
    {"general", "path", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, offsetof(struct sample, path),
     "/var/lib/x", 0, 0, NULL,
     "Where it keeps its things, which is explained here at such length that the line has to be "
     "broken somewhere."},
    {"general", "listen", M4H_CONFIG_ADDRESS, M4H_CONFIG_AT_START, offsetof(struct sample, listen),
     ":22", 0, 0, NULL, "Where it listens."},
    {"general", "mode", M4H_CONFIG_CHOICE, M4H_CONFIG_RELOADABLE, offsetof(struct sample, mode),
     "plain", 0, 0, modes, "How it listens."},
    {"general", "trusted", M4H_CONFIG_NETWORKS, M4H_CONFIG_RELOADABLE,
     offsetof(struct sample, trusted), "", 0, 0, NULL, "Whom it trusts."},
    {"tunnel", "nodelay", M4H_CONFIG_BOOL, M4H_CONFIG_AT_START, offsetof(struct sample, nodelay),
     "yes", 0, 0, NULL, "Sends at once."},
    {"tunnel", "port_min", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE,
     offsetof(struct sample, port_min), "2000", 1024, 65535, NULL, "The lowest port."},
    {"tunnel", "port_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE,
     offsetof(struct sample, port_max), "3000", 1024, 65535, NULL, "The highest port."},
    {"tunnel", "timeout_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE,
     offsetof(struct sample, timeout_ms), "500", 0, 3600000, NULL, "How long it waits."},
    {"tunnel", "keepalive_s", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START,
     offsetof(struct sample, keepalive_s), "15", 1000, 120000, NULL, "How often it asks."},
    {"tunnel", "pause", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, offsetof(struct sample, pause),
     "2m", 0, 3600000, NULL, "How long it rests."},
    {"tunnel", "buffer", M4H_CONFIG_SIZE, M4H_CONFIG_AT_START, offsetof(struct sample, buffer),
     "64k", 4096, INT64_MAX, NULL, "How much it holds."},
};

static bool check(const void *config, char *message, size_t message_size)
{
    const struct sample *sample = config;

    if (sample->port_min <= sample->port_max)
        return true;
    snprintf(message, message_size, "[tunnel] port_min is above port_max");
    return false;
}

const struct m4h_config_table sample_table = {
    .program = "mas4h-sample",
    .prefix = "MAS4H_SAMPLE",
    .summary = "Shows how a table works.",
    .options = options,
    .option_count = M4H_COUNT(options),
    .size = sizeof(struct sample),
    .check = check,
};

static void run_arguments(struct run *run, char **variables, int argc, char **argv)
{
    char *none[] = {NULL};
    struct m4h_config_surroundings surroundings = {variables != NULL ? variables : none, NULL,
                                                   NULL};
    size_t out_len;
    size_t err_len;

    *run = (struct run){0};
    surroundings.out = open_memstream(&run->out, &out_len);
    surroundings.err = open_memstream(&run->err, &err_len);
    assert_non_null(surroundings.out);
    assert_non_null(surroundings.err);
    run->outcome =
        m4h_config_read_command_line(&sample_table, argc, argv, &surroundings, &run->config);
    fclose(surroundings.out);
    fclose(surroundings.err);
}

void run_with(struct run *run, char **variables, ...)
{
    char *argv[ARGUMENTS_MAX + 1] = {"sample"};
    int argc = 1;
    va_list args;

    va_start(args, variables);
    while (argc < ARGUMENTS_MAX && (argv[argc] = va_arg(args, char *)) != NULL)
        argc++;
    va_end(args);
    run_arguments(run, variables, argc, argv);
}

void run_free(struct run *run)
{
    m4h_config_free(&sample_table, &run->config);
    free(run->out);
    free(run->err);
}

char *write_file(const char *content, size_t len)
{
    char folder[] = "/tmp/m4h-config-XXXXXX";
    char *path = NULL;
    FILE *file;

    assert_non_null(mkdtemp(folder));
    assert_true(asprintf(&path, "%s/sample.conf", folder) > 0);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, len, file), len);
    fclose(file);
    return path;
}

void remove_file(char *path)
{
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    free(path);
}

void run_file(struct run *run, const char *content)
{
    char *path = write_file(content, strlen(content));

    run_with(run, NULL, "--config", path, NULL);
    remove_file(path);
}
