/* Channels to a real device: both directions at once, half-close, back-pressure,
 * refusals. Behind the device is an echo in this process, so that every byte
 * goes operator -> server -> ssh -> echo -> ssh -> server. */
#include "lib/base/error.h"
#include "lib/net/connection.h"
#include "lib/net/socket.h"
#include "lib/ssh/internal.h"
#include "tests/contract/ssh_stage.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define BULK_BYTES    (3u * 1024u * 1024u)
#define ECHO_KEEP_MAX (16u * 1024u * 1024u)
#define CHANNELS_MAX  4

static uint8_t pattern(size_t n)
{
    return (uint8_t)(n * 37 + n / 241);
}

static uint8_t bulk[BULK_BYTES];

/* ---- what is behind the device -------------------------------------------------------- */

struct behind;

struct echo {
    struct behind *behind;
    struct m4h_connection *connection;
    size_t got;
    bool ended;
};

struct behind {
    struct stage *stage;
    struct m4h_listener *listener;
    char target[32];  /* "127.0.0.1:40123" */
    char forward[64]; /* of a device that asks for any port */
    size_t gift;      /* bytes that each visitor gets at once; then the end */
    struct echo echoes[CHANNELS_MAX];
    unsigned count;
};

static void on_echo_readable(void *context)
{
    static uint8_t data[65536];
    struct echo *echo = context;
    size_t len;
    int error = m4h_connection_read(echo->connection, data, sizeof(data), &len);

    echo->got += len;
    if (len > 0)
        assert_int_equal(m4h_connection_write(echo->connection, data, len), 0);
    if (error == 0 || error == M4H_EAGAIN)
        return;
    echo->ended = true;
    m4h_connection_want_read(echo->connection, false);
    m4h_connection_finish(echo->connection);
}

static void on_echo_drained(void *context)
{
    (void)context;
}

static const struct m4h_connection_handler echo_handler = {on_echo_readable, on_echo_drained};

static void on_visitor(void *context, int fd, const char *peer)
{
    struct behind *behind = context;
    struct echo *echo = &behind->echoes[behind->count++];

    (void)peer;
    assert_true(behind->count <= CHANNELS_MAX);
    echo->behind = behind;
    assert_int_equal(m4h_connection_start(&echo->connection, behind->stage->loop, fd, ECHO_KEEP_MAX,
                                          &echo_handler, echo),
                     0);
    if (behind->gift > 0) {
        assert_int_equal(m4h_connection_write(echo->connection, bulk, behind->gift), 0);
        m4h_connection_finish(echo->connection);
    }
    m4h_connection_want_read(echo->connection, true);
}

static void behind_open(struct behind *behind, struct stage *stage)
{
    const struct m4h_address loopback = {.host = "127.0.0.1"};
    uint16_t port;
    int fd;

    memset(behind, 0, sizeof(*behind));
    behind->stage = stage;
    assert_int_equal(m4h_socket_listen(&loopback, false, 64, &fd, &port), 0);
    assert_int_equal(m4h_listener_start(&behind->listener, stage->loop, fd, on_visitor, behind), 0);
    snprintf(behind->target, sizeof(behind->target), "127.0.0.1:%u", port);
    snprintf(behind->forward, sizeof(behind->forward), "0:%s", behind->target);
}

static void behind_close(struct behind *behind)
{
    m4h_listener_close(behind->listener);
    for (unsigned i = 0; i < behind->count; i++)
        m4h_connection_close(behind->echoes[i].connection);
}

/* ---- the operator's side --------------------------------------------------------------- */

struct operator_ {
    struct m4h_ssh_channel *channel; /* NULL once it is closed */
    size_t to_send, sent;
    size_t got;
    struct stage *stage;
    size_t pause_at; /* pauses the session when it has got so much */
    size_t stall_at; /* takes no more than about so much until told otherwise */
    bool wrong;      /* a byte was not the one that is due */
    unsigned opened, eofs, closes;
};

