/* How many files this process has open. Any thread. */
#ifndef M4H_BASE_OPEN_FILES_H
#define M4H_BASE_OPEN_FILES_H

#include <stdint.h>

/* 0 where /proc cannot be read. Kernels since 6.2 know the number; on older ones the
 * files are counted one by one, which takes about 5 ms at 20,000. */
uint32_t m4h_open_files_count(void);

#endif
