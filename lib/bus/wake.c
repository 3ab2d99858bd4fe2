/* The eventfd. Writing fails only when 2^64 wakes are pending, and reading only
 * when none is: both mean that nothing is left to do. */
#include "lib/bus/wake.h"

#include "lib/base/error.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int m4h_wake_open(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    return fd >= 0 ? fd : M4H_ESYSTEM;
}

void m4h_wake(int fd)
{
    const uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof(one));

    (void)written;
}

void m4h_wake_clear(int fd)
{
    uint64_t count;
    ssize_t taken = read(fd, &count, sizeof(count));

    (void)taken;
}
