/* Private to the store: a batch, and how it is carried out. */
#ifndef M4H_STORE_BATCH_H
#define M4H_STORE_BATCH_H

#include "lib/net/mailbox.h"
#include "lib/store/store.h"

#include <sqlite3.h>

/* One statement with copies of its values. */
struct m4h_store_step {
    struct m4h_store_step *next;
    size_t statement;
    size_t count;
    struct m4h_store_value values[]; /* and behind them what they point to */
};

/* It waits in the queue of the thread, and comes back as a letter. */
struct m4h_store_batch {
    struct m4h_letter letter;
    struct m4h_store_batch *next;
    struct m4h_store_step *first, **end;
    m4h_store_on_written on_written;
    void *context;
    int error;
    char wrong[M4H_STORE_WRONG_MAX];
};

/* The error of ours that a result of SQLite is; 0 for SQLITE_OK. */
int m4h_store_error(int result);
/* Does all of it in one transaction, or nothing, and fills `error` and `wrong`. */
void m4h_store_batch_run(struct m4h_store_batch *batch, sqlite3 *db,
                         sqlite3_stmt *const *statements);

#endif
