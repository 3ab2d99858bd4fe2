/* Reading the configuration of a running service again. What was read is made into
 * what shall be in force: options that no reload takes over get the running value
 * back, and then the table's check has its say, before anything is changed. */
#include "lib/config/reload.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/walltime.h"
#include "lib/config/command_line.h"
#include "lib/config/option.h"
#include "lib/config/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG "config"

/* The largest struct of a service. */
#define CONFIG_MAX_BYTES 4096

void m4h_config_source_init(struct m4h_config_source *source, const struct m4h_config_table *table,
                            int argc, char **argv)
{
    *source = (struct m4h_config_source){
        .table = table,
        .argc = argc,
        .argv = argv,
        .file = m4h_config_command_line_file(argc, argv),
        .read_wall_ms = m4h_walltime_now_ms(),
    };
    if (source->file != NULL)
        source->read = m4h_file_mark_of(source->file);
    source->seen = source->read;
}

bool m4h_config_source_has_changed(struct m4h_config_source *source)
{
    return source->file != NULL &&
           m4h_file_mark_has_settled(source->file, &source->read, &source->seen);
}

/* ---- reading ---------------------------------------------------------------- */

/* Logs what was complained of, without the program's name before each line. */
static void log_complaints(const struct m4h_config_table *table, const char *text,
                           enum m4h_log_level level)
{
    size_t prefix = strlen(table->program) + strlen(": ");
    size_t len;

    for (; *text != '\0'; text += len + (text[len] == '\n')) {
        len = strcspn(text, "\n");
        if (len > prefix)
            m4h_log(level, LOG, "%.*s", (int)(len - prefix), text + prefix);
    }
}

static int read_fresh(const struct m4h_config_source *source, void *fresh)
{
    struct m4h_config_surroundings surroundings = {.variables = environ};
    enum m4h_config_outcome outcome;
    char *complaints = NULL;
    size_t size = 0;

    surroundings.err = open_memstream(&complaints, &size);
    if (surroundings.err == NULL)
        return M4H_ENOMEM;
    surroundings.out = surroundings.err;
    outcome = m4h_config_read_command_line(source->table, source->argc, source->argv, &surroundings,
                                           fresh);
    fclose(surroundings.err);
    if (complaints != NULL)
        log_complaints(source->table, complaints,
                       outcome == M4H_CONFIG_RUN ? M4H_LOG_WARNING : M4H_LOG_ERROR);
    free(complaints);
    return outcome == M4H_CONFIG_RUN ? 0 : M4H_EINVALID;
}

/* ---- taking over ------------------------------------------------------------- */

static void swap(void *a, void *b, size_t size)
{
    char kept[CONFIG_MAX_BYTES];

    assert(size <= sizeof(kept));
    memcpy(kept, a, size);
    memcpy(a, b, size);
    memcpy(b, kept, size);
}

/* Exchanges every member but the reloadable ones that differ. Twice is not at all. */
static void exchange_what_stays(const struct m4h_config_table *table, void *running, void *fresh)
{
    for (size_t i = 0; i < table->option_count; i++) {
        const struct m4h_config_option *option = &table->options[i];

        if (option->when == M4H_CONFIG_RELOADABLE &&
            !m4h_config_option_is_equal(option, running, fresh))
            continue;
        swap((char *)running + option->offset, (char *)fresh + option->offset,
             m4h_config_option_size(option));
    }
}

/* Says which options changed. After the exchange: `merged` is to be in force, and what
 * needs a restart is different in `running`, too. */
static unsigned tell_changes(struct m4h_config_source *source, const void *running,
                             const void *merged)
{
    const struct m4h_config_table *table = source->table;
    unsigned changed = 0;

    for (size_t i = 0; i < table->option_count; i++) {
        const struct m4h_config_option *option = &table->options[i];

        if (m4h_config_option_is_equal(option, running, merged))
            continue;
        if (option->when == M4H_CONFIG_RELOADABLE) {
            if (source->changed_count < M4H_CONFIG_CHANGED_MAX)
                source->changed[source->changed_count++] = option;
            changed++;
            m4h_log(M4H_LOG_INFO, LOG, "setting=%s.%s changed", option->section, option->key);
        } else {
            m4h_log(M4H_LOG_WARNING, LOG,
                    "setting=%s.%s changed, which takes a restart: the old value stays",
                    option->section, option->key);
        }
    }
    return changed;
}

static int take_over(struct m4h_config_source *source, void *config, void *fresh, unsigned *changed)
{
    const struct m4h_config_table *table = source->table;
    char message[512] = "";

    exchange_what_stays(table, config, fresh);
    if (table->check != NULL && !table->check(fresh, message, sizeof(message))) {
        exchange_what_stays(table, config, fresh);
        m4h_log(M4H_LOG_ERROR, LOG, "%s, as long as what takes a restart is as it is", message);
        return M4H_EINVALID;
    }
    *changed = tell_changes(source, config, fresh);
    swap(config, fresh, table->size);
    return 0;
}

int m4h_config_reload(struct m4h_config_source *source, void *config, unsigned *changed)
{
    void *fresh = calloc(1, source->table->size);
    int error = M4H_ENOMEM;

    *changed = 0;
    source->changed_count = 0;
    if (source->file != NULL)
        source->read = source->seen = m4h_file_mark_of(source->file);
    if (fresh != NULL)
        error = read_fresh(source, fresh);
    if (error == 0)
        error = take_over(source, config, fresh, changed);
    if (fresh != NULL)
        m4h_config_free(source->table, fresh);
    free(fresh);
    source->failed = error != 0;
    if (error != 0) {
        source->failures++;
        m4h_log(M4H_LOG_ERROR, LOG, "error=\"%s\" not reloaded: the old settings stay",
                m4h_error_text(error));
        return error;
    }
    source->reloads++;
    source->read_wall_ms = m4h_walltime_now_ms();
    return 0;
}

void m4h_config_source_name_changes(const struct m4h_config_source *source, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < source->changed_count; i++) {
        const struct m4h_config_option *option = source->changed[i];
        int added = snprintf(out + len, size - len, "%s%s.%s", i == 0 ? "changed=" : ",",
                             option->section, option->key);

        if (added < 0 || (size_t)added >= size - len) {
            out[len] = '\0';
            return;
        }
        len += (size_t)added;
    }
}

/* ---- metrics ----------------------------------------------------------------- */

void m4h_config_source_write_metrics(const struct m4h_config_source *source,
                                     struct m4h_metrics *metrics)
{
    static const char name[] = "mas4h_config_reloads_total";

    m4h_metrics_describe(metrics, name, "counter", "Reloads of the configuration, by result.");
    m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"result", "ok"}, 1,
                      (double)source->reloads);
    m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"result", "failed"}, 1,
                      (double)source->failures);
    m4h_metrics_single(metrics, "mas4h_config_last_reload_successful", "gauge",
                       "0 while the configuration on disk could not be taken over.",
                       !source->failed);
    m4h_metrics_single(metrics, "mas4h_config_read_time_seconds", "gauge",
                       "When the settings in force were read, seconds since 1970.",
                       (double)source->read_wall_ms / 1000);
}
