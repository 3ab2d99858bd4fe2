/* Reading a file whole. One that grows meanwhile is read as long as it was. */
#include "lib/base/file_text.h"

#include "lib/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the end or until `size` bytes are there. */
static int read_some(int fd, char *text, size_t size, size_t *len)
{
    *len = 0;
    while (*len < size) {
        ssize_t got = read(fd, text + *len, size - *len);

        if (got == 0)
            return 0;
        if (got > 0)
            *len += (size_t)got;
        else if (errno != EINTR)
            return M4H_ESYSTEM;
    }
    return 0;
}

static int read_open(int fd, size_t max, char **text, size_t *len)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return M4H_ESYSTEM;
    if (!S_ISREG(status.st_mode))
        return M4H_EINVALID;
    if ((uintmax_t)status.st_size > max)
        return M4H_ETOOBIG;
    *text = malloc((size_t)status.st_size + 1);
    if (*text == NULL)
        return M4H_ENOMEM;
    return read_some(fd, *text, (size_t)status.st_size, len);
}

int m4h_file_text_read(const char *path, size_t max, char **text, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error, system_error;

    *text = NULL;
    *len = 0;
    if (fd < 0)
        return M4H_ESYSTEM;
    error = read_open(fd, max, text, len);
    system_error = errno;
    close(fd);
    if (error != 0) {
        free(*text);
        *text = NULL;
        errno = system_error;
    }
    return error;
}
