/* The table of a service. It must not know the syntax of any source. */
#include "lib/config/table.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/config/option.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A wrong value is shown up to this many characters. */
#define SHOWN_MAX 80

const struct m4h_config_option *m4h_config_table_find(const struct m4h_config_table *table,
                                                      const char *section, const char *key)
{
    for (size_t i = 0; i < table->option_count; i++) {
        const struct m4h_config_option *option = &table->options[i];

        if (strcmp(option->section, section) == 0 && strcmp(option->key, key) == 0)
            return option;
    }
    return NULL;
}

bool m4h_config_table_has_section(const struct m4h_config_table *table, const char *section)
{
    for (size_t i = 0; i < table->option_count; i++)
        if (strcmp(table->options[i].section, section) == 0)
            return true;
    return false;
}

void m4h_config_complain(const struct m4h_config_reading *reading, const char *format, ...)
{
    va_list args;

    fprintf(reading->err, "%s: ", reading->table->program);
    va_start(args, format);
    vfprintf(reading->err, format, args);
    va_end(args);
    fputc('\n', reading->err);
}

/* A text may be a secret, so a wrong one is not shown. */
static void complain_of_value(const struct m4h_config_reading *reading,
                              const struct m4h_config_option *option, const char *text,
                              const char *where)
{
    char expected[M4H_CONFIG_EXPECTED_MAX];
    char shown[SHOWN_MAX];

    m4h_config_option_expected(option, expected);
    if (option->type == M4H_CONFIG_TEXT)
        m4h_config_complain(reading, "%s: [%s] %s: expected %s", where, option->section,
                            option->key, expected);
    else
        m4h_config_complain(reading, "%s: [%s] %s: expected %s, got %s", where, option->section,
                            option->key, expected, m4h_log_quote(shown, sizeof(shown), text));
}

bool m4h_config_set(const struct m4h_config_reading *reading,
                    const struct m4h_config_option *option, const char *text, const char *where)
{
    int error = m4h_config_option_store(option, reading->config, text);

    if (error == M4H_EINVALID)
        complain_of_value(reading, option, text, where);
    else if (error != 0)
        m4h_config_complain(reading, "%s: %s", where, m4h_error_text(error));
    return error == 0;
}

bool m4h_config_set_defaults(const struct m4h_config_reading *reading)
{
    for (size_t i = 0; i < reading->table->option_count; i++) {
        const struct m4h_config_option *option = &reading->table->options[i];

        if (option->fallback[0] == '\0' && !m4h_config_option_owns_text(option))
            continue;
        if (!m4h_config_set(reading, option, option->fallback, "default"))
            return false;
    }
    return true;
}

static void complain_of_name(const struct m4h_config_reading *reading, const char *section,
                             const char *key, const char *where)
{
    bool known_section = m4h_config_table_has_section(reading->table, section);
    const char *separator = "";
    const char *last = "";
    char shown[SHOWN_MAX];

    m4h_log_quote(shown, sizeof(shown), known_section ? key : section);
    fprintf(reading->err, "%s: %s: unknown %s %s; expected one of ", reading->table->program, where,
            known_section ? "key" : "section", shown);
    for (size_t i = 0; i < reading->table->option_count; i++) {
        const struct m4h_config_option *option = &reading->table->options[i];
        const char *name = known_section ? option->key : option->section;

        if (strcmp(name, last) == 0 || (known_section && strcmp(option->section, section) != 0))
            continue;
        fprintf(reading->err, "%s%s", separator, name);
        separator = ", ";
        last = name;
    }
    fputc('\n', reading->err);
}

bool m4h_config_set_named(const struct m4h_config_reading *reading, const char *section,
                          const char *key, const char *text, const char *where)
{
    const struct m4h_config_option *option = m4h_config_table_find(reading->table, section, key);

    if (option == NULL) {
        complain_of_name(reading, section, key, where);
        return false;
    }
    return m4h_config_set(reading, option, text, where);
}

void m4h_config_free(const struct m4h_config_table *table, void *config)
{
    for (size_t i = 0; i < table->option_count; i++) {
        const struct m4h_config_option *option = &table->options[i];
        char **text = (void *)((char *)config + option->offset);

        if (!m4h_config_option_owns_text(option) || *text == NULL)
            continue;
        explicit_bzero(*text, strlen(*text));
        free(*text);
    }
    memset(config, 0, table->size);
}
