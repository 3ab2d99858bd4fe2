#include "services/ctl/core/views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* 2026-01-31T12:00:00.250Z */
#define WALL_MS 1769860800250u

static struct m4h_ctl_page page;

static int begin(void **state)
{
    (void)state;
    m4h_ctl_page_begin(&page, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    m4h_ctl_page_end(&page);
    return 0;
}

static const char *text(void)
{
    assert_int_equal(page.error, 0);
    assert_int_equal(m4h_buffer_add(&page.text, "", 1), 0);
    return (const char *)page.text.data;
}

static void the_cluster_has_totals_regions_and_masters(void **state)
{
    const struct m4h_cluster_status cluster = {
        .master_id = "master-2",
        .version = "5.0.0",
        .slaves = 2,
        .slaves_ready = 1,
        .tunnels = 1234,
        .capacity = 19000,
        .masters = {{.master_id = "master-1",
                     .version = "5.0.0",
                     .started_wall_ms = WALL_MS - 5000}},
        .master_count = 1,
    };
    const struct m4h_region_status region = {"eu", 2, 1, 1234, 19000};

    (void)state;
    m4h_ctl_view_status(&page, &cluster, &region, 1, WALL_MS);
    assert_string_equal(text(), "slaves        1 ready of 2\n"
                                "tunnels       1,234 of 19,000 (6%)\n"
                                "connections   0 of operators\n"
                                "flapping      0 devices\n"
                                "answered by   master-2, version 5.0.0, which still learns\n"
                                "\n"
                                "REGION  SLAVES  TUNNELS  CAPACITY  LOAD\n"
                                "eu         1/2     1234     19000    6%\n"
                                "\n"
                                "MASTER    VERSION  UP  SEEN\n"
                                "master-1  5.0.0    5s     -\n");
}

static void a_slave_of_ipv6_has_brackets_and_what_it_does_not_say_a_dash(void **state)
{
    const struct m4h_slave_status slave = {
        .slave_id = "slave-1",
        .region = "eu",
        .state = M4H_SLAVE_DRAINING,
        .info = {.host = "2001:db8::1", .port = 22, .capacity = 100},
        .tunnels = 95,
    };
    struct m4h_ctl_table table;

    (void)state;
    m4h_ctl_view_slaves(&table);
    m4h_ctl_view_slaves_row(&table, &slave, WALL_MS);
    m4h_ctl_table_write(&table, &page);
    m4h_ctl_table_end(&table);
    assert_string_equal(
        text(), "SLAVE    REGION  STATE     TUNNELS  LOAD  CONN  CPU  UP  SEEN  VERSION  ADDRESS\n"
                "slave-1  eu      draining   95/100   95%     0   0%   -     -  -        "
                "[2001:db8::1]:22\n");
}

static void a_tunnel_says_how_it_is_reached(void **state)
{
    const struct m4h_tunnel_status tunnel = {
        .tunnel = {.client_key = "door-7",
                   .tunnel_id = 0xabc,
                   .ports = {40001, 40002},
                   .port_count = 2,
                   .connected_wall_ms = WALL_MS - 3600000},
        .slave_id = "slave-1",
        .region = "eu",
        .host = "bounce.example.com",
        .flapping = true,
    };
    struct m4h_tunnel_status labelled = tunnel;

    (void)state;
    m4h_ctl_view_tunnel(&page, &tunnel, WALL_MS);
    assert_string_equal(text(), "client key    door-7\n"
                                "reached at    bounce.example.com:40001\n"
                                "and at        bounce.example.com:40002\n"
                                "by ssh        ssh -p 40001 bounce.example.com\n"
                                "slave         slave-1, region eu\n"
                                "from          -\n"
                                "connected     2026-01-31T11:00:00.250Z (1h00m ago)\n"
                                "key           -\n"
                                "client        -\n"
                                "labels        -\n"
                                "tunnel id     0000000000000abc\n"
                                "flapping      yes: several devices use this key\n");
    m4h_buffer_clear(&page.text);
    m4h_text_copy(labelled.tunnel.labels, sizeof(labelled.tunnel.labels), "site=berlin");
    m4h_ctl_view_tunnel(&page, &labelled, WALL_MS);
    assert_non_null(strstr(text(), "labels        site=berlin\n"));
}

static void an_event_is_one_line(void **state)
{
    struct m4h_event event = {.slave_id = "slave-1",
                              .region = "eu",
                              .wall_ms = WALL_MS,
                              .type = M4H_EVENT_DISCONNECT,
                              .as.disconnect = {.client_key = "door-7",
                                                .reason = M4H_DISCONNECT_KICKED,
                                                .bytes_from_device = 2048,
                                                .duration_ms = 61000}};

    (void)state;
    m4h_ctl_view_event(&page, &event);
    event.type = M4H_EVENT_REFUSE;
    memset(&event.as, 0, sizeof(event.as));
    event.as.refuse = (struct m4h_refuse){
        .reason = M4H_REFUSE_FULL, .detail = "no room", .remote_address = "192.0.2.1:5"};
    m4h_ctl_view_event(&page, &event);
    event.type = M4H_EVENT_STOP;
    m4h_ctl_view_event(&page, &event);
    assert_string_equal(
        text(),
        "2026-01-31T12:00:00.250Z disconnect eu/slave-1  door-7 kicked after 1m01s, 2.0 KiB from "
        "it, 0 B to it\n"
        "2026-01-31T12:00:00.250Z refuse     eu/slave-1  full from 192.0.2.1:5: no room\n"
        "2026-01-31T12:00:00.250Z stop       eu/slave-1  \n");
}

static void an_access_is_one_line(void **state)
{
    struct m4h_event event = {.slave_id = "slave-1",
                              .region = "eu",
                              .wall_ms = WALL_MS,
                              .type = M4H_EVENT_ACCESS,
                              .as.access = {.phase = M4H_ACCESS_CLOSED,
                                            .operator_name = "anna",
                                            .client_key = "door-7",
                                            .port = 22,
                                            .remote_address = "192.0.2.1:5",
                                            .bytes_from_device = 2048,
                                            .duration_ms = 61000}};

    (void)state;
    m4h_ctl_view_event(&page, &event);
    event.as.access.phase = M4H_ACCESS_REFUSED;
    m4h_text_copy(event.as.access.detail, sizeof(event.as.access.detail), "no rule lets it");
    m4h_ctl_view_event(&page, &event);
    event.type = M4H_EVENT_RELOAD;
    event.as.reload =
        (struct m4h_reload){.actor = "SIGHUP", .settings = {"log.level"}, .setting_count = 1};
    m4h_ctl_view_event(&page, &event);
    assert_string_equal(
        text(),
        "2026-01-31T12:00:00.250Z access     eu/slave-1  closed anna to door-7 port 22 from "
        "192.0.2.1:5 after 1m01s, 2.0 KiB from it, 0 B to it\n"
        "2026-01-31T12:00:00.250Z access     eu/slave-1  refused anna to door-7 port 22 from "
        "192.0.2.1:5: no rule lets it\n"
        "2026-01-31T12:00:00.250Z reload     eu/slave-1  by SIGHUP: log.level\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_cluster_has_totals_regions_and_masters, begin, end),
        cmocka_unit_test_setup_teardown(
            a_slave_of_ipv6_has_brackets_and_what_it_does_not_say_a_dash, begin, end),
        cmocka_unit_test_setup_teardown(a_tunnel_says_how_it_is_reached, begin, end),
        cmocka_unit_test_setup_teardown(an_event_is_one_line, begin, end),
        cmocka_unit_test_setup_teardown(an_access_is_one_line, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
