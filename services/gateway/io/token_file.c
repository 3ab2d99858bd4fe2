/* The tokens file: read, parse, swap. */
#include "services/gateway/io/token_file.h"

#include "lib/base/error.h"
#include "lib/base/file_text.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG "access"

static void log_faults(const char *path, const struct m4h_token_report *report)
{
    for (uint32_t i = 0; i < report->fault_count && i < M4H_TOKENS_FAULTS_MAX; i++)
        m4h_log(M4H_LOG_WARNING, LOG, "at=%s:%u reason=\"%s\" line is skipped", path,
                report->faults[i].line, report->faults[i].message);
    if (report->fault_count > M4H_TOKENS_FAULTS_MAX)
        m4h_log(M4H_LOG_WARNING, LOG, "file=%s lines=%u further lines are skipped", path,
                report->fault_count - M4H_TOKENS_FAULTS_MAX);
}

static void take(struct m4h_token_file *file, const struct m4h_tokens *tokens,
                 const struct m4h_token_report *report)
{
    m4h_tokens_free(&file->tokens);
    file->tokens = *tokens;
    file->faults = report->fault_count;
    file->loads++;
    log_faults(file->path, report);
    m4h_log(M4H_LOG_INFO, LOG, "file=%s tokens=%zu skipped=%u tokens are read", file->path,
            tokens->count, report->fault_count);
}

void m4h_token_file_load(struct m4h_token_file *file)
{
    struct m4h_token_report report;
    struct m4h_tokens tokens;
    char *text;
    size_t len;
    int error;

    if (file->path[0] == '\0')
        return;
    file->loaded = m4h_file_mark_of(file->path);
    file->seen = file->loaded;
    error = m4h_file_text_read(file->path, M4H_TOKENS_FILE_MAX, &text, &len);
    if (error == 0)
        error = m4h_tokens_parse(&tokens, text, len, &report);
    if (error == 0) {
        take(file, &tokens, &report);
    } else {
        file->failures++;
        m4h_log(M4H_LOG_ERROR, LOG, "file=%s reason=\"%s\" cannot be read: %s", file->path,
                error == M4H_ESYSTEM ? strerror(errno) : m4h_error_text(error),
                file->loads > 0 ? "the tokens of before hold" : "nobody is let in");
    }
    free(text);
}

void m4h_token_file_check(struct m4h_token_file *file)
{
    if (file->path[0] != '\0' && m4h_file_mark_has_settled(file->path, &file->loaded, &file->seen))
        m4h_token_file_load(file);
}

void m4h_token_file_open(struct m4h_token_file *file, const char *path)
{
    *file = (struct m4h_token_file){.path = path};
    m4h_token_file_load(file);
}

void m4h_token_file_close(struct m4h_token_file *file)
{
    m4h_tokens_free(&file->tokens);
}
