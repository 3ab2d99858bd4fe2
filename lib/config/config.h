/* Configuration of a service: one table of options, parsed into one struct.
 * Order: defaults < file (INI) < environment < --set on the command line. Every
 * value is checked against the table; the first bad one is reported with file,
 * line, key and what was expected. Main thread. Read again: reload.h. */
#ifndef M4H_CONFIG_CONFIG_H
#define M4H_CONFIG_CONFIG_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum m4h_config_type {
    M4H_CONFIG_TEXT,     /* char *, owned by the struct; "" where it is not set */
    M4H_CONFIG_ID,       /* char *, [a-z0-9-]{1,63} */
    M4H_CONFIG_PATH,     /* char *; ~ is not expanded; "" where it is not set */
    M4H_CONFIG_ADDRESS,  /* char *, "host:port" or "[v6]:port"; "" where it is not set */
    M4H_CONFIG_NETWORKS, /* char *, as m4h_networks_parse takes it; "" where it is not set */
    M4H_CONFIG_BOOL,     /* bool: yes/no, true/false, on/off, 1/0 */
    M4H_CONFIG_COUNT,    /* int64_t: a plain number; "auto" is -1 where `min` is -1 */
    M4H_CONFIG_DURATION, /* int64_t, milliseconds: 500ms, 5s, 2m, 1h; a bare number is what the
                            key's ending says: _ms or _s */
    M4H_CONFIG_SIZE,     /* int64_t, bytes: 4096, 64k, 16M, 1G */
    M4H_CONFIG_CHOICE,   /* int: index into `choices` */
};

/* When a changed value is taken over. */
enum m4h_config_when {
    M4H_CONFIG_AT_START,   /* when the service is started again */
    M4H_CONFIG_RELOADABLE, /* at a reload, too */
};

struct m4h_config_option {
    const char *section;
    const char *key;
    enum m4h_config_type type;
    enum m4h_config_when when;
    size_t offset;              /* of the member in the struct */
    const char *fallback;       /* the default, as text; "" is "not set" */
    int64_t min, max;           /* of COUNT, DURATION and SIZE */
    const char *const *choices; /* of CHOICE; NULL terminated */
    const char *help;           /* one sentence or two */
};

/* The table of a service. All static. */
struct m4h_config_table {
    const char *program; /* "mas4h-slave" */
    const char *prefix;  /* of environment variables: "MAS4H_SLAVE" */
    const char *summary; /* one line for --help */
    const struct m4h_config_option *options;
    size_t option_count;
    size_t size; /* of the struct */
    /* Checks what one option alone cannot tell, may be NULL. Writes what is
     * wrong into `message` and returns false. */
    bool (*check)(const void *config, char *message, size_t message_size);
};

/* What a command line asks for. */
enum m4h_config_outcome {
    M4H_CONFIG_RUN,   /* run with the parsed struct */
    M4H_CONFIG_DONE,  /* --help, --version, --check-config, --print-config: exit 0 */
    M4H_CONFIG_WRONG, /* said on standard error: exit 2 */
};

/* Reads the command line (--config FILE, --set section.key=value, repeatable,
 * --check-config, --print-config, --version, --help) and all that stands behind
 * it, into `config` (zeroed by the caller, of table->size). After RUN the caller
 * frees its members with m4h_config_free; after the others nothing is left. */
enum m4h_config_outcome m4h_config_from_command_line(const struct m4h_config_table *table, int argc,
                                                     char **argv, void *config);

/* Frees the members that `config` owns, and zeroes it. */
void m4h_config_free(const struct m4h_config_table *table, void *config);

/* Writes the table as a commented sample file with its defaults: what
 * --print-config prints and deploy/config/ holds. */
void m4h_config_write_sample(const struct m4h_config_table *table, FILE *out);

#endif
