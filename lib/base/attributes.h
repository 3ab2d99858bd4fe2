/* Compiler attributes that our headers use. */
#ifndef M4H_BASE_ATTRIBUTES_H
#define M4H_BASE_ATTRIBUTES_H

#define M4H_MUST_CHECK   __attribute__((warn_unused_result))
#define M4H_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define M4H_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds `member` at `pointer`. */
#define M4H_CONTAINER_OF(pointer, type, member)                                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
