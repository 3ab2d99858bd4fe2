/* Events from the bus into the cluster. What an event says of its sender must be
 * what its subject says: the bus can enforce who publishes on a subject. */
#include "services/master/io/service.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <string.h>

static bool is_from_its_subject(const struct m4h_event *event, const char *subject)
{
    char sender[2 * M4H_ID_MAX + 64];
    size_t len = (size_t)snprintf(sender, sizeof(sender), "mas4h.v1.events.%s.%s.", event->region,
                                  event->slave_id);

    if (strncmp(sender, subject, len) != 0)
        return false;
    return event->type == M4H_EVENT_OTHER ||
           strcmp(subject + len, m4h_event_type_name(event->type)) == 0;
}

static void refuse(struct m4h_master *master, const struct m4h_bus_message *message,
                   const char *reason)
{
    uint32_t suppressed;
    char subject[200];

    if (m4h_log_limit_allows(&master->event_log, m4h_loop_now_ms(master->loop), &suppressed))
        m4h_log(M4H_LOG_WARNING, M4H_MASTER_LOG,
                "subject=%s bytes=%zu reason=\"%s\" suppressed=%u event is ignored",
                m4h_log_quote(subject, sizeof(subject), message->subject), message->len, reason,
                suppressed);
}

void m4h_master_on_event(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_event event;
    int error = m4h_wire_event_decode(message->data, message->len, &event);

    if (error != 0) {
        master->counters.bad_events++;
        refuse(master, message, m4h_error_text(error));
        return;
    }
    if (!is_from_its_subject(&event, message->subject)) {
        master->counters.forged_events++;
        refuse(master, message, "it speaks for another subject");
        return;
    }
    m4h_cluster_event(master->cluster, &event, m4h_master_moment(master));
}
