/* Connections that wait for their peer's end. They stand in order of their coming, and
 * all are looked at each second. */
#include "lib/net/farewell.h"

#include "lib/base/error.h"
#include "lib/net/timer.h"

#include <stdint.h>
#include <stdlib.h>

#define LOOK_EVERY_MS 1000u
/* Read and dropped in one go. */
#define DROP_BYTES 16384u

struct farewell {
    struct farewell *next;
    struct m4h_farewells *farewells;
    struct m4h_connection *connection;
    uint64_t begun_ms;
    uint64_t untaken_ms; /* when the peer had not taken everything last */
};

struct m4h_farewells {
    struct m4h_loop *loop;
    struct m4h_timer *timer;
    struct farewell *oldest;
    struct farewell **end;
    unsigned count;
};

/* Ends the one that `*at` points to. */
static void end(struct m4h_farewells *farewells, struct farewell **at)
{
    struct farewell *farewell = *at;

    *at = farewell->next;
    if (farewell->next == NULL)
        farewells->end = at;
    if (--farewells->count == 0)
        m4h_timer_stop(farewells->timer);
    m4h_connection_close(farewell->connection);
    free(farewell);
}

static void on_readable(void *context)
{
    struct farewell *farewell = context;
    struct farewell **at = &farewell->farewells->oldest;
    uint8_t dropped[DROP_BYTES];
    size_t len;
    int error = m4h_connection_read(farewell->connection, dropped, sizeof(dropped), &len);

    if (error == 0 || error == M4H_EAGAIN)
        return;
    while (*at != farewell)
        at = &(*at)->next;
    end(farewell->farewells, at);
}

static void on_drained(void *context)
{
    (void)context;
}

static const struct m4h_connection_handler handler = {on_readable, on_drained};

static bool is_over(struct farewell *farewell, uint64_t now_ms)
{
    if (m4h_connection_untaken(farewell->connection) > 0)
        farewell->untaken_ms = now_ms;
    return now_ms - farewell->untaken_ms >= M4H_FAREWELL_QUIET_MS ||
           now_ms - farewell->begun_ms >= M4H_FAREWELL_MAX_MS;
}

static void on_timer(void *context)
{
    struct m4h_farewells *farewells = context;
    struct farewell **at = &farewells->oldest;
    uint64_t now_ms = m4h_loop_now_ms(farewells->loop);

    while (*at != NULL) {
        if (is_over(*at, now_ms))
            end(farewells, at);
        else
            at = &(*at)->next;
    }
}

int m4h_farewells_create(struct m4h_farewells **farewells, struct m4h_loop *loop)
{
    struct m4h_farewells *made = calloc(1, sizeof(*made));
    int error;

    *farewells = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->loop = loop;
    made->end = &made->oldest;
    error = m4h_timer_create(&made->timer, loop, on_timer, made);
    if (error != 0) {
        free(made);
        return error;
    }
    *farewells = made;
    return 0;
}

void m4h_farewells_add(struct m4h_farewells *farewells, struct m4h_connection *connection)
{
    struct farewell *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        m4h_connection_close(connection);
        return;
    }
    if (farewells->count == M4H_FAREWELLS_MAX)
        end(farewells, &farewells->oldest);
    made->farewells = farewells;
    made->connection = connection;
    made->begun_ms = made->untaken_ms = m4h_loop_now_ms(farewells->loop);
    *farewells->end = made;
    farewells->end = &made->next;
    if (farewells->count++ == 0)
        m4h_timer_start(farewells->timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
    m4h_connection_hand_over(connection, &handler, made);
    m4h_connection_want_read(connection, true);
}

void m4h_farewells_destroy(struct m4h_farewells *farewells)
{
    if (farewells == NULL)
        return;
    while (farewells->oldest != NULL)
        end(farewells, &farewells->oldest);
    m4h_timer_close(farewells->timer);
    free(farewells);
}
