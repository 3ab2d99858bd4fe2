/* The ready file. It knows nothing of what the lines mean. */
#include "lib/base/ready_file.h"

#include "lib/base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* Writes and closes; false: errno says why. */
static bool write_lines(FILE *file, const char *lines)
{
    bool written = fprintf(file, "pid=%ld\n%s", (long)getpid(), lines) > 0;

    return fclose(file) == 0 && written;
}

int m4h_ready_file_write(const char *path, const char *lines)
{
    char beside[PATH_MAX];
    int len = snprintf(beside, sizeof(beside), "%s.%ld.new", path, (long)getpid());
    FILE *file;

    if (path[0] == '\0')
        return 0;
    if (len < 0 || (size_t)len >= sizeof(beside)) {
        errno = ENAMETOOLONG;
        return M4H_ESYSTEM;
    }
    file = fopen(beside, "we");
    if (file == NULL)
        return M4H_ESYSTEM;
    if (!write_lines(file, lines) || rename(beside, path) != 0) {
        int cause = errno;

        unlink(beside);
        errno = cause;
        return M4H_ESYSTEM;
    }
    return 0;
}

void m4h_ready_file_remove(const char *path)
{
    if (path[0] != '\0')
        unlink(path);
}
