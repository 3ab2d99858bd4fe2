/* The table for people: the sample file and --help. */
#include "lib/config/sample.h"

#include "lib/config/environment.h"
#include "lib/config/option.h"

#include <string.h>

#define COLUMNS 79

/* Writes words, broken so that no line is longer than COLUMNS (unless a word is). */
static void write_wrapped(FILE *out, const char *indent, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (column > 0 && column + 1 + len > COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(out, "%s%.*s", indent, (int)len, text);
        else
            column += (size_t)fprintf(out, " %.*s", (int)len, text);
        text += len + strspn(text + len, " ");
    }
    fputc('\n', out);
}

static bool begins_section(const struct m4h_config_table *table, size_t i)
{
    return i == 0 || strcmp(table->options[i].section, table->options[i - 1].section) != 0;
}

static void write_expected(FILE *out, const char *indent, const struct m4h_config_option *option)
{
    char expected[M4H_CONFIG_EXPECTED_MAX];
    char sentence[M4H_CONFIG_EXPECTED_MAX + 32];

    snprintf(sentence, sizeof(sentence), "Takes %s.%s",
             m4h_config_option_expected(option, expected),
             option->when == M4H_CONFIG_RELOADABLE ? " Reloadable." : "");
    write_wrapped(out, indent, sentence);
}

static void write_default(FILE *out, const char *indent, const struct m4h_config_option *option)
{
    fprintf(out, "%s%s =%s%s\n", indent, option->key, option->fallback[0] != '\0' ? " " : "",
            option->fallback);
}

static bool can_be_reloaded(const struct m4h_config_table *table)
{
    for (size_t i = 0; i < table->option_count; i++) {
        if (table->options[i].when == M4H_CONFIG_RELOADABLE)
            return true;
    }
    return false;
}

void m4h_config_write_sample(const struct m4h_config_table *table, FILE *out)
{
    fprintf(out, "# Configuration of %s.\n", table->program);
    write_wrapped(out, "# ",
                  can_be_reloaded(table)
                      ? "Every line shows the default; take its # away to change it. A value ends "
                        "with its line: no comment can follow it. What is reloadable is taken over "
                        "when the service gets SIGHUP; the rest when it is started again."
                      : "Every line shows the default; take its # away to change it. A value ends "
                        "with its line: no comment can follow it.");
    for (size_t i = 0; i < table->option_count; i++) {
        const struct m4h_config_option *option = &table->options[i];

        if (begins_section(table, i))
            fprintf(out, "\n[%s]\n", option->section);
        fputc('\n', out);
        write_wrapped(out, "# ", option->help);
        write_expected(out, "# ", option);
        write_default(out, "#", option);
    }
}

static void write_usage(const struct m4h_config_table *table, FILE *out)
{
    fprintf(out,
            "Usage: %s [--config FILE] [--set section.key=value]...\n"
            "%s\n\n"
            "  --config FILE            read FILE (INI)\n"
            "  --set section.key=value  set one option; may be given many times\n"
            "  --check-config           say whether the configuration is valid, and end\n"
            "  --print-config           print a commented sample file, and end\n"
            "  --version                print the version, and end\n"
            "  --help                   print this, and end\n\n",
            table->program, table->summary);
}

void m4h_config_write_help(const struct m4h_config_table *table, FILE *out)
{
    char variable[M4H_CONFIG_VARIABLE_MAX];

    write_usage(table, out);
    fprintf(out,
            "Options of the configuration and their defaults. --set wins over the\n"
            "environment, that over the file, that over the default. What is reloadable is\n"
            "taken over at SIGHUP. The first one in the environment:\n"
            "%s\n",
            table->option_count > 0 ? m4h_config_variable_name(table, &table->options[0], variable)
                                    : table->prefix);
    for (size_t i = 0; i < table->option_count; i++) {
        const struct m4h_config_option *option = &table->options[i];

        if (begins_section(table, i))
            fprintf(out, "\n[%s]\n", option->section);
        write_default(out, "  ", option);
        write_wrapped(out, "      ", option->help);
        write_expected(out, "      ", option);
    }
}
