/* What a change makes of what there is. */
#include "services/master/io/record_change.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/crypto/crypto.h"
#include "lib/wire/wire.h"
#include "services/master/core/device_change.h"
#include "services/master/core/device_line.h"
#include "services/master/io/records.h"
#include "services/master/io/service.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* A change that is on its way from another master, and not one of long ago that was missed. */
#define RECENT_MS 10000u

struct m4h_change *m4h_change_create(enum m4h_change_kind kind, const void *message, size_t len,
                                     const char *reply)
{
    size_t reply_size = reply != NULL ? strlen(reply) + 1 : 0;
    struct m4h_change *change = calloc(1, sizeof(*change) + len + reply_size);

    if (change == NULL)
        return NULL;
    change->kind = kind;
    change->len = len;
    change->packed = (struct m4h_buffer)M4H_BUFFER_INIT(M4H_CHANGE_PACKED_MAX);
    if (len > 0)
        memcpy(change->message, message, len);
    if (reply != NULL) {
        change->reply = (char *)change->message + len;
        memcpy(change->reply, reply, reply_size);
    }
    return change;
}

void m4h_change_destroy(struct m4h_change *change)
{
    m4h_buffer_free(&change->packed);
    free(change->record);
    free(change);
}

static bool is_in(const struct m4h_change *batch, const char *fingerprint)
{
    const struct m4h_change *change;

    DL_FOREACH(batch, change)
    {
        if (change->record != NULL && strcmp(change->entry.fingerprint, fingerprint) == 0)
            return true;
    }
    return false;
}

static uint64_t stamp_after(struct m4h_master *master, const struct m4h_device_record *there)
{
    return m4h_stamp_next(&master->stamps, m4h_walltime_now_ms(), there != NULL ? there->stamp : 0);
}

static enum m4h_change_made refuse(struct m4h_problem *problem, enum m4h_problem_code code,
                                   const char *detail)
{
    m4h_problem_set(problem, code, detail);
    return M4H_CHANGE_REFUSED;
}

/* A public key must be the one that the fingerprint names: who asks about it has only that. */
static bool is_key_named(const struct m4h_device_record *record)
{
    char fingerprint[M4H_FINGERPRINT_MAX + 1];

    return record->public_key_len == 0 ||
           (m4h_crypto_key_fingerprint(record->public_key, record->public_key_len, fingerprint) ==
                0 &&
            strcmp(fingerprint, record->key_fingerprint) == 0);
}

/* The record that a line makes. */
static bool read_line(struct m4h_device_put *put, struct m4h_problem *problem)
{
    struct m4h_device_record *device = &put->device;

    if (!m4h_device_line_read(put->authorized_keys_line, device, problem))
        return false;
    if (m4h_crypto_key_fingerprint(device->public_key, device->public_key_len,
                                   device->key_fingerprint) == 0)
        return true;
    m4h_problem_set(problem, M4H_PROBLEM_INTERNAL, m4h_error_text(M4H_ENOMEM));
    return false;
}

static enum m4h_change_made make_put(struct m4h_change *change, struct m4h_master *master,
                                     const struct m4h_change *batch, struct m4h_problem *problem)
{
    struct m4h_device_record record, *there = NULL;
    struct m4h_device_put put;

    if (m4h_wire_device_put_decode(change->message, change->len, &put) != 0)
        return refuse(problem, M4H_PROBLEM_INVALID, "not a record of a device");
    if (put.authorized_keys_line[0] != '\0' && !read_line(&put, problem))
        return M4H_CHANGE_REFUSED;
    if (is_in(batch, put.device.key_fingerprint))
        return M4H_CHANGE_LATER;
    if (!is_key_named(&put.device))
        return refuse(problem, M4H_PROBLEM_INVALID, "key_fingerprint is not that of public_key");
    if (m4h_records_find(master->records, put.device.key_fingerprint, &record))
        there = &record;
    if (there != NULL && there->state == M4H_DEVICE_DISABLED && put.authorized_keys_line[0] != '\0')
        put.device.state = M4H_DEVICE_DISABLED;
    if (!m4h_device_change_put(there, &put, stamp_after(master, there), m4h_walltime_now_ms(),
                               change->record, problem))
        return M4H_CHANGE_REFUSED;
    if (there != NULL)
        change->voids = m4h_device_change_voids(there, change->record);
    return M4H_CHANGE_MADE;
}

