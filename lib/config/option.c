/* Values of options. It must not know where a text came from. */
#include "lib/config/option.h"

#include "lib/base/address.h"
#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "lib/base/network.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* The largest first; the last is the one that a number is counted in. */
static const struct unit duration_units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit size_units[] = {{"G", 1 << 30}, {"M", 1 << 20}, {"k", 1 << 10}, {"", 1}};
#define UNIT_COUNT 4

static void *member(const struct m4h_config_option *option, void *config)
{
    return (char *)config + option->offset;
}

bool m4h_config_option_owns_text(const struct m4h_config_option *option)
{
    switch (option->type) {
    case M4H_CONFIG_TEXT:
    case M4H_CONFIG_ID:
    case M4H_CONFIG_PATH:
    case M4H_CONFIG_ADDRESS:
    case M4H_CONFIG_NETWORKS:
        return true;
    default:
        return false;
    }
}

size_t m4h_config_option_size(const struct m4h_config_option *option)
{
    if (m4h_config_option_owns_text(option))
        return sizeof(char *);
    switch (option->type) {
    case M4H_CONFIG_BOOL:
        return sizeof(bool);
    case M4H_CONFIG_CHOICE:
        return sizeof(int);
    default:
        return sizeof(int64_t);
    }
}

bool m4h_config_option_is_equal(const struct m4h_config_option *option, const void *a,
                                const void *b)
{
    const char *first = (const char *)a + option->offset;
    const char *second = (const char *)b + option->offset;

    if (m4h_config_option_owns_text(option))
        return strcmp(*(char *const *)(const void *)first, *(char *const *)(const void *)second) ==
               0;
    return memcmp(first, second, m4h_config_option_size(option)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);

    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* What a number without a unit is multiplied by; 0: it needs one. */
static int64_t bare_factor(const struct m4h_config_option *option)
{
    if (option->type != M4H_CONFIG_DURATION || ends_with(option->key, "_ms"))
        return 1;
    return ends_with(option->key, "_s") ? 1000 : 0;
}

static int64_t unit_factor(const struct m4h_config_option *option, const char *name)
{
    const struct unit *units = option->type == M4H_CONFIG_SIZE ? size_units : duration_units;

    if (name[0] == '\0')
        return bare_factor(option);
    if (option->type == M4H_CONFIG_COUNT)
        return 0;
    for (size_t i = 0; i < UNIT_COUNT; i++)
        if (strcasecmp(name, units[i].name) == 0)
            return units[i].factor;
    return 0;
}

/* A number that may be -1 has a word for it. */
static bool may_be_auto(const struct m4h_config_option *option)
{
    return option->type == M4H_CONFIG_COUNT && option->min == -1;
}

static bool parse_number(const struct m4h_config_option *option, const char *text, int64_t *value)
{
    size_t digits = strspn(text + (text[0] == '-'), "0123456789");
    int64_t number;
    int64_t factor;
    char *end;

    if (may_be_auto(option) && strcmp(text, "auto") == 0) {
        *value = -1;
        return true;
    }
    if (digits == 0)
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0)
        return false;
    factor = unit_factor(option, end);
    if (factor == 0 && !(number == 0 && *end == '\0'))
        return false;
    return !__builtin_mul_overflow(number, factor, value) && *value >= option->min &&
           *value <= option->max;
}

