/* The configuration file. Private to lib/config. */
#ifndef M4H_CONFIG_FILE_H
#define M4H_CONFIG_FILE_H

#include "lib/config/table.h"

/* Sets what the INI file at `path` says. False: it cannot be read or something
 * in it is wrong, said on `err` with the line; the struct may be half set. */
M4H_MUST_CHECK bool m4h_config_read_file(const struct m4h_config_reading *reading,
                                         const char *path);

#endif
