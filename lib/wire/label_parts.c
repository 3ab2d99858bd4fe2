/* Label. */
#include "lib/wire/label_parts.h"

#include "lib/base/labels.h"

#include <string.h>

/* Ends the text before the next `mark` and returns what comes behind it. */
static char *cut(char *text, char mark)
{
    char *at = strchr(text, mark);

    if (at == NULL)
        return text + strlen(text);
    *at = '\0';
    return at + 1;
}

size_t m4h_wire_write_labels(struct m4h_wire_label_parts *parts, const char *labels)
{
    char *at = parts->text;
    size_t count = 0;

    if (!m4h_text_copy(parts->text, sizeof(parts->text), labels))
        return 0;
    while (*at != '\0' && count < M4H_LABELS_MAX) {
        Mas4h__V1__Label *message = &parts->messages[count];

        mas4h__v1__label__init(message);
        message->name = at;
        message->value = cut(at, '=');
        at = cut(message->value, ',');
        parts->pointers[count++] = message;
    }
    return count;
}

bool m4h_wire_read_labels(size_t count, Mas4h__V1__Label *const *messages,
                          char out[M4H_LABELS_TEXT_MAX + 1])
{
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (m4h_labels_add(out, messages[i]->name, messages[i]->value) != 0)
            return false;
    }
    return true;
}
