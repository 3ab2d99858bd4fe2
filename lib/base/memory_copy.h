/* How this process copies memory. Main thread, first thing in main. */
#ifndef M4H_BASE_MEMORY_COPY_H
#define M4H_BASE_MEMORY_COPY_H

/* C libraries before glibc 2.39 copy more than 2 KB with REP MOVSB on every CPU that
 * has it; on AMD's since Zen 3 that is up to 20 times slower than their vector loop
 * where the target is not aligned (glibc bug 30994). Which way is taken can only be said
 * in the environment, before the process starts: so on such a machine, unless
 * GLIBC_TUNABLES says something already, this starts the program again in its place
 * with x86_rep_movsb_threshold raised. Returns everywhere else, and where that fails. */
void m4h_memory_copy_tune(char **argv);

#endif
