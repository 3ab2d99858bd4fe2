/* Durations back from now, and times. */
#include "services/ctl/core/since.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"

#include <string.h>

#define DIGITS_MAX 9u

static uint64_t unit_ms(char unit)
{
    switch (unit) {
    case 's':
        return 1000;
    case 'm':
        return 60000;
    case 'h':
        return 3600000;
    case 'd':
        return 86400000;
    default:
        return 0;
    }
}

int m4h_ctl_since_parse(const char *text, uint64_t now_ms, uint64_t *wall_ms)
{
    size_t len = strspn(text, "0123456789");
    uint64_t count = 0, back_ms;

    if (len == 0 || len > DIGITS_MAX || text[len] == '\0' || text[len + 1] != '\0' ||
        unit_ms(text[len]) == 0)
        return m4h_walltime_parse(text, wall_ms);
    for (size_t i = 0; i < len; i++)
        count = count * 10 + (uint64_t)(text[i] - '0');
    back_ms = count * unit_ms(text[len]);
    *wall_ms = back_ms < now_ms ? now_ms - back_ms : 0;
    return 0;
}
