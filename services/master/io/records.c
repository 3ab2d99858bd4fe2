/* Changes of records: the line, the transaction, and what follows from it. */
#include "services/master/io/records.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"
#include "services/master/io/audit.h"
#include "services/master/io/record_change.h"
#include "services/master/io/record_file.h"
#include "services/master/io/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define LOG       "registry"
#define LINE      16384u /* changes that wait; beyond that they are refused */
#define BATCH_MAX 256u   /* in one transaction */
#define SWEEP_MS  1000u
#define SWEEP_MAX 64u

struct counters {
    uint64_t written;   /* changes */
    uint64_t failed;    /* that the disk did not take */
    uint64_t refused;   /* for what they ask */
    uint64_t not_taken; /* as the line, or the registry, is full */
    uint64_t told;      /* to other masters */
    uint64_t told_lost;
};

struct m4h_records {
    struct m4h_master *master; /* borrowed */
    struct m4h_registry *registry;
    struct m4h_store *store; /* NULL: in memory only */
    struct m4h_change *line; /* that wait */
    size_t line_count;
    struct m4h_change *batch; /* that are being written */
    size_t batch_count;
    bool is_writing;
    struct m4h_device_record *to_tell; /* M4H_DEVICES_PAGE_MAX of them */
    size_t to_tell_count;
    struct m4h_timer *sweep;
    struct counters counters;
    struct m4h_log_limit failure_log;
    struct m4h_log_limit change_log;
};

/* ---- answers ------------------------------------------------------------------ */

static void answer(struct m4h_records *records, const char *reply, uint64_t arrived_us,
                   const struct m4h_device_record *record, const struct m4h_problem *problem)
{
    m4h_master_answer_to(records->master, reply, arrived_us, M4H_MASTER_DEVICES,
                         m4h_wire_device_reply_encode(record, problem, &records->master->out));
}

static void answer_ban(struct m4h_records *records, const char *reply, uint64_t arrived_us,
                       const struct m4h_revoke *revoke, const struct m4h_problem *problem)
{
    m4h_master_answer_to(records->master, reply, arrived_us, M4H_MASTER_STATUS,
                         m4h_wire_revoke_reply_encode(revoke, problem, &records->master->out));
}

/* Tells who asked for it, if anybody waits. */
static void answer_change(struct m4h_records *records, const struct m4h_change *change,
                          const struct m4h_problem *problem)
{
    struct m4h_revoke revoke;

    if (change->reply == NULL)
        return;
    if (change->kind != M4H_CHANGE_BAN)
        answer(records, change->reply, change->arrived_us, change->record, problem);
    else if (m4h_wire_revoke_decode(change->message, change->len, &revoke) == 0)
        answer_ban(records, change->reply, change->arrived_us, &revoke, problem);
}

/* It is not to be. */
static void refuse(struct m4h_records *records, struct m4h_change *change,
                   const struct m4h_problem *problem)
{
    records->counters.refused++;
    answer_change(records, change, problem);
    m4h_change_destroy(change);
}

/* ---- the line ----------------------------------------------------------------- */

/* Behind the others; false: there is no room, and it is gone. */
static bool stand_in_line(struct m4h_records *records, struct m4h_change *change, bool is_ours)
{
    if (change == NULL || records->line_count >= LINE) {
        records->counters.not_taken++;
        if (change != NULL)
            m4h_change_destroy(change);
        return false;
    }
    change->is_ours = is_ours;
    DL_APPEND(records->line, change);
    records->line_count++;
    return true;
}

/* ---- the transaction ------------------------------------------------------------ */

static int add_to_store(struct m4h_change *change, struct m4h_store_batch *batch)
{
    struct m4h_revoke revoke;

    switch (change->kind) {
    case M4H_CHANGE_FORGET:
        return m4h_record_file_forget(batch, (const char *)change->message);
    case M4H_CHANGE_BAN:
        if (m4h_wire_revoke_decode(change->message, change->len, &revoke) != 0)
            return 0;
        return m4h_record_file_put_revocation(batch, &revoke, change->message, change->len);
    case M4H_CHANGE_PUT:
    case M4H_CHANGE_REMOVE:
    case M4H_CHANGE_TAKE:
        break;
    }
    return m4h_record_file_put(batch, change->record, &change->entry);
}

