/* What tells one content of a file from another (lib/base/file_mark.c), on real files. */
#include "lib/base/file_mark.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_S 5

static char path[] = "/tmp/mas4h-mark-XXXXXX";

static int begin(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd >= 0 && write(fd, "secret\n", 7) == 7 ? close(fd) : -1;
}

static int end(void **state)
{
    (void)state;
    return unlink(path);
}

/* File systems count time in ticks of milliseconds: what happens within one looks the same. */
static bool is_seen(const struct m4h_file_mark *before, mode_t mode)
{
    time_t deadline = time(NULL) + DEADLINE_S;
    struct m4h_file_mark now;

    do {
        assert_int_equal(chmod(path, mode), 0);
        now = m4h_file_mark_of(path);
    } while (m4h_file_mark_equals(&now, before) && time(NULL) < deadline);
    return !m4h_file_mark_equals(&now, before);
}

static void a_file_that_stays_as_it_is_has_the_same_mark(void **state)
{
    struct m4h_file_mark before = m4h_file_mark_of(path), after = m4h_file_mark_of(path);

    (void)state;
    assert_true(before.exists);
    assert_true(m4h_file_mark_equals(&before, &after));
}

static void a_file_that_becomes_readable_by_its_permissions_alone_is_another(void **state)
{
    struct m4h_file_mark before;

    (void)state;
    assert_int_equal(chmod(path, 0), 0);
    before = m4h_file_mark_of(path);
    assert_true(is_seen(&before, 0600));
}

static void what_is_not_there_has_a_mark_of_its_own(void **state)
{
    struct m4h_file_mark there = m4h_file_mark_of(path);
    struct m4h_file_mark missing = m4h_file_mark_of("/nonexistent/file");

    (void)state;
    assert_false(missing.exists);
    assert_false(m4h_file_mark_equals(&there, &missing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_stays_as_it_is_has_the_same_mark),
        cmocka_unit_test(a_file_that_becomes_readable_by_its_permissions_alone_is_another),
        cmocka_unit_test(what_is_not_there_has_a_mark_of_its_own),
    };

    return cmocka_run_group_tests_name("base: file mark", tests, begin, end);
}
