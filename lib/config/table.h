/* The table as a whole: finding an option, setting it from one of the sources,
 * and saying what was wrong. Private to lib/config. */
#ifndef M4H_CONFIG_TABLE_H
#define M4H_CONFIG_TABLE_H

#include "lib/base/attributes.h"
#include "lib/config/config.h"

/* One reading of the configuration: passed along by all its sources. */
struct m4h_config_reading {
    const struct m4h_config_table *table;
    void *config; /* the struct that is filled; the caller's */
    FILE *err;    /* where complaints go */
};

/* The option, or NULL. */
const struct m4h_config_option *m4h_config_table_find(const struct m4h_config_table *table,
                                                      const char *section, const char *key);
bool m4h_config_table_has_section(const struct m4h_config_table *table, const char *section);

/* Sets every option to its default. False: said on `err`. */
M4H_MUST_CHECK bool m4h_config_set_defaults(const struct m4h_config_reading *reading);

/* Sets one option. `where` names the source, as in "/etc/mas4h/slave.conf:12".
 * False: the value is wrong, which is said on `err`. */
M4H_MUST_CHECK bool m4h_config_set(const struct m4h_config_reading *reading,
                                   const struct m4h_config_option *option, const char *text,
                                   const char *where);

/* Sets the option that is named; an unknown name is said with what it may be. */
M4H_MUST_CHECK bool m4h_config_set_named(const struct m4h_config_reading *reading,
                                         const char *section, const char *key, const char *text,
                                         const char *where);

/* Writes "program: " and the message, as one line. */
void m4h_config_complain(const struct m4h_config_reading *reading, const char *format, ...)
    M4H_PRINTF(2, 3);

#endif
