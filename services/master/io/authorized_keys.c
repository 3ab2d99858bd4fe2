/* The validator `authorized_keys`: who stands in a file, or in one of a folder, may come.
 *
 * It is read when the master starts, and again on a thread of its own when it has changed and then
 * stayed the same from one look to the next, so that a file that is being written is left alone. A
 * key that is not in it may have been added this moment: where the file has grown, or is being
 * read, the question waits for the reading. What is taken over is compared with what was known:
 * keys that are gone, or another's, are void everywhere, some hundred in a turn of the loop. A
 * reading that fails changes nothing. */
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/walltime.h"
#include "lib/net/task.h"
#include "services/master/io/audit.h"
#include "services/master/io/key_source.h"
#include "services/master/io/service.h"
#include "services/master/io/validators.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define LOG "keys"
/* Keys that are made void at a time, and the pause to the next ones. */
#define VOIDS_AT_A_TIME 200u
#define VOIDS_PAUSE_MS  5u

/* A question that waits for a reading. */
struct waiting {
    struct waiting *prev, *next;
    struct m4h_validation *validation;
};

struct authorized_keys {
    struct m4h_master *master; /* borrowed */
    const char *path;          /* borrowed; "": there is none */
    struct m4h_keys keys;
    bool is_loaded; /* it could be read at least once */
    struct m4h_key_mark loaded, seen;
    uint32_t faults; /* bad lines in what is loaded */
    uint64_t loads, failures;

    struct m4h_task *task; /* of the reading; NULL: none is under way */
    struct m4h_key_reading *reading;
    bool reads_again; /* it was asked for meanwhile */
    struct waiting *waiting;

    struct m4h_timer *timer; /* for what is to be void */
    char (*gone)[M4H_FINGERPRINT_MAX + 1];
    size_t gone_count, gone_done;
};

/* ---- log lines -------------------------------------------------------------------- */

static void log_fault(const struct m4h_key_reading *reading, const struct m4h_key_fault *fault)
{
    char message[400];
    const char *file = reading->names[fault->place.file];

    m4h_log_quote(message, sizeof(message), fault->message);
    if (fault->other.line != 0 && fault->other.file != fault->place.file)
        m4h_log(M4H_LOG_WARNING, LOG, "file=%s line=%u reason=%s other_file=%s line is skipped",
                file, fault->place.line, message, reading->names[fault->other.file]);
    else
        m4h_log(M4H_LOG_WARNING, LOG, "file=%s line=%u reason=%s line is skipped", file,
                fault->place.line, message);
}

static void log_faults(const char *path, const struct m4h_key_reading *reading)
{
    const struct m4h_key_report *report = &reading->report;

    for (uint32_t i = 0; i < report->fault_count && i < M4H_AUTHORIZED_KEYS_FAULTS_MAX; i++)
        log_fault(reading, &report->faults[i]);
    if (report->fault_count > M4H_AUTHORIZED_KEYS_FAULTS_MAX)
        m4h_log(M4H_LOG_WARNING, LOG, "file=%s lines=%u further lines are skipped", path,
                report->fault_count - M4H_AUTHORIZED_KEYS_FAULTS_MAX);
}

static void log_shared_names(const struct m4h_key_reading *reading)
{
    char quoted[2 * M4H_CLIENT_KEY_MAX];

    if (reading->shared_count > 0)
        m4h_log(M4H_LOG_WARNING, LOG,
                "file=%s keys=%zu device=%s lines=%u,%u several keys name one device, which can "
                "have one tunnel: name each with client-key=\"...\" if they are several devices",
                reading->names[reading->shared.file], reading->shared_count,
                m4h_log_quote(quoted, sizeof(quoted), reading->shared_key), reading->shared.line,
                reading->shared_other.line);
}

/* ---- what is gone ------------------------------------------------------------------- */

static const char gone_reason[] = "its line in authorized_keys has gone or changed";

static void void_some(struct authorized_keys *all, size_t count)
{
    for (; count > 0 && all->gone_done < all->gone_count; count--) {
        const char *fingerprint = all->gone[all->gone_done++];

        m4h_master_audit_key_removed(all->master, fingerprint, all->master->config->authorized_keys,
                                     gone_reason);
        m4h_master_void(all->master, fingerprint, "", gone_reason);
    }
    if (all->gone_done < all->gone_count)
        return;
    free(all->gone);
    all->gone = NULL;
    all->gone_count = all->gone_done = 0;
}

