/* Listening sockets, and addresses as text. */
#include "lib/base/error.h"
#include "lib/net/socket.h"
#include "tests/unit/net_stage.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static struct m4h_address address_of(const char *text)
{
    struct m4h_address address;

    assert_int_equal(m4h_address_parse(text, &address), 0);
    return address;
}

static void an_address_is_written_as_logs_and_rest_show_it(void **state)
{
    static const struct {
        const char *host;
        uint16_t port;
        const char *expected;
    } cases[] = {
        {"192.0.2.1", 50022, "192.0.2.1:50022"},
        {"0.0.0.0", 0, "0.0.0.0:0"},
        {"255.255.255.255", 65535, "255.255.255.255:65535"},
        {"2001:db8::1", 50022, "[2001:db8::1]:50022"},
        {"::1", 22, "[::1]:22"},
        {"2001:db8:1111:2222:3333:4444:5555:6666", 65535,
         "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"},
        {"::ffff:192.0.2.1", 50022, "192.0.2.1:50022"},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(cases[i].port)};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(cases[i].port)};
        const struct sockaddr *address = (struct sockaddr *)&v4;
        char text[M4H_ADDRESS_TEXT_MAX];

        if (inet_pton(AF_INET, cases[i].host, &v4.sin_addr) != 1) {
            assert_int_equal(inet_pton(AF_INET6, cases[i].host, &v6.sin6_addr), 1);
            address = (struct sockaddr *)&v6;
        }
        assert_ptr_equal(m4h_socket_address_text(address, text), text);
        assert_string_equal(text, cases[i].expected);
    }
}

static void an_address_of_another_kind_is_unknown(void **state)
{
    struct sockaddr_storage other = {.ss_family = AF_UNIX};
    char text[M4H_ADDRESS_TEXT_MAX];

    (void)state;
    assert_string_equal(m4h_socket_address_text((struct sockaddr *)&other, text), "unknown");
}

static void any_port_is_one_that_is_told(void **state)
{
    static const char *const hosts[] = {"127.0.0.1:0", "localhost:0", ":0"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(hosts); i++) {
        const struct m4h_address address = address_of(hosts[i]);
        uint16_t port = 0;
        int fd;

        assert_int_equal(m4h_socket_listen(&address, false, 1, &fd, &port), 0);
        assert_int_not_equal(port, 0);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
    }
}

static void an_ipv6_address_is_listened_on_too(void **state)
{
    const struct m4h_address address = address_of("[::1]:0");
    uint16_t port = 0;
    int fd;
    int error = m4h_socket_listen(&address, false, 1, &fd, &port);

    (void)state;
    if (error == M4H_ESYSTEM)
        skip(); /* a machine without IPv6 */
    assert_int_equal(error, 0);
    assert_int_not_equal(port, 0);
    close(fd);
}

static void a_host_that_is_no_literal_address_is_refused(void **state)
{
    static const char *const hosts[] = {"example.org:0", "1.2.3:0", "1.2.3.4.5:0", "local-host:0"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(hosts); i++) {
        const struct m4h_address address = address_of(hosts[i]);
        uint16_t port;
        int fd = 5;

        assert_int_equal(m4h_socket_listen(&address, false, 1, &fd, &port), M4H_EINVALID);
        assert_int_equal(fd, -1);
    }
}

static void a_port_in_use_is_told_apart_from_other_errors(void **state)
{
    struct m4h_address address = address_of("127.0.0.1:0");
    const struct m4h_address foreign = address_of("192.0.2.1:0");
    uint16_t port;
    int first, second;

    (void)state;
    assert_int_equal(m4h_socket_listen(&address, false, 1, &first, &port), 0);
    address.port = port;
    assert_int_equal(m4h_socket_listen(&address, false, 1, &second, &port), M4H_EEXIST);
    assert_int_equal(second, -1);
    assert_int_equal(m4h_socket_listen(&foreign, false, 1, &second, &port), M4H_ESYSTEM);
    assert_int_equal(second, -1);
    close(first);
}

static void shared_sockets_listen_on_the_same_port(void **state)
{
    struct m4h_address address = address_of("127.0.0.1:0");
    uint16_t port, again;
    int first, second, third;

    (void)state;
    assert_int_equal(m4h_socket_listen(&address, true, 1, &first, &port), 0);
    address.port = port;
    assert_int_equal(m4h_socket_listen(&address, true, 1, &second, &again), 0);
    assert_int_equal(again, port);
    assert_int_equal(m4h_socket_listen(&address, false, 1, &third, &again), M4H_EEXIST);
    close(first);
    close(second);
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void tuning_sends_small_writes_at_once_and_bounds_silence(void **state)
{
    int fds[2];

    (void)state;
    tcp_pair(fds);
    m4h_socket_tune(fds[0], 0);
    assert_true(option_of(fds[0], IPPROTO_TCP, TCP_NODELAY));
    assert_int_equal(option_of(fds[0], SOL_SOCKET, SO_KEEPALIVE), 0);
    m4h_socket_tune(fds[1], 40000);
    assert_true(option_of(fds[1], IPPROTO_TCP, TCP_NODELAY));
    assert_true(option_of(fds[1], SOL_SOCKET, SO_KEEPALIVE));
    assert_int_equal(option_of(fds[1], IPPROTO_TCP, TCP_USER_TIMEOUT), 40000);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_written_as_logs_and_rest_show_it),
        cmocka_unit_test(an_address_of_another_kind_is_unknown),
        cmocka_unit_test(any_port_is_one_that_is_told),
        cmocka_unit_test(an_ipv6_address_is_listened_on_too),
        cmocka_unit_test(a_host_that_is_no_literal_address_is_refused),
        cmocka_unit_test(a_port_in_use_is_told_apart_from_other_errors),
        cmocka_unit_test(shared_sockets_listen_on_the_same_port),
        cmocka_unit_test(tuning_sends_small_writes_at_once_and_bounds_silence),
    };

    return cmocka_run_group_tests_name("net: socket", tests, NULL, NULL);
}
