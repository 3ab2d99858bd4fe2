/* Ranges of ports, as the kernel writes them. */
#include "services/slave/core/ephemeral.h"

#include <stdlib.h>

/* How many ports `first` to `last` have in common with `min` to `max`. */
static uint32_t common(unsigned long first, unsigned long last, uint16_t min, uint16_t max)
{
    unsigned long from = first > min ? first : min;
    unsigned long to = last < max ? last : max;

    return from <= to ? (uint32_t)(to - from + 1) : 0;
}

/* The kernel's list has no port twice. */
static uint32_t common_with_list(const char *list, uint16_t min, uint16_t max)
{
    uint32_t count = 0;
    char *end;

    while (*list >= '0' && *list <= '9') {
        unsigned long first = strtoul(list, &end, 10);
        unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

        count += common(first, last, min, max);
        list = *end == ',' ? end + 1 : end;
    }
    return count;
}

uint32_t m4h_ephemeral_count(const char *range, const char *reserved, uint16_t min, uint16_t max)
{
    char *end;
    unsigned long first = strtoul(range, &end, 10);
    unsigned long last = strtoul(end, NULL, 10);
    uint32_t exposed, kept;

    if (end == range)
        return 0;
    exposed = common(first, last, min, max);
    if (exposed == 0)
        return 0;
    kept = common_with_list(reserved, first > min ? (uint16_t)first : min,
                            last < max ? (uint16_t)last : max);
    return kept < exposed ? exposed - kept : 0;
}
