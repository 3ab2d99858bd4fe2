/* The validator `database`: who has a record may come. And enrolment: a key that no validator knows
 * gets a record that waits for approval. */
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/walltime.h"
#include "lib/crypto/crypto.h"
#include "services/master/core/enrolment.h"
#include "services/master/io/records.h"
#include "services/master/io/service.h"
#include "services/master/io/validators.h"

#include <stdlib.h>
#include <string.h>

struct m4h_enrolling {
    struct m4h_enrolment enrolment;
    uint64_t results[M4H_ENROLMENT_RESULTS];
};

/* ---- the validator ---------------------------------------------------------------- */

static int create(void **self, struct m4h_master *master)
{
    *self = master;
    return 0;
}

static void destroy(void *self)
{
    (void)self; /* the master's */
}

static void allow(const struct m4h_device_record *record, struct m4h_verdict *verdict)
{
    struct m4h_authorize_reply *reply = &verdict->reply;

    m4h_verdict_set(verdict, M4H_VERDICT_ALLOW, "");
    m4h_text_copy(reply->client_key, sizeof(reply->client_key), record->client_key);
    m4h_text_copy(reply->labels, sizeof(reply->labels), record->labels);
    m4h_text_copy(reply->preferred_region, sizeof(reply->preferred_region),
                  record->preferred_region);
    reply->limits = record->limits;
    reply->fixed_port = record->fixed_port;
    reply->expires_wall_ms = record->expires_wall_ms;
    reply->operator_ = record->operator_;
}

static void decide(struct m4h_master *master, const struct m4h_authorize_request *request,
                   struct m4h_verdict *verdict)
{
    struct m4h_device_record record;

    if (!m4h_master_records_are_complete(master))
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, "the records are not complete yet");
    else if (!m4h_records_find(master->records, request->key_fingerprint, &record) ||
             record.state == M4H_DEVICE_PENDING || record.state == M4H_DEVICE_REMOVED)
        m4h_verdict_set(verdict, M4H_VERDICT_UNKNOWN, "no record has that key");
    else if (record.state != M4H_DEVICE_ENABLED)
        m4h_verdict_set(verdict, M4H_VERDICT_DENY, "its record is disabled");
    else if (record.expires_wall_ms != 0 && record.expires_wall_ms <= m4h_walltime_now_ms())
        m4h_verdict_set(verdict, M4H_VERDICT_DENY, "its record has expired");
    else
        allow(&record, verdict);
}

static void ask(void *self, struct m4h_validation *validation)
{
    struct m4h_verdict verdict;

    decide(self, validation->request, &verdict);
    m4h_validation_answer(validation, &verdict);
}

const struct m4h_validator_type m4h_validator_database = {
    .name = "database",
    .create = create,
    .destroy = destroy,
    .ask = ask,
};

/* ---- enrolment -------------------------------------------------------------------- */

/* A certificate is not kept: its key is known by the fingerprint alone. */
static bool is_plain_key(const struct m4h_authorize_request *request)
{
    char fingerprint[M4H_FINGERPRINT_MAX + 1];

    return m4h_crypto_key_fingerprint(request->public_key, request->public_key_len, fingerprint) ==
               0 &&
           strcmp(fingerprint, request->key_fingerprint) == 0;
}

static void note(struct m4h_master *master, const struct m4h_authorize_request *request,
                 uint32_t new_attempts)
{
    struct m4h_device_record record;
    uint64_t wall_ms = m4h_walltime_now_ms();

    if (!m4h_records_find(master->records, request->key_fingerprint, &record))
        record = (struct m4h_device_record){.created_wall_ms = wall_ms};
    record.state = M4H_DEVICE_PENDING;
    record.stamp = m4h_stamp_next(&master->stamps, wall_ms, record.stamp);
    record.attempts += new_attempts;
    m4h_text_copy(record.key_fingerprint, sizeof(record.key_fingerprint), request->key_fingerprint);
    m4h_text_copy(record.remote_address, sizeof(record.remote_address), request->remote_address);
    m4h_text_copy(record.username, sizeof(record.username), request->username);
    m4h_text_copy(record.actor, sizeof(record.actor), master->config->id);
    if (is_plain_key(request)) {
        memcpy(record.public_key, request->public_key, request->public_key_len);
        record.public_key_len = request->public_key_len;
    }
    m4h_records_take(master->records, &record, true);
}

void m4h_master_enrol(struct m4h_master *master, const struct m4h_authorize_request *request,
                      struct m4h_authorize_reply *reply)
{
    const struct m4h_registry_settings *settings = &master->config->registry;
    const struct m4h_registry *registry = m4h_records_registry(master->records);
    struct m4h_registry_counts counts;
    enum m4h_enrolment_result result;
    uint32_t new_attempts;

    if (!settings->enrols || !m4h_registry_fingerprint_is_valid(request->key_fingerprint))
        return;
    new_attempts = m4h_records_note_attempt(master->records, request->key_fingerprint);
    m4h_registry_count(registry, &counts);
    result = m4h_enrolment_decide(
        &master->enrolling->enrolment, m4h_registry_find(registry, request->key_fingerprint),
        counts.pending, (size_t)settings->pending_max, (uint32_t)settings->source_max,
        request->remote_address, m4h_loop_now_ms(master->loop), m4h_walltime_now_ms());
    master->enrolling->results[result]++;
    if (result == M4H_ENROLMENT_QUEUE || result == M4H_ENROLMENT_AGAIN)
        note(master, request, new_attempts > 0 ? new_attempts : 1);
    reply->pending = result <= M4H_ENROLMENT_WAITS;
    m4h_text_copy(reply->detail, sizeof(reply->detail), m4h_enrolment_result_text(result));
}

int m4h_master_open_enrolment(struct m4h_master *master)
{
    master->enrolling = calloc(1, sizeof(*master->enrolling));
    if (master->enrolling == NULL)
        return M4H_ENOMEM;
    master->enrolling->enrolment.seed = m4h_master_random(master);
    return 0;
}

void m4h_master_write_enrolment_metrics(const struct m4h_master *master,
                                        struct m4h_metrics *metrics)
{
    static const char name[] = "mas4h_master_enrolments_total";

    m4h_metrics_describe(metrics, name, "counter",
                         "Keys that no validator knows, while they may be noted.");
    for (int i = 0; i < M4H_ENROLMENT_RESULTS; i++)
        m4h_metrics_value(metrics, name,
                          &(struct m4h_metric_label){
                              "result", m4h_enrolment_result_name((enum m4h_enrolment_result)i)},
                          1, (double)master->enrolling->results[i]);
}
