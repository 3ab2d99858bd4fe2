/* What masters tell one another of their records: what has changed, and, page by page, what one of
 * them has missed.
 *
 * A master that has just started does not know yet what it has missed: until it has what another
 * one has, or has heard none for a moment, its records are not complete, and it does not say who is
 * unknown. */
#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"
#include "services/master/io/records.h"
#include "services/master/io/service.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_TIMEOUT_MS 2000u
/* Hellos come every 2 s: who hears none for so long is alone. */
#define ALONE_MS 2500u
/* Who cannot get what the others have goes on with what he has. */
#define COMPLETE_WITHIN_MS 20000u

/* ---- telling --------------------------------------------------------------------- */

uint64_t m4h_master_tell_records(struct m4h_master *master, const struct m4h_device_record *records,
                                 size_t count)
{
    uint64_t lost = 0;
    size_t taken;

    if (master->masters.count == 0)
        return 0; /* who comes will ask */
    for (size_t at = 0; at < count; at += taken) {
        int error =
            m4h_wire_devices_changed_encode(master->config->id, master->masters.self.instance,
                                            records + at, count - at, &taken, &master->out);

        if (error == 0)
            error = m4h_bus_publish(master->bus, "mas4h.v1.master.devices", M4H_BUS_FRESH, NULL,
                                    master->out.data, master->out.len);
        m4h_buffer_clear(&master->out);
        taken = taken > 0 ? taken : 1;
        lost += error != 0 ? taken : 0;
    }
    return lost;
}

/* ---- hearing --------------------------------------------------------------------- */

/* A clock that is far ahead would make a record that nobody can change any more. */
static void take_all(struct m4h_master *master, const struct m4h_device_record *records,
                     size_t count)
{
    uint64_t wall_ms = m4h_walltime_now_ms();

    for (size_t i = 0; i < count; i++) {
        if (!m4h_stamp_is_near(wall_ms, records[i].stamp)) {
            master->counters.bad_shared++;
            continue;
        }
        m4h_stamp_see(&master->stamps, wall_ms, records[i].stamp);
        m4h_records_take(master->records, &records[i], false);
    }
}

void m4h_master_on_devices_changed(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_device_record *records;
    char master_id[M4H_ID_MAX + 1];
    uint64_t instance = 0;
    size_t count;

    if (m4h_wire_devices_changed_decode(message->data, message->len, master_id, &instance, &records,
                                        &count) != 0)
        master->counters.bad_shared++;
    else if (instance != master->masters.self.instance)
        take_all(master, records, count);
    free(records);
}

/* ---- asking ---------------------------------------------------------------------- */

static void on_page(void *context, int error, const uint8_t *data, size_t len);

static void ask_page(struct m4h_master *master)
{
    struct m4h_devices_request request = {.page_size = M4H_DEVICES_PAGE_MAX, .with_removed = true};
    char subject[M4H_ID_MAX + 48];
    uint64_t id;
    int error;

    m4h_text_copy(request.page_token, sizeof(request.page_token), master->record_pull.page_token);
    snprintf(subject, sizeof(subject), "mas4h.v1.master.%s.devices.list",
             master->record_pull.master_id);
    error = m4h_wire_devices_request_encode(&request, &master->out);
    if (error == 0)
        error =
            m4h_bus_request(master->bus, subject, master->out.data, master->out.len,
                            m4h_loop_now_ms(master->loop), PAGE_TIMEOUT_MS, on_page, master, &id);
    m4h_buffer_clear(&master->out);
    if (error != 0)
        m4h_record_pull_failed(&master->record_pull);
}

static void end_pull(struct m4h_master *master)
{
    m4h_log(M4H_LOG_INFO, M4H_MASTER_LOG, "digest=%016llx the records of another master are merged",
            (unsigned long long)m4h_registry_digest(m4h_records_registry(master->records)));
    master->records_complete = true;
}

static void on_page(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_master *master = context;
    struct m4h_problem problem = {0};
    struct m4h_device_record *page = NULL;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count = 0;

    if (error == 0)
        error = m4h_wire_devices_reply_decode(data, len, &page, &count, token, &problem);
    if (error != 0 || problem.code != 0) {
        m4h_record_pull_failed(&master->record_pull);
    } else {
        take_all(master, page, count);
        master->record_page_is_in = m4h_record_pull_page(&master->record_pull, token);
        if (!master->record_page_is_in && token[0] == '\0')
            end_pull(master);
        m4h_master_records_settled(master);
    }
    free(page);
}

/* The next page is asked for when the one before is written. */
void m4h_master_records_settled(struct m4h_master *master)
{
    if (!master->record_page_is_in || m4h_records_waiting(master->records) > 0)
        return;
    master->record_page_is_in = false;
    ask_page(master);
}

void m4h_master_heard_records(struct m4h_master *master, const struct m4h_master_hello *hello)
{
    uint64_t digest = m4h_registry_digest(m4h_records_registry(master->records));

    if (hello->stopping || hello->instance == master->masters.self.instance)
        return;
    /* 0: it has none, or is of a version without. */
    if ((hello->devices_digest == digest || hello->devices_digest == 0) && !hello->learning)
        master->records_complete = true;
    if (m4h_records_waiting(master->records) == 0 &&
        m4h_record_pull_heard(&master->record_pull, hello->master_id, hello->devices_digest, digest,
                              !master->records_complete))
        ask_page(master);
}

bool m4h_master_records_are_complete(struct m4h_master *master)
{
    uint64_t heard_ms;

    if (master->records_complete || !m4h_bus_is_connected(master->bus))
        return master->records_complete;
    heard_ms = m4h_loop_now_ms(master->loop) - master->readiness.connected_ms;
    master->records_complete =
        heard_ms >= COMPLETE_WITHIN_MS || (heard_ms >= ALONE_MS && master->masters.count == 0);
    return master->records_complete;
}