static void on_time(void *context)
{
    struct authorized_keys *all = context;

    void_some(all, VOIDS_AT_A_TIME);
    if (all->gone_count > 0)
        m4h_timer_start(all->timer, VOIDS_PAUSE_MS, 0);
}

/* What was left of the reading before goes first, at once. */
static void void_gone(struct authorized_keys *all, struct m4h_key_reading *reading)
{
    void_some(all, SIZE_MAX);
    all->gone = reading->gone;
    all->gone_count = reading->gone_count;
    reading->gone = NULL;
    if (all->gone_count > 0)
        m4h_timer_start(all->timer, 0, 0);
}

/* ---- reading ------------------------------------------------------------------------- */

static void take(struct authorized_keys *all, struct m4h_key_reading *reading)
{
    m4h_keys_free(&all->keys);
    all->keys = reading->keys;
    reading->keys = (struct m4h_keys){0};
    all->is_loaded = true;
    all->faults = reading->report.fault_count;
    all->loads++;
    log_faults(all->path, reading);
    m4h_log(M4H_LOG_INFO, LOG, "file=%s keys=%zu skipped=%u gone=%zu keys are read", all->path,
            all->keys.count, all->faults, reading->gone_count);
    void_gone(all, reading);
}

static void fail(struct authorized_keys *all, const struct m4h_key_reading *reading)
{
    all->failures++;
    m4h_log(M4H_LOG_ERROR, LOG, "file=%s reason=\"%s\" cannot be read: %s", all->path,
            reading->error == M4H_ESYSTEM ? strerror(reading->system_error)
                                          : m4h_error_text(reading->error),
            all->is_loaded ? "the keys of before hold" : "no device can be let in");
}

static void heed_reading(struct authorized_keys *all, struct m4h_key_reading *reading)
{
    all->loaded = all->seen = reading->mark;
    if (reading->error != 0) {
        fail(all, reading);
        return;
    }
    log_shared_names(reading);
    take(all, reading);
}

static struct m4h_key_reading *make_reading(const struct authorized_keys *all)
{
    struct m4h_key_reading *reading = calloc(1, sizeof(*reading));

    if (reading != NULL) {
        reading->path = all->path;
        reading->before = all->is_loaded ? &all->keys : NULL;
    }
    return reading;
}

static void run(void *context)
{
    const struct authorized_keys *all = context;

    m4h_key_reading_run(all->reading);
}

static void answer_waiting(struct authorized_keys *all);
static void on_read(void *context);

/* Begins to read, or, where that is under way, will do it once more. */
static void load(struct authorized_keys *all)
{
    int error = M4H_ENOMEM;

    if (all->path[0] == '\0')
        return;
    all->reads_again = all->task != NULL;
    if (all->task != NULL)
        return;
    all->reading = make_reading(all);
    if (all->reading != NULL)
        error = m4h_task_start(&all->task, all->master->loop, run, on_read, all);
    if (error == 0)
        return;
    m4h_log(M4H_LOG_ERROR, LOG, "file=%s reason=\"%s\" cannot be read now", all->path,
            m4h_error_text(error));
    m4h_key_reading_free(all->reading);
    all->reading = NULL;
}

static void on_read(void *context)
{
    struct authorized_keys *all = context;
    struct m4h_key_reading *reading = all->reading;

    m4h_task_close(all->task);
    all->task = NULL;
    all->reading = NULL;
    heed_reading(all, reading);
    m4h_key_reading_free(reading);
    if (all->reads_again)
        load(all);
    answer_waiting(all);
}

/* ---- questions ------------------------------------------------------------------------ */

static void judge(const struct authorized_keys *all, const struct m4h_authorize_request *request,
                  struct m4h_verdict *verdict)
{
    struct m4h_key_grant grant;

    if (all->path[0] == '\0')
        m4h_verdict_set(verdict, M4H_VERDICT_UNKNOWN, "the master has no authorized_keys");
    else if (!all->is_loaded)
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, "authorized_keys cannot be read");
    else if (!m4h_keys_find(&all->keys, request->public_key, request->public_key_len, &grant))
        m4h_verdict_set(verdict, M4H_VERDICT_UNKNOWN, "the key is not in authorized_keys");
    else
        m4h_key_grant_judge(&grant, request, m4h_walltime_now_ms(), verdict);
}

