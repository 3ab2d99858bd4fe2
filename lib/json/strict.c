/* Members that must be right. */
#include "lib/json/strict.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void m4h_json_refuse(struct m4h_json_strict *strict, const char *format, ...)
{
    char text[M4H_DETAIL_MAX + 1];
    va_list args;

    if (strict->error != 0)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    m4h_ident_text_clean(strict->problem, M4H_DETAIL_MAX + 1, text);
    strict->error = M4H_EINVALID;
}

/* ---- members -------------------------------------------------------------------- */

void m4h_json_strict_names(struct m4h_json_strict *strict, json_t *object, const char *where,
                           const char *const *names)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        size_t i = 0;

        while (names[i] != NULL && strcmp(names[i], name) != 0)
            i++;
        if (names[i] == NULL && strncmp(name, "x-", 2) != 0)
            m4h_json_refuse(strict, "%s has a member \"%.40s\", which is not known", where, name);
    }
}

json_t *m4h_json_strict_member(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

json_t *m4h_json_strict_object(struct m4h_json_strict *strict, json_t *object, const char *name)
{
    json_t *value = m4h_json_strict_member(object, name);

    if (value == NULL || json_is_object(value))
        return value;
    m4h_json_refuse(strict, "\"%s\" must be an object", name);
    return NULL;
}

json_t *m4h_json_strict_array(struct m4h_json_strict *strict, json_t *object, const char *name,
                              size_t max)
{
    json_t *value = m4h_json_strict_member(object, name);

    if (value == NULL)
        return NULL;
    if (json_is_array(value) && json_array_size(value) <= max)
        return value;
    m4h_json_refuse(strict, "\"%s\" must be an array of at most %zu", name, max);
    return NULL;
}

void m4h_json_strict_text(struct m4h_json_strict *strict, json_t *object, const char *name,
                          char *out, size_t size)
{
    json_t *value = m4h_json_strict_member(object, name);

    out[0] = '\0';
    if (value == NULL)
        return;
    if (!json_is_string(value) || json_string_length(value) >= size ||
        !m4h_ident_text_is_valid(json_string_value(value), json_string_length(value)))
        m4h_json_refuse(strict,
                        "\"%s\" must be text of at most %zu bytes without control characters", name,
                        size - 1);
    else
        m4h_text_copy(out, size, json_string_value(value));
}

uint64_t m4h_json_strict_number(struct m4h_json_strict *strict, json_t *object, const char *name,
                                uint64_t min, uint64_t max)
{
    json_t *value = m4h_json_strict_member(object, name);
    json_int_t number = json_integer_value(value);

    if (value == NULL)
        return 0;
    if (json_is_integer(value) && number >= 0 && (uint64_t)number >= min && (uint64_t)number <= max)
        return (uint64_t)number;
    m4h_json_refuse(strict, "\"%s\" must be a number from %llu to %llu", name,
                    (unsigned long long)min, (unsigned long long)max);
    return 0;
}

bool m4h_json_strict_bool(struct m4h_json_strict *strict, json_t *object, const char *name)
{
    json_t *value = m4h_json_strict_member(object, name);

    if (value != NULL && !json_is_boolean(value))
        m4h_json_refuse(strict, "\"%s\" must be true or false", name);
    return json_is_true(value);
}

json_t *m4h_json_strict_load(struct m4h_json_strict *strict, const char *what, const uint8_t *data,
                             size_t len, size_t max)
{
    json_error_t where;
    json_t *document;

    if (len > max) {
        m4h_json_refuse(strict, "%s is longer than %zu bytes", what, max);
        strict->error = M4H_ETOOBIG;
        return NULL;
    }
    document = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, &where);
    if (document != NULL)
        return document;
    m4h_json_refuse(strict, "%s is not JSON at line %d, column %d", what, where.line, where.column);
    strict->error =
        json_error_code(&where) == json_error_out_of_memory ? M4H_ENOMEM : M4H_EPROTOCOL;
    return NULL;
}