/* Moves the first of the line into the transaction, or answers it. False: it must wait. */
static bool add_first(struct m4h_records *records, struct m4h_store_batch *batch)
{
    struct m4h_change *change = records->line;
    struct m4h_problem problem = {0};
    enum m4h_change_made made = m4h_change_make(change, records->master, records->batch, &problem);

    if (made == M4H_CHANGE_LATER)
        return false;
    DL_DELETE(records->line, change);
    records->line_count--;
    if (made == M4H_CHANGE_MADE && batch != NULL && add_to_store(change, batch) != 0) {
        m4h_problem_set(&problem, M4H_PROBLEM_INTERNAL, m4h_error_text(M4H_ENOMEM));
        made = M4H_CHANGE_REFUSED;
    }
    if (made == M4H_CHANGE_REFUSED) {
        refuse(records, change, &problem);
        return true;
    }
    DL_APPEND(records->batch, change);
    records->batch_count++;
    return true;
}

static void tell(struct m4h_records *records)
{
    uint64_t lost =
        m4h_master_tell_records(records->master, records->to_tell, records->to_tell_count);

    records->counters.told_lost += lost;
    records->counters.told += records->to_tell_count - lost;
    records->to_tell_count = 0;
}

/* Ours for people, but not each of an import; those of others for who looks for a fault. */
static void log_change(struct m4h_records *records, const struct m4h_change *change)
{
    const struct m4h_device_record *record = change->record;
    char actor[2 * M4H_ACTOR_MAX], client_key[2 * M4H_CLIENT_KEY_MAX], name[2 * M4H_CLIENT_KEY_MAX];
    uint32_t suppressed = 0;

    if (change->is_ours ? !m4h_log_limit_allows(&records->change_log,
                                                m4h_loop_now_ms(records->master->loop), &suppressed)
                        : !m4h_log_is_on(M4H_LOG_DEBUG))
        return;
    m4h_log(change->is_ours ? M4H_LOG_INFO : M4H_LOG_DEBUG, LOG,
            "key=%s device=%s operator=%s state=%s actor=%s suppressed=%u the record is changed",
            record->key_fingerprint,
            m4h_log_quote(client_key, sizeof(client_key), record->client_key),
            m4h_log_quote(name, sizeof(name), record->operator_.name),
            m4h_device_state_name(record->state),
            m4h_log_quote(actor, sizeof(actor), record->actor), suppressed);
}

static enum m4h_device_state state_of(const struct m4h_records *records, const char *fingerprint)
{
    const struct m4h_registry_entry *entry = m4h_registry_find(records->registry, fingerprint);

    return entry != NULL ? entry->state : M4H_DEVICE_REMOVED;
}

/* What has no room in the registry after all, as others of its transaction took it, must not stay
 * in the file, where nobody would ever look for it. */
static void forget_in_file(struct m4h_records *records, const struct m4h_change *change)
{
    const char *fingerprint = change->entry.fingerprint;

    if (records->store != NULL && m4h_registry_find(records->registry, fingerprint) == NULL)
        (void)stand_in_line(
            records,
            m4h_change_create(M4H_CHANGE_FORGET, fingerprint, strlen(fingerprint) + 1, NULL),
            false);
}

/* It is so now. */
static void carry_out(struct m4h_records *records, struct m4h_change *change,
                      struct m4h_problem *problem)
{
    const enum m4h_device_state before = state_of(records, change->entry.fingerprint);
    bool changed = false;
    int error = m4h_registry_take(records->registry, &change->entry, &changed);

    if (error != 0) { /* the room was there a moment ago */
        m4h_problem_set(problem, M4H_PROBLEM_INTERNAL, m4h_error_text(error));
        records->counters.not_taken++;
        forget_in_file(records, change);
    }
    if (!changed) {
        change->voids = NULL;
        return;
    }
    log_change(records, change);
    if (change->kind != M4H_CHANGE_TAKE)
        m4h_master_audit_record(records->master, before, change->record, change->reason);
    if (change->is_ours) {
        if (records->to_tell_count == M4H_DEVICES_PAGE_MAX)
            tell(records);
        records->to_tell[records->to_tell_count++] = *change->record;
    }
}

