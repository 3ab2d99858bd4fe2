/* The epoch of a start: later than that of every start before, also when the
 * wall clock was set back in between; masters ignore what comes from an older one. */
#ifndef M4H_SLAVE_IO_EPOCH_H
#define M4H_SLAVE_IO_EPOCH_H

#include <stdint.h>

/* The next epoch: `wall_ms`, or one more than the last epoch, which the file
 * `epoch` in `dir` remembers. Where the file cannot be written the log says so,
 * and the clock alone has to do. Main thread, at start. */
uint64_t m4h_epoch_next(const char *dir, uint64_t wall_ms);

#endif
