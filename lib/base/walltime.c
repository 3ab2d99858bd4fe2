/* Wall clock times and their RFC 3339 form. */
#include "lib/base/walltime.h"

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

/* Reads exactly `digits` digits and moves past them. */
static bool read_number(const char **text, int digits, int max, int *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *out = *out * 10 + (**text - '0');
    }
    return *out <= max;
}

static bool read_mark(const char **text, char mark)
{
    if (**text != mark)
        return false;
    (*text)++;
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to that date; years run from March, so that the leap day ends one. */
static int64_t days_since_1970(int year, int month, int day)
{
    int from_march = (month + 9) % 12;
    int64_t years = year - (month <= 2 ? 1 : 0);

    return years * 365 + years / 4 - years / 100 + years / 400 + (from_march * 153 + 2) / 5 + day -
           1 - 719468;
}

static bool read_date(const char **text, int64_t *seconds)
{
    int year, month, day;

    if (!read_number(text, 4, 9999, &year) || !read_mark(text, '-') ||
        !read_number(text, 2, 12, &month) || !read_mark(text, '-') ||
        !read_number(text, 2, 31, &day) || year < 1970 || month < 1 || day < 1 ||
        day > days_in(year, month))
        return false;
    *seconds = days_since_1970(year, month, day) * 86400;
    return true;
}

static bool read_clock(const char **text, int64_t *seconds)
{
    int hour, minute, second;

    if (!read_number(text, 2, 23, &hour) || !read_mark(text, ':') ||
        !read_number(text, 2, 59, &minute) || !read_mark(text, ':') ||
        !read_number(text, 2, 60, &second))
        return false;
    *seconds += (int64_t)hour * 3600 + minute * 60 + second;
    return true;
}

/* ".250", or nothing. */
static bool read_fraction(const char **text, int64_t *ms)
{
    int64_t unit = 100;

    *ms = 0;
    if (!read_mark(text, '.'))
        return true;
    if (**text < '0' || **text > '9')
        return false;
    for (; **text >= '0' && **text <= '9'; (*text)++, unit /= 10)
        *ms += (**text - '0') * unit;
    return true;
}

/* "Z" or "+01:30", and nothing behind it. */
static bool read_zone(const char **text, int64_t *seconds)
{
    int hour = 0, minute = 0;
    bool is_west = **text == '-';

    if (!read_mark(text, 'Z') && !read_mark(text, 'z')) {
        if (!read_mark(text, is_west ? '-' : '+') || !read_number(text, 2, 23, &hour) ||
            !read_mark(text, ':') || !read_number(text, 2, 59, &minute))
            return false;
    }
    *seconds += (is_west ? 1 : -1) * ((int64_t)hour * 3600 + minute * 60);
    return **text == '\0';
}

int m4h_walltime_parse(const char *text, uint64_t *wall_ms)
{
    int64_t seconds, ms;

    if (!read_date(&text, &seconds) || (!read_mark(&text, 'T') && !read_mark(&text, 't')) ||
        !read_clock(&text, &seconds) || !read_fraction(&text, &ms) || !read_zone(&text, &seconds) ||
        seconds < 0)
        return M4H_EINVALID;
    *wall_ms = (uint64_t)(seconds * 1000 + ms);
    return 0;
}

/* ---- OpenSSH's ----------------------------------------------------------- */

/* So many digits; -1: they are none. */
static int take_digits(const char **text, unsigned count)
{
    int number = 0;

    for (; count > 0; count--, (*text)++) {
        if (**text < '0' || **text > '9')
            return -1;
        number = number * 10 + (**text - '0');
    }
    return number;
}

static bool is_same_day_and_time(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon && a->tm_mday == b->tm_mday &&
           a->tm_hour == b->tm_hour && a->tm_min == b->tm_min && a->tm_sec == b->tm_sec;
}

int m4h_walltime_parse_compact(const char *text, uint64_t *wall_ms)
{
    size_t digits = strspn(text, "0123456789");
    bool is_utc = strcmp(text + digits, "Z") == 0;
    struct tm given = {.tm_isdst = -1}, made;
    time_t seconds;

    if ((digits != 8 && digits != 12 && digits != 14) || (!is_utc && text[digits] != '\0'))
        return M4H_EINVALID;
    given.tm_year = take_digits(&text, 4) - 1900;
    given.tm_mon = take_digits(&text, 2) - 1;
    given.tm_mday = take_digits(&text, 2);
    if (digits >= 12) {
        given.tm_hour = take_digits(&text, 2);
        given.tm_min = take_digits(&text, 2);
    }
    if (digits == 14)
        given.tm_sec = take_digits(&text, 2);
    made = given;
    seconds = is_utc ? timegm(&made) : mktime(&made);
    if (seconds <= 0 || !is_same_day_and_time(&given, &made))
        return M4H_EINVALID;
    *wall_ms = (uint64_t)seconds * 1000;
    return 0;
}
