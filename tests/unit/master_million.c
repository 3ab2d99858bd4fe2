/* A million tunnels of a hundred slaves: they are all there, pages miss none of them while
 * others move, and what they cost is printed. Of the numbers only that of the memory is
 * claimed. */
#include "services/master/core/cluster.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* ---- pages while devices come and go --------------------------------------- */

/* One device in ten moves from slave to slave, again and again; the others stay. */
#define MOVES_PER_PAGE 30u
/* One in so many of those that stay is looked for: not one of those that move. */
#define STAYING_LOOKED_AT 2u

struct churn {
    uint64_t seq[SLAVES];
    uint8_t slave[TUNNELS / 10];  /* of those that move */
    uint16_t moves[TUNNELS / 10]; /* that each has made */
    uint8_t seen[TUNNELS];
    uint64_t random;
};

static uint32_t next_random(struct churn *churn)
{
    churn->random = churn->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(churn->random >> 33);
}

static struct churn *create_churn(void)
{
    struct churn *churn = calloc(1, sizeof(*churn));

    assert_non_null(churn);
    churn->random = 5;
    for (unsigned i = 0; i < SLAVES; i++)
        churn->seq[i] = TUNNELS / SLAVES + 1;
    for (unsigned i = 0; i < TUNNELS; i += 10)
        churn->slave[i / 10] = (uint8_t)(i % SLAVES);
    return churn;
}

static void tell(struct m4h_cluster *cluster, struct churn *churn, unsigned slave,
                 struct m4h_event *event, struct m4h_moment moment)
{
    event->seq = ++churn->seq[slave];
    snprintf(event->slave_id, sizeof(event->slave_id), "slave-%02u", slave);
    snprintf(event->region, sizeof(event->region), "r%u", slave % 4);
    m4h_cluster_event(cluster, event, moment);
}

/* A device goes, and comes to another slave as another tunnel. */
static void move_one(struct m4h_cluster *cluster, struct churn *churn, struct m4h_moment moment)
{
    unsigned at = next_random(churn) % (TUNNELS / 10), i = 10 * at;
    struct m4h_event connect, disconnect = {.epoch = 1, .type = M4H_EVENT_DISCONNECT};

    fill(&connect, i);
    m4h_text_copy(disconnect.as.disconnect.client_key, sizeof(disconnect.as.disconnect.client_key),
                  connect.as.connect.client_key);
    disconnect.as.disconnect.tunnel_id = i + 1 + (uint64_t)TUNNELS * churn->moves[at];
    tell(cluster, churn, churn->slave[at], &disconnect, moment);
    churn->slave[at] = (uint8_t)(next_random(churn) % SLAVES);
    connect.as.connect.tunnel_id = i + 1 + (uint64_t)TUNNELS * ++churn->moves[at];
    tell(cluster, churn, churn->slave[at], &connect, moment);
}

/* By the names that `fill` gives. */
static bool is_left_by(const struct m4h_page_request *request, unsigned i)
{
    char text[32];

    snprintf(text, sizeof(text), "slave-%02u", i % SLAVES);
    if (request->slave_id[0] != '\0' && strcmp(request->slave_id, text) != 0)
        return false;
    snprintf(text, sizeof(text), "r%u", i % SLAVES % 4);
    if (request->region[0] != '\0' && strcmp(request->region, text) != 0)
        return false;
    name_of(text, i);
    return strncmp(text, request->client_key_prefix, strlen(request->client_key_prefix)) == 0;
}

/* Whoever stays is listed once, and nobody twice, while some move between the pages. */
static void list_moving(struct m4h_cluster *cluster, struct churn *churn,
                        struct m4h_page_request request, struct m4h_moment moment)
{
    static struct m4h_tunnel_status rows[M4H_PAGE_SIZE_MAX];
    const struct m4h_page_request asked = request;
    size_t count;

    memset(churn->seen, 0, sizeof(churn->seen));
    request.page_size = M4H_PAGE_SIZE_MAX;
    do {
        m4h_cluster_tunnels(cluster, &request, rows, &count, request.page_token);
        for (size_t row = 0; row < count; row++)
            churn->seen[(rows[row].tunnel.tunnel_id - 1) % TUNNELS]++;
        for (unsigned i = 0; i < MOVES_PER_PAGE; i++)
            move_one(cluster, churn, moment);
        drop_effects(cluster);
    } while (request.page_token[0] != '\0');
    for (unsigned i = 0; i < TUNNELS; i++) {
        if (churn->seen[i] > 1)
            fail_msg("device %u is listed %u times", i, churn->seen[i]);
        if (i % STAYING_LOOKED_AT == 1 && churn->seen[i] != is_left_by(&asked, i))
            fail_msg("device %u stays, and is listed %u times", i, churn->seen[i]);
    }
}

static void list_many_moving(struct m4h_cluster *cluster, struct m4h_moment moment)
{
    struct churn *churn = create_churn();

    list_moving(cluster, churn, (struct m4h_page_request){.region = ""}, moment);
    list_moving(cluster, churn, (struct m4h_page_request){.region = "r1"}, moment);
    list_moving(cluster, churn, (struct m4h_page_request){.slave_id = "slave-07"}, moment);
    list_moving(cluster, churn,
                (struct m4h_page_request){.region = "r2", .client_key_prefix = "device-a"}, moment);
    free(churn);
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
    list_many_moving(cluster, moment);
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
