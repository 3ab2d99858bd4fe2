/* The INI file, through libinih. Lines are `[section]`, `key = value`, or begin
 * with # or ;. A value is everything up to the end of its line: a # or ; in it
 * belongs to it, and a line that begins with white space is one of its own.
 *
 * libinih tells its handler no line number, cuts long lines into two, and cuts
 * section names at 49 characters. So the lines are read here, counted, and
 * refused where libinih would cut them. */
#include "lib/config/file.h"

#include "lib/base/log.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 4096
/* "path:line" */
#define WHERE_MAX 512

struct file_reading {
    const struct m4h_config_reading *reading;
    const char *path;
    FILE *file;
    unsigned line;
    unsigned *seen_line; /* for each option: where it was set, 0 if it was not */
    bool failed;         /* and said so */
};

static void complain_of_line(struct file_reading *file, const char *what)
{
    if (!file->failed)
        m4h_config_complain(file->reading, "%s:%u: %s", file->path, file->line, what);
    file->failed = true;
}

/* The trailing part of "[section]" may be a comment, nothing else. */
static bool section_line_is_whole(const char *line)
{
    const char *text = line + strspn(line, " \t");
    const char *end;

    if (*text != '[')
        return true;
    end = strchr(text, ']');
    if (end == NULL)
        return false;
    end += 1 + strspn(end + 1, " \t\r\n");
    return *end == '\0' || *end == '#' || *end == ';';
}

/* Gives libinih one line, NULL at the end or at the first error. */
static char *read_line(char *line, int size, void *context)
{
    struct file_reading *file = context;

    if (file->failed || fgets(line, size, file->file) == NULL)
        return NULL;
    file->line++;
    if (strchr(line, '\n') == NULL && !feof(file->file)) {
        complain_of_line(file, "expected lines of less than 4 KiB, without NUL bytes");
        return NULL;
    }
    if (!section_line_is_whole(line)) {
        complain_of_line(file, "expected [section] and nothing more on this line");
        return NULL;
    }
    return line;
}

static bool is_first_time(struct file_reading *file, const struct m4h_config_option *option)
{
    unsigned *seen_line = &file->seen_line[option - file->reading->table->options];

    if (*seen_line != 0) {
        m4h_config_complain(file->reading, "%s:%u: [%s] %s: expected once, was set on line %u too",
                            file->path, file->line, option->section, option->key, *seen_line);
        return false;
    }
    *seen_line = file->line;
    return true;
}

static int on_value(void *context, const char *section, const char *key, const char *value)
{
    struct file_reading *file = context;
    const struct m4h_config_option *option =
        m4h_config_table_find(file->reading->table, section, key);
    char where[WHERE_MAX];

    snprintf(where, sizeof(where), "%s:%u", file->path, file->line);
    if (option != NULL && !is_first_time(file, option))
        file->failed = true;
    else if (!m4h_config_set_named(file->reading, section, key, value, where))
        file->failed = true;
    return !file->failed;
}

/* The settings of libinih are variables of the process. */
static void set_up_libinih(void)
{
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    ini_allow_no_value = false;
    ini_stop_on_first_error = true;
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = LINE_MAX_BYTES;
    ini_initial_alloc = LINE_MAX_BYTES;
}

static bool parse(struct file_reading *file)
{
    int result;

    set_up_libinih();
    result = ini_parse_stream(read_line, file, on_value, file);
    if (result > 0)
        complain_of_line(file, "expected [section] or key = value");
    else if (result < 0)
        complain_of_line(file, "out of memory");
    else if (ferror(file->file))
        complain_of_line(file, "cannot be read further");
    return !file->failed;
}

bool m4h_config_read_file(const struct m4h_config_reading *reading, const char *path)
{
    struct file_reading file = {.reading = reading, .path = path};
    bool ok = false;

    file.file = fopen(path, "re");
    if (file.file == NULL) {
        m4h_config_complain(reading, "%s: cannot be opened: %s", path, strerror(errno));
        return false;
    }
    file.seen_line = calloc(reading->table->option_count, sizeof(*file.seen_line));
    if (file.seen_line == NULL)
        complain_of_line(&file, "out of memory");
    else
        ok = parse(&file);
    free(file.seen_line);
    fclose(file.file);
    return ok;
}
