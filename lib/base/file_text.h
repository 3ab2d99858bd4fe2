/* The whole of a small file, for those that are parsed in one piece. Blocks. */
#ifndef M4H_BASE_FILE_TEXT_H
#define M4H_BASE_FILE_TEXT_H

#include "lib/base/attributes.h"

#include <stddef.h>

/* Reads a regular file of at most `max` bytes into `*text`, for the caller to free; not
 * NUL terminated. M4H_ESYSTEM (errno says why), M4H_EINVALID (no regular file),
 * M4H_ETOOBIG, M4H_ENOMEM: `*text` is NULL. */
M4H_MUST_CHECK int m4h_file_text_read(const char *path, size_t max, char **text, size_t *len);

#endif
