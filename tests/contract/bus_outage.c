/* The server goes away, comes back, or is silent. */
#include "tests/contract/bus_owner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* No call of the owner may block. It is a bound on liveness: a server that does
 * not answer holds the library for seconds. */
#define CALL_MS 50
/* What a server may be silent in the test that waits for its end, and how late that may be noticed
 * on a busy machine. */
#define SILENCE_MS 2000
#define LATE_MS    5000

static const struct m4h_bus_subscription numbers[] = {{"numbers", NULL, on_topic_0}};

static struct owner owner;

static void kept_messages_survive_a_restart_in_order_and_once(void **state)
{
    struct m4h_bus_stats stats;

    owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
    run_until(&owner, NULL, owner.connected_count == 1);
    assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_KEEP, 0), 0);
    run_until(&owner, NULL, owner.note_count == 1);
    m4h_nats_server_kill(*state);
    run_until(&owner, NULL, owner.disconnected_count == 1);
    assert_false(m4h_bus_is_connected(owner.bus));
    for (int i = 1; i <= 1000; i++) {
        assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_KEEP, i), 0);
        assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_FRESH, -1), M4H_EUNAVAILABLE);
    }
    assert_true(m4h_nats_server_restart(*state));
    run_until(&owner, NULL, owner.note_count == 1001);
    assert_int_equal(owner.connected_count, 2);
    assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_FRESH, 1001), 0);
    run_until(&owner, NULL, owner.note_count == 1002);
    for (int i = 0; i < 1002; i++)
        assert_int_equal(owner.notes[i].value, i);
    m4h_bus_stats(owner.bus, &stats);
    assert_int_equal(stats.dropped_out, 1000);
    assert_int_equal(stats.reconnects, 1);
    owner_destroy(&owner);
}

static void what_is_published_before_the_first_connection_is_kept(void **state)
{
    m4h_nats_server_kill(*state);
    owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_KEEP, i), 0);
    assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_FRESH, -1), M4H_EUNAVAILABLE);
    assert_int_equal(request_number(&owner, "numbers", 100, -1), M4H_EUNAVAILABLE);
    assert_true(m4h_nats_server_restart(*state));
    run_until(&owner, NULL, owner.note_count == 10);
    assert_int_equal(owner.notes[9].value, 9);
    owner_destroy(&owner);
}

static void open_requests_end_when_the_connection_is_lost(void **state)
{
    uint64_t start_ms;

    owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
    run_until(&owner, NULL, owner.connected_count == 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(request_number(&owner, "numbers", 60000, i), 0);
    run_until(&owner, NULL, owner.note_count == 100);
    start_ms = clock_ms();
    m4h_nats_server_kill(*state);
    run_until(&owner, NULL, owner.unavailable == 100);
    assert_true(clock_ms() - start_ms < 2000);
    assert_int_equal(owner.disconnected_count, 1);
    owner_destroy(&owner);
}

static void subscriptions_and_requests_work_after_every_restart(void **state)
{
    owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
    owner.echoes = true;
    for (int i = 1; i <= 4; i++) {
        run_until(&owner, NULL, owner.connected_count == i);
        assert_int_equal(request_number(&owner, "numbers", WAIT_MS, i), 0);
        run_until(&owner, NULL, owner.replies == i);
        assert_int_equal(owner.last_reply, i);
        m4h_nats_server_kill(*state);
        run_until(&owner, NULL, owner.disconnected_count == i);
        assert_true(m4h_nats_server_restart(*state));
    }
    owner_destroy(&owner);
}

static void a_full_queue_refuses_and_loses_nothing_that_it_took(void **state)
{
    struct m4h_bus_config config = owner_config(&owner, m4h_nats_server_url(*state));
    struct m4h_bus_stats stats;

    m4h_nats_server_kill(*state);
    config.queue_messages = 100;
    config.subscriptions = numbers;
    config.subscription_count = 1;
    owner_create_with(&owner, &config);
    for (int i = 0; i < 100; i++)
        assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_KEEP, i), 0);
    assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_KEEP, 100), M4H_EFULL);
    m4h_bus_stats(owner.bus, &stats);
    assert_int_equal(stats.queued_messages, 100);
    assert_int_equal(stats.dropped_out, 1);
    assert_true(m4h_nats_server_restart(*state));
    run_until(&owner, NULL, owner.note_count == 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(owner.notes[i].value, i);
    owner_destroy(&owner);
}

