/* What tells one content of a file from another without reading it, and whether reading it
 * may end otherwise than before. */
#ifndef M4H_BASE_FILE_MARK_H
#define M4H_BASE_FILE_MARK_H

#include <stdbool.h>
#include <sys/stat.h>

struct m4h_file_mark {
    bool exists;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    struct timespec status_changed; /* its permissions and owner, too */
};

/* Of what is at `path` now; links are followed. A file that cannot be looked at
 * does not exist. */
struct m4h_file_mark m4h_file_mark_of(const char *path);
bool m4h_file_mark_equals(const struct m4h_file_mark *a, const struct m4h_file_mark *b);

/* For a look now and then: true once the file at `path` is another than `*read` and
 * has stayed the same since the last look, which is in `*seen`. A file that is being
 * written is left alone that way. Sets `*seen`; the caller sets `*read` when it reads. */
bool m4h_file_mark_has_settled(const char *path, const struct m4h_file_mark *read,
                               struct m4h_file_mark *seen);

#endif
