/* A file of records: SQLite. It is read at the start, on the caller's thread; then all that is
 * written goes to a thread of ours, in order, so that no disk ever holds a loop.
 *
 * Happy path: open (makes the file, brings its tables up to date) -> read what is in it ->
 * write batches -> close. A batch is one transaction: when `on_written` says 0, it is on the
 * disk and outlives a power cut; when it says anything else, nothing of it was written, and the
 * file is as it was before. A full disk, or one that was made read-only, fails the batches
 * that meet it, and the next one is tried as if nothing had been.
 *
 * One owner thread (a loop); `schema` must outlive the store. */
#ifndef M4H_STORE_STORE_H
#define M4H_STORE_STORE_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

#include <stddef.h>
#include <stdint.h>

/* With the NUL: what went wrong, for a log line. */
#define M4H_STORE_WRONG_MAX 160

struct m4h_store;
struct m4h_store_batch;

struct m4h_store_schema {
    /* Each makes the next version of the tables out of the one before. Those that were ever
     * released stay as they are. */
    const char *const *migrations;
    size_t migration_count;
    /* What batches do, by index. */
    const char *const *statements;
    size_t statement_count;
};

enum m4h_store_type {
    M4H_STORE_INTEGER,
    M4H_STORE_TEXT, /* NUL terminated */
    M4H_STORE_BYTES,
};

struct m4h_store_value {
    enum m4h_store_type type;
    int64_t integer;
    const void *data; /* of text and bytes */
    size_t len;       /* of text and bytes, without a NUL */
};

struct m4h_store_value m4h_store_integer(uint64_t integer);
struct m4h_store_value m4h_store_text(const char *text);
struct m4h_store_value m4h_store_bytes(const void *data, size_t len);

/* Opens the file, which is made where it is missing, for its owner alone. `*store` is NULL on
 * error, and `wrong` says more: M4H_EPROTOCOL (it was written by a later version), M4H_EIO,
 * M4H_EFULL, M4H_EAGAIN (another process holds it), M4H_ENOMEM, M4H_ESYSTEM. Blocks. */
M4H_MUST_CHECK int m4h_store_open(struct m4h_store **store, struct m4h_loop *loop, const char *path,
                                  const struct m4h_store_schema *schema,
                                  char wrong[M4H_STORE_WRONG_MAX]);
/* Writes what was given, which may wait for the disk, and ends. No callback comes any more.
 * Accepts NULL. Blocks. */
void m4h_store_close(struct m4h_store *store);

/* A row of what is read: integers, texts and bytes (borrowed) as they come. An error ends the
 * reading, and is its result. */
typedef int (*m4h_store_on_row)(void *context, const struct m4h_store_value *values, size_t count);

/* Reads rows, of at most 16 columns. Before the first batch only. M4H_EIO and the like, as open.
 * Blocks. */
M4H_MUST_CHECK int m4h_store_read(struct m4h_store *store, const char *sql, m4h_store_on_row on_row,
                                  void *context, char wrong[M4H_STORE_WRONG_MAX]);

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_store_batch_create(struct m4h_store_batch **batch);
/* Of one that was not given away. Accepts NULL. */
void m4h_store_batch_destroy(struct m4h_store_batch *batch);
/* Adds a statement of the schema and its values, which are copied. M4H_ENOMEM: the batch is as
 * it was. */
M4H_MUST_CHECK int m4h_store_batch_add(struct m4h_store_batch *batch, size_t statement,
                                       const struct m4h_store_value *values, size_t count);

/* The end of a batch, exactly once, on the owner's loop. `wrong` is "" where `error` is 0, and
 * borrowed. */
typedef void (*m4h_store_on_written)(void *context, int error, const char *wrong);

/* Takes the batch. Cannot fail: whoever writes keeps its own count of them bounded. */
void m4h_store_write(struct m4h_store *store, struct m4h_store_batch *batch,
                     m4h_store_on_written on_written, void *context);

#endif
