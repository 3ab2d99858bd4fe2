/* Sessions that begin here: with a server of ours, with OpenSSH's, and with what only
 * pretends to be one. */
#include "lib/ssh/client.h"

#include "lib/base/error.h"
#include "lib/net/connection.h"
#include "lib/net/socket.h"
#include "lib/ssh/channel.h"
#include "tests/contract/ssh_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SSHD          "/usr/sbin/sshd"
#define BULK_BYTES    (8u * 1024u * 1024u)
#define ECHO_KEEP_MAX (2u * BULK_BYTES)

/* ---- the side that begins ---------------------------------------------------------------- */

struct caller {
    struct stage *stage;
    struct m4h_ssh_session *session; /* NULL when it is over */
    unsigned ups, ends;
    enum m4h_ssh_end end;
    char detail[256];
    uint64_t heard_ms;
    bool close_when_up;
    char expected[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1];
    size_t expected_count;
    const char *username;
};

static void hang_up(struct caller *caller)
{
    m4h_ssh_session_close(caller->session, "closed by the test");
    caller->session = NULL;
}

static void on_up(void *context)
{
    struct caller *caller = context;

    caller->ups++;
    if (caller->close_when_up)
        hang_up(caller);
}

static void on_end(void *context, enum m4h_ssh_end end, const char *detail)
{
    struct caller *caller = context;

    caller->ends++;
    caller->end = end;
    snprintf(caller->detail, sizeof(caller->detail), "%s", detail);
    hang_up(caller);
}

static const struct m4h_ssh_client_handler caller_handler = {.on_up = on_up, .on_end = on_end};

static void expect(struct caller *caller, const char *line)
{
    snprintf(caller->expected[caller->expected_count++], M4H_HOST_KEY_MAX + 1, "%s", line);
}

/* Calls whoever is at the other end of `fd`. */
static void call_on(struct caller *caller, struct stage *stage, int fd)
{
    const struct m4h_ssh_client_config config = {
        .username = caller->username != NULL ? caller->username : "slave-1",
        .host_keys = caller->expected,
        .host_key_count = caller->expected_count,
    };

    caller->stage = stage;
    assert_int_equal(
        m4h_ssh_client_start(&caller->session, stage->server, fd, &config, &caller_handler, caller),
        0);
}

static void call_stage(struct caller *caller, struct stage *stage)
{
    if (caller->expected_count == 0)
        expect(caller, stage->host_keys.list[0].public_line);
    call_on(caller, stage, stage_connect(stage));
}

static bool is_up(void *context)
{
    struct caller *caller = context;

    if (caller->ends > 0)
        fail_msg("%s", caller->detail);
    return caller->ups > 0;
}

static bool is_over(void *context)
{
    return ((struct caller *)context)->ends > 0;
}

/* ---- with a server of ours ---------------------------------------------------------------- */

static void a_slave_proves_its_own_host_key(void **state)
{
    struct stage *stage = *state;
    struct caller caller = {0};

    call_stage(&caller, stage);
    run_until(stage->loop, is_up, &caller);
    assert_int_equal(stage->keys, 1);
    assert_string_equal(stage->username, "slave-1");
    assert_string_equal(stage->algorithm, "ssh-ed25519");
    hang_up(&caller);
    run_until(stage->loop, stage_ended, stage);
    assert_int_equal(stage->end, M4H_SSH_END_CLOSED);
    assert_int_equal(caller.ends, 0);
}

static void one_host_key_of_those_that_are_expected_is_enough(void **state)
{
    static const char other[] = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=";
    struct stage *stage = *state;
    struct caller caller = {0};

    expect(&caller, other);
    expect(&caller, stage->host_keys.list[0].public_line);
    call_stage(&caller, stage);
    run_until(stage->loop, is_up, &caller);
    hang_up(&caller);
}

static void a_server_that_shows_another_key_is_not_told_who_we_are(void **state)
{
    struct stage *stage = *state;
    struct caller caller = {0};
    char line[M4H_HOST_KEY_MAX + 1];

    snprintf(line, sizeof(line), "%s", stage->host_keys.list[0].public_line);
    line[strlen(line) - 1] = line[strlen(line) - 1] == 'A' ? 'B' : 'A';
    expect(&caller, line);
    call_stage(&caller, stage);
    run_until(stage->loop, is_over, &caller);
    assert_int_equal(caller.end, M4H_SSH_END_PROTOCOL);
    assert_string_equal(caller.detail, "it shows an unexpected host key");
    assert_int_equal(caller.ups, 0);
    run_until(stage->loop, stage_ended, stage);
    assert_int_equal(stage->keys, 0);
}