static void send_more(struct operator_ *operator_)
{
    while (operator_->sent < operator_->to_send) {
        size_t room = m4h_ssh_channel_room(operator_->channel);
        size_t left = operator_->to_send - operator_->sent;
        size_t taken;

        if (room == 0)
            break;
        taken = m4h_ssh_channel_write(operator_->channel, bulk + operator_->sent,
                                      left < room ? left : room);
        operator_->sent += taken;
        if (taken == 0)
            break;
    }
    m4h_ssh_channel_want_write(operator_->channel, operator_->sent < operator_->to_send);
    if (operator_->sent == operator_->to_send)
        m4h_ssh_channel_finish(operator_->channel);
}

static void on_open(void *context)
{
    struct operator_ *operator_ = context;

    operator_->opened++;
    if (operator_->to_send > 0)
        send_more(operator_);
}

static size_t on_data(void *context, const void *data, size_t len)
{
    struct operator_ *operator_ = context;

    if (operator_->stall_at > 0 && operator_->got >= operator_->stall_at)
        return 0;
    if (operator_->got + len > BULK_BYTES || memcmp(bulk + operator_->got, data, len) != 0)
        operator_->wrong = true;
    operator_->got += len;
    if (operator_->pause_at > 0 && operator_->got >= operator_->pause_at)
        m4h_ssh_session_pause(operator_->stage->session, true);
    return len;
}

static void on_writable(void *context)
{
    send_more(context);
}

static void on_eof(void *context)
{
    struct operator_ *operator_ = context;

    operator_->eofs++;
}

static void on_closed(void *context)
{
    struct operator_ *operator_ = context;

    operator_->closes++;
    m4h_ssh_channel_close(operator_->channel);
    operator_->channel = NULL;
}

static const struct m4h_ssh_channel_handler operator_handler = {
    .on_open = on_open,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_eof = on_eof,
    .on_closed = on_closed,
};

static void call(struct stage *stage, struct operator_ *operator_)
{
    assert_int_equal(m4h_ssh_channel_open(&operator_->channel, stage->session, stage->address,
                                          STAGE_PORT, "192.0.2.7", 50022, &operator_handler,
                                          operator_),
                     0);
}

static bool is_open(void *context)
{
    return ((struct operator_ *)context)->opened > 0;
}

static bool is_closed(void *context)
{
    return ((struct operator_ *)context)->closes > 0;
}

static bool is_stalled(void *context)
{
    const struct operator_ *operator_ = context;

    return operator_->got >= operator_->stall_at;
}

static bool all_is_got(void *context)
{
    return ((struct operator_ *)context)->got == BULK_BYTES;
}

static bool all_are_closed(void *context)
{
    const struct operator_ *operators = context;

    for (int i = 0; i < CHANNELS_MAX; i++) {
        if (operators[i].closes == 0)
            return false;
    }
    return true;
}

static bool both_are_visited(void *context)
{
    return ((struct behind *)context)->count == 2;
}

static void expect_echoed(const struct operator_ *operator_)
{
    assert_false(operator_->wrong);
    assert_int_equal(operator_->sent, operator_->to_send);
    assert_int_equal(operator_->got, operator_->to_send);
    assert_int_equal(operator_->opened, 1);
    assert_int_equal(operator_->eofs, 1);
    assert_int_equal(operator_->closes, 1);
}

/* ---- tests ------------------------------------------------------------------------------ */

/* The end of what is sent is passed on while the other direction still flows. */
static void bytes_go_both_ways_and_each_way_ends_on_its_own(void **state)
{
    static const size_t sizes[] = {1, 32768, 65537, BULK_BYTES};
    struct stage *stage = *state;
    struct behind behind;

    behind_open(&behind, stage);
    stage_device(stage, behind.forward);
    for (size_t i = 0; i < M4H_COUNT(sizes); i++) {
        struct operator_ operator_ = {.to_send = sizes[i]};

        call(stage, &operator_);
        run_until(stage->loop, is_closed, &operator_);
        expect_echoed(&operator_);
        assert_int_equal(behind.echoes[i].got, sizes[i]);
        assert_true(behind.echoes[i].ended);
    }
    assert_int_equal(stage->ends, 0);
    behind_close(&behind);
}