static enum m4h_change_made make_remove(struct m4h_change *change, struct m4h_master *master,
                                        const struct m4h_change *batch, struct m4h_problem *problem)
{
    const struct m4h_registry_entry *entry;
    struct m4h_device_request request;
    struct m4h_device_record there;

    if (m4h_wire_device_remove_decode(change->message, change->len, &request) != 0)
        return refuse(problem, M4H_PROBLEM_INVALID, "not a request to remove a record");
    entry = m4h_records_named(master->records, request.name, problem);
    if (entry == NULL)
        return M4H_CHANGE_REFUSED;
    if (is_in(batch, entry->fingerprint))
        return M4H_CHANGE_LATER;
    if (!m4h_records_unpack(entry, &there))
        return refuse(problem, M4H_PROBLEM_INTERNAL, "the record cannot be read");
    m4h_device_change_remove(&there, request.actor, stamp_after(master, &there), change->record);
    change->voids = m4h_device_change_voids(&there, change->record);
    m4h_text_copy(change->reason, sizeof(change->reason), request.reason);
    return M4H_CHANGE_MADE;
}

/* Why another master's record is a reason to cut here as well: it has said what is void, but who
 * came back before the record was here was let in by the one of before. Of an old change this
 * matters only where it lets nobody in any more: all others have come by what it says since. */
static const char *voids_of_taken(const struct m4h_master *master,
                                  const struct m4h_device_record *now)
{
    struct m4h_device_record there;

    if (!master->records_complete ||
        !m4h_records_find(master->records, now->key_fingerprint, &there) ||
        (now->state == M4H_DEVICE_ENABLED &&
         (now->stamp >> 16) + RECENT_MS < m4h_walltime_now_ms()))
        return NULL;
    return m4h_device_change_voids(&there, now);
}

static enum m4h_change_made make_take(struct m4h_change *change, const struct m4h_master *master,
                                      const struct m4h_change *batch, struct m4h_problem *problem)
{
    if (m4h_wire_device_decode(change->message, change->len, change->record) != 0)
        return refuse(problem, M4H_PROBLEM_INVALID, "not a record of a device");
    if (is_in(batch, change->record->key_fingerprint))
        return M4H_CHANGE_LATER;
    change->voids = voids_of_taken(master, change->record);
    return M4H_CHANGE_MADE;
}

/* Packs what the change has come to, and looks whether there is room for it. */
static enum m4h_change_made pack(struct m4h_change *change, const struct m4h_registry *registry,
                                 struct m4h_problem *problem)
{
    if (m4h_wire_device_encode(change->record, &change->packed) != 0)
        return refuse(problem, M4H_PROBLEM_INVALID, "larger than a record may be");
    m4h_registry_entry_fill(&change->entry, change->record, change->packed.data,
                            change->packed.len);
    if (!m4h_registry_has_room(registry, &change->entry))
        return refuse(problem, M4H_PROBLEM_NO_CAPACITY, "as many records as can be kept");
    return M4H_CHANGE_MADE;
}

enum m4h_change_made m4h_change_make(struct m4h_change *change, struct m4h_master *master,
                                     const struct m4h_change *batch, struct m4h_problem *problem)
{
    enum m4h_change_made made;

    if (change->kind == M4H_CHANGE_FORGET || change->kind == M4H_CHANGE_BAN)
        return M4H_CHANGE_MADE;
    change->record = malloc(sizeof(*change->record));
    if (change->record == NULL)
        return refuse(problem, M4H_PROBLEM_INTERNAL, m4h_error_text(M4H_ENOMEM));
    if (change->kind == M4H_CHANGE_PUT)
        made = make_put(change, master, batch, problem);
    else if (change->kind == M4H_CHANGE_REMOVE)
        made = make_remove(change, master, batch, problem);
    else
        made = make_take(change, master, batch, problem);
    if (made == M4H_CHANGE_MADE)
        made = pack(change, m4h_records_registry(master->records), problem);
    if (made != M4H_CHANGE_MADE) {
        free(change->record);
        change->record = NULL;
    }
    return made;
}
