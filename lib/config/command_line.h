/* The command line, with its surroundings as arguments. Private to lib/config
 * and its tests; services call m4h_config_from_command_line. */
#ifndef M4H_CONFIG_COMMAND_LINE_H
#define M4H_CONFIG_COMMAND_LINE_H

#include "lib/config/config.h"

/* The streams and the environment of the process. */
struct m4h_config_surroundings {
    char *const *variables; /* NAME=value, NULL terminated */
    FILE *out;
    FILE *err;
};

enum m4h_config_outcome
m4h_config_read_command_line(const struct m4h_config_table *table, int argc, char **argv,
                             const struct m4h_config_surroundings *surroundings, void *config);

/* The path of --config, pointing into `argv`; NULL: there is none. */
const char *m4h_config_command_line_file(int argc, char **argv);

#endif
