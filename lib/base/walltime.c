/* Wall clock times and their RFC 3339 form. */
#include "lib/base/walltime.h"

#include <stdio.h>
#include <time.h>

/* The last second of the year 9999: later ones have no RFC 3339 form. */
#define WALL_SECONDS_MAX 253402300799u

uint64_t m4h_walltime_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *m4h_walltime_format(uint64_t wall_ms, char text[M4H_WALLTIME_TEXT_MAX])
{
    uint64_t seconds = wall_ms / 1000;
    time_t t = (time_t)(seconds > WALL_SECONDS_MAX ? WALL_SECONDS_MAX : seconds);
    struct tm utc;
    char date[24];

    gmtime_r(&t, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, M4H_WALLTIME_TEXT_MAX, "%s.%03uZ", date, (unsigned)(wall_ms % 1000));
    return text;
}
