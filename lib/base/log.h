/* Log lines on standard error: `level component key=value ... message`, one
 * write each. Thread-safe. Under systemd (JOURNAL_STREAM set) the journal keeps
 * the time and the level; otherwise the line begins with the time.
 *
 *   m4h_log(M4H_LOG_INFO, "slave", "device=%s port=%u tunnel is up", key, port);
 *
 * Values that a stranger chose go through m4h_log_quote. Nothing secret is
 * ever logged. */
#ifndef M4H_BASE_LOG_H
#define M4H_BASE_LOG_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum m4h_log_level {
    M4H_LOG_ERROR,
    M4H_LOG_WARNING,
    M4H_LOG_INFO,
    M4H_LOG_DEBUG,
};

/* Longer lines are cut. */
#define M4H_LOG_LINE_MAX 1024

/* Lines of a higher level than this are dropped; M4H_LOG_INFO at start. */
void m4h_log_set_level(enum m4h_log_level level);
/* "error", "warning", "info" or "debug". False: no such level. */
bool m4h_log_level_parse(const char *name, enum m4h_log_level *level);
bool m4h_log_is_on(enum m4h_log_level level);

void m4h_log(enum m4h_log_level level, const char *component, const char *format, ...)
    M4H_PRINTF(3, 4);

/* Writes `text` as a quoted value: control characters, quotes and bytes that
 * are not UTF-8 escaped, cut to fit. Returns `out`. */
const char *m4h_log_quote(char *out, size_t out_size, const char *text);

/* Lets through 20 lines in each second, for lines that a stranger can cause.
 * The owner zeroes it. One thread. */
struct m4h_log_limit {
    uint64_t since_ms;
    uint32_t spent;
    uint32_t suppressed; /* lines held back so far in this window */
};

/* True: log now; `*suppressed` is then how many lines were held back before. */
bool m4h_log_limit_allows(struct m4h_log_limit *limit, uint64_t now_ms, uint32_t *suppressed);

#endif
