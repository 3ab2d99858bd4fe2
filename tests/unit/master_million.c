/* A million tunnels of a hundred slaves: they are all there, and what they cost
 * is printed. Of the numbers only that of the memory is claimed. */
#include "services/master/core/cluster.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SLAVES  100u
#define TUNNELS 1000000u

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void name_of(char *key, unsigned i)
{
    snprintf(key, 32, "device-%08x", i * 2654435761u);
}

static void fill(struct m4h_event *event, unsigned i)
{
    struct m4h_tunnel *tunnel = &event->as.connect;

    *event = (struct m4h_event){.epoch = 1, .seq = i / SLAVES + 2, .type = M4H_EVENT_CONNECT};
    snprintf(event->slave_id, sizeof(event->slave_id), "slave-%02u", i % SLAVES);
    snprintf(event->region, sizeof(event->region), "r%u", i % SLAVES % 4);
    name_of(tunnel->client_key, i);
    snprintf(tunnel->remote_address, sizeof(tunnel->remote_address), "10.%u.%u.%u:%u",
             i >> 16 & 255, i >> 8 & 255, i & 255, 20000 + i % 40000);
    snprintf(tunnel->key_fingerprint, sizeof(tunnel->key_fingerprint), "SHA256:%043u", i);
    snprintf(tunnel->client_version, sizeof(tunnel->client_version),
             "OpenSSH_9.2p1 Debian-2+deb12u3");
    tunnel->tunnel_id = i + 1;
    tunnel->stamp = i + 1;
    tunnel->ports[0] = (uint16_t)(1024 + i % 60000);
    tunnel->port_count = 1;
}

static void drop_effects(struct m4h_cluster *cluster)
{
    struct m4h_effect effect;

    while (m4h_cluster_take_effect(cluster, &effect))
        ;
}

static void start_slaves(struct m4h_cluster *cluster, struct m4h_moment moment)
{
    for (unsigned i = 0; i < SLAVES; i++) {
        struct m4h_event event;

        fill(&event, i);
        event.seq = 1;
        event.type = M4H_EVENT_START;
        event.as.start = (struct m4h_slave_info){.host = "h", .port = 22, .capacity = 20000};
        m4h_cluster_event(cluster, &event, moment);
    }
    drop_effects(cluster);
}

/* Nanoseconds for one of the first `known`. */
static double look_up(const struct m4h_cluster *cluster, unsigned known)
{
    static char keys[1000][32];
    double before;

    for (unsigned i = 0; i < 1000; i++)
        name_of(keys[i], i * 7919u % known);
    before = cpu_seconds();
    for (unsigned i = 0; i < 1000; i++)
        assert_true(m4h_cluster_owner_stamp(cluster, keys[i]) == i * 7919u % known + 1);
    return (cpu_seconds() - before) * 1e6;
}

/* All tunnels that the request leaves, page by page; says what the dearest page cost. */
static void list(const struct m4h_cluster *cluster, struct m4h_page_request request,
                 const char *what, size_t expected)
{
    static struct m4h_tunnel_status rows[M4H_PAGE_SIZE_MAX];
    size_t found = 0, pages = 0, count;
    double longest = 0;

    request.page_size = M4H_PAGE_SIZE_MAX;
    do {
        double before = cpu_seconds();

        m4h_cluster_tunnels(cluster, &request, rows, &count, request.page_token);
        if (cpu_seconds() - before > longest)
            longest = cpu_seconds() - before;
        found += count;
        pages++;
    } while (request.page_token[0] != '\0');
    printf("%s: %zu tunnels in %zu pages of at most %.1f ms\n", what, found, pages, 1000 * longest);
    assert_int_equal(found, expected);
}

static void list_many(const struct m4h_cluster *cluster)
{
    list(cluster, (struct m4h_page_request){.region = ""}, "all", TUNNELS);
    list(cluster, (struct m4h_page_request){.region = "r1"}, "a region", TUNNELS / 4);
    list(cluster, (struct m4h_page_request){.slave_id = "slave-07"}, "a slave", TUNNELS / SLAVES);
    list(cluster, (struct m4h_page_request){.client_key_prefix = "nobody"}, "nobody", 0);
}

static void dispatch_many(struct m4h_cluster *cluster, struct m4h_moment moment)
{
    struct m4h_dispatch_request request = {.region = "r1"};
    double before = cpu_seconds();

    for (unsigned i = 0; i < 100000; i++) {
        struct m4h_problem problem;
        struct m4h_slot slot;

        assert_int_equal(m4h_cluster_dispatch(cluster, &request, moment, 0, &slot, &problem), 0);
    }
    printf("a dispatch costs %.2f us\n", (cpu_seconds() - before) * 10);
}

/* All slaves are lost at once, and a few of them at each tick, so that none takes long. */
static void lose_all(struct m4h_cluster *cluster, struct m4h_moment moment)
{
    double cpu = cpu_seconds(), longest = 0;
    struct m4h_cluster_stats stats;
    unsigned ticks = 0;
    uint64_t next_ms;

    do {
        double before = cpu_seconds();

        next_ms = m4h_cluster_tick(cluster, moment);
        moment.now_ms++;
        if (cpu_seconds() - before > longest)
            longest = cpu_seconds() - before;
        ticks++;
    } while (next_ms <= moment.now_ms);
    printf("all lost at once: %.2f s, in %u ticks of at most %.0f ms\n", cpu_seconds() - cpu, ticks,
           1000 * longest);
    m4h_cluster_stats(cluster, &stats);
    assert_int_equal(stats.entries, 0);
    assert_int_equal(stats.tunnels, 0);
    assert_true(ticks >= SLAVES || SLAVES == 1);
}

static void a_million_tunnels_are_held_found_and_dropped(void **state)
{
    struct m4h_cluster_config config = {.silent_after_ms = 6000,
                                        .lost_after_ms = 10000,
                                        .forget_after_ms = 3600000,
                                        .seed = 3,
                                        .dispatch = {.reservation_ms = 2500}};
    struct m4h_moment moment = {.now_ms = 1000, .wall_ms = 1790000000000};
    struct m4h_cluster *cluster;
    struct m4h_cluster_stats stats;
    size_t before;
    double cpu, bytes;

    (void)state;
    assert_int_equal(m4h_cluster_create(&cluster, &config), 0);
    start_slaves(cluster, moment);
    before = mallinfo2().uordblks;
    cpu = cpu_seconds();
    for (unsigned i = 0; i < TUNNELS; i++) {
        struct m4h_event event;

        fill(&event, i);
        m4h_cluster_event(cluster, &event, moment);
        if (i + 1 == 1000)
            printf("one of 1,000 is found in %.0f ns\n", look_up(cluster, 1000));
    }
    cpu = cpu_seconds() - cpu;
    m4h_cluster_stats(cluster, &stats);
    assert_int_equal(stats.tunnels, TUNNELS);
    assert_int_equal(stats.slaves_unsynced, 0);
    bytes = (double)(mallinfo2().uordblks - before) / TUNNELS;
    printf("%.0f events a second; %.1f bytes per tunnel\n", TUNNELS / cpu, bytes);
    assert_true(bytes <= 256);
    printf("one of %u is found in %.0f ns\n", TUNNELS, look_up(cluster, TUNNELS));
    list_many(cluster);
    dispatch_many(cluster, moment);
    moment.now_ms += 10000;
    lose_all(cluster, moment);
    m4h_cluster_destroy(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_tunnels_are_held_found_and_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
