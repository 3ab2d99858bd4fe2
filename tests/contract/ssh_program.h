/* A program that runs beside the test: a real client. Its output is read on the
 * test's loop. One thread. What cannot be had fails the test. */
#ifndef M4H_TESTS_SSH_PROGRAM_H
#define M4H_TESTS_SSH_PROGRAM_H

#include "lib/net/loop.h"
#include "lib/net/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROGRAM_ARGUMENTS_MAX 64

struct program {
    pid_t pid; /* 0: none */
    int output_fd;
    struct m4h_watch *watch;
    bool ended; /* its output is over */
    int status; /* as waitpid has it, when ended */
    size_t len;
    char output[65536]; /* both streams, NUL terminated; the rest is dropped */
};

/* Starts argv[0], found along the PATH, with an empty standard input. */
void program_start(struct program *program, struct m4h_loop *loop, const char *const argv[]);
/* The same with `socket`, which stays the caller's, as its standard input and output:
 * what it says there is not read here. */
void program_start_on(struct program *program, struct m4h_loop *loop, int socket,
                      const char *const argv[]);
/* Runs a program to its end, and expects success. */
void program_run(struct program *program, struct m4h_loop *loop, const char *const argv[]);
void program_signal(const struct program *program, int number);
/* Kills it where it still runs. May be called again. */
void program_stop(struct program *program);

bool program_has_ended(void *program);

#endif
