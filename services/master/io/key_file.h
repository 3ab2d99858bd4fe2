/* The authorized_keys file of a master, read again when it changes. One thread;
 * reading blocks, 100,000 keys for about 0.1 s. */
#ifndef M4H_MASTER_IO_KEY_FILE_H
#define M4H_MASTER_IO_KEY_FILE_H

#include "lib/base/file_mark.h"
#include "services/master/core/keys.h"

#include <stdbool.h>

struct m4h_key_file {
    const char *path; /* borrowed; "": there is none */
    struct m4h_keys keys;
    bool is_loaded; /* it could be read at least once */
    struct m4h_file_mark loaded;
    struct m4h_file_mark seen;
    uint32_t faults; /* bad lines in what is loaded */
    uint64_t loads;
    uint64_t failures;
};

/* Reads it for the first time. Errors are logged, here and below. */
void m4h_key_file_open(struct m4h_key_file *file, const char *path);
void m4h_key_file_close(struct m4h_key_file *file);

/* Reads it again where it has changed and then stayed the same from one call to
 * the next, so that a file that is being written is left alone. */
void m4h_key_file_check(struct m4h_key_file *file);
/* A key is not in it: it may have been added this moment. Reads a file that has
 * grown again at once, without waiting for it to stay the same; true if so. */
bool m4h_key_file_check_grown(struct m4h_key_file *file);
/* Reads it again. What was there stays where that fails. */
void m4h_key_file_load(struct m4h_key_file *file);

#endif
