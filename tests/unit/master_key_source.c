/* Files of keys and folders of them: what is read, what is told of it, and what has gone since. */
#include "services/master/io/key_source.h"

#include "lib/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ED  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define ED2 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
/* What ssh-keygen -l calls the first. */
#define FINGERPRINT "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"

static char folder[64];
static const char *const names[] = {"a.keys", "b.pub", "c.txt", ".d.keys", "only"};

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/mas4h-keys-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[100];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < M4H_COUNT(names); i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct m4h_key_reading *read_keys(const char *path, const struct m4h_keys *before)
{
    struct m4h_key_reading *reading = calloc(1, sizeof(*reading));

    assert_non_null(reading);
    reading->path = path;
    reading->before = before;
    m4h_key_reading_run(reading);
    return reading;
}

static void a_folder_is_all_of_its_files_of_keys(void **state)
{
    struct m4h_key_reading *reading;

    (void)state;
    write_file("a.keys", ED " pump-1\nnonsense\n");
    write_file("b.pub", ED2 " pump-2\n" ED " pump-3\n");
    write_file("c.txt", "nonsense\n");
    write_file(".d.keys", "nonsense\n");
    reading = read_keys(folder, NULL);
    assert_int_equal(reading->error, 0);
    assert_int_equal(reading->name_count, 2);
    assert_int_equal(reading->keys.count, 2);
    assert_int_equal(reading->report.fault_count, 2);
    assert_int_equal(reading->report.faults[0].place.file, 0);
    assert_int_equal(reading->report.faults[0].place.line, 2);
    assert_int_equal(reading->report.faults[1].place.file, 1);
    assert_int_equal(reading->report.faults[1].other.file, 0);
    assert_int_equal(reading->report.faults[1].other.line, 1);
    assert_string_equal(strrchr(reading->names[1], '/'), "/b.pub");
    m4h_key_reading_free(reading);
}

static void what_changes_in_a_folder_changes_its_mark(void **state)
{
    struct m4h_key_mark empty, one, two, longer;

    (void)state;
    empty = m4h_key_mark_of(folder);
    write_file("a.keys", ED " pump-1\n");
    one = m4h_key_mark_of(folder);
    assert_false(m4h_key_mark_equals(&empty, &one));
    assert_true(m4h_key_mark_has_grown(&empty, folder));
    write_file("b.pub", ED2 " pump-2\n");
    two = m4h_key_mark_of(folder);
    assert_false(m4h_key_mark_equals(&one, &two));
    write_file("b.pub", ED2 " pump-2 b\n");
    longer = m4h_key_mark_of(folder);
    assert_false(m4h_key_mark_equals(&two, &longer));
    two = m4h_key_mark_of(folder);
    assert_true(m4h_key_mark_equals(&two, &longer));
}

static void what_has_gone_since_is_told_by_its_fingerprint(void **state)
{
    struct m4h_key_reading *before, *same, *after;

    (void)state;
    write_file("only", ED " pump-1\n" ED2 " pump-2\n");
    before = read_keys(path_of("only"), NULL);
    assert_int_equal(before->gone_count, 0);
    same = read_keys(path_of("only"), &before->keys);
    assert_int_equal(same->gone_count, 0);
    write_file("only", ED2 " pump-2\n");
    after = read_keys(path_of("only"), &before->keys);
    assert_int_equal(after->gone_count, 1);
    assert_string_equal(after->gone[0], FINGERPRINT);
    m4h_key_reading_free(before);
    m4h_key_reading_free(same);
    m4h_key_reading_free(after);
}

static void what_cannot_be_read_is_an_error(void **state)
{
    struct m4h_key_reading *reading = read_keys(path_of("only"), NULL);

    (void)state;
    assert_int_equal(reading->error, M4H_ESYSTEM);
    m4h_key_reading_free(reading);
    assert_int_equal(mkdir(path_of("a.keys"), 0700), 0);
    reading = read_keys(folder, NULL);
    assert_int_equal(reading->error, M4H_EINVALID);
    m4h_key_reading_free(reading);
    rmdir(path_of("a.keys"));
}

/* Else each unknown key would have it read again. */
static void a_folder_that_cannot_be_read_has_not_grown_by_that(void **state)
{
    struct m4h_key_mark before, mark;
    char name[20];

    (void)state;
    before = m4h_key_mark_of(folder);
    for (unsigned i = 0; i <= M4H_KEY_FILES_MAX; i++) {
        snprintf(name, sizeof(name), "%u.keys", i);
        assert_int_equal(symlink("nowhere", path_of(name)), 0);
    }
    mark = m4h_key_mark_of(folder);
    assert_false(m4h_key_mark_equals(&before, &mark));
    assert_false(m4h_key_mark_has_grown(&mark, folder));
    for (unsigned i = 0; i <= M4H_KEY_FILES_MAX; i++) {
        snprintf(name, sizeof(name), "%u.keys", i);
        unlink(path_of(name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_is_all_of_its_files_of_keys, begin, end),
        cmocka_unit_test_setup_teardown(what_changes_in_a_folder_changes_its_mark, begin, end),
        cmocka_unit_test_setup_teardown(what_has_gone_since_is_told_by_its_fingerprint, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_read_has_not_grown_by_that, begin,
                                        end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