/* Without it everything works, only slower: nothing else would tell. */
static void the_library_goes_through_the_stream(void **state)
{
    struct stage *stage = *state;
    struct behind behind;

    behind_open(&behind, stage);
    stage_device(stage, behind.forward);
    assert_true(stage->session->stream.is_hooked);
    behind_close(&behind);
}

static void a_socket_that_takes_little_at_a_time_takes_all(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {.to_send = BULK_BYTES};
    struct behind behind;

    stage->send_bytes = 1; /* the kernel's least */
    behind_open(&behind, stage);
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    run_until(stage->loop, is_closed, &operator_);
    expect_echoed(&operator_);
    behind_close(&behind);
}

/* Also what was read ahead already comes then, though its socket is empty. */
static void a_session_that_is_paused_delivers_nothing_until_it_goes_on(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {.pause_at = 100000, .stage = stage};
    struct behind behind;
    size_t got;

    behind_open(&behind, stage);
    behind.gift = BULK_BYTES;
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    while (operator_.got < operator_.pause_at)
        run_for(stage->loop, 1);
    got = operator_.got;
    run_for(stage->loop, 100);
    assert_int_equal(operator_.got, got);
    operator_.pause_at = 0;
    m4h_ssh_session_pause(stage->session, false);
    run_until(stage->loop, all_is_got, &operator_);
    assert_false(operator_.wrong);
    m4h_ssh_channel_close(operator_.channel);
    behind_close(&behind);
}

/* Where somebody else of this server works by hand, bulk data goes in smaller pieces. */
static void a_turn_is_shorter_while_somebody_else_moves_small_pieces(void **state)
{
    struct stage *stage = *state;
    struct m4h_ssh_session somebody = {.server = stage->server};
    struct operator_ operator_ = {0};
    struct behind behind;

    behind_open(&behind, stage);
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    run_until(stage->loop, is_open, &operator_);
    assert_int_equal(m4h_ssh_channel_write(operator_.channel, bulk, 1), 1);
    assert_int_equal(m4h_ssh_channel_room(operator_.channel), 65536);
    m4h_ssh_session_note_piece(&somebody, 32768);
    assert_int_equal(m4h_ssh_channel_room(operator_.channel), 65536);
    m4h_ssh_session_note_piece(&somebody, 1);
    assert_int_equal(m4h_ssh_channel_room(operator_.channel), 16384);
    run_for(stage->loop, 100);
    assert_int_equal(m4h_ssh_channel_room(operator_.channel), 65536);
    m4h_ssh_channel_close(operator_.channel);
    behind_close(&behind);
}

static bool is_stuck(void *context)
{
    const struct operator_ *operator_ = context;

    return operator_->sent > 0 && m4h_ssh_channel_room(operator_->channel) == 0;
}

/* One that would like to send for ever, to a device that hangs, fills the device's
 * window and its socket, and no more. */
static void a_device_that_reads_nothing_is_sent_a_bounded_amount(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {0};
    struct behind behind;
    size_t sent;

    stage->send_bytes = 65536;
    behind_open(&behind, stage);
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    run_until(stage->loop, is_open, &operator_);
    program_signal(&stage->client, SIGSTOP);
    operator_.to_send = BULK_BYTES;
    send_more(&operator_);
    run_until(stage->loop, is_stuck, &operator_);
    /* The kernel's buffers may grow a little yet. */
    do {
        sent = operator_.sent;
        run_for(stage->loop, 200);
    } while (operator_.sent != sent);
    assert_true(sent < BULK_BYTES);
    program_signal(&stage->client, SIGCONT);
    run_until(stage->loop, is_closed, &operator_);
    expect_echoed(&operator_);
    behind_close(&behind);
}

