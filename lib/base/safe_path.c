/* Looks at a file and at each folder above it. */
#include "lib/base/safe_path.h"

#include "lib/base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_ours(const struct stat *status)
{
    return status->st_uid == 0 || status->st_uid == geteuid();
}

static bool others_may_write(const struct stat *status)
{
    return (status->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
           !(S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX) != 0);
}

static int check_one(const char *path, char *wrong, size_t size)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        snprintf(wrong, size, "%s: %s", path, strerror(errno));
        return M4H_ESYSTEM;
    }
    if (!is_ours(&status))
        snprintf(wrong, size, "%s belongs to another user", path);
    else if (others_may_write(&status))
        snprintf(wrong, size, "%s may be written by others", path);
    else
        return 0;
    return M4H_EINVALID;
}

static int check_folders(char *path, char *wrong, size_t size)
{
    int error = 0;

    for (char *slash; error == 0 && (slash = strrchr(path, '/')) != NULL;) {
        slash[slash == path ? 1 : 0] = '\0';
        error = check_one(path, wrong, size);
        *slash = '\0';
    }
    return error;
}

int m4h_safe_path_check(const char *path, char *wrong, size_t size)
{
    char real[PATH_MAX];
    struct stat status;
    int error;

    if (path[0] != '/') {
        snprintf(wrong, size, "it needs its whole path, from / on");
        return M4H_EINVALID;
    }
    if (realpath(path, real) == NULL || stat(real, &status) != 0) {
        snprintf(wrong, size, "%s: %s", path, strerror(errno));
        return M4H_ESYSTEM;
    }
    if (!S_ISREG(status.st_mode) || access(real, X_OK) != 0) {
        snprintf(wrong, size, "%s is no program", real);
        return M4H_EINVALID;
    }
    error = check_one(real, wrong, size);
    return error == 0 ? check_folders(real, wrong, size) : error;
}
