/* A file of records: what is written is there, and what cannot be written leaves all as it was. */
#include "lib/base/error.h"
#include "lib/store/store.h"
#include "tests/unit/net_stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PUT,
    BREAK,
};

static const char *const first_version[] = {
    "CREATE TABLE things (name TEXT PRIMARY KEY, number INTEGER NOT NULL, bytes BLOB) STRICT"};
static const char *const second_version[] = {
    "CREATE TABLE things (name TEXT PRIMARY KEY, number INTEGER NOT NULL, bytes BLOB) STRICT",
    "ALTER TABLE things ADD COLUMN note TEXT NOT NULL DEFAULT 'none'"};
static const char *const broken_version[] = {
    "CREATE TABLE things (name TEXT PRIMARY KEY, number INTEGER NOT NULL, bytes BLOB) STRICT",
    "ALTER TABLE things ADD COLUMN note TEXT; this is no SQL"};
static const char *const statements[] = {
    "INSERT OR REPLACE INTO things (name, number, bytes) VALUES (?, ?, ?)",
    "INSERT INTO things (name, number) VALUES (?, NULL)"};

static const struct m4h_store_schema first = {first_version, 1, statements, 2};
static const struct m4h_store_schema second = {second_version, 2, statements, 2};
static const struct m4h_store_schema broken = {broken_version, 2, statements, 2};

struct stage {
    struct m4h_loop *loop;
    char folder[64];
    char path[96];
    struct m4h_store *store;
    char wrong[M4H_STORE_WRONG_MAX];
    int written; /* batches */
    int error;   /* of the last one */
    int rows;    /* that were read */
    char names[256];
};

static int begin(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    if (stage == NULL || stage_begin((void **)&stage->loop) != 0)
        return -1;
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/mas4h-store-XXXXXX");
    if (mkdtemp(stage->folder) == NULL)
        return -1;
    snprintf(stage->path, sizeof(stage->path), "%s/records.db", stage->folder);
    *state = stage;
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;
    char command[128];

    m4h_store_close(stage->store);
    stage_end((void **)&stage->loop);
    snprintf(command, sizeof(command), "rm -rf %s", stage->folder);
    if (system(command) != 0)
        return -1;
    free(stage);
    return 0;
}

static int open_as(struct stage *stage, const struct m4h_store_schema *schema)
{
    m4h_store_close(stage->store);
    return m4h_store_open(&stage->store, stage->loop, stage->path, schema, stage->wrong);
}

static void on_written(void *context, int error, const char *wrong)
{
    struct stage *stage = context;

    stage->written++;
    stage->error = error;
    assert_int_equal(error == 0, wrong[0] == '\0');
    snprintf(stage->wrong, sizeof(stage->wrong), "%s", wrong);
}

static void add(struct m4h_store_batch *batch, const char *name, uint64_t number, const void *bytes,
                size_t len)
{
    const struct m4h_store_value values[] = {m4h_store_text(name), m4h_store_integer(number),
                                             m4h_store_bytes(bytes, len)};

    assert_int_equal(m4h_store_batch_add(batch, PUT, values, 3), 0);
}

static void put(struct stage *stage, const char *name, uint64_t number, size_t len)
{
    struct m4h_store_batch *batch;
    void *bytes = calloc(1, len + 1);

    assert_non_null(bytes);
    assert_int_equal(m4h_store_batch_create(&batch), 0);
    add(batch, name, number, bytes, len);
    free(bytes);
    m4h_store_write(stage->store, batch, on_written, stage);
}

static bool is_written(void *context)
{
    return ((struct stage *)context)->written > 0;
}

static int wait_for_write(struct stage *stage)
{
    run_until(stage->loop, is_written, stage);
    stage->written = 0;
    return stage->error;
}

static int on_row(void *context, const struct m4h_store_value *values, size_t count)
{
    struct stage *stage = context;

    assert_true(count >= 1);
    stage->rows++;
    snprintf(stage->names + strlen(stage->names), sizeof(stage->names) - strlen(stage->names),
             "%.*s ", (int)values[0].len, (const char *)values[0].data);
    return 0;
}

/* Opens the file anew and reads what is in it. */
static const char *names_in_file(struct stage *stage)
{
    assert_int_equal(open_as(stage, &first), 0);
    stage->rows = 0;
    stage->names[0] = '\0';
    assert_int_equal(m4h_store_read(stage->store, "SELECT name FROM things ORDER BY name", on_row,
                                    stage, stage->wrong),
                     0);
    return stage->names;
}

/* ---- the tests ---------------------------------------------------------------- */

static void what_was_written_is_there_after_a_reopening(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(open_as(stage, &first), 0);
    put(stage, "a", UINT64_MAX, 3);
    assert_int_equal(wait_for_write(stage), 0);
    put(stage, "b", 2, 0);
    assert_int_equal(wait_for_write(stage), 0);
    assert_string_equal(names_in_file(stage), "a b ");
}

static int on_whole_row(void *context, const struct m4h_store_value *values, size_t count)
{
    bool *is_same = context;

    *is_same = count == 3 && values[0].type == M4H_STORE_TEXT &&
               strcmp(values[0].data, "name") == 0 && values[1].type == M4H_STORE_INTEGER &&
               (uint64_t)values[1].integer == UINT64_MAX - 1 && values[2].len == 4 &&
               memcmp(values[2].data, "\0a\0b", 4) == 0;
    return 0;
}

