#include "services/ctl/core/top.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#define WALL_MS 1769860800250u

static struct m4h_ctl_top top;
static struct m4h_slave_status slaves[60];
static struct m4h_cluster_status cluster;
static struct m4h_ctl_page page;
static struct m4h_ctl_screen screen;

static int begin(void **state)
{
    (void)state;
    m4h_ctl_top_begin(&top);
    m4h_ctl_page_begin(&page, false);
    memset(&cluster, 0, sizeof(cluster));
    memset(slaves, 0, sizeof(slaves));
    for (unsigned i = 0; i < 60; i++) {
        snprintf(slaves[i].slave_id, sizeof(slaves[i].slave_id), "slave-%u", i + 1);
        slaves[i].state = M4H_SLAVE_READY;
        slaves[i].info.capacity = 100;
        slaves[i].info.started_wall_ms = 1;
    }
    screen = (struct m4h_ctl_screen){
        .rows = 24, .columns = 80, .is_utf8 = true, .url = "http://x", .wall_ms = WALL_MS};
    return 0;
}

static int end(void **state)
{
    (void)state;
    m4h_ctl_top_end(&top);
    m4h_ctl_page_end(&page);
    return 0;
}

static const char *draw(void)
{
    m4h_buffer_clear(&page.text);
    m4h_ctl_top_draw(&top, &screen, &page);
    assert_int_equal(page.error, 0);
    assert_int_equal(m4h_buffer_add(&page.text, "", 1), 0);
    return (const char *)page.text.data;
}

static void rates_are_what_changed_between_two_looks(void **state)
{
    (void)state;
    slaves[0].bytes_from_device = 1000;
    cluster.tunnels = 10;
    assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 2, 5000), 0);
    assert_int_equal(top.slaves[0].from_per_second, 0);
    slaves[0].bytes_from_device = 5000;
    cluster.tunnels = 30;
    assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 2, 7000), 0);
    assert_int_equal(top.slaves[0].from_per_second, 2000);
    assert_true(top.tunnels_per_second > 9.99 && top.tunnels_per_second < 10.01);
}

static void a_slave_that_was_restarted_has_no_rate_yet(void **state)
{
    (void)state;
    slaves[0].bytes_to_device = 1000;
    assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 1, 5000), 0);
    slaves[0].info.started_wall_ms = 2;
    slaves[0].bytes_to_device = 9000;
    assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 1, 7000), 0);
    assert_int_equal(top.slaves[0].to_per_second, 0);
}

/* Columns of a line, escape sequences not counted. */
static size_t width_of(const char *line, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\x1b') {
            while (i < len && strchr("HJKm", line[i]) == NULL)
                i++;
        } else if (line[i] != '\r') {
            width += ((unsigned char)line[i] & 0xc0) != 0x80;
        }
    }
    return width;
}

static void no_line_is_wider_and_the_page_no_longer_than_the_screen(void **state)
{
    (void)state;
    cluster.tunnels = 1000;
    for (unsigned i = 0; i < 300; i++) {
        cluster.tunnels += i % 7;
        assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 60, 1000 + i * 2000), 0);
    }
    for (screen.rows = 1; screen.rows < 70; screen.rows++) {
        for (screen.columns = 1; screen.columns < 200; screen.columns += 13) {
            const char *text = draw();
            unsigned rows = 1;

            for (const char *line = text; *line != '\0';) {
                size_t len = strcspn(line, "\n");

                assert_true(width_of(line, len) <= screen.columns);
                rows += line[len] == '\n';
                line += len + (line[len] == '\n');
            }
            assert_true(rows <= screen.rows);
        }
    }
}

static void one_can_scroll_to_the_last_slave_and_not_past_it(void **state)
{
    (void)state;
    assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 60, 1000), 0);
    m4h_ctl_top_scroll(&top, -5, 24);
    assert_int_equal(top.first, 0);
    m4h_ctl_top_scroll(&top, 1000, 24);
    assert_int_equal(top.first, 42);
    assert_non_null(strstr(draw(), "slave-60 "));
    assert_non_null(strstr(draw(), "slaves 43-60 of 60"));
    assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 2, 3000), 0);
    assert_int_equal(top.first, 1);
}

static void a_look_that_failed_says_since_when_and_keeps_what_was_seen(void **state)
{
    (void)state;
    m4h_ctl_top_fail(&top, "no way");
    assert_non_null(strstr(draw(), "nothing is known: no way"));
    assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 2, 1000), 0);
    m4h_ctl_top_fail(&top, "no way");
    screen.now_ms = 8000;
    assert_non_null(strstr(draw(), "not up to date for 7s: no way"));
    assert_non_null(strstr(draw(), "slave-2 "));
    assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 2, 9000), 0);
    assert_null(strstr(draw(), "no way"));
}

static void without_utf8_only_ascii_is_drawn(void **state)
{
    (void)state;
    screen.is_utf8 = false;
    assert_int_equal(m4h_ctl_top_take(&top, &cluster, slaves, 2, 1000), 0);
    for (const char *c = draw(); *c != '\0'; c++)
        assert_true((unsigned char)*c < 0x80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rates_are_what_changed_between_two_looks, begin, end),
        cmocka_unit_test_setup_teardown(a_slave_that_was_restarted_has_no_rate_yet, begin, end),
        cmocka_unit_test_setup_teardown(no_line_is_wider_and_the_page_no_longer_than_the_screen,
                                        begin, end),
        cmocka_unit_test_setup_teardown(one_can_scroll_to_the_last_slave_and_not_past_it, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_look_that_failed_says_since_when_and_keeps_what_was_seen,
                                        begin, end),
        cmocka_unit_test_setup_teardown(without_utf8_only_ascii_is_drawn, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
