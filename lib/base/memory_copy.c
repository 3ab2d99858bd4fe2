/* Starts the program again where the C library would copy slowly. */
#include "lib/base/memory_copy.h"

#include <gnu/libc-version.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define VARIABLE "GLIBC_TUNABLES"
/* Longer than anything that is copied in one go. */
#define VALUE "glibc.cpu.x86_rep_movsb_threshold=1000000000"
/* The first glibc that knows better: 2.39. */
#define CURED_MINOR 39

static bool library_is_affected(void)
{
    const char *version = gnu_get_libc_version();

    return strncmp(version, "2.", 2) == 0 && strtol(version + 2, NULL, 10) < CURED_MINOR;
}

#if defined(__x86_64__)
/* "Enhanced REP MOVSB/STOSB": leaf 7, EBX. */
#define ERMS_BIT (1u << 9)

static bool cpu_is_affected(void)
{
    unsigned eax, ebx, ecx, edx;
    char vendor[12];

    if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx))
        return false;
    memcpy(vendor, &ebx, 4);
    memcpy(vendor + 4, &edx, 4);
    memcpy(vendor + 8, &ecx, 4);
    if (memcmp(vendor, "AuthenticAMD", sizeof(vendor)) != 0)
        return false;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & ERMS_BIT) != 0;
}
#else
static bool cpu_is_affected(void)
{
    return false;
}
#endif

/* By its path: the kernel names the process after what it is started by. */
static void start_again(char **argv)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (len <= 0)
        return;
    path[len] = '\0';
    execv(path, argv);
}

void m4h_memory_copy_tune(char **argv)
{
    if (getenv(VARIABLE) != NULL || !library_is_affected() || !cpu_is_affected() ||
        setenv(VARIABLE, VALUE, 1) != 0)
        return;
    start_again(argv);
    unsetenv(VARIABLE);
}
