/* The table in words. Private to lib/config. */
#ifndef M4H_CONFIG_SAMPLE_H
#define M4H_CONFIG_SAMPLE_H

#include "lib/config/config.h"

/* What --help prints. */
void m4h_config_write_help(const struct m4h_config_table *table, FILE *out);

#endif