static void end_change(struct m4h_records *records, struct m4h_change *change, int error,
                       const char *wrong)
{
    struct m4h_problem problem = {0};
    char detail[M4H_STORE_WRONG_MAX + 64];

    records->counters.written += error == 0;
    records->counters.failed += error != 0;
    if (error != 0) {
        snprintf(detail, sizeof(detail), "%s could not be written: %s",
                 change->kind == M4H_CHANGE_BAN ? "it holds, and" : "the record", wrong);
        m4h_problem_set(&problem, M4H_PROBLEM_UNAVAILABLE, detail);
    }
    if (change->record != NULL && (error == 0 || !change->is_ours))
        carry_out(records, change, &problem);
    else
        change->voids = NULL;
    answer_change(records, change, &problem);
}

static void log_failure(struct m4h_records *records, int error, const char *wrong)
{
    uint32_t suppressed;
    char quoted[2 * M4H_STORE_WRONG_MAX];

    if (m4h_log_limit_allows(&records->failure_log, m4h_loop_now_ms(records->master->loop),
                             &suppressed))
        m4h_log(M4H_LOG_ERROR, LOG,
                "error=\"%s\" reason=%s suppressed=%u records could not be written",
                m4h_error_text(error), m4h_log_quote(quoted, sizeof(quoted), wrong), suppressed);
}

/* Other masters hear of the records before anybody is cut: who comes back at once may ask them. */
static void end_batch(struct m4h_records *records, int error, const char *wrong)
{
    struct m4h_change *change, *next;

    records->is_writing = true; /* what follows from it waits in line */
    if (error != 0)
        log_failure(records, error, wrong);
    DL_FOREACH(records->batch, change)
    {
        end_change(records, change, error, wrong);
    }
    tell(records);
    DL_FOREACH_SAFE(records->batch, change, next)
    {
        DL_DELETE(records->batch, change);
        if (change->voids != NULL)
            m4h_master_void(records->master, change->record->key_fingerprint, "", change->voids);
        m4h_change_destroy(change);
    }
    records->batch_count = 0;
    records->is_writing = false;
}

static void write_line(struct m4h_records *records);

static void on_written(void *context, int error, const char *wrong)
{
    struct m4h_records *records = context;

    end_batch(records, error, wrong);
    write_line(records);
    m4h_master_records_settled(records->master);
}

/* Makes the next transaction of what waits. Without memory the line waits for the next change. */
static void write_line(struct m4h_records *records)
{
    struct m4h_store_batch *batch = NULL;

    while (!records->is_writing && records->line != NULL) {
        if (records->store != NULL && m4h_store_batch_create(&batch) != 0)
            return;
        while (records->line != NULL && records->batch_count < BATCH_MAX &&
               add_first(records, batch))
            ;
        if (records->store == NULL) {
            end_batch(records, 0, "");
        } else if (records->batch == NULL) {
            m4h_store_batch_destroy(batch);
        } else {
            records->is_writing = true;
            m4h_store_write(records->store, batch, on_written, records);
        }
    }
}

void m4h_records_change(struct m4h_records *records, enum m4h_change_kind kind,
                        const struct m4h_bus_message *message)
{
    const char *reply = m4h_bus_is_request(message) ? message->reply : NULL;
    struct m4h_change *change = m4h_change_create(kind, message->data, message->len, reply);
    struct m4h_problem problem = {0};

    if (change != NULL)
        change->arrived_us = message->arrived_us;
    if (!stand_in_line(records, change, true)) {
        m4h_problem_set(&problem, M4H_PROBLEM_UNAVAILABLE, "too many changes wait to be written");
        problem.retry_after_ms = 1000;
        answer(records, reply, message->arrived_us, NULL, &problem);
        return;
    }
    write_line(records);
}

void m4h_records_take(struct m4h_records *records, const struct m4h_device_record *record,
                      bool is_ours)
{
    struct m4h_buffer packed = M4H_BUFFER_INIT(M4H_CHANGE_PACKED_MAX);
    struct m4h_registry_entry entry;

    if (m4h_wire_device_encode(record, &packed) == 0) {
        m4h_registry_entry_fill(&entry, record, packed.data, packed.len);
        if (m4h_registry_is_news(records->registry, &entry) &&
            stand_in_line(records,
                          m4h_change_create(M4H_CHANGE_TAKE, packed.data, packed.len, NULL),
                          is_ours))
            write_line(records);
    }
    m4h_buffer_free(&packed);
}

uint32_t m4h_records_note_attempt(struct m4h_records *records, const char *fingerprint)
{
    return m4h_registry_note_attempt(records->registry, fingerprint);
}

