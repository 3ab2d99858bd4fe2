/* How many packets libssh may make in one call.
 *
 * A device says how large the packets are that it takes, and libssh splits what is
 * written accordingly: into one packet for each byte where the device says 11, and
 * without end into empty ones where it says 10 (0.10.6). The number is not to be had
 * from libssh. Yet libssh asks ssh_get_random for the padding of each packet that it
 * encrypts, and the program gives its own to the libraries that it is linked with,
 * which fails when the bound is reached: libssh then gives up. Where libssh does not
 * come through here (linked in another way) there is no bound. */
#ifndef M4H_SSH_PACKETS_H
#define M4H_SSH_PACKETS_H

#include <stdbool.h>

/* From here to m4h_ssh_packets_end, libssh makes at most so many on this thread. */
void m4h_ssh_packets_begin(unsigned max);
/* False: it wanted more, and its session is of no use any more. */
bool m4h_ssh_packets_end(void);

#endif