static void a_server_without_a_key_of_the_expected_kind_is_none(void **state)
{
    struct stage *stage = *state;
    struct caller caller = {0};

    expect(&caller, "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==");
    call_stage(&caller, stage);
    run_until(stage->loop, is_over, &caller);
    assert_int_equal(caller.ups, 0);
    assert_int_equal(stage->keys, 0);
}

static void without_an_expected_key_there_is_no_session(void **state)
{
    struct stage *stage = *state;
    const struct m4h_ssh_client_config config = {.username = "slave-1"};
    struct m4h_ssh_session *session;

    assert_int_equal(m4h_ssh_client_start(&session, stage->server, stage_connect(stage), &config,
                                          &caller_handler, NULL),
                     M4H_EINVALID);
    assert_null(session);
}

static void a_server_that_takes_no_key_of_ours_ends_it(void **state)
{
    struct stage *stage = *state;
    struct caller caller = {0};

    stage->keys_refused = UINT32_MAX;
    call_stage(&caller, stage);
    run_until(stage->loop, is_over, &caller);
    assert_int_equal(caller.end, M4H_SSH_END_PROTOCOL);
    assert_string_equal(caller.detail, "it does not take our host key");
    assert_int_equal(stage->keys, 1);
}

static void it_may_be_closed_when_it_is_up(void **state)
{
    struct stage *stage = *state;
    struct caller caller = {.close_when_up = true};

    call_stage(&caller, stage);
    run_until(stage->loop, stage_ended, stage);
    assert_int_equal(caller.ups, 1);
    assert_int_equal(caller.ends, 0);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void its_socket_is_closed_with_it_whoever_ends_it(void **state)
{
    struct stage *stage = *state;
    int fd;

    for (int i = 0; i < 2; i++) {
        struct caller caller = {0};

        stage->ends = 0;
        expect(&caller, stage->host_keys.list[0].public_line);
        fd = stage_connect(stage);
        call_on(&caller, stage, fd);
        run_until(stage->loop, is_up, &caller);
        assert_true(is_open(fd));
        if (i == 0) {
            hang_up(&caller);
            run_until(stage->loop, stage_ended, stage);
        } else {
            m4h_ssh_session_close(stage->session, "closed by the test");
            stage->session = NULL;
            run_until(stage->loop, is_over, &caller);
            assert_int_equal(caller.end, M4H_SSH_END_CLOSED);
        }
        assert_false(is_open(fd));
    }
}

static bool was_heard_again(void *context)
{
    const struct caller *caller = context;

    return m4h_ssh_session_heard_ms(caller->session) > caller->heard_ms;
}

static void a_server_shows_that_it_lives(void **state)
{
    struct stage *stage = *state;
    struct caller caller = {0};

    call_stage(&caller, stage);
    run_until(stage->loop, is_up, &caller);
    for (int i = 0; i < 3; i++) {
        run_for(stage->loop, 20);
        caller.heard_ms = m4h_ssh_session_heard_ms(caller.session);
        m4h_ssh_session_keepalive(caller.session);
        run_until(stage->loop, was_heard_again, &caller);
    }
    hang_up(&caller);
}

/* A request of the server's for a channel to us: nothing here is for it. */
struct intruder {
    struct m4h_ssh_channel *channel;
    unsigned opened, closed;
};

static void on_intruder_open(void *context)
{
    ((struct intruder *)context)->opened++;
}

static void on_intruder_closed(void *context)
{
    struct intruder *intruder = context;

    intruder->closed++;
    m4h_ssh_channel_close(intruder->channel);
}

static const struct m4h_ssh_channel_handler intruder_handler = {
    .on_open = on_intruder_open,
    .on_closed = on_intruder_closed,
};

static bool intruder_is_closed(void *context)
{
    return ((struct intruder *)context)->closed > 0;
}

static void a_server_that_opens_a_channel_to_us_is_refused(void **state)
{
    struct stage *stage = *state;
    struct caller caller = {0};
    struct intruder intruder = {0};

    call_stage(&caller, stage);
    run_until(stage->loop, is_up, &caller);
    assert_int_equal(m4h_ssh_channel_open(&intruder.channel, stage->session, "0.0.0.0", 80,
                                          "192.0.2.1", 5, &intruder_handler, &intruder),
                     0);
    run_until(stage->loop, intruder_is_closed, &intruder);
    assert_int_equal(intruder.opened, 0);
    assert_int_equal(caller.ends, 0);
    hang_up(&caller);
}

/* ---- with OpenSSH's server ------------------------------------------------------------------ */

struct echo {
    struct m4h_listener *listener;
    struct m4h_connection *connection;
    uint16_t port;
};

static void on_echo_readable(void *context)
{
    static uint8_t data[65536];
    struct echo *echo = context;
    size_t len;
    int error = m4h_connection_read(echo->connection, data, sizeof(data), &len);

    if (len > 0)
        assert_int_equal(m4h_connection_write(echo->connection, data, len), 0);
    if (error == 0 || error == M4H_EAGAIN)
        return;
    m4h_connection_want_read(echo->connection, false);
    m4h_connection_finish(echo->connection);
}

static void on_echo_drained(void *context)
{
    (void)context;
}

static const struct m4h_connection_handler echo_handler = {on_echo_readable, on_echo_drained};

struct behind {
    struct stage *stage;
    struct echo echo;
    struct program sshd;
    struct caller caller;
};

static void on_visitor(void *context, int fd, const char *peer)
{
    struct behind *behind = context;

    (void)peer;
    assert_int_equal(m4h_connection_start(&behind->echo.connection, behind->stage->loop, fd,
                                          ECHO_KEEP_MAX, &echo_handler, &behind->echo),
                     0);
    m4h_connection_want_read(behind->echo.connection, true);
}

static void open_echo(struct behind *behind)
{
    const struct m4h_address loopback = {.host = "127.0.0.1"};
    int fd;

    assert_int_equal(m4h_socket_listen(&loopback, false, 64, &fd, &behind->echo.port), 0);
    assert_int_equal(
        m4h_listener_start(&behind->echo.listener, behind->stage->loop, fd, on_visitor, behind), 0);
}

/* As root it lets nobody in: root may be locked. */
static const char *login_name(void)
{
    const struct passwd *user = geteuid() == 0 ? NULL : getpwuid(geteuid());

    return user != NULL ? user->pw_name : "nobody";
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

/* The host key of `path`, as masters tell of it: without the comment. */
static void expect_of_file(struct caller *caller, const char *path)
{
    char line[M4H_HOST_KEY_MAX + 1] = "";
    FILE *file = fopen(path, "r");
    char *end;

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    end = strrchr(line, ' ');
    if (end != strchr(line, ' '))
        *end = '\0';
    expect(caller, line);
}

/* sshd, for one connection: it lets our host key in, and rekeys after each MB. */
static void call_sshd(struct behind *behind)
{
    struct stage *stage = behind->stage;
    char config[96], keys[96], host_key[128], text[1024];
    int fds[2];

    snprintf(config, sizeof(config), "%s/sshd_config", stage->dir);
    snprintf(keys, sizeof(keys), "%s/authorized_keys", stage->dir);
    snprintf(host_key, sizeof(host_key), "%s", stage_key(stage, "ed25519"));
    snprintf(text, sizeof(text),
             "HostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nRekeyLimit 1M\n"
             "PidFile none\nAllowTcpForwarding yes\n",
             host_key, keys);
    write_file(config, text);
    write_file(keys, stage->host_keys.list[0].public_line);
    assert_int_equal(chmod(stage->dir, 0711), 0);
    snprintf(text, sizeof(text), "%s.pub", host_key);
    expect_of_file(&behind->caller, text);
    behind->caller.username = login_name();
    tcp_pair(fds);
    program_start_on(&behind->sshd, stage->loop, fds[1],
                     (const char *[]){SSHD, "-i", "-e", "-f", config, NULL});
    close(fds[1]);
    call_on(&behind->caller, stage, fds[0]);
}

static void begin_behind(struct behind *behind, struct stage *stage)
{
    memset(behind, 0, sizeof(*behind));
    if (access(SSHD, X_OK) != 0 ||
        (geteuid() == 0 && mkdir("/run/sshd", 0755) != 0 && errno != EEXIST))
        skip();
    behind->stage = stage;
    open_echo(behind);
    call_sshd(behind);
    run_until(stage->loop, is_up, &behind->caller);
}

static void end_behind(struct behind *behind)
{
    hang_up(&behind->caller);
    m4h_listener_close(behind->echo.listener);
    m4h_connection_close(behind->echo.connection);
    program_stop(&behind->sshd);
}

static uint8_t pattern(size_t n)
{
    return (uint8_t)(n * 37 + n / 241);
}

struct visitor {
    struct m4h_ssh_channel *channel; /* NULL once it is closed */
    size_t sent, got;
    bool wrong;
    unsigned opened, eofs, closes, refusal;
};

static void send_more(struct visitor *visitor)
{
    static uint8_t data[32768];
    size_t room;

    while (visitor->sent < BULK_BYTES && (room = m4h_ssh_channel_room(visitor->channel)) > 0) {
        size_t left = BULK_BYTES - visitor->sent, taken;

        if (room > sizeof(data))
            room = sizeof(data);
        if (room > left)
            room = left;
        for (size_t i = 0; i < room; i++)
            data[i] = pattern(visitor->sent + i);
        taken = m4h_ssh_channel_write(visitor->channel, data, room);
        visitor->sent += taken;
        if (taken == 0)
            break;
    }
    m4h_ssh_channel_want_write(visitor->channel, visitor->sent < BULK_BYTES);
    if (visitor->sent == BULK_BYTES)
        m4h_ssh_channel_finish(visitor->channel);
}

static void on_visitor_open(void *context)
{
    struct visitor *visitor = context;

    visitor->opened++;
    send_more(visitor);
}

static size_t on_visitor_data(void *context, const void *data, size_t len)
{
    struct visitor *visitor = context;
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++)
        visitor->wrong |= bytes[i] != pattern(visitor->got + i);
    visitor->got += len;
    return len;
}

static void on_visitor_writable(void *context)
{
    send_more(context);
}

static void on_visitor_eof(void *context)
{
    ((struct visitor *)context)->eofs++;
}

static void on_visitor_closed(void *context)
{
    struct visitor *visitor = context;

    visitor->closes++;
    visitor->refusal = m4h_ssh_channel_refusal(visitor->channel);
    m4h_ssh_channel_close(visitor->channel);
    visitor->channel = NULL;
}

static const struct m4h_ssh_channel_handler visitor_handler = {
    .on_open = on_visitor_open,
    .on_data = on_visitor_data,
    .on_writable = on_visitor_writable,
    .on_eof = on_visitor_eof,
    .on_closed = on_visitor_closed,
};

static bool visitor_is_through(void *context)
{
    const struct visitor *visitor = context;

    return visitor->eofs > 0 || visitor->closes > 0;
}

static bool visitor_is_closed(void *context)
{
    return ((struct visitor *)context)->closes > 0;
}

static void visit(struct behind *behind, struct visitor *visitor, uint16_t port)
{
    assert_int_equal(m4h_ssh_channel_open_direct(&visitor->channel, behind->caller.session,
                                                 "127.0.0.1", port, "192.0.2.1", 50022,
                                                 &visitor_handler, visitor),
                     0);
}

static void what_goes_through_a_channel_comes_back_whole_also_over_new_keys(void **state)
{
    struct behind behind;
    struct visitor visitor = {0};

    begin_behind(&behind, *state);
    visit(&behind, &visitor, behind.echo.port);
    run_until(behind.stage->loop, visitor_is_through, &visitor);
    assert_int_equal(visitor.opened, 1);
    assert_int_equal(visitor.eofs, 1);
    assert_int_equal(visitor.got, BULK_BYTES);
    assert_false(visitor.wrong);
    m4h_ssh_channel_close(visitor.channel);
    end_behind(&behind);
}

static void a_connection_that_cannot_be_had_is_refused_with_a_reason(void **state)
{
    struct behind behind;
    struct visitor visitor = {0}, second = {0};
    uint16_t free_port;
    int fd;

    begin_behind(&behind, *state);
    assert_int_equal(
        m4h_socket_listen(&(struct m4h_address){.host = "127.0.0.1"}, false, 1, &fd, &free_port),
        0);
    close(fd);
    visit(&behind, &visitor, free_port);
    run_until(behind.stage->loop, visitor_is_closed, &visitor);
    assert_int_equal(visitor.opened, 0);
    assert_int_equal(visitor.refusal, 2);
    /* The session is as good as before. */
    visit(&behind, &second, behind.echo.port);
    run_until(behind.stage->loop, visitor_is_through, &second);
    assert_int_equal(second.got, BULK_BYTES);
    m4h_ssh_channel_close(second.channel);
    end_behind(&behind);
}

static void a_server_that_is_killed_is_lost(void **state)
{
    struct behind behind;

    begin_behind(&behind, *state);
    program_stop(&behind.sshd);
    run_until(behind.stage->loop, is_over, &behind.caller);
    assert_int_equal(behind.caller.end, M4H_SSH_END_LOST);
    end_behind(&behind);
}

/* ---- with what is no server ------------------------------------------------------------------ */

/* Says `text`, then nothing; what the caller then was told. */
static void call_pretender(struct stage *stage, struct caller *caller, const char *text, size_t len,
                           bool hangs_up)
{
    int fds[2];

    memset(caller, 0, sizeof(*caller));
    expect(caller, stage->host_keys.list[0].public_line);
    tcp_pair(fds);
    assert_int_equal(write(fds[1], text, len), (ssize_t)len);
    call_on(caller, stage, fds[0]);
    if (hangs_up)
        close(fds[1]);
    run_until(stage->loop, is_over, caller);
    if (!hangs_up)
        close(fds[1]);
    assert_int_equal(caller->ups, 0);
    assert_int_equal(caller->ends, 1);
}

static void who_does_not_speak_ssh_is_left(void **state)
{
    struct stage *stage = *state;
    char noise[4096];
    struct caller caller;

    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)pattern(i);
    call_pretender(stage, &caller, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, true);
    assert_int_not_equal(caller.end, M4H_SSH_END_CLOSED);
    call_pretender(stage, &caller, noise, sizeof(noise), false);
    assert_int_equal(caller.end, M4H_SSH_END_PROTOCOL);
    call_pretender(stage, &caller, "SSH-1.5-old\r\n", 13, false);
    assert_int_equal(caller.end, M4H_SSH_END_PROTOCOL);
    call_pretender(stage, &caller, "SSH-2.0-x\r\n\xff\xff\xff\xff rest of it", 26, false);
    assert_int_equal(caller.end, M4H_SSH_END_PROTOCOL);
}

