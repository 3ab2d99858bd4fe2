/* Wall clock times: milliseconds since 1970-01-01T00:00:00Z, "wall_ms". They
 * are for people and for other machines; deadlines use the loop's monotonic
 * clock. Thread-safe. */
#ifndef M4H_BASE_WALLTIME_H
#define M4H_BASE_WALLTIME_H

#include "lib/base/attributes.h"

#include <stddef.h>
#include <stdint.h>

/* Room for "2026-01-31T23:59:59.999Z" and its NUL. */
#define M4H_WALLTIME_TEXT_MAX 32

/* Reads the clock. Not for a core, which is told the time. */
uint64_t m4h_walltime_now_ms(void);

/* Writes `wall_ms` as RFC 3339 in UTC with milliseconds; returns `text`. */
const char *m4h_walltime_format(uint64_t wall_ms, char text[M4H_WALLTIME_TEXT_MAX]);

/* Reads an RFC 3339 time from 1970 on, with Z or an offset; what is finer than
 * milliseconds is cut off, a leap second is the second after. M4H_EINVALID:
 * `*wall_ms` is as before. */
M4H_MUST_CHECK int m4h_walltime_parse(const char *text, uint64_t *wall_ms);

/* Reads a time as OpenSSH writes it in options: YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z], after 1970;
 * without the Z it is of the time zone of this process. M4H_EINVALID, as above. */
M4H_MUST_CHECK int m4h_walltime_parse_compact(const char *text, uint64_t *wall_ms);

#endif
