/* A fuzz target: what libFuzzer calls with bytes of its own making, and what
 * corpus_main.c calls with the files of the corpus. It must bear any bytes;
 * where a promise is broken it aborts, by assert or by a sanitizer. */
#ifndef M4H_TESTS_FUZZ_TARGET_H
#define M4H_TESTS_FUZZ_TARGET_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
