/* The eventfd that wakes the bus's own thread from poll(). Private to lib/bus. */
#ifndef M4H_BUS_WAKE_H
#define M4H_BUS_WAKE_H

/* Returns the descriptor, close(2)d by the caller, or M4H_ESYSTEM. */
int m4h_wake_open(void);
/* Any thread. */
void m4h_wake(int fd);
/* Takes what has been written, if anything. */
void m4h_wake_clear(int fd);

#endif