static void the_bound_in_bytes_holds_too(void **state)
{
    static const uint8_t data[1000];
    struct m4h_bus_config config = owner_config(&owner, m4h_nats_server_url(*state));

    m4h_nats_server_kill(*state);
    config.queue_bytes = 10100;
    owner_create_with(&owner, &config);
    for (int i = 0; i < 10; i++)
        assert_int_equal(
            m4h_bus_publish(owner.bus, "numbers", M4H_BUS_KEEP, NULL, data, sizeof(data)), 0);
    assert_int_equal(m4h_bus_publish(owner.bus, "numbers", M4H_BUS_KEEP, NULL, data, sizeof(data)),
                     M4H_EFULL);
    owner_destroy(&owner);
}

static void a_silent_server_never_blocks_the_owner(void **state)
{
    static uint8_t data[32768];
    uint64_t end_ms;
    uint64_t worst_ms = 0;
    int taken = 0;

    owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
    run_until(&owner, NULL, owner.connected_count == 1);
    m4h_nats_server_pause(*state);
    end_ms = clock_ms() + 1500;
    while (clock_ms() < end_ms) {
        uint64_t before_ms = clock_ms();

        if (m4h_bus_publish(owner.bus, "filler", M4H_BUS_KEEP, NULL, data, sizeof(data)) == 0)
            taken++;
        (void)m4h_bus_run(owner.bus, clock_ms());
        if (clock_ms() - before_ms > worst_ms)
            worst_ms = clock_ms() - before_ms;
        owner_turn(&owner);
    }
    assert_true(worst_ms < CALL_MS);
    assert_true(taken > 100);
    m4h_nats_server_resume(*state);
    run_until(&owner, NULL, m4h_bus_is_connected(owner.bus));
    run_until(&owner, NULL, publish_number(&owner, "numbers", M4H_BUS_KEEP, 5) == 0);
    run_until(&owner, NULL, owner.note_count == 1);
    owner_destroy(&owner);
}

static uint64_t cpu_ms(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

static void a_server_that_stays_silent_is_given_up_without_burning_the_cpu(void **state)
{
    static const uint8_t data[32768];
    struct m4h_bus_config config = owner_config(&owner, m4h_nats_server_url(*state));
    uint64_t cpu_start_ms, start_ms, took_ms;

    config.silence_ms = SILENCE_MS;
    owner_create_with(&owner, &config);
    run_until(&owner, NULL, owner.connected_count == 1);
    m4h_nats_server_pause(*state);
    while (m4h_bus_publish(owner.bus, "filler", M4H_BUS_KEEP, NULL, data, sizeof(data)) == 0)
        continue;
    start_ms = clock_ms();
    cpu_start_ms = cpu_ms();
    run_until(&owner, NULL, owner.disconnected_count == 1);
    took_ms = clock_ms() - start_ms;
    assert_in_range(took_ms, SILENCE_MS / 2, SILENCE_MS + SILENCE_MS / 2 + LATE_MS);
    assert_true(cpu_ms() - cpu_start_ms < took_ms / 3);
    m4h_nats_server_resume(*state);
    run_until(&owner, NULL, owner.connected_count == 2);
    owner_destroy(&owner);
}

/* How long destroy takes, ms. */
static uint64_t destroy_takes_ms(uint32_t flush_ms)
{
    uint64_t start_ms = clock_ms();

    m4h_bus_destroy(owner.bus, flush_ms);
    close(owner.wake_fd);
    return clock_ms() - start_ms;
}

static void destroy_is_quick_when_the_server_is_away(void **state)
{
    owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
    run_until(&owner, NULL, owner.connected_count == 1);
    m4h_nats_server_kill(*state);
    run_until(&owner, NULL, owner.disconnected_count == 1);
    assert_true(destroy_takes_ms(5000) < 1000);
}

static void destroy_gives_up_on_what_cannot_be_sent(void **state)
{
    uint64_t took_ms;

    m4h_nats_server_kill(*state);
    owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
    assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_KEEP, 1), 0);
    took_ms = destroy_takes_ms(300);
    assert_in_range(took_ms, 250, 300 + 2500);
}

