/* Accepting: peers, floods, pauses, a process without files, and the end. */
#include "lib/net/listener.h"
#include "lib/net/socket.h"
#include "tests/unit/net_stage.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 100

struct door {
    struct m4h_listener *listener;
    uint16_t port;
    unsigned accepted;
    unsigned expected;
    bool close_at_once;
    bool pause_at_once;
    int flags; /* of the last descriptor */
    char peer[M4H_ADDRESS_TEXT_MAX];
};

static void on_accept(void *context, int fd, const char *peer)
{
    struct door *door = context;

    door->accepted++;
    door->flags = fcntl(fd, F_GETFL) & O_NONBLOCK && fcntl(fd, F_GETFD) & FD_CLOEXEC;
    snprintf(door->peer, sizeof(door->peer), "%s", peer);
    close(fd);
    if (door->close_at_once)
        m4h_listener_close(door->listener);
    if (door->pause_at_once)
        m4h_listener_pause(door->listener);
}

static void open_door(struct m4h_loop *loop, struct door *door)
{
    const struct m4h_address loopback = {.host = "127.0.0.1"};
    int fd;

    assert_int_equal(m4h_socket_listen(&loopback, false, CLIENTS_MAX, &fd, &door->port), 0);
    assert_int_equal(m4h_listener_start(&door->listener, loop, fd, on_accept, door), 0);
}

static int try_connect(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void come(const struct door *door, int clients[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        clients[i] = try_connect(door->port);
        assert_true(clients[i] >= 0);
    }
}

static void go(const int clients[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(clients[i]);
}

static bool all_are_in(void *context)
{
    const struct door *door = context;

    return door->accepted == door->expected;
}

static void a_client_is_handed_over_with_its_address(void **state)
{
    struct door door = {.expected = 1};
    struct sockaddr_in own;
    socklen_t len = sizeof(own);
    char expected[32];
    int client;

    open_door(*state, &door);
    come(&door, &client, 1);
    run_until(*state, all_are_in, &door);
    assert_int_equal(getsockname(client, (struct sockaddr *)&own, &len), 0);
    snprintf(expected, sizeof(expected), "127.0.0.1:%u", ntohs(own.sin_port));
    assert_string_equal(door.peer, expected);
    assert_true(door.flags);
    go(&client, 1);
    m4h_listener_close(door.listener);
}

static void a_flood_comes_in_whole(void **state)
{
    struct door door = {.expected = CLIENTS_MAX};
    int clients[CLIENTS_MAX];

    open_door(*state, &door);
    come(&door, clients, CLIENTS_MAX);
    run_until(*state, all_are_in, &door);
    go(clients, CLIENTS_MAX);
    m4h_listener_close(door.listener);
}

static void a_listener_may_be_closed_in_its_own_callback(void **state)
{
    struct door door = {.close_at_once = true, .expected = 1};
    int clients[3];

    open_door(*state, &door);
    come(&door, clients, 3);
    run_until(*state, all_are_in, &door);
    run_for(*state, 10);
    assert_int_equal(door.accepted, 1);
    assert_int_equal(try_connect(door.port), -1);
    go(clients, 3);
}

static void while_it_pauses_clients_wait(void **state)
{
    struct door door = {.pause_at_once = true, .expected = 1};
    int clients[3];

    open_door(*state, &door);
    come(&door, clients, 3);
    run_until(*state, all_are_in, &door);
    run_for(*state, 10);
    assert_int_equal(door.accepted, 1);
    door.pause_at_once = false;
    door.expected = 3;
    m4h_listener_resume(door.listener);
    run_until(*state, all_are_in, &door);
    go(clients, 3);
    m4h_listener_close(door.listener);
}

/* The lowest descriptor that is free: files below it are all open. */
static rlim_t first_free_file(void)
{
    int fd = dup(0);

    assert_true(fd >= 0);
    close(fd);
    return (rlim_t)fd;
}

static void without_a_free_file_it_waits_and_goes_on_later(void **state)
{
    struct door door = {.expected = 2};
    struct rlimit before, none;
    int clients[2];

    open_door(*state, &door);
    run_for(*state, 1); /* what the loop opens for itself is open now */
    come(&door, clients, 2);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = first_free_file();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    run_for(*state, 50);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(door.accepted, 0);
    run_until(*state, all_are_in, &door);
    go(clients, 2);
    m4h_listener_close(door.listener);
}

static void all_that_wait_for_files_go_on_later(void **state)
{
    struct door doors[3] = {{.expected = 1}, {.expected = 1}, {.expected = 1}};
    struct rlimit before, none;
    int clients[3];

    for (int i = 0; i < 3; i++)
        open_door(*state, &doors[i]);
    run_for(*state, 1);
    for (int i = 0; i < 3; i++)
        come(&doors[i], &clients[i], 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = first_free_file();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    run_for(*state, 20);
    m4h_listener_close(doors[1].listener);
    run_for(*state, 20);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    run_until(*state, all_are_in, &doors[0]);
    run_until(*state, all_are_in, &doors[2]);
    assert_int_equal(doors[1].accepted, 0);
    go(clients, 3);
    m4h_listener_close(doors[0].listener);
    m4h_listener_close(doors[2].listener);
}

static void it_may_be_closed_while_it_waits_for_files(void **state)
{
    struct door door = {0};
    struct rlimit before, none;
    int client;

    open_door(*state, &door);
    come(&door, &client, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = first_free_file();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    run_for(*state, 20);
    m4h_listener_pause(door.listener);
    m4h_listener_resume(door.listener);
    m4h_listener_close(door.listener);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    run_for(*state, 250);
    assert_int_equal(door.accepted, 0);
    go(&client, 1);
}

static void closing_nothing_is_harmless(void **state)
{
    (void)state;
    m4h_listener_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_handed_over_with_its_address),
        cmocka_unit_test(a_flood_comes_in_whole),
        cmocka_unit_test(a_listener_may_be_closed_in_its_own_callback),
        cmocka_unit_test(while_it_pauses_clients_wait),
        cmocka_unit_test(without_a_free_file_it_waits_and_goes_on_later),
        cmocka_unit_test(all_that_wait_for_files_go_on_later),
        cmocka_unit_test(it_may_be_closed_while_it_waits_for_files),
        cmocka_unit_test(closing_nothing_is_harmless),
    };

    return cmocka_run_group_tests_name("net: listener", tests, stage_begin, stage_end);
}
