/* Labels as sorted text. */
#include "lib/base/labels.h"

#include "lib/base/error.h"

#include <string.h>

static bool is_low_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_mark(char c)
{
    return c == '.' || c == '_' || c == '-';
}

static bool name_is_valid(const char *name)
{
    size_t len = strlen(name);

    if (len < 1 || len > M4H_LABEL_NAME_MAX || !is_low_alnum(name[0]) ||
        !is_low_alnum(name[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_low_alnum(name[i]) && !is_mark(name[i]))
            return false;
    }
    return true;
}

static bool value_is_valid(const char *value)
{
    size_t len = strlen(value);

    if (len > M4H_LABEL_VALUE_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_low_alnum(value[i]) && !is_mark(value[i]) && !(value[i] >= 'A' && value[i] <= 'Z'))
            return false;
    }
    return true;
}

/* Where one of this name belongs, and how many there are. M4H_EEXIST. */
static int find_place(const char *labels, const char *name, const char **place, size_t *count)
{
    struct m4h_label label;

    *place = NULL;
    *count = 0;
    for (const char *at = labels, *next; (next = m4h_labels_next(at, &label)) != NULL; at = next) {
        int order = strcmp(label.name, name);

        if (order == 0)
            return M4H_EEXIST;
        if (order > 0 && *place == NULL)
            *place = at;
        (*count)++;
    }
    if (*place == NULL)
        *place = labels + strlen(labels);
    return 0;
}

/* "name=value" at `offset` of `len` bytes, with the comma that it needs before or behind it. */
static void insert(char *labels, size_t len, size_t offset, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value);
    size_t added = name_len + 1 + value_len + (len > 0 ? 1u : 0u);
    bool at_end = offset == len;
    char *to = labels + offset;

    memmove(to + added, to, len - offset + 1);
    if (at_end && len > 0)
        *to++ = ',';
    memcpy(to, name, name_len);
    to += name_len;
    *to++ = '=';
    memcpy(to, value, value_len);
    if (!at_end)
        to[value_len] = ',';
}

int m4h_labels_add(char labels[M4H_LABELS_TEXT_MAX + 1], const char *name, const char *value)
{
    size_t len = strlen(labels), count;
    const char *place;
    int error;

    if (!name_is_valid(name) || !value_is_valid(value))
        return M4H_EINVALID;
    error = find_place(labels, name, &place, &count);
    if (error != 0)
        return error;
    if (count >= M4H_LABELS_MAX ||
        len + (len > 0) + strlen(name) + 1 + strlen(value) > M4H_LABELS_TEXT_MAX)
        return M4H_ETOOBIG;
    insert(labels, len, (size_t)(place - labels), name, value);
    return 0;
}

/* Copies a part of a text; false: it is longer than `size` - 1. */
static bool cut_out(char *out, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

/* One label as a person wrote it, from `from` to `end`. */
static int add_written(char *labels, const char *from, const char *end)
{
    const char *equals;
    struct m4h_label label;

    while (from < end && *from == ' ')
        from++;
    while (from < end && end[-1] == ' ')
        end--;
    equals = memchr(from, '=', (size_t)(end - from));
    if (equals == NULL || !cut_out(label.name, sizeof(label.name), from, (size_t)(equals - from)) ||
        !cut_out(label.value, sizeof(label.value), equals + 1, (size_t)(end - equals - 1)))
        return M4H_EINVALID;
    return m4h_labels_add(labels, label.name, label.value);
}

int m4h_labels_normalize(const char *text, char out[M4H_LABELS_TEXT_MAX + 1])
{
    const char *at = text;
    int error = 0;

    out[0] = '\0';
    if (text[strspn(text, " ")] == '\0')
        return 0;
    for (;;) {
        size_t len = strcspn(at, ",");

        error = add_written(out, at, at + len);
        if (error != 0 || at[len] == '\0')
            break;
        at += len + 1;
    }
    if (error != 0)
        out[0] = '\0';
    return error;
}

bool m4h_labels_match(const char *labels, const char *wanted)
{
    struct m4h_label want, have;

    /* Both are in order, so one walk does. */
    while ((wanted = m4h_labels_next(wanted, &want)) != NULL) {
        do {
            labels = m4h_labels_next(labels, &have);
            if (labels == NULL)
                return false;
        } while (strcmp(have.name, want.name) < 0);
        if (strcmp(have.name, want.name) != 0 || strcmp(have.value, want.value) != 0)
            return false;
    }
    return true;
}

const char *m4h_labels_next(const char *at, struct m4h_label *out)
{
    size_t name_len = strcspn(at, "="), value_len;

    if (at[0] == '\0')
        return NULL;
    if (at[name_len] == '\0' || !cut_out(out->name, sizeof(out->name), at, name_len))
        return NULL;
    at += name_len + 1;
    value_len = strcspn(at, ",");
    if (!cut_out(out->value, sizeof(out->value), at, value_len))
        return NULL;
    at += value_len;
    return at[0] == ',' ? at + 1 : at;
}
