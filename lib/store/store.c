/* The file, its tables, and the thread that writes: batches wait in a list under a mutex, and
 * come back through the mailbox of the owner's loop. */
#include "lib/store/store.h"

#include "lib/base/error.h"
#include "lib/net/mailbox.h"
#include "lib/store/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long another process may hold the file until a batch fails. */
#define BUSY_MS     2000
#define COLUMNS_MAX 16

struct m4h_store {
    const struct m4h_store_schema *schema;
    sqlite3 *db;
    sqlite3_stmt **statements; /* owned, as many as the schema has */
    struct m4h_mailbox *mailbox;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct m4h_store_batch *first, **end; /* under the mutex */
    bool is_closing;                      /* under the mutex */
};

static int fail(int error, const char *why, char wrong[M4H_STORE_WRONG_MAX])
{
    snprintf(wrong, M4H_STORE_WRONG_MAX, "%s", why);
    return error;
}

/* What SQLite says of `result`. */
static int check(const struct m4h_store *store, int result, char wrong[M4H_STORE_WRONG_MAX])
{
    int error = m4h_store_error(result);

    return error != 0 ? fail(error, sqlite3_errmsg(store->db), wrong) : 0;
}

static int run_sql(struct m4h_store *store, const char *sql, char wrong[M4H_STORE_WRONG_MAX])
{
    return check(store, sqlite3_exec(store->db, sql, NULL, NULL, NULL), wrong);
}

/* ---- the thread ------------------------------------------------------------- */

/* Waits for the next one; NULL: there is none any more. */
static struct m4h_store_batch *take_batch(struct m4h_store *store)
{
    struct m4h_store_batch *batch;

    pthread_mutex_lock(&store->mutex);
    while (store->first == NULL && !store->is_closing)
        pthread_cond_wait(&store->work, &store->mutex);
    batch = store->first;
    if (batch != NULL) {
        store->first = batch->next;
        if (store->first == NULL)
            store->end = &store->first;
    }
    pthread_mutex_unlock(&store->mutex);
    return batch;
}

static void *write_batches(void *context)
{
    struct m4h_store *store = context;
    struct m4h_store_batch *batch;

    while ((batch = take_batch(store)) != NULL) {
        m4h_store_batch_run(batch, store->db, store->statements);
        m4h_mailbox_send(store->mailbox, &batch->letter);
    }
    return NULL;
}

/* Signals are for the main thread. */
static int start_thread(struct m4h_store *store)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&store->thread, NULL, write_batches, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    store->has_thread = failed == 0;
    return failed != 0 ? M4H_ESYSTEM : 0;
}

static void on_letter(void *context, struct m4h_letter *letter)
{
    struct m4h_store *store = context;
    struct m4h_store_batch *batch = M4H_CONTAINER_OF(letter, struct m4h_store_batch, letter);

    if (!store->is_closing)
        batch->on_written(batch->context, batch->error, batch->wrong);
    m4h_store_batch_destroy(batch);
}

void m4h_store_write(struct m4h_store *store, struct m4h_store_batch *batch,
                     m4h_store_on_written on_written, void *context)
{
    batch->on_written = on_written;
    batch->context = context;
    pthread_mutex_lock(&store->mutex);
    *store->end = batch;
    store->end = &batch->next;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->mutex);
}

/* ---- the file --------------------------------------------------------------- */

/* SQLite would make it readable for all; its side files have the mode of the file. */
static int make_file(const char *path, char wrong[M4H_STORE_WRONG_MAX])
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return fail(errno == ENOSPC ? M4H_EFULL : M4H_EIO, strerror(errno), wrong);
    close(fd);
    return 0;
}

