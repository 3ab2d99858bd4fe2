/* How sessions end: by the device, by its owner, by what a stranger sends; and
 * how a device shows that it lives. */
#include "tests/contract/ssh_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOOD_BYTES (256u * 1024u)

static bool is_accepted(void *context)
{
    return ((struct stage *)context)->accepted > 0;
}

static bool session_is_closed(void *context)
{
    const struct stage *stage = context;

    return stage->accepted > 0 && stage->session == NULL;
}

/* ---- by the device -------------------------------------------------------------------- */

static void a_device_that_says_goodbye_has_closed_it(void **state)
{
    struct stage *stage = *state;

    stage_device(stage, "0:127.0.0.1:9");
    program_signal(&stage->client, SIGTERM);
    run_until(stage->loop, stage_ended, stage);
    assert_int_equal(stage->end, M4H_SSH_END_CLOSED);
    assert_int_equal(stage->ends, 1);
}

static void a_device_that_is_killed_is_lost(void **state)
{
    struct stage *stage = *state;

    stage_device(stage, "0:127.0.0.1:9");
    program_stop(&stage->client);
    run_until(stage->loop, stage_ended, stage);
    assert_int_equal(stage->end, M4H_SSH_END_LOST);
    assert_int_equal(stage->ends, 1);
}

/* ---- by its owner ---------------------------------------------------------------------- */

static void a_device_is_told_why_it_has_to_go(void **state)
{
    struct stage *stage = *state;

    stage_device(stage, "0:127.0.0.1:9");
    m4h_ssh_session_close(stage->session, "drained by the test");
    stage->session = NULL;
    run_until(stage->loop, stage_client_ended, stage);
    assert_non_null(strstr(stage->client.output, "drained by the test"));
    assert_int_equal(stage->ends, 0);
}

static void a_session_may_be_closed_in_each_of_its_callbacks(void **state)
{
    static const enum stage_close places[] = {CLOSE_WHEN_EXCHANGED, CLOSE_ON_KEY, CLOSE_ON_FORWARD,
                                              CLOSE_ON_REFUSED};
    struct stage *stage = *state;
    const char *key = stage_key(stage, "ed25519");

    for (size_t i = 0; i < M4H_COUNT(places); i++) {
        stage->close_at = places[i];
        stage->accepted = 0;
        if (places[i] == CLOSE_ON_REFUSED)
            stage_ssh(stage, key, (const char *[]){NULL});
        else
            stage_ssh(stage, key, (const char *[]){"-N", "-R", "0:127.0.0.1:9", NULL});
        run_until(stage->loop, session_is_closed, stage);
        run_until(stage->loop, stage_client_ended, stage);
        assert_int_not_equal(stage->client.status, 0);
    }
    assert_int_equal(stage->ends, 0);
    assert_int_equal(stage->exchanged, 4);
    assert_int_equal(stage->keys, 3);
    assert_int_equal(stage->forwards, 1);
    assert_int_equal(stage->refusals, 1);
}

static void closing_nothing_is_harmless(void **state)
{
    (void)state;
    m4h_ssh_session_close(NULL, "");
}

/* ---- by what a stranger sends ---------------------------------------------------------- */

static void expect_broken(struct stage *stage, const char *bytes, size_t len)
{
    int fd = stage_connect(stage);

    stage->ends = 0;
    assert_int_equal(write(fd, bytes, len), len);
    run_until(stage->loop, stage_ended, stage);
    if (stage->end != M4H_SSH_END_PROTOCOL)
        fail_msg("\"%.40s\": end %d, %s", bytes, stage->end, stage->detail);
    assert_int_not_equal(stage->detail[0], '\0');
    assert_int_equal(stage->ends, 1);
    close(fd);
}

static void garbage_breaks_the_protocol(void **state)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "\r\n\r\n\r\n",
        "SSH-1.5-old\r\n",
        "SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "SSH-2.0-x\r\nhello, this is not a packet\r\n",
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 a TLS hello would go on like this\n",
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < M4H_COUNT(texts); i++)
        expect_broken(stage, texts[i], strlen(texts[i]));
    assert_int_equal(stage->exchanged, 0);
    assert_int_equal(stage->keys, 0);
}

static void a_first_line_without_an_end_breaks_it_before_long(void **state)
{
    static char flood[FLOOD_BYTES];
    struct stage *stage = *state;
    int fd = stage_connect(stage);

    memset(flood, 'x', sizeof(flood));
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_true(send(fd, flood, sizeof(flood), MSG_NOSIGNAL) > 0);
    run_until(stage->loop, stage_ended, stage);
    assert_int_equal(stage->end, M4H_SSH_END_PROTOCOL);
    close(fd);
}

static void random_bytes_do_no_harm(void **state)
{
    struct stage *stage = *state;
    char bytes[512];

    srand(4242);
    for (int round = 0; round < 50; round++) {
        int fd = stage_connect(stage);

        stage->ends = 0;
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)rand();
        if (round % 2 == 1)
            memcpy(bytes, "SSH-2.0-random\r\n", 16);
        assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
        close(fd);
        run_until(stage->loop, stage_ended, stage);
        assert_int_equal(stage->ends, 1);
    }
    assert_int_equal(stage->keys, 0);
}

