/* Channels that a client asks for: ssh -W and ssh -L ask a server of ours, which says yes,
 * no, or that later. */
#include "lib/base/error.h"
#include "lib/net/socket.h"
#include "tests/contract/ssh_stage.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPENS_MAX  (M4H_SSH_OPENS_MAX + 8u)
#define BULK_BYTES (3u * 1024u * 1024u)

/* What the server was asked for, in order. */
static struct asked {
    struct m4h_ssh_open *open; /* NULL: it is answered */
    struct m4h_ssh_channel *channel;
    char host[128], originator[64];
    uint32_t port;
    size_t got, sent, to_send;
    bool wrong, eof, closed;
} asked[OPENS_MAX];
static unsigned asked_count;

static uint8_t bulk[BULK_BYTES];

static int begin(void **state)
{
    memset(asked, 0, sizeof(asked));
    asked_count = 0;
    for (size_t i = 0; i < BULK_BYTES; i++)
        bulk[i] = (uint8_t)(i * 37 + i / 241);
    return ssh_stage_begin(state);
}

/* ---- the server's side of a channel ------------------------------------------------ */

static void send_more(struct asked *one)
{
    while (one->sent < one->to_send) {
        size_t room = m4h_ssh_channel_room(one->channel);
        size_t left = one->to_send - one->sent;
        size_t taken = room > 0 ? m4h_ssh_channel_write(one->channel, bulk + one->sent,
                                                        left < room ? left : room)
                                : 0;

        if (taken == 0)
            break;
        one->sent += taken;
    }
    m4h_ssh_channel_want_write(one->channel, one->sent < one->to_send);
    if (one->sent == one->to_send)
        m4h_ssh_channel_finish(one->channel);
}

static void on_open_channel(void *context)
{
    (void)context;
    fail_msg("a channel that the client has asked for is open at once");
}

static size_t on_data(void *context, const void *data, size_t len)
{
    struct asked *one = context;

    one->wrong |= one->got + len > BULK_BYTES || memcmp(bulk + one->got, data, len) != 0;
    one->got += len;
    return len;
}

static void on_writable(void *context)
{
    send_more(context);
}

static void on_eof(void *context)
{
    ((struct asked *)context)->eof = true;
}

static void on_closed(void *context)
{
    struct asked *one = context;

    one->closed = true;
    m4h_ssh_channel_close(one->channel);
    one->channel = NULL;
}

static const struct m4h_ssh_channel_handler handler = {
    .on_open = on_open_channel,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_eof = on_eof,
    .on_closed = on_closed,
};

static void accept_one(struct asked *one, size_t to_send)
{
    struct m4h_ssh_open *open = one->open;

    one->open = NULL;
    assert_int_equal(m4h_ssh_open_accept(open, &one->channel, &handler, one), 0);
    one->to_send = to_send;
    if (to_send > 0)
        send_more(one);
}

static void note(struct stage *stage, struct m4h_ssh_open *open,
                 const struct m4h_ssh_open_request *request)
{
    struct asked *one = &asked[asked_count++];

    (void)stage;
    assert_true(asked_count <= OPENS_MAX);
    one->open = open;
    one->port = request->port;
    snprintf(one->host, sizeof(one->host), "%s", request->host);
    snprintf(one->originator, sizeof(one->originator), "%s", request->originator);
}

static void accept_with_bulk(struct stage *stage, struct m4h_ssh_open *open,
                             const struct m4h_ssh_open_request *request)
{
    note(stage, open, request);
    accept_one(&asked[asked_count - 1], BULK_BYTES);
}

static void refuse_in_words(struct stage *stage, struct m4h_ssh_open *open,
                            const struct m4h_ssh_open_request *request)
{
    note(stage, open, request);
    m4h_ssh_open_refuse(open, M4H_SSH_OPEN_CONNECT_FAILED, "berlin-1 is not connected");
}

static void prohibit(struct stage *stage, struct m4h_ssh_open *open,
                     const struct m4h_ssh_open_request *request)
{
    note(stage, open, request);
    m4h_ssh_open_refuse(open, M4H_SSH_OPEN_PROHIBITED, "not for you");
}

/* ---- clients ------------------------------------------------------------------------- */

static unsigned wanted;

static bool so_many_are_asked(void *context)
{
    (void)context;
    return asked_count >= wanted;
}

