/* Environment variables: PREFIX_SECTION_KEY in upper case. */
#include "lib/config/environment.h"

#include <ctype.h>
#include <string.h>

const char *m4h_config_variable_name(const struct m4h_config_table *table,
                                     const struct m4h_config_option *option,
                                     char out[M4H_CONFIG_VARIABLE_MAX])
{
    snprintf(out, M4H_CONFIG_VARIABLE_MAX, "%s_%s_%s", table->prefix, option->section, option->key);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    return out;
}

static const struct m4h_config_option *find(const struct m4h_config_table *table, const char *name)
{
    char candidate[M4H_CONFIG_VARIABLE_MAX];

    for (size_t i = 0; i < table->option_count; i++)
        if (strcmp(m4h_config_variable_name(table, &table->options[i], candidate), name) == 0)
            return &table->options[i];
    return NULL;
}

static bool read_variable(const struct m4h_config_reading *reading, const char *variable)
{
    const char *equals = strchr(variable, '=');
    const struct m4h_config_option *option = NULL;
    char name[M4H_CONFIG_VARIABLE_MAX];
    size_t len;
    size_t shown;

    if (equals == NULL)
        return true;
    len = (size_t)(equals - variable);
    shown = len < sizeof(name) ? len : sizeof(name) - 1;
    memcpy(name, variable, shown);
    name[shown] = '\0';
    if (shown == len)
        option = find(reading->table, name);
    if (option == NULL) {
        m4h_config_complain(reading, "warning: %s: no option has this name, ignored", name);
        return true;
    }
    return m4h_config_set(reading, option, equals + 1, name);
}

bool m4h_config_read_environment(const struct m4h_config_reading *reading, char *const *variables)
{
    size_t prefix_len = strlen(reading->table->prefix);

    for (; *variables != NULL; variables++) {
        if (strncmp(*variables, reading->table->prefix, prefix_len) != 0 ||
            (*variables)[prefix_len] != '_')
            continue;
        if (!read_variable(reading, *variables))
            return false;
    }
    return true;
}
