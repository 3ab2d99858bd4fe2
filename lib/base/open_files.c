/* The size that stat(2) gives of /proc/self/fd is the number of open files since Linux
 * 6.2, and 0 before (proc(5)). */
#include "lib/base/open_files.h"

#include <dirent.h>
#include <stddef.h>
#include <sys/stat.h>

static uint32_t count_entries(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint32_t count = 0;

    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

uint32_t m4h_open_files_count(void)
{
    struct stat folder;

    if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0)
        return (uint32_t)folder.st_size;
    return count_entries();
}
