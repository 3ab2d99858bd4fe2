/* The file that remembers the last epoch, replaced as a whole. */
#include "services/slave/io/epoch.h"

#include "lib/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A remembered epoch further ahead than this is a broken file, not a clock. */
#define AHEAD_MAX_MS (10ull * 365 * 24 * 3600 * 1000)

static uint64_t read_last(const char *path)
{
    FILE *file = fopen(path, "re");
    uint64_t last = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%" SCNu64, &last) != 1)
        last = 0;
    fclose(file);
    return last;
}

static int write_all(const char *path, uint64_t epoch)
{
    FILE *file = fopen(path, "we");
    int rc;

    if (file == NULL)
        return -1;
    rc = fprintf(file, "%" PRIu64 "\n", epoch) < 0 || fflush(file) != 0 || fsync(fileno(file)) != 0
             ? -1
             : 0;
    if (fclose(file) != 0)
        rc = -1;
    return rc;
}

uint64_t m4h_epoch_next(const char *dir, uint64_t wall_ms)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    uint64_t last, epoch = wall_ms;

    if (snprintf(path, sizeof(path), "%s/epoch", dir) >= (int)sizeof(path) ||
        snprintf(fresh, sizeof(fresh), "%s/epoch.new", dir) >= (int)sizeof(fresh))
        return epoch;
    last = read_last(path);
    if (last >= epoch && last - epoch <= AHEAD_MAX_MS)
        epoch = last + 1;
    if (write_all(fresh, epoch) != 0 || rename(fresh, path) != 0)
        m4h_log(M4H_LOG_WARNING, "slave",
                "file=\"%s\" error=\"%s\" cannot remember the epoch: keep the clock right", path,
                strerror(errno));
    return epoch;
}