static void await_asked(struct stage *stage, unsigned count)
{
    wanted = count;
    run_until(stage->loop, so_many_are_asked, stage);
}

static bool one_is_asked_or_it_ended(void *context)
{
    return asked_count > 0 || ((struct stage *)context)->ends > 0;
}

static void await_asked_or_ended(struct stage *stage)
{
    run_until(stage->loop, one_is_asked_or_it_ended, stage);
}

static void start_w(struct stage *stage, const char *target)
{
    stage_ssh(stage, stage_key(stage, "ed25519"), (const char *[]){"-W", target, NULL});
}

/* A port that is free, for ssh -L. */
static uint16_t free_port(void)
{
    const struct m4h_address loopback = {.host = "127.0.0.1"};
    uint16_t port;
    int fd;

    assert_int_equal(m4h_socket_listen(&loopback, false, 1, &fd, &port), 0);
    close(fd);
    return port;
}

/* A connection to the client's own listener. */
static int join(struct stage *stage, uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int i = 0; i < 1000; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
            return fd;
        close(fd);
        run_for(stage->loop, 10);
    }
    fail_msg("ssh -L does not listen");
    return -1;
}

static uint16_t start_l(struct stage *stage, const char *target)
{
    uint16_t port = free_port();
    char forward[160];

    snprintf(forward, sizeof(forward), "127.0.0.1:%u:%s", port, target);
    stage_ssh(stage, stage_key(stage, "ed25519"), (const char *[]){"-N", "-L", forward, NULL});
    return port;
}

/* Reads what has come without waiting. */
static size_t drain(int fd, size_t got)
{
    static uint8_t data[65536];
    ssize_t len;

    while ((len = recv(fd, data, sizeof(data), MSG_DONTWAIT)) > 0) {
        assert_true(got + (size_t)len <= BULK_BYTES);
        assert_memory_equal(bulk + got, data, (size_t)len);
        got += (size_t)len;
    }
    return got;
}

/* ---- tests --------------------------------------------------------------------------- */

static void a_channel_is_asked_for_by_host_and_port(void **state)
{
    struct stage *stage = *state;

    stage->on_open = note;
    start_w(stage, "berlin-1:22");
    await_asked(stage, 1);
    assert_string_equal(asked[0].host, "berlin-1");
    assert_int_equal(asked[0].port, 22);
    assert_string_not_equal(asked[0].originator, "");
}

static void bytes_go_both_ways_and_an_end_leaves_the_other_way_open(void **state)
{
    struct stage *stage = *state;
    uint16_t port;
    size_t got = 0, sent = 0;
    int fd;

    stage->on_open = accept_with_bulk;
    port = start_l(stage, "berlin-1:22");
    fd = join(stage, port);
    for (int i = 0; i < 20000 && (got < BULK_BYTES || !asked[0].eof); i++) {
        ssize_t len = sent < BULK_BYTES
                          ? send(fd, bulk + sent, BULK_BYTES - sent, MSG_DONTWAIT | MSG_NOSIGNAL)
                          : 0;

        sent += len > 0 ? (size_t)len : 0;
        if (sent == BULK_BYTES)
            shutdown(fd, SHUT_WR);
        got = drain(fd, got);
        run_for(stage->loop, 1);
    }
    assert_int_equal(got, BULK_BYTES);
    assert_int_equal(asked[0].got, BULK_BYTES);
    assert_false(asked[0].wrong);
    close(fd);
}

static void a_refusal_is_shown_in_its_words(void **state)
{
    struct stage *stage = *state;

    stage->on_open = refuse_in_words;
    start_w(stage, "berlin-1:22");
    run_until(stage->loop, stage_client_ended, stage);
    assert_non_null(
        strstr(stage->client.output, "open failed: connect failed: berlin-1 is not connected"));
}

static void channels_wait_beside_each_other(void **state)
{
    struct stage *stage = *state;
    uint16_t port;
    int first, second;
    size_t got = 0;

    stage->on_open = note;
    port = start_l(stage, "berlin-1:22");
    first = join(stage, port);
    await_asked(stage, 1);
    second = join(stage, port);
    await_asked(stage, 2);
    accept_one(&asked[1], 1000);
    for (int i = 0; i < 5000 && got < 1000; i++) {
        got = drain(second, got);
        run_for(stage->loop, 1);
    }
    assert_int_equal(got, 1000);
    assert_int_equal(drain(first, 0), 0);
    m4h_ssh_open_refuse(asked[0].open, M4H_SSH_OPEN_SHORTAGE, "too late");
    asked[0].open = NULL;
    close(first);
    close(second);
}

