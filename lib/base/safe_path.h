/* Whether nobody but root and the user of this process can change what is at a path. */
#ifndef M4H_BASE_SAFE_PATH_H
#define M4H_BASE_SAFE_PATH_H

#include "lib/base/attributes.h"

#include <stddef.h>

/* As sshd asks of the programs that it runs: an absolute path, links followed, to a file that is
 * executable, owned by root or this user and not writable by group or others; and so are all
 * folders above it, unless they are sticky (/tmp). 0; M4H_EINVALID or M4H_ESYSTEM: `wrong`, of
 * `size` bytes, says what is the matter. */
M4H_MUST_CHECK int m4h_safe_path_check(const char *path, char *wrong, size_t size);

#endif