static void destroy_ends_in_time_while_the_server_is_silent(void **state)
{
    static uint8_t data[32768];

    owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
    run_until(&owner, NULL, owner.connected_count == 1);
    m4h_nats_server_pause(*state);
    for (int i = 0; i < 250; i++)
        assert_int_equal(
            m4h_bus_publish(owner.bus, "filler", M4H_BUS_KEEP, NULL, data, sizeof(data)), 0);
    assert_true(destroy_takes_ms(200) <= 200 + 2500 + 300);
    m4h_nats_server_resume(*state);
}

static void destroy_ends_in_time_while_it_connects_to_mute_servers(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char url[256];
    unsigned port;

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    port = ntohs(address.sin_port);
    snprintf(url, sizeof(url), "nats://127.0.0.1:%u,nats://localhost:%u,127.0.0.2:%u", port, port,
             port);
    owner_create(&owner, url, numbers, 1);
    assert_int_equal(publish_number(&owner, "numbers", M4H_BUS_KEEP, 1), 0);
    assert_true(destroy_takes_ms(0) <= 2500 + 300);
    close(fd);
}

static void a_bus_can_be_destroyed_as_soon_as_it_is_made(void **state)
{
    for (int i = 0; i < 20; i++) {
        owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
        assert_true(destroy_takes_ms(0) < 2000);
    }
}

static void a_bus_can_be_destroyed_while_messages_come_in(void **state)
{
    static struct owner sender;

    owner_create(&sender, m4h_nats_server_url(*state), NULL, 0);
    run_until(&sender, NULL, sender.connected_count == 1);
    for (int i = 0; i < 20; i++) {
        owner_create(&owner, m4h_nats_server_url(*state), numbers, 1);
        run_until(&owner, NULL, owner.connected_count == 1);
        for (int j = 0; j < 1000; j++)
            (void)publish_number(&sender, "numbers", M4H_BUS_FRESH, j);
        run_until(&owner, NULL, owner.note_count > 0);
        assert_true(destroy_takes_ms(100) < 2000);
    }
    owner_destroy(&sender);
}

#define with_server(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

const struct CMUnitTest bus_outage_tests[] = {
    with_server(kept_messages_survive_a_restart_in_order_and_once),
    with_server(what_is_published_before_the_first_connection_is_kept),
    with_server(open_requests_end_when_the_connection_is_lost),
    with_server(subscriptions_and_requests_work_after_every_restart),
    with_server(a_full_queue_refuses_and_loses_nothing_that_it_took),
    with_server(the_bound_in_bytes_holds_too),
    with_server(a_silent_server_never_blocks_the_owner),
    with_server(a_server_that_stays_silent_is_given_up_without_burning_the_cpu),
    with_server(destroy_is_quick_when_the_server_is_away),
    with_server(destroy_gives_up_on_what_cannot_be_sent),
    with_server(destroy_ends_in_time_while_the_server_is_silent),
    cmocka_unit_test(destroy_ends_in_time_while_it_connects_to_mute_servers),
    with_server(a_bus_can_be_destroyed_as_soon_as_it_is_made),
    with_server(a_bus_can_be_destroyed_while_messages_come_in),
};
const size_t bus_outage_test_count = M4H_COUNT(bus_outage_tests);
