/* Log lines on standard error. */
#include "lib/base/log.h"

#include "lib/base/ident.h"
#include "lib/base/walltime.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A stranger's lines: so many in each window, then silence and a count. */
#define LIMIT_BURST     20u
#define LIMIT_WINDOW_MS 1000u

static const char *const level_names[] = {"error", "warning", "info", "debug"};
/* RFC 5424 severities, which the journal reads from a "<n>" prefix. */
static const int level_severities[] = {3, 4, 6, 7};

static atomic_int highest_level = M4H_LOG_INFO;

void m4h_log_set_level(enum m4h_log_level level)
{
    atomic_store_explicit(&highest_level, (int)level, memory_order_relaxed);
}

bool m4h_log_level_parse(const char *name, enum m4h_log_level *level)
{
    for (size_t i = 0; i < M4H_COUNT(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum m4h_log_level)i;
            return true;
        }
    }
    return false;
}

bool m4h_log_is_on(enum m4h_log_level level)
{
    return (int)level <= atomic_load_explicit(&highest_level, memory_order_relaxed);
}

static size_t write_prefix(char *line, size_t size, enum m4h_log_level level, const char *component)
{
    char time[M4H_WALLTIME_TEXT_MAX];
    int len;

    if (getenv("JOURNAL_STREAM") != NULL)
        len = snprintf(line, size, "<%d>%s %s ", level_severities[level], level_names[level],
                       component);
    else
        len = snprintf(line, size, "%s %s %s ", m4h_walltime_format(m4h_walltime_now_ms(), time),
                       level_names[level], component);
    return (size_t)len < size ? (size_t)len : size - 1;
}

/* A line that cannot be written is lost: there is nowhere left to say so. */
static void write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

void m4h_log(enum m4h_log_level level, const char *component, const char *format, ...)
{
    char line[M4H_LOG_LINE_MAX];
    size_t len;
    va_list args;
    int body;

    if (!m4h_log_is_on(level))
        return;
    len = write_prefix(line, sizeof(line) - 1, level, component);
    va_start(args, format);
    body = vsnprintf(line + len, sizeof(line) - 1 - len, format, args);
    va_end(args);
    if (body < 0)
        return;
    len += (size_t)body < sizeof(line) - 1 - len ? (size_t)body : sizeof(line) - 2 - len;
    line[len++] = '\n';
    write_all(line, len);
}

/* Appends one byte of a quoted value; returns how many characters that took, 0 when it does not
 * fit. */
static size_t quote_byte(char *out, size_t room, unsigned char byte, bool plain)
{
    char escaped[8];
    int len;

    if (byte == '"' || byte == '\\')
        len = snprintf(escaped, sizeof(escaped), "\\%c", byte);
    else if (plain)
        len = snprintf(escaped, sizeof(escaped), "%c", byte);
    else
        len = snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
    if ((size_t)len > room)
        return 0;
    memcpy(out, escaped, (size_t)len);
    return (size_t)len;
}

const char *m4h_log_quote(char *out, size_t out_size, const char *text)
{
    bool utf8 = m4h_ident_text_is_valid(text, strlen(text));
    size_t len = 1, whole = 1; /* `whole`: where the current character begins */

    if (out_size < 3) {
        if (out_size > 0)
            out[0] = '\0';
        return out;
    }
    out[0] = '"';
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        bool plain = byte >= 0x20 && byte != 0x7f && (byte < 0x80 || utf8);
        size_t used = quote_byte(out + len, out_size - 2 - len, byte, plain);

        if (!utf8 || byte >> 6 != 2)
            whole = len;
        if (used == 0) {
            len = whole;
            break;
        }
        len += used;
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}

bool m4h_log_limit_allows(struct m4h_log_limit *limit, uint64_t now_ms, uint32_t *suppressed)
{
    if (now_ms - limit->since_ms >= LIMIT_WINDOW_MS) {
        limit->since_ms = now_ms;
        limit->spent = 0;
    }
    if (limit->spent >= LIMIT_BURST) {
        limit->suppressed++;
        return false;
    }
    limit->spent++;
    *suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
