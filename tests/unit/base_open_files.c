/* The number of open files follows what is opened and closed. */
#include "lib/base/open_files.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void a_file_counts_from_open_to_close(void **state)
{
    uint32_t before = m4h_open_files_count();
    int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int second = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_true(before >= 3);
    assert_true(first >= 0 && second >= 0);
    assert_int_equal(m4h_open_files_count(), before + 2);
    close(first);
    assert_int_equal(m4h_open_files_count(), before + 1);
    close(second);
    assert_int_equal(m4h_open_files_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_counts_from_open_to_close),
    };

    return cmocka_run_group_tests_name("base: open files", tests, NULL, NULL);
}