static void several_operators_do_not_disturb_each_other(void **state)
{
    struct stage *stage = *state;
    struct operator_ operators[CHANNELS_MAX] = {{0}};
    struct behind behind;

    behind_open(&behind, stage);
    stage_device(stage, behind.forward);
    for (size_t i = 0; i < CHANNELS_MAX; i++) {
        operators[i].to_send = BULK_BYTES / (i + 1);
        call(stage, &operators[i]);
    }
    run_until(stage->loop, all_are_closed, operators);
    for (size_t i = 0; i < CHANNELS_MAX; i++)
        expect_echoed(&operators[i]);
    behind_close(&behind);
}

static void the_device_may_end_first(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {0};
    struct behind behind;

    behind_open(&behind, stage);
    behind.gift = 100000;
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    while (operator_.eofs == 0)
        run_for(stage->loop, 1);
    assert_int_equal(operator_.got, 100000);
    assert_int_equal(operator_.closes, 0); /* our own way is still open */
    assert_int_equal(m4h_ssh_channel_write(operator_.channel, bulk, 1000), 1000);
    m4h_ssh_channel_finish(operator_.channel);
    run_until(stage->loop, is_closed, &operator_);
    assert_int_equal(behind.echoes[0].got, 1000);
    assert_false(operator_.wrong);
    behind_close(&behind);
}

/* An operator that does not read makes the device wait, and loses nothing. */
static void data_that_is_not_taken_waits_and_is_all_there_later(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {.stall_at = 50000};
    struct behind behind;
    size_t got;

    behind_open(&behind, stage);
    behind.gift = BULK_BYTES;
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    run_until(stage->loop, is_stalled, &operator_);
    got = operator_.got;
    run_for(stage->loop, 200);
    assert_int_equal(operator_.got, got);
    assert_int_equal(operator_.eofs, 0);
    operator_.stall_at = 0;
    m4h_ssh_channel_resume(operator_.channel);
    run_until(stage->loop, all_is_got, &operator_);
    assert_false(operator_.wrong);
    m4h_ssh_channel_finish(operator_.channel);
    run_until(stage->loop, is_closed, &operator_);
    assert_int_equal(operator_.eofs, 1);
    behind_close(&behind);
}

static void stalling_again_and_again_loses_nothing(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {.stall_at = 30000};
    struct behind behind;

    behind_open(&behind, stage);
    behind.gift = BULK_BYTES;
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    while (operator_.got < BULK_BYTES) {
        size_t next = operator_.got + 200000;

        run_until(stage->loop, is_stalled, &operator_);
        run_for(stage->loop, 2);
        operator_.stall_at = 0;
        m4h_ssh_channel_resume(operator_.channel);
        operator_.stall_at = next < BULK_BYTES ? next : BULK_BYTES;
    }
    assert_false(operator_.wrong);
    m4h_ssh_channel_close(operator_.channel);
    behind_close(&behind);
}

static void a_device_with_nothing_behind_it_refuses_the_channel(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {0};
    struct behind behind;

    behind_open(&behind, stage);
    m4h_listener_close(behind.listener);
    behind.listener = NULL;
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    run_until(stage->loop, is_closed, &operator_);
    assert_int_equal(operator_.opened, 0);
    assert_int_equal(operator_.got, 0);
    assert_int_equal(stage->ends, 0);
    assert_false(stage->client.ended);
    behind_close(&behind);
}

/* The operator goes before the device has answered: nothing is told any more,
 * the device's side is closed too, and the next one comes through. */
static void a_channel_may_be_closed_while_it_opens(void **state)
{
    struct stage *stage = *state;
    struct operator_ early = {.to_send = 10}, next = {.to_send = 1000};
    struct behind behind;

    behind_open(&behind, stage);
    stage_device(stage, behind.forward);
    call(stage, &early);
    m4h_ssh_channel_close(early.channel);
    call(stage, &next);
    run_until(stage->loop, is_closed, &next);
    run_until(stage->loop, both_are_visited, &behind);
    expect_echoed(&next);
    assert_int_equal(early.opened + early.eofs + early.closes, 0);
    while (!behind.echoes[0].ended || !behind.echoes[1].ended)
        run_for(stage->loop, 1);
    behind_close(&behind);
}

