/* Shared by the files of lib/ssh that stand in for a function of a library: the function
 * that they stand in front of. Any thread. */
#ifndef M4H_SSH_BEHIND_H
#define M4H_SSH_BEHIND_H

#include <stdatomic.h>

/* The next function of that name in the order of the linker: the library's, or a
 * sanitizer's in front of it. `found` remembers it. Never NULL: without it nothing could
 * go on, and the process is aborted. */
void *m4h_ssh_behind(_Atomic(void *) *found, const char *name);

#endif
