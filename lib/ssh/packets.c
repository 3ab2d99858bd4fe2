/* The ssh_get_random of the program: libssh's own, with a bound. */
#include "lib/ssh/packets.h"

#include "lib/ssh/behind.h"

#include <libssh/libssh.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef int random_function(void *where, int len, int strong);

static _Thread_local bool bounded, exceeded;
static _Thread_local unsigned left;

static random_function *next_random(void)
{
    static _Atomic(void *) found;

    return (random_function *)m4h_ssh_behind(&found, "ssh_get_random");
}

/* 1: done, 0: failed, as libssh has it. */
int ssh_get_random(void *where, int len, int strong)
{
    if (bounded && left == 0) {
        exceeded = true;
        return 0;
    }
    if (bounded)
        left--;
    return next_random()(where, len, strong);
}

void m4h_ssh_packets_begin(unsigned max)
{
    bounded = true;
    exceeded = false;
    left = max;
}

bool m4h_ssh_packets_end(void)
{
    bounded = false;
    return !exceeded;
}
