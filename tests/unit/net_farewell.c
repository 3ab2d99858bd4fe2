/* Connections that wait for their peer's end. */
#include "lib/base/error.h"
#include "lib/net/farewell.h"
#include "tests/unit/net_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES 300000u

static void on_nothing(void *context)
{
    (void)context;
    fail_msg("its former owner is called");
}

static const struct m4h_connection_handler handler = {on_nothing, on_nothing};

struct ends {
    struct m4h_farewells *farewells;
    int peer;
    size_t got;
    int at_last; /* what the peer's read returned when nothing more came */
};

/* A connection that has said `len` bytes and its end; the peer has not read them. */
static void part(struct m4h_loop *loop, struct ends *ends, size_t len)
{
    struct m4h_connection *connection;
    uint8_t *said = calloc(1, len + 1);
    int fds[2];

    assert_non_null(said);
    tcp_pair(fds);
    ends->peer = fds[1];
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(m4h_connection_start(&connection, loop, fds[0], len, &handler, NULL), 0);
    assert_int_equal(write(ends->peer, "still talking", 13), 13);
    assert_int_equal(m4h_connection_write(connection, said, len), 0);
    assert_int_equal(m4h_connection_kept(connection), 0);
    m4h_connection_finish(connection);
    m4h_farewells_add(ends->farewells, connection);
    free(said);
}

static bool peer_is_at_its_end(void *context)
{
    struct ends *ends = context;
    uint8_t data[65536];
    ssize_t n;

    while ((n = read(ends->peer, data, sizeof(data))) > 0)
        ends->got += (size_t)n;
    ends->at_last = (int)n;
    return n == 0 || (n < 0 && errno != EAGAIN);
}

static bool peer_is_reset(void *context)
{
    struct ends *ends = context;

    return send(ends->peer, "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN;
}

static void a_peer_that_goes_on_sending_gets_everything(void **state)
{
    struct ends ends = {0};

    assert_int_equal(m4h_farewells_create(&ends.farewells, *state), 0);
    part(*state, &ends, ANSWER_BYTES);
    run_for(*state, 20);
    assert_int_equal(write(ends.peer, "and on", 6), 6);
    run_for(*state, 20);
    run_until(*state, peer_is_at_its_end, &ends);
    assert_int_equal(ends.at_last, 0);
    assert_int_equal(ends.got, ANSWER_BYTES);
    close(ends.peer);
    run_for(*state, 20);
    m4h_farewells_destroy(ends.farewells);
}

static void a_peer_that_never_ends_is_cut_some_seconds_after_it_has_all(void **state)
{
    struct m4h_loop *loop = *state;
    struct ends ends = {0};
    uint64_t began_ms = m4h_loop_now_ms(loop);

    assert_int_equal(m4h_farewells_create(&ends.farewells, loop), 0);
    part(loop, &ends, 1000);
    run_until(loop, peer_is_reset, &ends);
    assert_in_range(m4h_loop_now_ms(loop) - began_ms, M4H_FAREWELL_QUIET_MS,
                    M4H_FAREWELL_QUIET_MS + 3000);
    close(ends.peer);
    m4h_farewells_destroy(ends.farewells);
}

static void one_too_many_closes_the_oldest(void **state)
{
    static struct ends all[M4H_FAREWELLS_MAX + 1];
    struct m4h_farewells *farewells;

    assert_int_equal(m4h_farewells_create(&farewells, *state), 0);
    for (size_t i = 0; i <= M4H_FAREWELLS_MAX; i++) {
        all[i].farewells = farewells;
        part(*state, &all[i], 1);
    }
    run_until(*state, peer_is_reset, &all[0]);
    assert_false(peer_is_reset(&all[1]));
    m4h_farewells_destroy(farewells);
    for (size_t i = 0; i <= M4H_FAREWELLS_MAX; i++)
        close(all[i].peer);
    m4h_farewells_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_goes_on_sending_gets_everything),
        cmocka_unit_test(a_peer_that_never_ends_is_cut_some_seconds_after_it_has_all),
        cmocka_unit_test(one_too_many_closes_the_oldest),
    };

    return cmocka_run_group_tests_name("net: farewell", tests, stage_begin, stage_end);
}