size_t m4h_records_waiting(const struct m4h_records *records)
{
    return records->line_count + records->batch_count;
}

/* ---- what outlives a restart, and what ends ---------------------------------------- */

/* NULL: no memory. */
static struct m4h_change *change_of_ban(const struct m4h_revoke *revoke,
                                        const struct m4h_bus_message *asker)
{
    struct m4h_buffer packed = M4H_BUFFER_INIT(M4H_CHANGE_PACKED_MAX);
    struct m4h_change *change = NULL;

    if (m4h_wire_revoke_encode(revoke, &packed) == 0)
        change = m4h_change_create(M4H_CHANGE_BAN, packed.data, packed.len,
                                   asker != NULL ? asker->reply : NULL);
    if (change != NULL && asker != NULL)
        change->arrived_us = asker->arrived_us;
    m4h_buffer_free(&packed);
    return change;
}

static bool keep_ban(void *context, const struct m4h_revoke *revoke,
                     const struct m4h_bus_message *asker)
{
    struct m4h_records *records = context;
    struct m4h_problem problem = {0};

    if (records->store == NULL)
        return false;
    if (stand_in_line(records, change_of_ban(revoke, asker), false)) {
        write_line(records);
    } else if (asker != NULL) {
        m4h_problem_set(&problem, M4H_PROBLEM_UNAVAILABLE,
                        "it holds, and too many changes wait to be written");
        answer_ban(records, asker->reply, asker->arrived_us, revoke, &problem);
    }
    return true;
}

static void restore_ban(void *context, const struct m4h_revoke *revoke)
{
    m4h_master_restore_ban(context, revoke);
}

static void on_sweep(void *context)
{
    struct m4h_records *records = context;
    char gone[SWEEP_MAX][M4H_REGISTRY_FINGERPRINT + 1];
    size_t count = m4h_registry_sweep(records->registry, m4h_walltime_now_ms(),
                                      (uint64_t)records->master->config->registry.pending_keep_ms,
                                      gone, SWEEP_MAX);

    for (size_t i = 0; i < count && records->store != NULL; i++)
        (void)stand_in_line(
            records, m4h_change_create(M4H_CHANGE_FORGET, gone[i], sizeof(gone[i]), NULL), false);
    write_line(records);
}

/* ---- life --------------------------------------------------------------------------- */

const struct m4h_registry *m4h_records_registry(const struct m4h_records *records)
{
    return records->registry;
}

bool m4h_records_unpack(const struct m4h_registry_entry *entry, struct m4h_device_record *record)
{
    return m4h_wire_device_decode(entry->packed, entry->packed_len, record) == 0;
}

bool m4h_records_find(const struct m4h_records *records, const char *fingerprint,
                      struct m4h_device_record *record)
{
    const struct m4h_registry_entry *entry = m4h_registry_find(records->registry, fingerprint);

    return entry != NULL && m4h_records_unpack(entry, record);
}

const struct m4h_registry_entry *m4h_records_named(const struct m4h_records *records,
                                                   const char *name, struct m4h_problem *problem)
{
    const struct m4h_registry_entry *entry = m4h_registry_find(records->registry, name);
    size_t count = 1;

    if (entry == NULL || entry->state == M4H_DEVICE_REMOVED)
        entry = m4h_registry_find_client_key(records->registry, name, &count);
    if (entry == NULL)
        m4h_problem_set(problem, M4H_PROBLEM_NOT_FOUND,
                        "no record of a device has that name; one of an operator goes by "
                        "the fingerprint of his key");
    else if (count > 1)
        m4h_problem_set(problem, M4H_PROBLEM_CONFLICT,
                        "several keys have that client key: name one by its fingerprint");
    return count == 1 ? entry : NULL;
}

static int open_file(struct m4h_records *records)
{
    struct m4h_master *master = records->master;
    int error = m4h_record_file_open(&records->store, master->loop, master->config->registry.path);

    if (error == 0)
        error = m4h_record_file_load(records->store, records->registry, &master->stamps);
    if (error == 0)
        error = m4h_record_file_load_revocations(records->store, restore_ban, master);
    return error;
}

