/* A program that runs beside a loop: it is given bytes on its standard input, and what it writes
 * is collected until it ends. Never a shell. It has a process group of its own, which ends with
 * it: what it has left behind is killed.
 *
 * Its environment is what it is given, its folder is /, no other descriptor of ours is open in
 * it, and no signal is blocked or ignored. */
#ifndef M4H_NET_CHILD_H
#define M4H_NET_CHILD_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of what it says on its standard error; the rest is dropped. */
#define M4H_CHILD_ERRORS_MAX 255u

struct m4h_child;

/* Borrowed for the call. */
struct m4h_child_config {
    const char *const *argv;        /* up to a NULL; argv[0] is its path */
    const char *const *environment; /* likewise */
    const uint8_t *input;
    size_t input_len;
    size_t output_max; /* it is killed when it writes more */
    /* Of the program itself and, each, of what it starts; 0: as ours. */
    uint64_t memory_bytes; /* address space */
    uint64_t cpu_s;
    uint64_t open_files;
};

struct m4h_child_end {
    bool has_exited; /* by itself, with `code`; else by the signal `code` */
    int code;
    bool has_overflowed;   /* it wrote more than it may */
    const uint8_t *output; /* borrowed for the call */
    size_t output_len;
    const char *errors; /* the beginning of its standard error, as valid text, or "" */
};

/* Starts it. `on_end` comes once, when it has ended. M4H_ESYSTEM (errno says why, there is no such
 * program, say), M4H_ENOMEM: nothing was started. Limits are set in the moment after its start. */
M4H_MUST_CHECK int m4h_child_start(struct m4h_child **child, struct m4h_loop *loop,
                                   const struct m4h_child_config *config,
                                   void (*on_end)(void *context, const struct m4h_child_end *end),
                                   void *context);
/* Kills it and its group; `on_end` comes when it is gone. May be called again. */
void m4h_child_kill(struct m4h_child *child);
/* Kills it, and no `on_end` comes any more: for the end of the loop. Where the kernel does not let
 * go of it at once it stays a zombie until this process ends. Accepts NULL. */
void m4h_child_close(struct m4h_child *child);

#endif
