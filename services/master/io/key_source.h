/* Where keys are written: a file in OpenSSH's authorized_keys format, or a folder, of which every
 * *.pub and *.keys file is one. Reading blocks, and may be done on another thread. */
#ifndef M4H_MASTER_IO_KEY_SOURCE_H
#define M4H_MASTER_IO_KEY_SOURCE_H

#include "lib/base/attributes.h"
#include "lib/base/file_mark.h"
#include "services/master/core/authorized_keys.h"

/* In a folder; with more it cannot be read. */
#define M4H_KEY_FILES_MAX 10000u

/* What tells one content from another without reading it. */
struct m4h_key_mark {
    struct m4h_file_mark top; /* of the file, or of the folder */
    uint64_t below;           /* of all files of the folder */
};

struct m4h_key_mark m4h_key_mark_of(const char *path);
bool m4h_key_mark_equals(const struct m4h_key_mark *a, const struct m4h_key_mark *b);
/* Whether keys were added since that mark, as far as one look at the top tells. */
bool m4h_key_mark_has_grown(const struct m4h_key_mark *mark, const char *path);

/* One reading. The owner zeroes it and fills in the first two; it is on the heap and freed with
 * m4h_key_reading_free. */
struct m4h_key_reading {
    const char *path;
    const struct m4h_keys *before; /* NULL: none; not changed meanwhile */
    int error;
    int system_error;         /* errno, of M4H_ESYSTEM */
    struct m4h_key_mark mark; /* taken before */
    char **names;             /* of the files */
    size_t name_count;
    struct m4h_keys keys;
    struct m4h_key_report report;
    size_t shared_count;    /* of keys whose device has another one; as below: one of them */
    const char *shared_key; /* its client key, in `keys` */
    struct m4h_key_place shared, shared_other;
    /* Fingerprints of keys of before that are gone, are another's, or may do less. */
    char (*gone)[M4H_FINGERPRINT_MAX + 1];
    size_t gone_count;
};

/* Reads all of it; `error` M4H_ESYSTEM, M4H_ETOOBIG, M4H_EFULL, M4H_EINVALID (no file and no
 * folder), M4H_ENOMEM: then nothing of it counts. */
void m4h_key_reading_run(struct m4h_key_reading *reading);
void m4h_key_reading_free(struct m4h_key_reading *reading);

#endif