/* Deadlines are its owner's. */
static void a_silent_client_is_left_alone_until_its_owner_closes_it(void **state)
{
    struct stage *stage = *state;
    int fd = stage_connect(stage);
    char banner[256];
    ssize_t n;

    run_until(stage->loop, is_accepted, stage);
    run_for(stage->loop, 100);
    assert_int_equal(stage->ends + stage->exchanged + stage->keys, 0);
    n = read(fd, banner, sizeof(banner));
    assert_true(n > 8);
    assert_memory_equal(banner, "SSH-2.0-", 8);
    m4h_ssh_session_close(stage->session, "too slow");
    stage->session = NULL;
    while ((n = read(fd, banner, sizeof(banner))) > 0)
        continue;
    assert_true(n == 0 || errno == ECONNRESET);
    close(fd);
}

static void send_bytes(struct stage *stage, int fd, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(write(fd, &bytes[i], 1), 1);
        run_for(stage->loop, 5);
    }
}

static void a_byte_is_no_word_before_what_it_belongs_to_is_complete(void **state)
{
    static const char name[] = "SSH-2.0-drip\r\n";
    static const char ignore[16] = {0, 0, 0, 12, 6, 2};
    struct stage *stage = *state;
    int fd = stage_connect(stage);

    run_until(stage->loop, is_accepted, stage);
    send_bytes(stage, fd, name, strlen(name) - 1);
    assert_int_equal(stage->words, 0);
    send_bytes(stage, fd, "\n", 1);
    assert_int_equal(stage->words, 1);
    send_bytes(stage, fd, ignore, sizeof(ignore) - 1);
    assert_int_equal(stage->words, 1);
    send_bytes(stage, fd, "", 1);
    assert_int_equal(stage->words, 2);
    assert_int_equal(stage->ends, 0);
    close(fd);
}

static void a_client_that_goes_at_once_is_lost(void **state)
{
    struct stage *stage = *state;

    close(stage_connect(stage));
    run_until(stage->loop, stage_ended, stage);
    assert_int_equal(stage->end, M4H_SSH_END_LOST);
    reset_connection(stage_connect(stage));
    stage->ends = 0;
    run_until(stage->loop, stage_ended, stage);
    assert_int_equal(stage->end, M4H_SSH_END_LOST);
}

/* ---- signs of life --------------------------------------------------------------------- */

struct pulse {
    struct stage *stage;
    uint64_t after_ms;
};

static bool is_heard(void *context)
{
    const struct pulse *pulse = context;

    return m4h_ssh_session_heard_ms(pulse->stage->session) > pulse->after_ms;
}

/* The library sends every second one only, if one lets it. */
static void a_device_answers_each_time_it_is_asked_for_a_sign_of_life(void **state)
{
    struct stage *stage = *state;

    stage_device(stage, "0:127.0.0.1:9");
    run_for(stage->loop, 20);
    for (int i = 0; i < 6; i++) {
        struct pulse pulse = {stage, m4h_ssh_session_heard_ms(stage->session)};

        run_for(stage->loop, 5);
        m4h_ssh_session_keepalive(stage->session);
        run_until(stage->loop, is_heard, &pulse);
    }
    assert_int_equal(stage->ends, 0);
}

static void a_device_that_hangs_is_not_heard(void **state)
{
    struct stage *stage = *state;
    struct pulse pulse = {.stage = stage};

    stage_device(stage, "0:127.0.0.1:9");
    run_for(stage->loop, 20);
    pulse.after_ms = m4h_ssh_session_heard_ms(stage->session);
    program_signal(&stage->client, SIGSTOP);
    for (int i = 0; i < 3; i++) {
        m4h_ssh_session_keepalive(stage->session);
        run_for(stage->loop, 30);
    }
    assert_false(is_heard(&pulse));
    program_signal(&stage->client, SIGCONT);
    run_until(stage->loop, is_heard, &pulse);
    assert_int_equal(stage->ends, 0);
}

#define stage_test(test) cmocka_unit_test_setup_teardown(test, ssh_stage_begin, ssh_stage_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_device_that_says_goodbye_has_closed_it),
        stage_test(a_device_that_is_killed_is_lost),
        stage_test(a_device_is_told_why_it_has_to_go),
        stage_test(a_session_may_be_closed_in_each_of_its_callbacks),
        cmocka_unit_test(closing_nothing_is_harmless),
        stage_test(garbage_breaks_the_protocol),
        stage_test(a_first_line_without_an_end_breaks_it_before_long),
        stage_test(random_bytes_do_no_harm),
        stage_test(a_silent_client_is_left_alone_until_its_owner_closes_it),
        stage_test(a_byte_is_no_word_before_what_it_belongs_to_is_complete),
        stage_test(a_client_that_goes_at_once_is_lost),
        stage_test(a_device_answers_each_time_it_is_asked_for_a_sign_of_life),
        stage_test(a_device_that_hangs_is_not_heard),
    };

    return cmocka_run_group_tests_name("ssh: ends", tests, NULL, NULL);
}
