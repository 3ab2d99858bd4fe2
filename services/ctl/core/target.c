/* Percent-encoding. */
#include "services/ctl/core/target.h"

#include <string.h>

static void add(struct m4h_ctl_target *target, char c)
{
    if (target->len + 1 >= sizeof(target->text)) {
        target->is_too_long = true;
        return;
    }
    target->text[target->len++] = c;
    target->text[target->len] = '\0';
}

/* All but the unreserved characters (RFC 3986 section 2.3). */
static void add_encoded(struct m4h_ctl_target *target, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";

    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (strchr(plain, byte) != NULL) {
            add(target, *text);
        } else {
            add(target, '%');
            add(target, digits[byte >> 4]);
            add(target, digits[byte & 15]);
        }
    }
}

void m4h_ctl_target_begin(struct m4h_ctl_target *target, const char *path, const char *parameter)
{
    target->text[0] = '\0';
    target->len = 0;
    target->has_query = false;
    target->is_too_long = false;
    for (; *path != '\0'; path++) {
        if (*path == '*' && parameter != NULL)
            add_encoded(target, parameter);
        else
            add(target, *path);
    }
}

void m4h_ctl_target_query(struct m4h_ctl_target *target, const char *name, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    add(target, target->has_query ? '&' : '?');
    target->has_query = true;
    for (; *name != '\0'; name++)
        add(target, *name);
    add(target, '=');
    add_encoded(target, value);
}
