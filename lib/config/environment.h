/* The environment as a source. Private to lib/config. */
#ifndef M4H_CONFIG_ENVIRONMENT_H
#define M4H_CONFIG_ENVIRONMENT_H

#include "lib/config/table.h"

/* Longest name of a variable that is ours. */
#define M4H_CONFIG_VARIABLE_MAX 128

/* The variable of an option: MAS4H_SLAVE_TUNNEL_PORT_MIN. Returns `out`. */
const char *m4h_config_variable_name(const struct m4h_config_table *table,
                                     const struct m4h_config_option *option,
                                     char out[M4H_CONFIG_VARIABLE_MAX]);

/* Sets what the variables (NAME=value, NULL terminated) say. One that begins
 * with the prefix and is no option is warned of. False: a value is wrong, said
 * on `err`. */
M4H_MUST_CHECK bool m4h_config_read_environment(const struct m4h_config_reading *reading,
                                                char *const *variables);

#endif
