/* What the service manager is told, read from a socket as systemd's. */
#include "lib/net/supervisor.h"
#include "tests/unit/net_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WATCHDOG_US "60000"
#define TOLD_MAX    512

/* systemd's end. */
struct manager {
    int fd;
    char folder[32];
    char path[64];
    char told[TOLD_MAX]; /* the latest message */
    unsigned signs;      /* WATCHDOG=1 so far */
};

static void open_manager(struct manager *manager)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *manager = (struct manager){.folder = "/tmp/m4h-notify-XXXXXX"};
    assert_non_null(mkdtemp(manager->folder));
    snprintf(manager->path, sizeof(manager->path), "%s/notify", manager->folder);
    memcpy(address.sun_path, manager->path, sizeof(manager->path));
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", manager->path, 1);
}

static void close_manager(struct manager *manager)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(manager->fd);
    unlink(manager->path);
    rmdir(manager->folder);
}

/* Reads the next message; "" where there is none. */
static const char *next_told(struct manager *manager)
{
    ssize_t len = recv(manager->fd, manager->told, sizeof(manager->told) - 1, 0);

    manager->told[len > 0 ? len : 0] = '\0';
    return manager->told;
}

static bool has_three_signs(void *context)
{
    struct manager *manager = context;

    while (next_told(manager)[0] != '\0')
        manager->signs += strcmp(manager->told, "WATCHDOG=1") == 0;
    return manager->signs >= 3;
}

static void each_state_is_told_in_the_words_of_sd_notify(void **state)
{
    struct m4h_supervisor *supervisor;
    struct manager manager;
    struct timespec now;
    unsigned long long reload_us, now_us;

    open_manager(&manager);
    assert_int_equal(m4h_supervisor_create(&supervisor, *state, NULL, NULL), 0);
    m4h_supervisor_ready(supervisor);
    assert_string_equal(next_told(&manager), "READY=1");
    m4h_supervisor_reloading(supervisor);
    clock_gettime(CLOCK_MONOTONIC, &now);
    now_us = (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
    assert_int_equal(sscanf(next_told(&manager), "RELOADING=1\nMONOTONIC_USEC=%llu", &reload_us),
                     1);
    assert_true(reload_us <= now_us && now_us - reload_us < 10000000);
    m4h_supervisor_stopping(supervisor, 2500);
    assert_string_equal(next_told(&manager), "STOPPING=1\nEXTEND_TIMEOUT_USEC=2500000");
    m4h_supervisor_close(supervisor);
    close_manager(&manager);
}

static void a_status_is_told_when_it_changes(void **state)
{
    struct m4h_supervisor *supervisor;
    struct manager manager;

    open_manager(&manager);
    assert_int_equal(m4h_supervisor_create(&supervisor, *state, NULL, NULL), 0);
    m4h_supervisor_status(supervisor, "%d tunnels", 1);
    m4h_supervisor_status(supervisor, "%d tunnels", 1);
    m4h_supervisor_status(supervisor, "%d tunnels", 2);
    assert_string_equal(next_told(&manager), "STATUS=1 tunnels");
    assert_string_equal(next_told(&manager), "STATUS=2 tunnels");
    assert_string_equal(next_told(&manager), "");
    m4h_supervisor_close(supervisor);
    close_manager(&manager);
}

static bool as_said(void *context)
{
    return *(bool *)context;
}

static void signs_of_life_are_given_while_it_lives(void **state)
{
    struct m4h_supervisor *supervisor;
    struct manager manager;
    bool alive = true;

    open_manager(&manager);
    setenv("WATCHDOG_USEC", WATCHDOG_US, 1);
    assert_int_equal(m4h_supervisor_create(&supervisor, *state, as_said, &alive), 0);
    run_until(*state, has_three_signs, &manager);
    alive = false;
    manager.signs = 0;
    run_for(*state, 150);
    assert_false(has_three_signs(&manager));
    assert_int_equal(manager.signs, 0);
    alive = true;
    run_until(*state, has_three_signs, &manager);
    m4h_supervisor_close(supervisor);
    close_manager(&manager);
}

static void no_sign_is_given_where_none_is_asked_for(void **state)
{
    struct m4h_supervisor *supervisor;
    struct manager manager;

    open_manager(&manager);
    assert_int_equal(m4h_supervisor_create(&supervisor, *state, NULL, NULL), 0);
    run_for(*state, 50);
    assert_string_equal(next_told(&manager), "");
    m4h_supervisor_close(supervisor);
    m4h_supervisor_close(NULL);
    close_manager(&manager);
}

static void without_a_manager_nothing_is_told(void **state)
{
    struct m4h_supervisor *supervisor;

    assert_int_equal(m4h_supervisor_create(&supervisor, *state, NULL, NULL), 0);
    m4h_supervisor_ready(supervisor);
    m4h_supervisor_status(supervisor, "up");
    m4h_supervisor_close(supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_is_told_in_the_words_of_sd_notify),
        cmocka_unit_test(a_status_is_told_when_it_changes),
        cmocka_unit_test(signs_of_life_are_given_while_it_lives),
        cmocka_unit_test(no_sign_is_given_where_none_is_asked_for),
        cmocka_unit_test(without_a_manager_nothing_is_told),
    };

    return cmocka_run_group_tests_name("net: supervisor", tests, stage_begin, stage_end);
}
