/* Numbers and times in words: short enough for a column, with their unit. Pure. */
#ifndef M4H_CTL_CORE_WORDS_H
#define M4H_CTL_CORE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define M4H_CTL_WORD_MAX 32

/* "850ms", "12s", "4m10s", "3h05m", "12d4h". Return `out`. */
const char *m4h_ctl_duration(uint64_t ms, char out[M4H_CTL_WORD_MAX]);
/* How long ago, seen at `now_ms`, both of one clock; "-" where `then_ms` is 0, and "0s" where it is
 * yet to come: clocks differ. */
const char *m4h_ctl_age(uint64_t then_ms, uint64_t now_ms, char out[M4H_CTL_WORD_MAX]);
/* "512 B", "1.5 KiB", "20 GiB" */
const char *m4h_ctl_bytes(uint64_t bytes, char out[M4H_CTL_WORD_MAX]);
/* "1,234,567" */
const char *m4h_ctl_count(uint64_t count, char out[M4H_CTL_WORD_MAX]);
/* "50%"; "-" of nothing. A share that is not 0 is never "0%", and one that is not all never "100%".
 */
const char *m4h_ctl_percent(uint64_t part, uint64_t whole, char out[M4H_CTL_WORD_MAX]);

#endif