static void who_hangs_up_is_lost(void **state)
{
    struct caller caller;

    call_pretender(*state, &caller, "SSH-2.0-x\r\n", 11, true);
    assert_int_equal(caller.end, M4H_SSH_END_LOST);
}

/* Nothing comes, and nothing happens, until its owner has enough of it. */
static void one_that_stands_still_can_be_left_at_each_step(void **state)
{
    static const char *const said[] = {"", "SSH-2.0-x", "SSH-2.0-x\r\n", "SSH-2.0-x\r\n\x00\x00"};
    struct stage *stage = *state;

    for (size_t i = 0; i < M4H_COUNT(said); i++) {
        struct caller caller = {0};
        int fds[2];

        expect(&caller, stage->host_keys.list[0].public_line);
        tcp_pair(fds);
        assert_int_equal(write(fds[1], said[i], strlen(said[i])), (ssize_t)strlen(said[i]));
        call_on(&caller, stage, fds[0]);
        run_for(stage->loop, 20);
        assert_int_equal(caller.ends + caller.ups, 0);
        hang_up(&caller);
        close(fds[1]);
    }
    /* It has exchanged keys, and does not answer who we are. */
    stage->key_held_ms = 60000;
    {
        struct caller caller = {0};

        call_stage(&caller, stage);
        run_for(stage->loop, 50);
        assert_int_equal(stage->keys, 1);
        assert_int_equal(caller.ends + caller.ups, 0);
        hang_up(&caller);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ssh_stage_begin, ssh_stage_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_slave_proves_its_own_host_key),
        TEST(one_host_key_of_those_that_are_expected_is_enough),
        TEST(a_server_that_shows_another_key_is_not_told_who_we_are),
        TEST(a_server_without_a_key_of_the_expected_kind_is_none),
        TEST(without_an_expected_key_there_is_no_session),
        TEST(a_server_that_takes_no_key_of_ours_ends_it),
        TEST(it_may_be_closed_when_it_is_up),
        TEST(its_socket_is_closed_with_it_whoever_ends_it),
        TEST(a_server_shows_that_it_lives),
        TEST(a_server_that_opens_a_channel_to_us_is_refused),
        TEST(what_goes_through_a_channel_comes_back_whole_also_over_new_keys),
        TEST(a_connection_that_cannot_be_had_is_refused_with_a_reason),
        TEST(a_server_that_is_killed_is_lost),
        TEST(who_does_not_speak_ssh_is_left),
        TEST(who_hangs_up_is_lost),
        TEST(one_that_stands_still_can_be_left_at_each_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
