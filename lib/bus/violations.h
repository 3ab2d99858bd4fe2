/* What the server says that this user may not do: each is named once for each connection,
 * up to a bound. Not thread-safe. Private to lib/bus. */
#ifndef M4H_BUS_VIOLATIONS_H
#define M4H_BUS_VIOLATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M4H_VIOLATIONS_NAMED_MAX 64

/* Zeroed at first. */
struct m4h_violations {
    uint64_t named[M4H_VIOLATIONS_NAMED_MAX]; /* hashes of what was named */
    size_t named_count;
};

/* A new connection: its user may have other permissions. */
void m4h_violations_begin(struct m4h_violations *violations);
/* True: it is the first of its kind, to be logged. `text` is the server's. */
bool m4h_violations_note(struct m4h_violations *violations, const char *text);

#endif
