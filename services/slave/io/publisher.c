/* Events: the envelope, the numbering, and the load. An event that cannot be
 * encoded still has its number, so masters see a gap and ask for a snapshot. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/base/open_files.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static void fill_envelope(struct m4h_slave *slave, struct m4h_event *event)
{
    bool load = event->type == M4H_EVENT_LOAD;
    int len;

    m4h_text_copy(event->slave_id, sizeof(event->slave_id), slave->config->id);
    m4h_text_copy(event->region, sizeof(event->region), slave->config->region);
    event->epoch = slave->epoch;
    event->seq = load ? slave->seq : ++slave->seq;
    event->wall_ms = m4h_walltime_now_ms();
    len = snprintf(event->event_id, sizeof(event->event_id), "%s:%" PRIu64 ":%" PRIu64,
                   event->slave_id, event->epoch, event->seq);
    if (load)
        snprintf(event->event_id + len, sizeof(event->event_id) - (size_t)len, ":load:%" PRIu64,
                 ++slave->load_count);
}

static void publish_load(struct m4h_slave *slave, const struct m4h_event *event)
{
    char subject[192];

    snprintf(subject, sizeof(subject), "mas4h.v1.events.%s.%s.load", event->region,
             event->slave_id);
    if (m4h_bus_publish(slave->bus, subject, M4H_BUS_FRESH, event->event_id, slave->message.data,
                        slave->message.len) != 0)
        m4h_log(M4H_LOG_DEBUG, M4H_SLAVE_COMPONENT, "event=%s load is not told", event->event_id);
}

void m4h_publisher_send(struct m4h_slave *slave, struct m4h_event *event)
{
    uint32_t suppressed;
    int error;

    fill_envelope(slave, event);
    m4h_buffer_clear(&slave->message);
    error = m4h_wire_event_encode(event, &slave->message);
    if (error == 0) {
        if (event->type == M4H_EVENT_LOAD)
            publish_load(slave, event);
        else
            m4h_outbox_io_push(slave, event);
        return;
    }
    slave->counters.events_lost++;
    if (m4h_log_limit_allows(&slave->lost_lines, m4h_loop_now_ms(slave->loop), &suppressed))
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT,
                "event=%s error=\"%s\" suppressed=%" PRIu32 " event is lost", event->event_id,
                m4h_error_text(error), suppressed);
}

void m4h_publisher_refuse(struct m4h_slave *slave, const struct m4h_refuse *refuse)
{
    struct m4h_event event = {.type = M4H_EVENT_REFUSE, .as.refuse = *refuse};
    char detail[2 * M4H_DETAIL_MAX], client_key[2 * M4H_CLIENT_KEY_MAX];
    uint32_t suppressed;

    slave->counters.refusals[refuse->reason]++;
    /* Each by itself: what strangers cause hides nothing that befalls a device. */
    if (!m4h_log_limit_allows(&slave->refusal_lines[refuse->reason], m4h_loop_now_ms(slave->loop),
                              &suppressed))
        return;
    m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT,
            "device=%s peer=%s key=%s reason=%s detail=%s suppressed=%" PRIu32 " device is refused",
            m4h_log_quote(client_key, sizeof(client_key), refuse->client_key),
            refuse->remote_address,
            refuse->key_fingerprint[0] != '\0' ? refuse->key_fingerprint : "none",
            m4h_refuse_reason_name(refuse->reason),
            m4h_log_quote(detail, sizeof(detail), refuse->detail), suppressed);
    m4h_publisher_send(slave, &event);
}

static uint32_t cpu_permille(struct m4h_slave *slave)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint64_t passed_ms = now_ms - slave->cpu_at_ms;
    struct timespec used;
    uint64_t used_us, delta_us;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    used_us = (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
    delta_us = used_us - slave->cpu_us;
    slave->cpu_us = used_us;
    slave->cpu_at_ms = now_ms;
    return passed_ms > 0 ? (uint32_t)(delta_us / passed_ms) : 0;
}

static void add_workers(const struct m4h_slave *slave, struct m4h_load *load)
{
    for (uint32_t i = 0; i < slave->worker_count; i++) {
        struct m4h_worker_stats *stats = &slave->workers[i]->stats;

        load->channels += atomic_load_explicit(&stats->channels, memory_order_relaxed);
        load->handshakes += atomic_load_explicit(&stats->handshakes, memory_order_relaxed);
        load->bytes_from_device +=
            atomic_load_explicit(&stats->bytes_from_device, memory_order_relaxed);
        load->bytes_to_device +=
            atomic_load_explicit(&stats->bytes_to_device, memory_order_relaxed);
    }
}

/* A load event names the latest number: it waits for its turn, but no longer than to the next
 * one, as masters listen for it. */
void m4h_publisher_load(struct m4h_slave *slave)
{
    struct m4h_event event = {.type = M4H_EVENT_LOAD};
    struct m4h_load *load = &event.as.load;
    struct rlimit files;

    slave->load_waits = !slave->load_waits && m4h_journal_is_behind(slave->journal);
    if (slave->load_waits)
        return;
    load->tunnels = m4h_roster_tunnel_count(slave->roster);
    load->digest = m4h_roster_digest(slave->roster);
    load->capacity = slave->capacity;
    load->state = slave->state;
    load->drain_deadline_wall_ms = slave->drain_deadline_wall_ms;
    load->cpu_permille = cpu_permille(slave);
    load->open_files = m4h_open_files_count();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        load->open_files_limit = (uint32_t)files.rlim_cur;
    add_workers(slave, load);
    m4h_publisher_send(slave, &event);
}
