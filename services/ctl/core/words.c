/* Units. */
#include "services/ctl/core/words.h"

#include "lib/base/attributes.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND ((uint64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

const char *m4h_ctl_duration(uint64_t ms, char out[M4H_CTL_WORD_MAX])
{
    if (ms < SECOND)
        snprintf(out, M4H_CTL_WORD_MAX, "%" PRIu64 "ms", ms);
    else if (ms < MINUTE)
        snprintf(out, M4H_CTL_WORD_MAX, "%" PRIu64 "s", ms / SECOND);
    else if (ms < HOUR)
        snprintf(out, M4H_CTL_WORD_MAX, "%" PRIu64 "m%02" PRIu64 "s", ms / MINUTE,
                 ms % MINUTE / SECOND);
    else if (ms < DAY)
        snprintf(out, M4H_CTL_WORD_MAX, "%" PRIu64 "h%02" PRIu64 "m", ms / HOUR,
                 ms % HOUR / MINUTE);
    else
        snprintf(out, M4H_CTL_WORD_MAX, "%" PRIu64 "d%" PRIu64 "h", ms / DAY, ms % DAY / HOUR);
    return out;
}

const char *m4h_ctl_age(uint64_t then_ms, uint64_t now_ms, char out[M4H_CTL_WORD_MAX])
{
    if (then_ms == 0)
        snprintf(out, M4H_CTL_WORD_MAX, "-");
    else if (now_ms < then_ms + SECOND)
        snprintf(out, M4H_CTL_WORD_MAX, "0s");
    else
        m4h_ctl_duration(now_ms - then_ms, out);
    return out;
}

const char *m4h_ctl_bytes(uint64_t bytes, char out[M4H_CTL_WORD_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    uint64_t unit = 1;
    size_t i = 0;

    while (i + 1 < M4H_COUNT(units) && bytes / unit >= 1024) {
        unit *= 1024;
        i++;
    }
    if (i > 0 && bytes / unit < 10)
        snprintf(out, M4H_CTL_WORD_MAX, "%" PRIu64 ".%" PRIu64 " %s", bytes / unit,
                 bytes % unit * 10 / unit, units[i]);
    else
        snprintf(out, M4H_CTL_WORD_MAX, "%" PRIu64 " %s", bytes / unit, units[i]);
    return out;
}

const char *m4h_ctl_count(uint64_t count, char out[M4H_CTL_WORD_MAX])
{
    char reversed[M4H_CTL_WORD_MAX];
    size_t len = 0, digits = 0;

    do {
        if (digits > 0 && digits % 3 == 0)
            reversed[len++] = ',';
        reversed[len++] = (char)('0' + count % 10);
        count /= 10;
        digits++;
    } while (count > 0);
    for (size_t i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    out[len] = '\0';
    return out;
}

const char *m4h_ctl_percent(uint64_t part, uint64_t whole, char out[M4H_CTL_WORD_MAX])
{
    double percent = whole != 0 ? 100.0 * (double)part / (double)whole : 0;

    if (whole == 0)
        snprintf(out, M4H_CTL_WORD_MAX, "-");
    else if (part != 0 && percent < 1)
        snprintf(out, M4H_CTL_WORD_MAX, "<1%%");
    else if (part < whole && percent > 99)
        snprintf(out, M4H_CTL_WORD_MAX, "99%%");
    else
        snprintf(out, M4H_CTL_WORD_MAX, "%.0f%%", percent);
    return out;
}