static int open_parts(struct m4h_records *records)
{
    struct m4h_master *master = records->master;
    int error =
        m4h_registry_create(&records->registry, (size_t)master->config->registry.pending_max,
                            m4h_master_random(master));

    records->to_tell = calloc(M4H_DEVICES_PAGE_MAX, sizeof(records->to_tell[0]));
    if (error == 0 && records->to_tell == NULL)
        error = M4H_ENOMEM;
    if (error == 0)
        error = m4h_timer_create(&records->sweep, master->loop, on_sweep, records);
    if (error == 0 && master->config->registry.path[0] != '\0')
        error = open_file(records);
    return error;
}

int m4h_records_create(struct m4h_records **records, struct m4h_master *master)
{
    struct m4h_records *made = calloc(1, sizeof(*made));
    int error;

    *records = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->master = master;
    error = open_parts(made);
    if (error != 0) {
        m4h_records_destroy(made);
        return error;
    }
    if (master->config->registry.path[0] == '\0' &&
        strstr(master->config->validators, "database") != NULL)
        m4h_log(M4H_LOG_WARNING, LOG,
                "records of devices are kept in memory only: [registry] path is empty");
    master->keep_ban = keep_ban;
    master->keep_ban_context = made;
    m4h_timer_start(made->sweep, SWEEP_MS, SWEEP_MS);
    *records = made;
    return 0;
}

void m4h_records_reload(struct m4h_records *records)
{
    m4h_registry_set_pending_max(records->registry,
                                 (size_t)records->master->config->registry.pending_max);
}

static void free_changes(struct m4h_change *changes)
{
    struct m4h_change *change, *next;

    DL_FOREACH_SAFE(changes, change, next)
    {
        m4h_change_destroy(change);
    }
}

void m4h_records_destroy(struct m4h_records *records)
{
    if (records == NULL)
        return;
    records->master->keep_ban = NULL;
    m4h_store_close(records->store);
    m4h_timer_close(records->sweep);
    free_changes(records->line);
    free_changes(records->batch);
    free(records->to_tell);
    m4h_registry_destroy(records->registry);
    free(records);
}

/* ---- metrics ------------------------------------------------------------------------- */

static void write_states(const struct m4h_records *records, struct m4h_metrics *metrics)
{
    static const char name[] = "mas4h_master_records";
    struct m4h_registry_counts counts;

    m4h_registry_count(records->registry, &counts);
    m4h_metrics_describe(metrics, name, "gauge", "Records of devices and operators.");
    m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"state", "enabled"}, 1,
                      (double)counts.enabled);
    m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"state", "disabled"}, 1,
                      (double)counts.disabled);
    m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"state", "pending"}, 1,
                      (double)counts.pending);
    m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"state", "removed"}, 1,
                      (double)counts.removed);
    m4h_metrics_single(metrics, "mas4h_master_records_bytes", "gauge",
                       "What the records take, without what the allocator adds.",
                       (double)m4h_registry_bytes(records->registry));
}

void m4h_records_write_metrics(const struct m4h_records *records, struct m4h_metrics *metrics)
{
    static const char changes[] = "mas4h_master_record_changes_total";
    static const char told[] = "mas4h_master_records_shared_total";
    const struct counters *counters = &records->counters;

    write_states(records, metrics);
    m4h_metrics_single(metrics, "mas4h_master_record_changes_waiting", "gauge",
                       "Changes of records that are not written yet.",
                       (double)m4h_records_waiting(records));
    m4h_metrics_describe(metrics, changes, "counter", "Changes of records.");
    m4h_metrics_value(metrics, changes, &(struct m4h_metric_label){"result", "written"}, 1,
                      (double)counters->written);
    m4h_metrics_value(metrics, changes, &(struct m4h_metric_label){"result", "failed"}, 1,
                      (double)counters->failed);
    m4h_metrics_value(metrics, changes, &(struct m4h_metric_label){"result", "refused"}, 1,
                      (double)counters->refused);
    m4h_metrics_value(metrics, changes, &(struct m4h_metric_label){"result", "not_taken"}, 1,
                      (double)counters->not_taken);
    m4h_metrics_describe(metrics, told, "counter", "Changed records for other masters.");
    m4h_metrics_value(metrics, told, &(struct m4h_metric_label){"result", "told"}, 1,
                      (double)counters->told);
    m4h_metrics_value(metrics, told, &(struct m4h_metric_label){"result", "lost"}, 1,
                      (double)counters->told_lost);
}