static bool parse_bool(const char *text, bool *value)
{
    static const char *const names[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

    for (size_t i = 0; i < M4H_COUNT(names); i++) {
        if (strcasecmp(text, names[i]) == 0) {
            *value = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool parse_choice(const struct m4h_config_option *option, const char *text, int *value)
{
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(text, option->choices[i]) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static bool networks_are_valid(const char *text)
{
    struct m4h_networks networks;
    int error = m4h_networks_parse(text, &networks);

    m4h_networks_free(&networks);
    return error == 0;
}

static bool text_is_valid(const struct m4h_config_option *option, const char *text)
{
    struct m4h_address address;
    size_t len = strlen(text);

    if (len > M4H_CONFIG_VALUE_MAX || !m4h_ident_text_is_valid(text, len))
        return false;
    if (option->type == M4H_CONFIG_ID)
        return m4h_ident_id_is_valid(text);
    if (option->type == M4H_CONFIG_ADDRESS && len > 0)
        return m4h_address_parse(text, &address) == 0;
    if (option->type == M4H_CONFIG_NETWORKS)
        return networks_are_valid(text);
    return true;
}

static int store_text(const struct m4h_config_option *option, void *config, const char *text)
{
    char **slot = member(option, config);
    char *copy = strdup(text);

    if (copy == NULL)
        return M4H_ENOMEM;
    free(*slot);
    *slot = copy;
    return 0;
}

static bool store_plain(const struct m4h_config_option *option, void *config, const char *text)
{
    switch (option->type) {
    case M4H_CONFIG_BOOL:
        return parse_bool(text, member(option, config));
    case M4H_CONFIG_CHOICE:
        return parse_choice(option, text, member(option, config));
    default: {
        int64_t value;

        if (!parse_number(option, text, &value))
            return false;
        memcpy(member(option, config), &value, sizeof(value));
        return true;
    }
    }
}

int m4h_config_option_store(const struct m4h_config_option *option, void *config, const char *text)
{
    bool unset = text[0] == '\0' && option->fallback[0] == '\0';

    if (m4h_config_option_owns_text(option))
        return unset || text_is_valid(option, text) ? store_text(option, config, text)
                                                    : M4H_EINVALID;
    return store_plain(option, config, text) ? 0 : M4H_EINVALID;
}

/* Writes a bound in the largest unit that divides it. */
static void write_bound(const struct m4h_config_option *option, int64_t value, char *out,
                        size_t size)
{
    const struct unit *units = option->type == M4H_CONFIG_SIZE ? size_units : duration_units;
    size_t i = UNIT_COUNT - 1;

    if (option->type == M4H_CONFIG_COUNT || value == 0) {
        snprintf(out, size, "%" PRId64, value);
        return;
    }
    for (size_t j = 0; j < UNIT_COUNT; j++) {
        if (value % units[j].factor == 0) {
            i = j;
            break;
        }
    }
    snprintf(out, size, "%" PRId64 "%s", value / units[i].factor, units[i].name);
}

static void write_number_expected(const struct m4h_config_option *option, char *out, size_t size)
{
    const char *noun = "a number";
    char min[32];
    char max[32];

    if (option->type == M4H_CONFIG_DURATION)
        noun = "a duration (500ms, 5s, 2m, 1h)";
    else if (option->type == M4H_CONFIG_SIZE)
        noun = "a size (4096, 64k, 16M, 1G)";
    write_bound(option, option->min, min, sizeof(min));
    write_bound(option, option->max, max, sizeof(max));
    if (may_be_auto(option))
        snprintf(out, size, "auto, or %s from 0 to %s", noun, max);
    else if (option->max == INT64_MAX)
        snprintf(out, size, "%s of at least %s", noun, min);
    else
        snprintf(out, size, "%s from %s to %s", noun, min, max);
}

static void write_choices(const struct m4h_config_option *option, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "one of");

    for (size_t i = 0; option->choices[i] != NULL && len < size; i++)
        len +=
            (size_t)snprintf(out + len, size - len, "%s %s", i > 0 ? "," : "", option->choices[i]);
}

const char *m4h_config_option_expected(const struct m4h_config_option *option,
                                       char out[M4H_CONFIG_EXPECTED_MAX])
{
    static const char *const words[] = {
        [M4H_CONFIG_TEXT] = "text without control characters",
        [M4H_CONFIG_ID] = "1 to 63 characters of a-z, 0-9 and -",
        [M4H_CONFIG_PATH] = "a path",
        [M4H_CONFIG_ADDRESS] = "an address (host:port or [v6]:port)",
        [M4H_CONFIG_NETWORKS] = "networks separated by commas (10.0.0.0/8, 2001:db8::/32)",
        [M4H_CONFIG_BOOL] = "yes or no",
    };

    if (option->type == M4H_CONFIG_CHOICE)
        write_choices(option, out, M4H_CONFIG_EXPECTED_MAX);
    else if (option->type < M4H_COUNT(words) && words[option->type] != NULL)
        snprintf(out, M4H_CONFIG_EXPECTED_MAX, "%s", words[option->type]);
    else
        write_number_expected(option, out, M4H_CONFIG_EXPECTED_MAX);
    return out;
}