static void forget(struct authorized_keys *all, struct waiting *waiting)
{
    DL_DELETE(all->waiting, waiting);
    free(waiting);
}

/* By what was read, for better or worse. */
static void answer_waiting(struct authorized_keys *all)
{
    struct waiting *waiting, *next;

    DL_FOREACH_SAFE(all->waiting, waiting, next)
    {
        struct m4h_validation *validation = waiting->validation;
        struct m4h_verdict verdict;

        judge(all, validation->request, &verdict);
        forget(all, waiting);
        m4h_validation_answer(validation, &verdict);
    }
}

/* False: there is no reading to wait for. */
static bool wait_for_reading(struct authorized_keys *all, struct m4h_validation *validation)
{
    struct waiting *waiting;

    if (all->task == NULL && m4h_key_mark_has_grown(&all->loaded, all->path))
        load(all);
    waiting = all->task != NULL ? calloc(1, sizeof(*waiting)) : NULL;
    if (waiting == NULL)
        return false;
    waiting->validation = validation;
    validation->own = waiting;
    DL_APPEND(all->waiting, waiting);
    return true;
}

static void ask(void *self, struct m4h_validation *validation)
{
    struct authorized_keys *all = self;
    struct m4h_verdict verdict;

    judge(all, validation->request, &verdict);
    if (all->is_loaded && verdict.kind == M4H_VERDICT_UNKNOWN && wait_for_reading(all, validation))
        return;
    m4h_validation_answer(validation, &verdict);
}

static void cancel(void *self, struct m4h_validation *validation)
{
    forget(self, validation->own);
}

/* ---- life ------------------------------------------------------------------------------ */

/* Nobody waits for the loop yet: the first reading is done at once. */
static int load_first(struct authorized_keys *all)
{
    struct m4h_key_reading *reading = make_reading(all);

    if (reading == NULL)
        return M4H_ENOMEM;
    m4h_key_reading_run(reading);
    heed_reading(all, reading);
    m4h_key_reading_free(reading);
    return 0;
}

static int create(void **self, struct m4h_master *master)
{
    struct authorized_keys *all = calloc(1, sizeof(*all));

    *self = all;
    if (all == NULL)
        return M4H_ENOMEM;
    all->master = master;
    all->path = master->config->authorized_keys;
    if (m4h_timer_create(&all->timer, master->loop, on_time, all) != 0)
        return M4H_ENOMEM;
    if (all->path[0] != '\0')
        return load_first(all);
    m4h_log(M4H_LOG_WARNING, LOG, "authorize.authorized_keys is not set: it knows no key");
    return 0;
}

static void destroy(void *self)
{
    struct authorized_keys *all = self;

    if (all == NULL)
        return;
    m4h_task_close(all->task);
    m4h_key_reading_free(all->reading);
    void_some(all, SIZE_MAX);
    m4h_timer_close(all->timer);
    m4h_keys_free(&all->keys);
    free(all);
}

static void reload(void *self)
{
    load(self);
}

static void look(void *self)
{
    struct authorized_keys *all = self;
    struct m4h_key_mark now;
    bool is_still;

    if (all->path[0] == '\0' || all->task != NULL)
        return;
    now = m4h_key_mark_of(all->path);
    is_still = m4h_key_mark_equals(&now, &all->seen);
    all->seen = now;
    if (is_still && !m4h_key_mark_equals(&now, &all->loaded))
        load(all);
}

static void write_metrics(const void *self, struct m4h_metrics *metrics)
{
    static const char reads[] = "mas4h_master_authorized_keys_reads_total";
    const struct authorized_keys *all = self;

    m4h_metrics_single(metrics, "mas4h_master_authorized_keys", "gauge", "Keys that are known.",
                       (double)all->keys.count);
    m4h_metrics_single(metrics, "mas4h_master_authorized_keys_skipped", "gauge",
                       "Lines of the file that are skipped.", (double)all->faults);
    m4h_metrics_describe(metrics, reads, "counter", "Times that the file was read.");
    m4h_metrics_value(metrics, reads, &(struct m4h_metric_label){"result", "ok"}, 1,
                      (double)all->loads);
    m4h_metrics_value(metrics, reads, &(struct m4h_metric_label){"result", "failed"}, 1,
                      (double)all->failures);
}

const struct m4h_validator_type m4h_validator_authorized_keys = {
    .name = "authorized_keys",
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .cancel = cancel,
    .reload = reload,
    .look = look,
    .write_metrics = write_metrics,
};
