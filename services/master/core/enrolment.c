/* Unknown keys that may wait. */
#include "services/master/core/enrolment.h"

#include <string.h>

#define V6_BITS 64

static const char *const names[M4H_ENROLMENT_RESULTS] = {"queued",  "again", "waits",
                                                         "removed", "full",  "limited"};
static const char *const texts[M4H_ENROLMENT_RESULTS] = {
    "waits for approval",
    "waits for approval",
    "waits for approval",
    "its record was removed",
    "nobody knows the key, and too many wait for approval",
    "nobody knows the key, and too many from there wait for approval",
};

const char *m4h_enrolment_result_name(enum m4h_enrolment_result result)
{
    return names[result];
}

const char *m4h_enrolment_result_text(enum m4h_enrolment_result result)
{
    return texts[result];
}

static size_t slot_of(const struct m4h_enrolment *enrolment, const struct m4h_ip *ip)
{
    uint64_t hash = 0xcbf29ce484222325u ^ enrolment->seed;

    for (size_t i = 0; i < sizeof(ip->bytes); i++)
        hash = (hash ^ ip->bytes[i]) * 0x100000001b3u;
    return (size_t)((hash ^ (hash >> 29)) % M4H_ENROLMENT_SOURCES);
}

/* What is no address shares the room of the address ::. */
static struct m4h_enrolment_source *source_of(struct m4h_enrolment *enrolment,
                                              const char *remote_address, uint64_t now_ms)
{
    struct m4h_enrolment_source *source;
    struct m4h_ip ip = {0};

    if (m4h_ip_parse_peer(remote_address, &ip) != 0 && m4h_ip_parse(remote_address, &ip) != 0)
        ip = (struct m4h_ip){0};
    ip = m4h_ip_prefix(&ip, 32, V6_BITS);
    source = &enrolment->sources[slot_of(enrolment, &ip)];
    if (source->count == 0 || now_ms - source->since_ms >= M4H_ENROLMENT_HOUR_MS)
        *source = (struct m4h_enrolment_source){.since_ms = now_ms};
    return source;
}

enum m4h_enrolment_result m4h_enrolment_decide(struct m4h_enrolment *enrolment,
                                               const struct m4h_registry_entry *there,
                                               size_t pending, size_t pending_max,
                                               uint32_t source_max, const char *remote_address,
                                               uint64_t now_ms, uint64_t wall_ms)
{
    struct m4h_enrolment_source *source;

    if (there != NULL && there->state != M4H_DEVICE_PENDING)
        return M4H_ENROLMENT_REMOVED;
    if (there != NULL)
        return wall_ms >= (there->stamp >> 16) + M4H_ENROLMENT_AGAIN_MS ? M4H_ENROLMENT_AGAIN
                                                                        : M4H_ENROLMENT_WAITS;
    if (pending >= pending_max)
        return M4H_ENROLMENT_FULL;
    source = source_of(enrolment, remote_address, now_ms);
    if (source->count >= source_max)
        return M4H_ENROLMENT_LIMITED;
    source->count++;
    return M4H_ENROLMENT_QUEUE;
}
