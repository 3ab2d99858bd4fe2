/* stat(2) as a mark. It knows nothing of contents. */
#include "lib/base/file_mark.h"

struct m4h_file_mark m4h_file_mark_of(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return (struct m4h_file_mark){0};
    return (struct m4h_file_mark){true,           status.st_dev,  status.st_ino,
                                  status.st_size, status.st_mtim, status.st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool m4h_file_mark_equals(const struct m4h_file_mark *a, const struct m4h_file_mark *b)
{
    return a->exists == b->exists && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && same_time(&a->changed, &b->changed) &&
           same_time(&a->status_changed, &b->status_changed);
}

bool m4h_file_mark_has_settled(const char *path, const struct m4h_file_mark *read,
                               struct m4h_file_mark *seen)
{
    struct m4h_file_mark now = m4h_file_mark_of(path);
    bool is_still = m4h_file_mark_equals(&now, seen);

    *seen = now;
    return is_still && !m4h_file_mark_equals(&now, read);
}
