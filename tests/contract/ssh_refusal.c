/* A real client is told why no session is made for it. */
#include "lib/net/socket.h"
#include "lib/ssh/refusal.h"
#include "tests/contract/ssh_program.h"
#include "tests/unit/net_stage.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_client_shows_why_it_was_refused(void **state)
{
    static const char *const messages[] = {"", "f", "the server is full: try again later"};
    const struct m4h_address loopback = {.host = "127.0.0.1"};
    uint16_t port;
    int listening;

    assert_int_equal(m4h_socket_listen(&loopback, false, 1, &listening, &port), 0);
    for (size_t i = 0; i < M4H_COUNT(messages); i++) {
        char text[16];
        const char *const argv[] = {"ssh",
                                    "-F",
                                    "none",
                                    "-o",
                                    "BatchMode=yes",
                                    "-p",
                                    text,
                                    "-o",
                                    "UserKnownHostsFile=/dev/null",
                                    "-N",
                                    "127.0.0.1",
                                    NULL};
        struct program client = {0};
        struct pollfd waiting = {.fd = listening, .events = POLLIN};
        char expected[100];
        int fd;

        snprintf(text, sizeof(text), "%u", port);
        program_start(&client, *state, argv);
        assert_int_equal(poll(&waiting, 1, 10000), 1);
        fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        assert_true(fd >= 0);
        waiting.fd = fd; /* until it has named itself, as one that waited in the queue has */
        assert_int_equal(poll(&waiting, 1, 10000), 1);
        m4h_ssh_refusal_write(fd, messages[i]);
        close(fd);
        run_until(*state, program_has_ended, &client);
        snprintf(expected, sizeof(expected), "port %u:12: %s", port, messages[i]);
        if (strstr(client.output, expected) == NULL)
            fail_msg("no \"%s\" in: %s", expected, client.output);
        program_stop(&client);
    }
    close(listening);
}

/* The packet of RFC 4253 section 6, by hand: what a lenient client would not show. */
static void what_is_written_is_one_whole_packet(void **state)
{
    char message[300];

    (void)state;
    memset(message, 'x', sizeof(message) - 1);
    for (size_t len = 0; len < sizeof(message); len += 7) {
        uint8_t got[600];
        ssize_t count;
        size_t length, padding;
        int fds[2];

        message[sizeof(message) - 1] = '\0';
        tcp_pair(fds);
        m4h_ssh_refusal_write(fds[1], message + sizeof(message) - 1 - len);
        count = recv(fds[0], got, sizeof(got), 0);
        assert_true(count > 16);
        assert_memory_equal(got, "SSH-2.0-mas4h\r\n", 15);
        length = (size_t)got[15] << 24 | (size_t)got[16] << 16 | (size_t)got[17] << 8 | got[18];
        padding = got[19];
        assert_int_equal((size_t)count, 15 + 4 + length);
        assert_int_equal((4 + length) % 8, 0);
        assert_in_range(padding, 4, 12);
        assert_int_equal(length - padding - 1 - 13, len < 200 ? len : 200);
        close(fds[0]);
        close(fds[1]);
    }
}

static int bytes_waiting(int fd)
{
    int waiting;

    assert_int_equal(ioctl(fd, FIONREAD, &waiting), 0);
    return waiting;
}

/* It must not hold up the others. */
static void one_that_sends_without_end_is_not_read_without_end(void **state)
{
    char data[1024] = {0};
    int fds[2], sent;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    while (send(fds[0], data, sizeof(data), MSG_DONTWAIT) > 0)
        continue;
    sent = bytes_waiting(fds[1]);
    assert_true(sent > 30000);
    m4h_ssh_refusal_write(fds[1], "the server is full: try again later");
    assert_in_range(bytes_waiting(fds[1]), sent - 16384, sent - 1024);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_shows_why_it_was_refused),
        cmocka_unit_test(what_is_written_is_one_whole_packet),
        cmocka_unit_test(one_that_sends_without_end_is_not_read_without_end),
    };

    return cmocka_run_group_tests_name("ssh: refusal", tests, stage_begin, stage_end);
}
