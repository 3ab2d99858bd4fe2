/* The configuration of a running service, read again. Main thread. */
#ifndef M4H_CONFIG_RELOAD_H
#define M4H_CONFIG_RELOAD_H

#include "lib/base/file_mark.h"
#include "lib/base/metrics.h"
#include "lib/config/config.h"

/* More that have changed at once are counted, but not named. */
#define M4H_CONFIG_CHANGED_MAX 64u

/* Where a configuration came from, and how reading it again went. Filled in by
 * m4h_config_source_init; read-only for others. */
struct m4h_config_source {
    const struct m4h_config_table *table;
    int argc;
    char **argv;      /* borrowed */
    const char *file; /* of --config, points into argv; NULL: none */
    struct m4h_file_mark read, seen;
    uint64_t reloads, failures;
    uint64_t read_wall_ms; /* when what is in force was read */
    bool failed;           /* at the last attempt */
    /* What the last reload took over; of the table. */
    const struct m4h_config_option *changed[M4H_CONFIG_CHANGED_MAX];
    unsigned changed_count;
};

/* The configuration was read from that command line a moment ago. */
void m4h_config_source_init(struct m4h_config_source *source, const struct m4h_config_table *table,
                            int argc, char **argv);

/* Reads file, environment and command line again, and takes over into `config`, which
 * is in use, the values of reloadable options that changed. What was pointed to by
 * those is freed; all else keeps its value and its address. Of an option that changed
 * and is not reloadable a warning is logged. `*changed` is how many were taken over.
 * M4H_EINVALID (something is wrong, logged line by line), M4H_ENOMEM: `config` is as
 * before, which is logged too. */
M4H_MUST_CHECK int m4h_config_reload(struct m4h_config_source *source, void *config,
                                     unsigned *changed);

/* "changed=dispatch.fallback,log.level": what the last reload took over, as far as there is room
 * for; "" where it was nothing. */
void m4h_config_source_name_changes(const struct m4h_config_source *source, char *out, size_t size);

/* For a look now and then: true once the file has changed since it was read, well or
 * not, and then stayed the same from one look to the next. */
bool m4h_config_source_has_changed(struct m4h_config_source *source);

/* mas4h_config_reloads_total by result, mas4h_config_last_reload_successful and
 * mas4h_config_read_time_seconds. */
void m4h_config_source_write_metrics(const struct m4h_config_source *source,
                                     struct m4h_metrics *metrics);

#endif
