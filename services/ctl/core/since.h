/* A moment in the past, as people say it. Pure. */
#ifndef M4H_CTL_SINCE_H
#define M4H_CTL_SINCE_H

#include "lib/base/attributes.h"

#include <stdint.h>

/* "90s", "15m", "1h", "7d" before `now_ms`, or a time as RFC 3339 has it; wall milliseconds.
 * M4H_EINVALID. */
M4H_MUST_CHECK int m4h_ctl_since_parse(const char *text, uint64_t now_ms, uint64_t *wall_ms);

#endif
