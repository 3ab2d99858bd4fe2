/* A batch: statements with their values, done in one transaction. */
#include "lib/store/batch.h"

#include "lib/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct m4h_store_value m4h_store_integer(uint64_t integer)
{
    return (struct m4h_store_value){.type = M4H_STORE_INTEGER, .integer = (int64_t)integer};
}

struct m4h_store_value m4h_store_text(const char *text)
{
    return (struct m4h_store_value){.type = M4H_STORE_TEXT, .data = text, .len = strlen(text)};
}

struct m4h_store_value m4h_store_bytes(const void *data, size_t len)
{
    return (struct m4h_store_value){.type = M4H_STORE_BYTES, .data = data, .len = len};
}

int m4h_store_batch_create(struct m4h_store_batch **batch)
{
    struct m4h_store_batch *made = calloc(1, sizeof(*made));

    *batch = made;
    if (made == NULL)
        return M4H_ENOMEM;
    made->end = &made->first;
    return 0;
}

void m4h_store_batch_destroy(struct m4h_store_batch *batch)
{
    if (batch == NULL)
        return;
    while (batch->first != NULL) {
        struct m4h_store_step *step = batch->first;

        batch->first = step->next;
        free(step);
    }
    free(batch);
}

int m4h_store_batch_add(struct m4h_store_batch *batch, size_t statement,
                        const struct m4h_store_value *values, size_t count)
{
    size_t head = sizeof(struct m4h_store_step) + count * sizeof(values[0]), size = head;
    struct m4h_store_step *step;
    char *at;

    for (size_t i = 0; i < count; i++)
        size += values[i].len;
    step = calloc(1, size);
    if (step == NULL)
        return M4H_ENOMEM;
    at = (char *)step + head;
    step->statement = statement;
    step->count = count;
    for (size_t i = 0; i < count; i++) {
        step->values[i] = values[i];
        step->values[i].data = at;
        if (values[i].len > 0)
            memcpy(at, values[i].data, values[i].len);
        at += values[i].len;
    }
    *batch->end = step;
    batch->end = &step->next;
    return 0;
}

/* ---- on the store's thread -------------------------------------------------- */

int m4h_store_error(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_NOMEM:
        return M4H_ENOMEM;
    case SQLITE_FULL:
        return M4H_EFULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return M4H_EAGAIN;
    default:
        return M4H_EIO;
    }
}

static int bind(sqlite3_stmt *statement, int at, const struct m4h_store_value *value)
{
    switch (value->type) {
    case M4H_STORE_INTEGER:
        return sqlite3_bind_int64(statement, at, value->integer);
    case M4H_STORE_TEXT:
        return sqlite3_bind_text(statement, at, value->data, (int)value->len, SQLITE_STATIC);
    case M4H_STORE_BYTES:
        return sqlite3_bind_blob(statement, at, value->data, (int)value->len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static int do_step(const struct m4h_store_step *step, sqlite3_stmt *statement)
{
    int result = SQLITE_OK;

    for (size_t i = 0; i < step->count && result == SQLITE_OK; i++)
        result = bind(statement, (int)i + 1, &step->values[i]);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    return result;
}

static int do_steps(const struct m4h_store_batch *batch, sqlite3_stmt *const *statements)
{
    int result = SQLITE_OK;

    for (const struct m4h_store_step *step = batch->first;
         step != NULL && m4h_store_error(result) == 0; step = step->next) {
        result = do_step(step, statements[step->statement]);
        sqlite3_reset(statements[step->statement]);
        sqlite3_clear_bindings(statements[step->statement]);
    }
    return result;
}

void m4h_store_batch_run(struct m4h_store_batch *batch, sqlite3 *db,
                         sqlite3_stmt *const *statements)
{
    int result = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (result == SQLITE_OK)
        result = do_steps(batch, statements);
    if (m4h_store_error(result) == 0)
        result = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    batch->error = m4h_store_error(result);
    if (batch->error == 0)
        return;
    snprintf(batch->wrong, sizeof(batch->wrong), "%s", sqlite3_errmsg(db));
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}
