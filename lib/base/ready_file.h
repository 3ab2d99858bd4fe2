/* The file that tells other programs that a service is up and where: lines
 * `name=value`, there from when the service is first ready until its clean end. */
#ifndef M4H_BASE_READY_FILE_H
#define M4H_BASE_READY_FILE_H

#include "lib/base/attributes.h"

/* Writes `pid=N` and then `lines` (each ends with a newline; may be "") to
 * `path`, all at once: beside it under another name, then renamed. Does nothing
 * where `path` is "". M4H_ESYSTEM (errno says why; an older file is as before). */
M4H_MUST_CHECK int m4h_ready_file_write(const char *path, const char *lines);

/* Takes the file away; does nothing where `path` is "" or there is none. */
void m4h_ready_file_remove(const char *path);

#endif