static void an_open_channel_may_be_closed_at_any_time(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {.stall_at = 1000};
    struct behind behind;

    behind_open(&behind, stage);
    behind.gift = BULK_BYTES;
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    run_until(stage->loop, is_stalled, &operator_);
    m4h_ssh_channel_close(operator_.channel);
    while (!behind.echoes[0].ended)
        run_for(stage->loop, 1);
    assert_int_equal(operator_.closes, 0);
    assert_int_equal(stage->ends, 0);
    behind_close(&behind);
}

static void a_session_that_ends_takes_its_channels_with_it(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {0};
    struct behind behind;

    behind_open(&behind, stage);
    stage_device(stage, behind.forward);
    call(stage, &operator_);
    run_until(stage->loop, is_open, &operator_);
    program_stop(&stage->client);
    run_until(stage->loop, stage_ended, stage);
    assert_null(stage->session);
    assert_int_equal(operator_.eofs + operator_.closes, 0);
    behind_close(&behind);
}

static void what_is_sent_while_keys_are_exchanged_anew_is_all_there(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {.to_send = BULK_BYTES};
    struct behind behind;

    behind_open(&behind, stage);
    stage_ssh(stage, stage_key(stage, "ed25519"),
              (const char *[]){"-o", "RekeyLimit=256K", "-N", "-R", behind.forward, NULL});
    run_until(stage->loop, stage_forwarded, stage);
    call(stage, &operator_);
    run_until(stage->loop, is_closed, &operator_);
    expect_echoed(&operator_);
    behind_close(&behind);
}

static bool forward_was_answered(void *context)
{
    return ((struct stage *)context)->forwards > 0;
}

static void dropbear_carries_bytes_both_ways_too(void **state)
{
    struct stage *stage = *state;
    struct operator_ operator_ = {.to_send = BULK_BYTES};
    struct behind behind;

    behind_open(&behind, stage);
    /* It opens a channel for the port that it asked for. */
    snprintf(behind.forward, sizeof(behind.forward), "%u:%s", STAGE_PORT, behind.target);
    stage_dbclient(stage, stage_dropbear_key(stage, "ed25519"),
                   (const char *[]){"-N", "-R", behind.forward, NULL});
    run_until(stage->loop, forward_was_answered, stage);
    call(stage, &operator_);
    run_until(stage->loop, is_closed, &operator_);
    expect_echoed(&operator_);
    behind_close(&behind);
}

#define stage_test(test) cmocka_unit_test_setup_teardown(test, ssh_stage_begin, ssh_stage_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(bytes_go_both_ways_and_each_way_ends_on_its_own),
        stage_test(the_library_goes_through_the_stream),
        stage_test(a_socket_that_takes_little_at_a_time_takes_all),
        stage_test(a_device_that_reads_nothing_is_sent_a_bounded_amount),
        stage_test(a_session_that_is_paused_delivers_nothing_until_it_goes_on),
        stage_test(a_turn_is_shorter_while_somebody_else_moves_small_pieces),
        stage_test(several_operators_do_not_disturb_each_other),
        stage_test(the_device_may_end_first),
        stage_test(data_that_is_not_taken_waits_and_is_all_there_later),
        stage_test(stalling_again_and_again_loses_nothing),
        stage_test(a_device_with_nothing_behind_it_refuses_the_channel),
        stage_test(a_channel_may_be_closed_while_it_opens),
        stage_test(an_open_channel_may_be_closed_at_any_time),
        stage_test(a_session_that_ends_takes_its_channels_with_it),
        stage_test(what_is_sent_while_keys_are_exchanged_anew_is_all_there),
        stage_test(dropbear_carries_bytes_both_ways_too),
    };

    for (size_t i = 0; i < BULK_BYTES; i++)
        bulk[i] = pattern(i);
    return cmocka_run_group_tests_name("ssh: channels", tests, NULL, NULL);
}
