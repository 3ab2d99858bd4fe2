/* The configuration of a running service, read again. */
#include "tests/unit/config_fixture.h"

#include "lib/base/attributes.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/config/reload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOGGED_MAX 4096

/* A service that was started with a file, and what reloads of it logged. */
struct service {
    char *path; /* owned, with its folder */
    char *argv[6];
    struct m4h_config_source source;
    struct sample config;
    unsigned changed;
    char logged[LOGGED_MAX];
};

static void rewrite(const struct service *service, const char *content)
{
    FILE *file = fopen(service->path, "w");

    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    fclose(file);
}

static void start(struct service *service, const char *content)
{
    memset(service, 0, sizeof(*service));
    service->path = write_file(content, strlen(content));
    service->argv[0] = (char *)"sample";
    service->argv[1] = (char *)"--set";
    service->argv[2] = (char *)"general.mode=proxy";
    service->argv[3] = (char *)"--config";
    service->argv[4] = service->path;
    assert_int_equal(
        m4h_config_from_command_line(&sample_table, 5, service->argv, &service->config),
        M4H_CONFIG_RUN);
    m4h_config_source_init(&service->source, &sample_table, 5, service->argv);
}

static void stop(struct service *service)
{
    m4h_config_free(&sample_table, &service->config);
    remove_file(service->path);
}

/* Reloads, and keeps what was logged meanwhile. */
static int reload(struct service *service)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    int error;

    assert_non_null(file);
    dup2(fileno(file), STDERR_FILENO);
    error = m4h_config_reload(&service->source, &service->config, &service->changed);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    service->logged[fread(service->logged, 1, LOGGED_MAX - 1, file)] = '\0';
    fclose(file);
    return error;
}

static void reloadable_settings_that_changed_are_taken_over(void **state)
{
    struct service service;

    (void)state;
    start(&service, "[tunnel]\nport_max = 5000\n[general]\nname = old\n");
    rewrite(&service, "[tunnel]\nport_max = 5001\nport_min = 2001\n[general]\nname = new\n");
    assert_int_equal(reload(&service), 0);
    assert_int_equal(service.changed, 3);
    assert_int_equal(service.config.port_max, 5001);
    assert_int_equal(service.config.port_min, 2001);
    assert_string_equal(service.config.name, "new");
    assert_contains(service.logged, "info config setting=tunnel.port_max changed\n");
    assert_null(strstr(service.logged, "restart"));
    stop(&service);
}

static void a_line_that_went_gives_the_default_back(void **state)
{
    struct service service;

    (void)state;
    start(&service, "[tunnel]\nport_max = 5000\n");
    rewrite(&service, "");
    assert_int_equal(reload(&service), 0);
    assert_int_equal(service.config.port_max, 3000);
    stop(&service);
}

static void the_command_line_wins_again(void **state)
{
    struct service service;

    (void)state;
    start(&service, "");
    rewrite(&service, "[general]\nmode = plain\n");
    assert_int_equal(reload(&service), 0);
    assert_int_equal(service.changed, 0);
    assert_int_equal(service.config.mode, 1);
    stop(&service);
}

static void what_takes_a_restart_stays_and_is_warned_of_once_each(void **state)
{
    struct service service;
    const char *id, *path;

    (void)state;
    start(&service, "[general]\nid = one\npath = /a\n");
    id = service.config.id;
    path = service.config.path;
    rewrite(&service, "[general]\nid = two\npath = /a\nname = x\n[tunnel]\nnodelay = no\n");
    assert_int_equal(reload(&service), 0);
    assert_int_equal(service.changed, 1);
    assert_string_equal(service.config.id, "one");
    assert_true(service.config.nodelay);
    assert_contains(service.logged, "warning config setting=general.id changed, which takes a "
                                    "restart: the old value stays\n");
    assert_contains(service.logged, "setting=tunnel.nodelay changed, which takes a restart");
    assert_null(strstr(service.logged, "general.path"));
    /* Others may hold on to these texts. */
    assert_ptr_equal(service.config.id, id);
    assert_ptr_equal(service.config.path, path);
    stop(&service);
}