static void more_than_may_wait_are_refused_and_none_is_lost(void **state)
{
    struct stage *stage = *state;
    int fds[M4H_SSH_OPENS_MAX + 1];
    uint8_t byte;
    ssize_t len = -1;
    uint16_t port;

    stage->on_open = note;
    port = start_l(stage, "berlin-1:22");
    for (size_t i = 0; i < M4H_COUNT(fds); i++) {
        fds[i] = join(stage, port);
        if (i < M4H_SSH_OPENS_MAX)
            await_asked(stage, (unsigned)i + 1);
    }
    for (int i = 0; i < 5000 && len != 0; i++) {
        len = recv(fds[M4H_SSH_OPENS_MAX], &byte, 1, MSG_DONTWAIT);
        run_for(stage->loop, 1);
    }
    assert_int_equal(len, 0);
    assert_int_equal(asked_count, M4H_SSH_OPENS_MAX);
    assert_int_equal(stage->ends, 0);
    for (size_t i = 0; i < M4H_COUNT(fds); i++)
        close(fds[i]);
}

/* As many as would end a session that asks for what it may not, and more. */
static void refuse_again_and_again(struct stage *stage, unsigned count)
{
    uint16_t port = start_l(stage, "berlin-1:22");

    for (unsigned i = 0; i < count && stage->ends == 0; i++) {
        int fd = join(stage, port);

        asked_count = 0;
        await_asked_or_ended(stage);
        close(fd);
    }
    run_for(stage->loop, 20);
}

static void one_who_asks_for_what_is_not_there_again_and_again_stays(void **state)
{
    struct stage *stage = *state;

    stage->on_open = refuse_in_words;
    refuse_again_and_again(stage, 200);
    assert_int_equal(stage->ends, 0);
}

static void one_who_asks_for_what_is_prohibited_again_and_again_is_ended(void **state)
{
    struct stage *stage = *state;

    stage->on_open = prohibit;
    refuse_again_and_again(stage, 200);
    assert_int_equal(stage->ends, 1);
}

static void one_that_waits_ends_with_its_session(void **state)
{
    struct stage *stage = *state;

    stage->on_open = note;
    start_w(stage, "berlin-1:22");
    await_asked(stage, 1);
    program_stop(&stage->client);
    run_until(stage->loop, stage_ended, stage);
}

static void one_without_an_owner_is_refused(void **state)
{
    struct stage *stage = *state;

    start_w(stage, "10.0.0.1:80");
    run_until(stage->loop, stage_client_ended, stage);
    assert_non_null(strstr(stage->client.output, "administratively prohibited: not here"));
    assert_string_equal(stage->refused, "direct-tcpip to 10.0.0.1:80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_channel_is_asked_for_by_host_and_port, begin,
                                        ssh_stage_end),
        cmocka_unit_test_setup_teardown(bytes_go_both_ways_and_an_end_leaves_the_other_way_open,
                                        begin, ssh_stage_end),
        cmocka_unit_test_setup_teardown(a_refusal_is_shown_in_its_words, begin, ssh_stage_end),
        cmocka_unit_test_setup_teardown(channels_wait_beside_each_other, begin, ssh_stage_end),
        cmocka_unit_test_setup_teardown(more_than_may_wait_are_refused_and_none_is_lost, begin,
                                        ssh_stage_end),
        cmocka_unit_test_setup_teardown(one_who_asks_for_what_is_not_there_again_and_again_stays,
                                        begin, ssh_stage_end),
        cmocka_unit_test_setup_teardown(
            one_who_asks_for_what_is_prohibited_again_and_again_is_ended, begin, ssh_stage_end),
        cmocka_unit_test_setup_teardown(one_that_waits_ends_with_its_session, begin, ssh_stage_end),
        cmocka_unit_test_setup_teardown(one_without_an_owner_is_refused, begin, ssh_stage_end),
    };

    return cmocka_run_group_tests_name("ssh: open", tests, NULL, NULL);
}