static void numbers_texts_and_bytes_come_back_as_they_were(void **state)
{
    struct stage *stage = *state;
    struct m4h_store_batch *batch;
    bool is_same = false;

    assert_int_equal(open_as(stage, &first), 0);
    assert_int_equal(m4h_store_batch_create(&batch), 0);
    add(batch, "name", UINT64_MAX - 1, "\0a\0b", 4);
    m4h_store_write(stage->store, batch, on_written, stage);
    assert_int_equal(wait_for_write(stage), 0);
    assert_int_equal(open_as(stage, &first), 0);
    assert_int_equal(m4h_store_read(stage->store, "SELECT name, number, bytes FROM things",
                                    on_whole_row, &is_same, stage->wrong),
                     0);
    assert_true(is_same);
}

static void what_waits_is_written_before_the_store_closes(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(open_as(stage, &first), 0);
    put(stage, "a", 1, 10);
    put(stage, "b", 2, 10);
    put(stage, "c", 3, 10);
    assert_string_equal(names_in_file(stage), "a b c ");
    assert_int_equal(stage->written, 0); /* nobody is called back after the close */
}

static void a_batch_is_written_whole_or_not_at_all(void **state)
{
    struct stage *stage = *state;
    const struct m4h_store_value name = m4h_store_text("bad");
    struct m4h_store_batch *batch;

    assert_int_equal(open_as(stage, &first), 0);
    assert_int_equal(m4h_store_batch_create(&batch), 0);
    add(batch, "good", 1, "", 0);
    assert_int_equal(m4h_store_batch_add(batch, BREAK, &name, 1), 0);
    m4h_store_write(stage->store, batch, on_written, stage);
    assert_int_equal(wait_for_write(stage), M4H_EIO);
    assert_non_null(strstr(stage->wrong, "NOT NULL"));
    put(stage, "after", 1, 0);
    assert_int_equal(wait_for_write(stage), 0);
    assert_string_equal(names_in_file(stage), "after ");
}

static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_disk_that_takes_no_more_fails_the_batch_and_loses_nothing(void **state)
{
    struct stage *stage = *state;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(open_as(stage, &first), 0);
    put(stage, "a", 1, 100);
    assert_int_equal(wait_for_write(stage), 0);
    limit_files_to(40000);
    put(stage, "b", 2, 100000);
    assert_int_not_equal(wait_for_write(stage), 0);
    assert_string_not_equal(stage->wrong, "");
    limit_files_to(RLIM_INFINITY);
    put(stage, "c", 3, 100);
    assert_int_equal(wait_for_write(stage), 0);
    assert_string_equal(names_in_file(stage), "a c ");
}

static void a_file_of_an_earlier_version_is_brought_up_to_date(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(open_as(stage, &first), 0);
    put(stage, "a", 1, 0);
    assert_int_equal(wait_for_write(stage), 0);
    assert_int_equal(open_as(stage, &second), 0);
    stage->names[0] = '\0';
    assert_int_equal(
        m4h_store_read(stage->store, "SELECT note FROM things", on_row, stage, stage->wrong), 0);
    assert_string_equal(stage->names, "none ");
}

static void a_file_of_a_later_version_is_refused_and_left_alone(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(open_as(stage, &second), 0);
    assert_int_equal(open_as(stage, &first), M4H_EPROTOCOL);
    assert_null(stage->store);
    assert_non_null(strstr(stage->wrong, "version 2"));
    assert_int_equal(open_as(stage, &second), 0);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(open_as(stage, &first), 0);
    assert_int_equal(open_as(stage, &broken), M4H_EIO);
    assert_int_equal(open_as(stage, &second), 0);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    struct stage *stage = *state;
    FILE *file = fopen(stage->path, "w");

    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is a text\n", file);
    fclose(file);
    assert_int_equal(open_as(stage, &first), M4H_EIO);
    assert_non_null(strstr(stage->wrong, "not a database"));
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    struct stage *stage = *state;

    snprintf(stage->path, sizeof(stage->path), "%s/none/records.db", stage->folder);
    assert_int_equal(open_as(stage, &first), M4H_EIO);
    assert_non_null(strstr(stage->wrong, "No such file"));
}

static void the_file_is_its_owners_alone(void **state)
{
    struct stage *stage = *state;
    struct stat status;

    assert_int_equal(open_as(stage, &first), 0);
    assert_int_equal(stat(stage->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(what_was_written_is_there_after_a_reopening),
        STAGED(numbers_texts_and_bytes_come_back_as_they_were),
        STAGED(what_waits_is_written_before_the_store_closes),
        STAGED(a_batch_is_written_whole_or_not_at_all),
        STAGED(a_disk_that_takes_no_more_fails_the_batch_and_loses_nothing),
        STAGED(a_file_of_an_earlier_version_is_brought_up_to_date),
        STAGED(a_file_of_a_later_version_is_refused_and_left_alone),
        STAGED(a_migration_that_fails_changes_nothing),
        STAGED(a_file_that_is_no_database_is_refused),
        STAGED(a_folder_that_is_not_there_is_told),
        STAGED(the_file_is_its_owners_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
