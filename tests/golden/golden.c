/* What test_golden.py and add.sh need of lib/wire, as a filter:
 *
 *     golden names             the name of each kind of message, one in a line
 *     golden make NAME         one with every field set, as it is encoded today, to stdout
 *     golden recode NAME FILE  the file decoded, and what came out encoded, to stdout */
#include "lib/base/error.h"
#include "tests/unit/wire_kinds.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX (256u * 1024u)

static int fail(const char *what, int error)
{
    fprintf(stderr, "%s: %s\n", what, m4h_error_text(error));
    return 1;
}

static int write_out(const struct m4h_buffer *out)
{
    return fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0 ? 0 : 1;
}

static const struct wire_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(wire_kinds[i].name, name) == 0)
            return &wire_kinds[i];
    return NULL;
}

static int make(const struct wire_kind *kind)
{
    struct m4h_buffer out = M4H_BUFFER_INIT(FILE_MAX);
    int error = kind->make(&out);
    int status = error != 0 ? fail(kind->name, error) : write_out(&out);

    m4h_buffer_free(&out);
    return status;
}

static int recode(const struct wire_kind *kind, const char *path)
{
    static uint8_t bytes[FILE_MAX];
    struct m4h_buffer out = M4H_BUFFER_INIT(FILE_MAX);
    FILE *file = fopen(path, "rb");
    size_t len;
    int error, status;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    error = kind->recode(bytes, len, &out);
    status = error != 0 ? fail(path, error) : write_out(&out);
    m4h_buffer_free(&out);
    return status;
}

int main(int argc, char **argv)
{
    const struct wire_kind *kind = argc > 2 ? kind_of(argv[2]) : NULL;

    if (argc == 2 && strcmp(argv[1], "names") == 0) {
        for (size_t i = 0; i < KIND_COUNT; i++)
            puts(wire_kinds[i].name);
        return 0;
    }
    if (kind != NULL && argc == 3 && strcmp(argv[1], "make") == 0)
        return make(kind);
    if (kind != NULL && argc == 4 && strcmp(argv[1], "recode") == 0)
        return recode(kind, argv[3]);
    fprintf(stderr, "usage: %s names | make NAME | recode NAME FILE\n", argv[0]);
    return 2;
}
