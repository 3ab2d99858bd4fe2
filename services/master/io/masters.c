/* What masters tell one another: that they are there, and which slots they gave.
 *
 * A slot that was given waits in `shared` until the turn of the loop ends, and goes
 * out with all others of that turn, if any other master is there. What gets lost only
 * makes the slots a little less even for as long as a reservation lasts. */
#include "services/master/io/records.h"
#include "services/master/io/service.h"

#include "lib/base/ready_file.h"
#include "lib/wire/wire.h"

#include <stdlib.h>

/* How long it takes at most until who asks has heard that this master stops, and until what was
 * on its way when it left the queue groups has come and is answered. */
#define HEARD_WITHIN_MS 150u
#define LAST_ANSWERS_MS 250u

static void log_other(enum m4h_log_level level, const struct m4h_master_hello *hello,
                      const char *what)
{
    m4h_log(level, M4H_MASTER_LOG, "master=%s instance=%016llx %s", hello->master_id,
            (unsigned long long)hello->instance, what);
}

/* ---- hello ------------------------------------------------------------------ */

static void say_hello(struct m4h_master *master, bool stopping)
{
    struct m4h_master_hello hello = master->masters.self;
    int error;

    hello.stopping = stopping;
    hello.learning = !master->readiness.is_ready;
    hello.revocations_digest = m4h_revocations_digest(master->revocations);
    hello.devices_digest = m4h_registry_digest(m4h_records_registry(master->records));
    hello.validators_ms = m4h_chain_patience_ms(master->chain);
    error = m4h_wire_hello_encode(&hello, &master->out);
    if (error == 0)
        error = m4h_bus_publish(master->bus, "mas4h.v1.master.hello", M4H_BUS_FRESH, NULL,
                                master->out.data, master->out.len);
    if (error != 0)
        master->counters.hellos_lost++;
    m4h_buffer_clear(&master->out);
}

void m4h_master_on_hello(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_moment moment = m4h_master_moment(master);
    struct m4h_master_hello hello;

    if (m4h_wire_hello_decode(message->data, message->len, &hello) != 0) {
        master->counters.bad_shared++;
        return;
    }
    switch (m4h_masters_heard(&master->masters, &hello, moment.now_ms, moment.wall_ms)) {
    case M4H_MASTERS_CAME:
        log_other(M4H_LOG_INFO, &hello, "another master is there");
        break;
    case M4H_MASTERS_SAME_ID:
        log_other(M4H_LOG_WARNING, &hello, "another master has the id of this one");
        break;
    case M4H_MASTERS_WENT:
        log_other(M4H_LOG_INFO, &hello, "a master stops");
        break;
    case M4H_MASTERS_FULL:
        master->counters.bad_shared++;
        break;
    case M4H_MASTERS_NOTHING:
        break;
    }
    m4h_master_heard_revocations(master, &hello);
    m4h_master_heard_records(master, &hello);
}

static void on_timer(void *context)
{
    struct m4h_master *master = context;
    struct m4h_master_hello gone;

    if (!m4h_bus_is_connected(master->bus) || master->leaving != NULL)
        return;
    while (m4h_masters_expire(&master->masters, m4h_loop_now_ms(master->loop), &gone))
        log_other(M4H_LOG_WARNING, &gone, "a master is silent");
    say_hello(master, false);
}

/* ---- reservations ------------------------------------------------------------ */

void m4h_master_share(struct m4h_master *master, const char *slave_id, const char *client_key)
{
    struct m4h_shared_reservation *reservation;

    if (master->masters.count == 0)
        return;
    if (master->shared_count == M4H_SHARED_RESERVATIONS_MAX)
        m4h_master_send_shared(master);
    reservation = &master->shared[master->shared_count++];
    m4h_text_copy(reservation->slave_id, sizeof(reservation->slave_id), slave_id);
    m4h_text_copy(reservation->client_key, sizeof(reservation->client_key), client_key);
    reservation->remaining_ms = slave_id[0] != '\0' ? (uint32_t)master->config->reservation_ms : 0;
}

void m4h_master_send_shared(struct m4h_master *master)
{
    int error;

    if (master->shared_count == 0)
        return;
    error = m4h_wire_reservations_encode(master->config->id, master->masters.self.instance,
                                         master->shared, master->shared_count, &master->out);
    if (error == 0)
        error = m4h_bus_publish(master->bus, "mas4h.v1.master.reservations", M4H_BUS_FRESH, NULL,
                                master->out.data, master->out.len);
    if (error == 0)
        master->counters.shared_out += master->shared_count;
    else
        master->counters.shared_lost += master->shared_count;
    master->shared_count = 0;
    m4h_buffer_clear(&master->out);
}

void m4h_master_on_reservations(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_shared_reservation *reservations;
    char master_id[M4H_ID_MAX + 1];
    uint64_t instance = 0;
    size_t count;

    if (m4h_wire_reservations_decode(message->data, message->len, master_id, &instance,
                                     &reservations, &count) != 0)
        master->counters.bad_shared++;
    else if (instance != master->masters.self.instance)
        for (size_t i = 0; i < count; i++)
            m4h_cluster_shared(master->cluster, &reservations[i], m4h_loop_now_ms(master->loop));
    free(reservations);
}

/* ---- life -------------------------------------------------------------------- */

int m4h_master_open_masters(struct m4h_master *master)
{
    struct m4h_master_hello self = {.started_wall_ms = master->started_wall_ms};

    m4h_text_copy(self.master_id, sizeof(self.master_id), master->config->id);
    m4h_text_copy(self.version, sizeof(self.version), M4H_VERSION);
    while (self.instance == 0)
        self.instance = m4h_master_random(master);
    m4h_masters_init(&master->masters, &self);
    return m4h_timer_create(&master->hello, master->loop, on_timer, master);
}

void m4h_master_greet(struct m4h_master *master)
{
    if (master->leaving != NULL)
        return;
    say_hello(master, false);
    m4h_timer_start(master->hello, M4H_MASTERS_HELLO_MS, M4H_MASTERS_HELLO_MS);
}

/* The second time all that was on its way when the queue groups were left is answered. */
static void on_leaving(void *context)
{
    struct m4h_master *master = context;

    if (!master->has_left_queues && m4h_bus_is_connected(master->bus)) {
        master->has_left_queues = true;
        m4h_bus_leave_queues(master->bus);
        m4h_timer_start(master->leaving, LAST_ANSWERS_MS, 0);
    } else {
        master->on_left(master->left_context);
    }
}

void m4h_master_leave(struct m4h_master *master, void (*on_left)(void *context), void *context)
{
    master->on_left = on_left;
    master->left_context = context;
    m4h_ready_file_remove(master->config->ready_file);
    if (!m4h_bus_is_connected(master->bus) ||
        m4h_timer_create(&master->leaving, master->loop, on_leaving, master) != 0) {
        on_left(context);
        return;
    }
    say_hello(master, true);
    m4h_timer_start(master->leaving, HEARD_WITHIN_MS, 0);
}

void m4h_master_take_leave(struct m4h_master *master)
{
    if (master->bus != NULL && m4h_bus_is_connected(master->bus))
        say_hello(master, true);
}
