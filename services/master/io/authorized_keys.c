/* The validator `authorized_keys`: who stands in a file may come. */
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "services/master/io/key_file.h"
#include "services/master/io/service.h"
#include "services/master/io/validators.h"

#include <stdlib.h>

static int create(void **self, struct m4h_master *master)
{
    struct m4h_key_file *file = calloc(1, sizeof(*file));

    *self = file;
    if (file == NULL)
        return M4H_ENOMEM;
    m4h_key_file_open(file, master->config->authorized_keys);
    return 0;
}

static void destroy(void *self)
{
    if (self != NULL)
        m4h_key_file_close(self);
    free(self);
}

static void find(const struct m4h_keys *keys, const struct m4h_authorize_request *request,
                 struct m4h_verdict *verdict)
{
    const char *client_key =
        m4h_keys_find(keys, request->public_key, request->public_key_len, &verdict->reply.limits);

    if (client_key == NULL)
        return;
    verdict->kind = M4H_VERDICT_ALLOW;
    m4h_text_copy(verdict->reply.client_key, sizeof(verdict->reply.client_key), client_key);
}

static void ask(void *self, struct m4h_validation *validation)
{
    struct m4h_key_file *file = self;
    struct m4h_verdict verdict;

    m4h_verdict_set(&verdict, M4H_VERDICT_UNKNOWN, "the key is not in authorized_keys");
    if (file->path[0] == '\0')
        m4h_verdict_set(&verdict, M4H_VERDICT_UNKNOWN, "the master has no authorized_keys");
    else if (!file->is_loaded)
        m4h_verdict_set(&verdict, M4H_VERDICT_FAILED, "authorized_keys cannot be read");
    else
        find(&file->keys, validation->request, &verdict);
    if (verdict.kind == M4H_VERDICT_UNKNOWN && m4h_key_file_check_grown(file))
        find(&file->keys, validation->request, &verdict);
    m4h_validation_answer(validation, &verdict);
}

static void reload(void *self)
{
    m4h_key_file_load(self);
}

static void look(void *self)
{
    m4h_key_file_check(self);
}

static void write_metrics(const void *self, struct m4h_metrics *metrics)
{
    static const char reads[] = "mas4h_master_authorized_keys_reads_total";
    const struct m4h_key_file *file = self;

    m4h_metrics_single(metrics, "mas4h_master_authorized_keys", "gauge", "Keys that are known.",
                       (double)file->keys.count);
    m4h_metrics_single(metrics, "mas4h_master_authorized_keys_skipped", "gauge",
                       "Lines of the file that are skipped.", (double)file->faults);
    m4h_metrics_describe(metrics, reads, "counter", "Times that the file was read.");
    m4h_metrics_value(metrics, reads, &(struct m4h_metric_label){"result", "ok"}, 1,
                      (double)file->loads);
    m4h_metrics_value(metrics, reads, &(struct m4h_metric_label){"result", "failed"}, 1,
                      (double)file->failures);
}

const struct m4h_validator_type m4h_validator_authorized_keys = {
    .name = "authorized_keys",
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .reload = reload,
    .look = look,
    .write_metrics = write_metrics,
};