static void a_bad_file_changes_nothing_and_says_what_is_wrong(void **state)
{
    static const struct {
        const char *content, *words;
    } cases[] = {
        {"[tunnel]\nport_max = 4000\nport_min = x\n",
         "sample.conf:3: [tunnel] port_min: expected a number from 1024 to 65535, got \"x\"\n"},
        {"[tunnel]\nport = 1\n", "sample.conf:2: unknown key \"port\""},
        {"[tunnel]\nport_min = 2999\nport_max = 2001\n", "port_min is above port_max"},
    };
    struct service service;

    (void)state;
    start(&service, "[tunnel]\nport_max = 5000\n");
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        rewrite(&service, cases[i].content);
        assert_int_equal(reload(&service), M4H_EINVALID);
        assert_int_equal(service.changed, 0);
        assert_int_equal(service.config.port_max, 5000);
        assert_int_equal(service.config.port_min, 2000);
        assert_contains(service.logged, cases[i].words);
        assert_contains(service.logged, "error config ");
        assert_null(strstr(service.logged, "mas4h-sample"));
        assert_contains(service.logged, "not reloaded: the old settings stay\n");
        assert_true(service.source.failed);
    }
    assert_int_equal(service.source.failures, M4H_COUNT(cases));
    rewrite(&service, "[tunnel]\nport_max = 5002\n");
    assert_int_equal(reload(&service), 0);
    assert_int_equal(service.config.port_max, 5002);
    assert_false(service.source.failed);
    stop(&service);
}

static void a_file_that_went_changes_nothing(void **state)
{
    struct service service;

    (void)state;
    start(&service, "[tunnel]\nport_max = 5000\n");
    assert_int_equal(unlink(service.path), 0);
    assert_int_equal(reload(&service), M4H_EINVALID);
    assert_int_equal(service.config.port_max, 5000);
    assert_contains(service.logged, "cannot be opened: No such file");
    stop(&service);
}

static void a_change_is_seen_when_the_file_has_settled(void **state)
{
    struct service service;

    (void)state;
    start(&service, "[tunnel]\nport_max = 5000\n");
    assert_false(m4h_config_source_has_changed(&service.source));
    rewrite(&service, "[tunnel]\nport_max = 500");
    assert_false(m4h_config_source_has_changed(&service.source));
    rewrite(&service, "[tunnel]\nport_max = 50010\n");
    assert_false(m4h_config_source_has_changed(&service.source));
    assert_true(m4h_config_source_has_changed(&service.source));
    assert_int_equal(reload(&service), 0);
    assert_false(m4h_config_source_has_changed(&service.source));
    /* One that is wrong is not tried again and again. */
    rewrite(&service, "nonsense\n");
    assert_false(m4h_config_source_has_changed(&service.source));
    assert_true(m4h_config_source_has_changed(&service.source));
    assert_int_equal(reload(&service), M4H_EINVALID);
    assert_false(m4h_config_source_has_changed(&service.source));
    stop(&service);
}

static void without_a_file_nothing_changes(void **state)
{
    char *argv[] = {(char *)"sample", (char *)"--set", (char *)"--config", NULL};
    struct m4h_config_source source;

    (void)state;
    m4h_config_source_init(&source, &sample_table, 3, argv);
    assert_null(source.file);
    assert_false(m4h_config_source_has_changed(&source));
}

static void metrics_tell_how_reloads_went(void **state)
{
    struct m4h_buffer out = M4H_BUFFER_INIT(4096);
    struct m4h_metrics metrics = {&out, 0};
    struct service service;

    (void)state;
    start(&service, "");
    assert_int_equal(reload(&service), 0);
    rewrite(&service, "x\n");
    assert_int_equal(reload(&service), M4H_EINVALID);
    m4h_config_source_write_metrics(&service.source, &metrics);
    assert_int_equal(metrics.error, 0);
    assert_int_equal(m4h_buffer_add(&out, "", 1), 0);
    assert_contains((char *)out.data, "mas4h_config_reloads_total{result=\"ok\"} 1\n");
    assert_contains((char *)out.data, "mas4h_config_reloads_total{result=\"failed\"} 1\n");
    assert_contains((char *)out.data, "mas4h_config_last_reload_successful 0\n");
    m4h_buffer_free(&out);
    stop(&service);
}

const struct CMUnitTest config_reload_tests[] = {
    cmocka_unit_test(reloadable_settings_that_changed_are_taken_over),
    cmocka_unit_test(a_line_that_went_gives_the_default_back),
    cmocka_unit_test(the_command_line_wins_again),
    cmocka_unit_test(what_takes_a_restart_stays_and_is_warned_of_once_each),
    cmocka_unit_test(a_bad_file_changes_nothing_and_says_what_is_wrong),
    cmocka_unit_test(a_file_that_went_changes_nothing),
    cmocka_unit_test(a_change_is_seen_when_the_file_has_settled),
    cmocka_unit_test(without_a_file_nothing_changes),
    cmocka_unit_test(metrics_tell_how_reloads_went),
};
const size_t config_reload_test_count = M4H_COUNT(config_reload_tests);
