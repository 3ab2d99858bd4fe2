/* The authorized_keys file: stat, read, parse, swap. */
#include "services/master/io/key_file.h"

#include "lib/base/error.h"
#include "lib/base/file_text.h"
#include "lib/base/log.h"
#include "services/master/core/authorized_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG "keys"

static void log_faults(const char *path, const struct m4h_key_report *report)
{
    for (uint32_t i = 0; i < report->fault_count && i < M4H_AUTHORIZED_KEYS_FAULTS_MAX; i++) {
        char message[400];

        m4h_log(M4H_LOG_WARNING, LOG, "file=%s line=%u reason=%s line is skipped", path,
                report->faults[i].line,
                m4h_log_quote(message, sizeof(message), report->faults[i].message));
    }
    if (report->fault_count > M4H_AUTHORIZED_KEYS_FAULTS_MAX)
        m4h_log(M4H_LOG_WARNING, LOG, "file=%s lines=%u further lines are skipped", path,
                report->fault_count - M4H_AUTHORIZED_KEYS_FAULTS_MAX);
}

static void log_shared_names(const char *path, const struct m4h_keys *keys)
{
    const char *client_key = "";
    uint32_t line = 0, other_line = 0;
    size_t count = m4h_keys_count_shared(keys, &client_key, &line, &other_line);
    char quoted[2 * M4H_CLIENT_KEY_MAX];

    if (count > 0)
        m4h_log(M4H_LOG_WARNING, LOG,
                "file=%s keys=%zu device=%s lines=%u,%u several keys name one device, which can "
                "have one tunnel: name each with client-key=\"...\" if they are several devices",
                path, count, m4h_log_quote(quoted, sizeof(quoted), client_key), line, other_line);
}

static void take(struct m4h_key_file *file, struct m4h_keys *keys,
                 const struct m4h_key_report *report)
{
    m4h_keys_free(&file->keys);
    file->keys = *keys;
    file->is_loaded = true;
    file->faults = report->fault_count;
    file->loads++;
    log_faults(file->path, report);
    log_shared_names(file->path, keys);
    m4h_log(M4H_LOG_INFO, LOG, "file=%s keys=%zu skipped=%u keys are read", file->path, keys->count,
            report->fault_count);
}

void m4h_key_file_load(struct m4h_key_file *file)
{
    struct m4h_keys keys = {0};
    struct m4h_key_report *report = NULL;
    char *text = NULL;
    size_t len = 0;
    int error;

    if (file->path[0] == '\0')
        return;
    file->loaded = m4h_file_mark_of(file->path);
    file->seen = file->loaded;
    error = m4h_file_text_read(file->path, M4H_AUTHORIZED_KEYS_FILE_MAX, &text, &len);
    if (error == 0 && (report = malloc(sizeof(*report))) == NULL)
        error = M4H_ENOMEM;
    if (error == 0)
        error = m4h_authorized_keys_parse(&keys, text, len, report);
    if (error == 0) {
        take(file, &keys, report);
    } else {
        file->failures++;
        m4h_keys_free(&keys);
        m4h_log(M4H_LOG_ERROR, LOG, "file=%s reason=\"%s\" cannot be read: %s", file->path,
                error == M4H_ESYSTEM ? strerror(errno) : m4h_error_text(error),
                file->is_loaded ? "the keys of before hold" : "no device can be let in");
    }
    free(report);
    free(text);
}

void m4h_key_file_check(struct m4h_key_file *file)
{
    if (file->path[0] != '\0' && m4h_file_mark_has_settled(file->path, &file->loaded, &file->seen))
        m4h_key_file_load(file);
}

bool m4h_key_file_check_grown(struct m4h_key_file *file)
{
    struct m4h_file_mark mark;

    if (!file->is_loaded)
        return false;
    mark = m4h_file_mark_of(file->path);
    if (!mark.exists || m4h_file_mark_equals(&mark, &file->loaded) ||
        mark.size <= file->loaded.size)
        return false;
    m4h_key_file_load(file);
    return true;
}

void m4h_key_file_open(struct m4h_key_file *file, const char *path)
{
    *file = (struct m4h_key_file){.path = path};
    if (path[0] == '\0')
        m4h_log(M4H_LOG_WARNING, LOG,
                "authorize.authorized_keys is not set: every device is refused");
    m4h_key_file_load(file);
}

void m4h_key_file_close(struct m4h_key_file *file)
{
    m4h_keys_free(&file->keys);
}