static int open_file(struct m4h_store *store, const char *path, char wrong[M4H_STORE_WRONG_MAX])
{
    int error = make_file(path, wrong);

    if (error != 0)
        return error;
    error = check(
        store, sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL),
        wrong);
    if (error != 0)
        return error;
    sqlite3_busy_timeout(store->db, BUSY_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return run_sql(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", wrong);
}

static int read_version(void *context, const struct m4h_store_value *values, size_t count)
{
    int64_t *version = context;

    if (count != 1 || values[0].type != M4H_STORE_INTEGER)
        return M4H_EPROTOCOL;
    *version = values[0].integer;
    return 0;
}

static int migrate_to(struct m4h_store *store, size_t version, char wrong[M4H_STORE_WRONG_MAX])
{
    char set_version[64];
    int error = run_sql(store, "BEGIN IMMEDIATE", wrong);

    snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %zu; COMMIT", version);
    if (error == 0)
        error = run_sql(store, store->schema->migrations[version - 1], wrong);
    if (error == 0)
        error = run_sql(store, set_version, wrong);
    if (error != 0 && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return error;
}

static int migrate(struct m4h_store *store, char wrong[M4H_STORE_WRONG_MAX])
{
    size_t known = store->schema->migration_count;
    int64_t version = 0;
    int error = m4h_store_read(store, "PRAGMA user_version", read_version, &version, wrong);

    if (error == 0 && (version < 0 || (uint64_t)version > known)) {
        snprintf(wrong, M4H_STORE_WRONG_MAX,
                 "it has version %lld of its tables, and this program knows %zu",
                 (long long)version, known);
        return M4H_EPROTOCOL;
    }
    for (size_t next = (size_t)version + 1; error == 0 && next <= known; next++)
        error = migrate_to(store, next, wrong);
    return error;
}

static int prepare(struct m4h_store *store, char wrong[M4H_STORE_WRONG_MAX])
{
    int error = 0;

    store->statements = calloc(store->schema->statement_count + 1, sizeof(store->statements[0]));
    if (store->statements == NULL)
        return fail(M4H_ENOMEM, m4h_error_text(M4H_ENOMEM), wrong);
    for (size_t i = 0; error == 0 && i < store->schema->statement_count; i++)
        error = check(store,
                      sqlite3_prepare_v3(store->db, store->schema->statements[i], -1,
                                         SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL),
                      wrong);
    return error;
}

/* ---- reading ---------------------------------------------------------------- */

static void read_column(sqlite3_stmt *statement, int at, struct m4h_store_value *value)
{
    *value = (struct m4h_store_value){.type = M4H_STORE_INTEGER};
    switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER:
        value->integer = sqlite3_column_int64(statement, at);
        return;
    case SQLITE_TEXT:
        value->type = M4H_STORE_TEXT;
        value->data = sqlite3_column_text(statement, at);
        break;
    default:
        value->type = M4H_STORE_BYTES;
        value->data = sqlite3_column_blob(statement, at);
    }
    value->len = (size_t)sqlite3_column_bytes(statement, at);
}

static int read_row(sqlite3_stmt *statement, m4h_store_on_row on_row, void *context)
{
    struct m4h_store_value values[COLUMNS_MAX];
    int count = sqlite3_column_count(statement);

    if (count > COLUMNS_MAX)
        return M4H_ETOOBIG;
    for (int i = 0; i < count; i++)
        read_column(statement, i, &values[i]);
    return on_row(context, values, (size_t)count);
}

int m4h_store_read(struct m4h_store *store, const char *sql, m4h_store_on_row on_row, void *context,
                   char wrong[M4H_STORE_WRONG_MAX])
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL), error = 0;

    while (result == SQLITE_OK && error == 0 && sqlite3_step(statement) == SQLITE_ROW) {
        error = read_row(statement, on_row, context);
        if (error != 0)
            (void)fail(error, m4h_error_text(error), wrong);
    }
    if (error == 0)
        error = check(store, result == SQLITE_OK ? sqlite3_reset(statement) : result, wrong);
    sqlite3_finalize(statement);
    return error;
}

/* ---- life ------------------------------------------------------------------- */

int m4h_store_open(struct m4h_store **store, struct m4h_loop *loop, const char *path,
                   const struct m4h_store_schema *schema, char wrong[M4H_STORE_WRONG_MAX])
{
    struct m4h_store *made = calloc(1, sizeof(*made));
    int error;

    *store = NULL;
    if (made == NULL)
        return fail(M4H_ENOMEM, m4h_error_text(M4H_ENOMEM), wrong);
    made->schema = schema;
    made->end = &made->first;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->work, NULL);
    error = open_file(made, path, wrong);
    if (error == 0)
        error = migrate(made, wrong);
    if (error == 0)
        error = prepare(made, wrong);
    if (error == 0) {
        error = m4h_mailbox_create(&made->mailbox, loop, on_letter, made);
        if (error == 0)
            error = start_thread(made);
        if (error != 0)
            (void)fail(error, m4h_error_text(error), wrong);
    }
    if (error != 0) {
        m4h_store_close(made);
        return error;
    }
    *store = made;
    return 0;
}

void m4h_store_close(struct m4h_store *store)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    store->is_closing = true;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->mutex);
    if (store->has_thread)
        pthread_join(store->thread, NULL);
    m4h_mailbox_close(store->mailbox);
    for (size_t i = 0; store->statements != NULL && i < store->schema->statement_count; i++)
        sqlite3_finalize(store->statements[i]);
    free(store->statements);
    sqlite3_close(store->db);
    pthread_cond_destroy(&store->work);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}
