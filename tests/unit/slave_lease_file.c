/* The file of leases: written some time after a change and at the end, read at the
 * start; a folder that cannot be written and a broken file do no harm. */
#include "services/slave/io/leases.h"

#include "lib/base/error.h"
#include "lib/net/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_LOOKS 1000
#define LOOK_MS        10

struct stage {
    char dir[64], path[96];
    struct m4h_loop *loop;
    struct m4h_leases *leases;
    struct m4h_lease_file *file;
    struct m4h_timer *look;
    const char *wanted; /* text that the file is to hold */
    unsigned looks;
};

static void open_file(struct stage *stage)
{
    assert_int_equal(m4h_leases_create(&stage->leases, 30000, 30009), 0);
    assert_int_equal(m4h_lease_file_open(&stage->file, stage->loop, stage->dir, stage->leases), 0);
}

static void close_file(struct stage *stage)
{
    m4h_lease_file_close(stage->file);
    m4h_leases_destroy(stage->leases);
    stage->file = NULL;
}

static int begin(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    assert_non_null(stage);
    snprintf(stage->dir, sizeof(stage->dir), "/tmp/m4h-leases-XXXXXX");
    assert_non_null(mkdtemp(stage->dir));
    snprintf(stage->path, sizeof(stage->path), "%s/leases", stage->dir);
    assert_int_equal(m4h_loop_create(&stage->loop), 0);
    open_file(stage);
    *state = stage;
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;

    if (stage->file != NULL)
        close_file(stage);
    m4h_loop_destroy(stage->loop);
    unlink(stage->path);
    rmdir(stage->path);
    assert_int_equal(rmdir(stage->dir), 0); /* nothing else was left there */
    free(stage);
    return 0;
}

static bool file_holds(const struct stage *stage, const char *text)
{
    char content[4096] = "";
    FILE *file = fopen(stage->path, "re");
    size_t len;

    if (file == NULL)
        return false;
    len = fread(content, 1, sizeof(content) - 1, file);
    fclose(file);
    content[len] = '\0';
    return strstr(content, text) != NULL;
}

static void on_look(void *context)
{
    struct stage *stage = context;

    if (file_holds(stage, stage->wanted) || ++stage->looks > DEADLINE_LOOKS)
        m4h_loop_stop(stage->loop);
}

static void run_until_file_holds(struct stage *stage, const char *text)
{
    stage->wanted = text;
    assert_int_equal(m4h_timer_create(&stage->look, stage->loop, on_look, stage), 0);
    m4h_timer_start(stage->look, 0, LOOK_MS);
    m4h_loop_run(stage->loop);
    m4h_timer_close(stage->look);
    assert_true(file_holds(stage, text));
}

static void a_change_is_in_the_file_soon_after_and_those_that_follow_too(void **state)
{
    struct stage *stage = *state;
    struct stat stat_of_file;

    for (uint16_t port = 30001; port <= 30003; port++) {
        char line[16];

        m4h_leases_grant(stage->leases, port, port);
        m4h_lease_file_changed(stage->file);
        snprintf(line, sizeof(line), "%u ", port);
        run_until_file_holds(stage, line);
    }
    assert_int_equal(stat(stage->path, &stat_of_file), 0);
    assert_int_equal(stat_of_file.st_mode & 0777, 0600);
}

static void what_was_written_comes_back(void **state)
{
    struct stage *stage = *state;

    m4h_leases_grant(stage->leases, 30004, 77);
    m4h_lease_file_changed(stage->file);
    close_file(stage);
    open_file(stage);
    assert_int_equal(m4h_leases_holder(stage->leases, 30004), 77);
}

static void the_end_writes_what_no_change_had_told(void **state)
{
    struct stage *stage = *state;

    m4h_leases_grant(stage->leases, 30004, 77);
    m4h_lease_file_changed(stage->file);
    run_until_file_holds(stage, "30004 000000000000004d 0\n");
    m4h_leases_leave(stage->leases, 30004, 1);
    close_file(stage);
    assert_true(file_holds(stage, "30004 "));
    assert_false(file_holds(stage, "30004 000000000000004d 0\n"));
}

/* It may be another slave's, which was started by mistake beside this one. */
static void a_file_that_nobody_used_is_left_alone(void **state)
{
    struct stage *stage = *state;

    close_file(stage);
    assert_int_not_equal(access(stage->path, F_OK), 0);
}

static void a_file_that_cannot_be_replaced_costs_nothing_but_leases(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(mkdir(stage->path, 0700), 0); /* nothing can take its place */
    for (uint16_t port = 30001; port <= 30003; port++) {
        m4h_leases_grant(stage->leases, port, port);
        m4h_lease_file_changed(stage->file);
    }
    close_file(stage);
    open_file(stage);
    assert_int_equal(m4h_leases_holder(stage->leases, 30001), 0);
    close_file(stage);
}

static void a_broken_file_is_forgotten_and_replaced(void **state)
{
    struct stage *stage = *state;
    FILE *file;

    close_file(stage);
    file = fopen(stage->path, "we");
    assert_non_null(file);
    fputs("mas4h-leases 1\n30001 7 0\nend 9\n", file);
    fclose(file);
    open_file(stage);
    assert_int_equal(m4h_leases_holder(stage->leases, 30001), 0);
    m4h_leases_grant(stage->leases, 30002, 8);
    m4h_lease_file_changed(stage->file);
    close_file(stage);
    assert_true(file_holds(stage, "end 1\n"));
}

static void a_folder_with_too_long_a_name_is_refused(void **state)
{
    struct stage *stage = *state;
    struct m4h_lease_file *file;
    char *dir = malloc(8192);

    assert_non_null(dir);
    memset(dir, 'a', 8191);
    dir[8191] = '\0';
    assert_int_equal(m4h_lease_file_open(&file, stage->loop, dir, stage->leases), M4H_EINVALID);
    assert_null(file);
    m4h_lease_file_close(NULL);
    free(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_in_the_file_soon_after_and_those_that_follow_too),
        TEST(what_was_written_comes_back),
        TEST(the_end_writes_what_no_change_had_told),
        TEST(a_file_that_nobody_used_is_left_alone),
        TEST(a_file_that_cannot_be_replaced_costs_nothing_but_leases),
        TEST(a_broken_file_is_forgotten_and_replaced),
        TEST(a_folder_with_too_long_a_name_is_refused),
    };

    return cmocka_run_group_tests_name("slave: lease file", tests, NULL, NULL);
}
