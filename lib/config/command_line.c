/* The command line. It is walked twice: once for what is asked, once for the
 * --set values, which come after the file and the environment. */
#include "lib/config/command_line.h"

#include "lib/config/environment.h"
#include "lib/config/file.h"
#include "lib/config/sample.h"
#include "lib/config/table.h"

#include <string.h>
#include <unistd.h>

/* Longest section or key in --set. */
#define NAME_MAX_BYTES 64

enum action {
    RUN,
    CHECK,
    PRINT,
    VERSION,
    HELP,
};

struct request {
    enum action action;
    const char *file; /* NULL: none */
};

/* One argument: "--name value" or "--name=value". `*next` is moved past it.
 * NULL: it is not that option. An option without its value gives "". */
static const char *value_of(const char *name, int argc, char **argv, int *next)
{
    size_t len = strlen(name);
    const char *argument = argv[*next];

    if (strncmp(argument, name, len) != 0)
        return NULL;
    if (argument[len] == '=') {
        (*next)++;
        return argument + len + 1;
    }
    if (argument[len] != '\0')
        return NULL;
    (*next)++;
    return *next < argc ? argv[(*next)++] : "";
}

static bool parse_flag(const char *argument, enum action *action)
{
    static const struct {
        const char *name;
        enum action action;
    } flags[] = {
        {"--check-config", CHECK},
        {"--print-config", PRINT},
        {"--version", VERSION},
        {"--help", HELP},
        {"-h", HELP},
    };

    for (size_t i = 0; i < M4H_COUNT(flags); i++) {
        if (strcmp(argument, flags[i].name) == 0) {
            *action = flags[i].action;
            return true;
        }
    }
    return false;
}

static bool take_file(const struct m4h_config_reading *reading, const char *value,
                      struct request *request)
{
    if (value[0] == '\0' || request->file != NULL) {
        m4h_config_complain(reading, "--config: expected once, with the path of a file");
        return false;
    }
    request->file = value;
    return true;
}

static bool parse_arguments(const struct m4h_config_reading *reading, int argc, char **argv,
                            struct request *request)
{
    int i = 1;

    while (i < argc) {
        int at = i;
        const char *value = value_of("--config", argc, argv, &i);

        if (value != NULL) {
            if (!take_file(reading, value, request))
                return false;
        } else if (value_of("--set", argc, argv, &i) == NULL) {
            if (!parse_flag(argv[at], &request->action)) {
                m4h_config_complain(reading, "unknown argument \"%s\"; --help lists them",
                                    argv[at]);
                return false;
            }
            i++;
        }
    }
    return true;
}

/* "section.key=value" */
static bool set_one(const struct m4h_config_reading *reading, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *dot = strchr(text, '.');
    char section[NAME_MAX_BYTES];
    char key[NAME_MAX_BYTES];

    if (equals == NULL || dot == NULL || dot > equals || dot - text >= NAME_MAX_BYTES ||
        equals - dot > NAME_MAX_BYTES) {
        m4h_config_complain(reading, "--set: expected section.key=value");
        return false;
    }
    snprintf(section, sizeof(section), "%.*s", (int)(dot - text), text);
    snprintf(key, sizeof(key), "%.*s", (int)(equals - dot - 1), dot + 1);
    return m4h_config_set_named(reading, section, key, equals + 1, "--set");
}

static bool read_sets(const struct m4h_config_reading *reading, int argc, char **argv)
{
    int i = 1;

    while (i < argc) {
        const char *value = value_of("--set", argc, argv, &i);

        if (value != NULL) {
            if (!set_one(reading, value))
                return false;
        } else if (value_of("--config", argc, argv, &i) == NULL) {
            i++;
        }
    }
    return true;
}

static bool passes_check(const struct m4h_config_reading *reading)
{
    char message[512] = "";

    if (reading->table->check == NULL ||
        reading->table->check(reading->config, message, sizeof(message)))
        return true;
    m4h_config_complain(reading, "%s", message);
    return false;
}

static bool read_sources(const struct m4h_config_reading *reading, const char *file, int argc,
                         char **argv, char *const *variables)
{
    return m4h_config_set_defaults(reading) &&
           (file == NULL || m4h_config_read_file(reading, file)) &&
           m4h_config_read_environment(reading, variables) && read_sets(reading, argc, argv) &&
           passes_check(reading);
}

const char *m4h_config_command_line_file(int argc, char **argv)
{
    int i = 1;

    while (i < argc) {
        const char *value = value_of("--config", argc, argv, &i);

        if (value != NULL)
            return value;
        if (value_of("--set", argc, argv, &i) == NULL)
            i++;
    }
    return NULL;
}

/* What needs no configuration. False: the configuration has to be read. */
static bool answer(const struct m4h_config_table *table, enum action action, FILE *out)
{
    switch (action) {
    case VERSION:
        fprintf(out, "%s %s\n", table->program, M4H_VERSION);
        return true;
    case HELP:
        m4h_config_write_help(table, out);
        return true;
    case PRINT:
        m4h_config_write_sample(table, out);
        return true;
    default:
        return false;
    }
}

enum m4h_config_outcome
m4h_config_read_command_line(const struct m4h_config_table *table, int argc, char **argv,
                             const struct m4h_config_surroundings *surroundings, void *config)
{
    struct m4h_config_reading reading = {table, config, surroundings->err};
    struct request request = {RUN, NULL};

    if (!parse_arguments(&reading, argc, argv, &request))
        return M4H_CONFIG_WRONG;
    if (answer(table, request.action, surroundings->out))
        return M4H_CONFIG_DONE;
    if (!read_sources(&reading, request.file, argc, argv, surroundings->variables)) {
        m4h_config_free(table, config);
        return M4H_CONFIG_WRONG;
    }
    if (request.action == CHECK) {
        fprintf(surroundings->out, "configuration is valid\n");
        m4h_config_free(table, config);
        return M4H_CONFIG_DONE;
    }
    return M4H_CONFIG_RUN;
}

enum m4h_config_outcome m4h_config_from_command_line(const struct m4h_config_table *table, int argc,
                                                     char **argv, void *config)
{
    const struct m4h_config_surroundings surroundings = {environ, stdout, stderr};

    return m4h_config_read_command_line(table, argc, argv, &surroundings, config);
}
