/* Marks, files of a folder, and what has gone since the last reading. */
#include "services/master/io/key_source.h"

#include "lib/base/error.h"
#include "lib/base/file_text.h"
#include "lib/crypto/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *ending)
{
    size_t len = strlen(name), ending_len = strlen(ending);

    return len > ending_len && strcmp(name + len - ending_len, ending) == 0;
}

static int is_key_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.' &&
           (ends_with(entry->d_name, ".pub") || ends_with(entry->d_name, ".keys"));
}

/* By byte, whatever the locale: which of two lines with one key holds must not depend on it. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* "folder/name", or the path alone where `name` is NULL. NULL: no memory. */
static char *path_of(const char *path, const char *name)
{
    size_t size = strlen(path) + (name != NULL ? strlen(name) + 2 : 1);
    char *made = malloc(size);

    if (made != NULL)
        snprintf(made, size, "%s%s%s", path, name != NULL ? "/" : "", name != NULL ? name : "");
    return made;
}

static int add_name(char **names, size_t *count, const char *path, const char *name)
{
    names[*count] = path_of(path, name);
    if (names[*count] == NULL)
        return M4H_ENOMEM;
    (*count)++;
    return 0;
}

static int list_folder(const char *path, char ***names, size_t *count)
{
    struct dirent **entries = NULL;
    int found = scandir(path, &entries, is_key_file, by_name), error = 0;

    if (found < 0)
        return M4H_ESYSTEM;
    *names = calloc((size_t)found + 1, sizeof(char *));
    if (*names == NULL)
        error = M4H_ENOMEM;
    if (found > (int)M4H_KEY_FILES_MAX)
        error = M4H_ETOOBIG;
    for (int i = 0; i < found; i++) {
        if (error == 0)
            error = add_name(*names, count, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return error;
}

/* The files to read, for the caller to free, also with an error: a single one is its own. */
static int list_files(const char *path, char ***names, size_t *count)
{
    *count = 0;
    *names = NULL;
    if (is_folder(path))
        return list_folder(path, names, count);
    *names = calloc(1, sizeof(char *));
    return *names != NULL ? add_name(*names, count, path, NULL) : M4H_ENOMEM;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* ---- marks ------------------------------------------------------------------- */

/* The padding of a mark is no part of it. */
static uint64_t hash_of(const char *name, const struct m4h_file_mark *mark)
{
    char text[200];

    snprintf(text, sizeof(text), "%d.%llu.%llu.%lld.%lld.%ld.%lld.%ld.%016llx", mark->exists,
             (unsigned long long)mark->device, (unsigned long long)mark->inode,
             (long long)mark->size, (long long)mark->changed.tv_sec, mark->changed.tv_nsec,
             (long long)mark->status_changed.tv_sec, mark->status_changed.tv_nsec,
             (unsigned long long)m4h_ident_hash(name));
    return m4h_ident_hash(text);
}

struct m4h_key_mark m4h_key_mark_of(const char *path)
{
    struct m4h_key_mark mark = {.top = m4h_file_mark_of(path)};
    char **names = NULL;
    size_t count = 0;

    if (mark.top.exists && is_folder(path) && list_files(path, &names, &count) != 0)
        mark.below = UINT64_MAX; /* what is added to that, if anything, tells as well */
    for (size_t i = 0; i < count; i++) {
        struct m4h_file_mark file = m4h_file_mark_of(names[i]);

        mark.below += hash_of(names[i], &file);
    }
    free_names(names, count);
    return mark;
}

bool m4h_key_mark_equals(const struct m4h_key_mark *a, const struct m4h_key_mark *b)
{
    return m4h_file_mark_equals(&a->top, &b->top) && a->below == b->below;
}

bool m4h_key_mark_has_grown(const struct m4h_key_mark *mark, const char *path)
{
    struct m4h_file_mark top = m4h_file_mark_of(path);

    return top.exists && !m4h_file_mark_equals(&top, &mark->top) &&
           (top.size > mark->top.size || is_folder(path));
}

/* ---- reading ------------------------------------------------------------------- */

static int read_file(struct m4h_key_reading *reading, size_t file)
{
    char *text = NULL;
    size_t len = 0;
    int error = m4h_file_text_read(reading->names[file], M4H_AUTHORIZED_KEYS_FILE_MAX, &text, &len);

    reading->system_error = error == M4H_ESYSTEM ? errno : 0;
    if (error == 0)
        error =
            m4h_authorized_keys_parse(&reading->keys, text, len, (uint32_t)file, &reading->report);
    free(text);
    return error;
}

static int add_gone(struct m4h_key_reading *reading, const uint8_t *blob, size_t len)
{
    size_t count = reading->gone_count;

    if ((count & (count - 1)) == 0) { /* a power of two: room for as many more */
        void *more = realloc(reading->gone, (count == 0 ? 1 : 2 * count) * sizeof(*reading->gone));

        if (more == NULL)
            return M4H_ENOMEM;
        reading->gone = more;
    }
    if (m4h_crypto_key_fingerprint(blob, len, reading->gone[count]) != 0)
        return M4H_ENOMEM;
    reading->gone_count++;
    return 0;
}

/* Compares with what was known before. */
static int find_gone(struct m4h_key_reading *reading)
{
    const struct m4h_key *key = NULL;
    int error = 0;

    if (reading->before == NULL)
        return 0;
    while (error == 0 && (key = m4h_keys_next(reading->before, key)) != NULL) {
        struct m4h_key_grant before, now;
        const uint8_t *blob;
        size_t len;

        m4h_key_read(key, &blob, &len, &before);
        if (!m4h_keys_find(&reading->keys, blob, len, &now) || !m4h_key_grant_holds(&before, &now))
            error = add_gone(reading, blob, len);
    }
    return error;
}

void m4h_key_reading_run(struct m4h_key_reading *reading)
{
    int error;

    reading->mark = m4h_key_mark_of(reading->path);
    error = list_files(reading->path, &reading->names, &reading->name_count);
    reading->system_error = error == M4H_ESYSTEM ? errno : 0;
    for (size_t i = 0; error == 0 && i < reading->name_count; i++)
        error = read_file(reading, i);
    if (error == 0)
        error = find_gone(reading);
    if (error == 0)
        reading->shared_count = m4h_keys_count_shared(&reading->keys, &reading->shared_key,
                                                      &reading->shared, &reading->shared_other);
    reading->error = error;
}

void m4h_key_reading_free(struct m4h_key_reading *reading)
{
    if (reading == NULL)
        return;
    m4h_keys_free(&reading->keys);
    free_names(reading->names, reading->name_count);
    free(reading->gone);
    free(reading);
}
