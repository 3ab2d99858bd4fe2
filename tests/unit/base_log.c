/* lib/base/log: quoting, levels, lines and their limit. */
#include "lib/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What one call logs at INFO; the caller frees it. */
static char *logged(const char *value)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    char *line = calloc(1, 4 * M4H_LOG_LINE_MAX);

    assert_non_null(file);
    assert_non_null(line);
    dup2(fileno(file), STDERR_FILENO);
    m4h_log(M4H_LOG_INFO, "test", "value=%s done", value);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    line[fread(line, 1, 4 * M4H_LOG_LINE_MAX - 1, file)] = '\0';
    fclose(file);
    return line;
}

static void quoted_values_are_one_printable_word(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *quoted;
    } cases[] = {
        {"plain", 32, "\"plain\""},
        {"", 32, "\"\""},
        {"a\"b\\c", 32, "\"a\\\"b\\\\c\""},
        {"a\nb\x1b[0m", 32, "\"a\\x0ab\\x1b[0m\""},
        {"caf\xc3\xa9", 32, "\"caf\xc3\xa9\""},
        {"\xff\xc3\xa9", 32, "\"\\xff\\xc3\\xa9\""},
        {"abcdef", 6, "\"abc\""},
        {"abc\n", 7, "\"abc\""},
        {"abc\xc3\xa9", 7, "\"abc\""},
        {"abc\xc3\xa9", 8, "\"abc\xc3\xa9\""},
        {"abc", 3, "\"\""},
        {"abc", 2, ""},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        char out[32];

        assert_string_equal(m4h_log_quote(out, cases[i].size, cases[i].text), cases[i].quoted);
    }
}

static void levels_have_names(void **state)
{
    enum m4h_log_level level;

    (void)state;
    assert_true(m4h_log_level_parse("error", &level) && level == M4H_LOG_ERROR);
    assert_true(m4h_log_level_parse("warning", &level) && level == M4H_LOG_WARNING);
    assert_true(m4h_log_level_parse("info", &level) && level == M4H_LOG_INFO);
    assert_true(m4h_log_level_parse("debug", &level) && level == M4H_LOG_DEBUG);
    assert_false(m4h_log_level_parse("INFO", &level));
    assert_false(m4h_log_level_parse("", &level));
}

static void a_line_has_time_level_component_and_message(void **state)
{
    char *line;

    (void)state;
    unsetenv("JOURNAL_STREAM");
    line = logged("1");
    assert_string_equal(line + strlen("2026-01-31T23:59:59.999Z"), " info test value=1 done\n");
    free(line);
}

static void under_systemd_a_line_begins_with_its_severity(void **state)
{
    char *line;

    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1);
    line = logged("1");
    assert_string_equal(line, "<6>info test value=1 done\n");
    free(line);
    unsetenv("JOURNAL_STREAM");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    char value[3 * M4H_LOG_LINE_MAX];
    char *line;

    (void)state;
    memset(value, 'x', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    line = logged(value);
    assert_true(strlen(line) < M4H_LOG_LINE_MAX);
    assert_true(strlen(line) > M4H_LOG_LINE_MAX - 8);
    assert_int_equal(line[strlen(line) - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    free(line);
}

static void a_lower_level_keeps_quiet(void **state)
{
    char *line;

    (void)state;
    m4h_log_set_level(M4H_LOG_WARNING);
    line = logged("1");
    assert_string_equal(line, "");
    free(line);
    assert_true(m4h_log_is_on(M4H_LOG_ERROR));
    assert_false(m4h_log_is_on(M4H_LOG_INFO));
    m4h_log_set_level(M4H_LOG_INFO);
}

static void a_flood_is_held_back_and_counted(void **state)
{
    struct m4h_log_limit limit = {0};
    uint32_t suppressed = 99;
    unsigned passed = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        passed += m4h_log_limit_allows(&limit, 5000, &suppressed);
    assert_int_equal(passed, 20);
    assert_int_equal(suppressed, 0);
    assert_false(m4h_log_limit_allows(&limit, 5999, &suppressed));
    assert_true(m4h_log_limit_allows(&limit, 6000, &suppressed));
    assert_int_equal(suppressed, 981);
    assert_true(m4h_log_limit_allows(&limit, 6000, &suppressed));
    assert_int_equal(suppressed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoted_values_are_one_printable_word),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(a_line_has_time_level_component_and_message),
        cmocka_unit_test(under_systemd_a_line_begins_with_its_severity),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(a_lower_level_keeps_quiet),
        cmocka_unit_test(a_flood_is_held_back_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
