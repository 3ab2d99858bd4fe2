/* The validator `service`: asks a program on the bus, in any language, whose key it is.
 *
 * Happy path: a question goes to the subject, and the answer is the verdict. Where nobody listens,
 * the link to NATS is down, or the answer is none, it has failed; the chain of validators counts
 * the time and cancels what takes too long. Several such programs share a queue group, so one that
 * dies is not missed. The answer comes to an inbox that only this master may read, and whoever may
 * listen on the subject may answer: the users of NATS say who that is. */
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/wire/wire.h"
#include "services/master/io/document.h"
#include "services/master/io/service.h"
#include "services/master/io/validators.h"

#include <stdlib.h>
#include <string.h>

#define LOG "service"
/* Beyond the time of any validator, which the chain counts. */
#define REQUEST_TIMEOUT_MS 61000u
#define QUESTION_MAX       32768u

const char *const m4h_service_format_names[] = {"protobuf", "json", NULL};

enum format {
    FORMAT_PROTOBUF,
    FORMAT_JSON,
};

struct service {
    struct m4h_master *master;
    struct m4h_buffer question; /* for one at a time */
    uint64_t questions;         /* so far: their numbers */
    uint64_t unheard;           /* that nobody listened to */
};

/* One question under way. */
struct consultation {
    struct service *service;
    struct m4h_validation *validation;
    uint64_t request_id; /* on the bus */
};

/* ---- answers ------------------------------------------------------------------------ */

static void read_protobuf(struct m4h_verdict *verdict, const uint8_t *data, size_t len)
{
    struct m4h_problem problem = {0};

    memset(verdict, 0, sizeof(*verdict));
    if (m4h_wire_authorize_reply_decode(data, len, &verdict->reply, &problem) != 0)
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, "its answer is no AuthorizeReply");
    else if (problem.code == M4H_PROBLEM_NOT_FOUND)
        m4h_verdict_set(verdict, M4H_VERDICT_UNKNOWN, problem.detail);
    else if (problem.code != 0)
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, problem.detail);
    else
        verdict->kind = verdict->reply.allowed ? M4H_VERDICT_ALLOW : M4H_VERDICT_DENY;
}

static void read_answer(const struct service *service, struct m4h_verdict *verdict,
                        const uint8_t *data, size_t len)
{
    if (service->master->config->service.format == FORMAT_JSON)
        m4h_document_read(verdict, data, len);
    else
        read_protobuf(verdict, data, len);
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct consultation *consultation = context;
    struct m4h_validation *validation = consultation->validation;
    struct service *service = consultation->service;
    struct m4h_verdict verdict;

    free(consultation);
    if (error == 0) {
        read_answer(service, &verdict, data, len);
    } else {
        service->unheard += error == M4H_EUNAVAILABLE;
        m4h_verdict_set(&verdict, M4H_VERDICT_FAILED,
                        error == M4H_EUNAVAILABLE ? "nobody listens on its subject"
                                                  : m4h_error_text(error));
    }
    m4h_validation_answer(validation, &verdict);
}

/* ---- questions ---------------------------------------------------------------------- */

static int write_question(struct service *service, const struct m4h_authorize_request *request)
{
    const struct m4h_master_config *config = service->master->config;

    m4h_buffer_clear(&service->question);
    if (config->service.format == FORMAT_JSON)
        return m4h_document_write(&service->question, config->id, "service", ++service->questions,
                                  request);
    return m4h_wire_authorize_request_encode(request, &service->question);
}

static int send(struct consultation *consultation)
{
    struct service *service = consultation->service;
    struct m4h_master *master = service->master;
    int error = write_question(service, consultation->validation->request);

    if (error != 0)
        return error;
    return m4h_bus_request(master->bus, master->config->service.subject, service->question.data,
                           service->question.len, m4h_loop_now_ms(master->loop), REQUEST_TIMEOUT_MS,
                           on_reply, consultation, &consultation->request_id);
}

static void ask(void *self, struct m4h_validation *validation)
{
    struct consultation *consultation = calloc(1, sizeof(*consultation));
    struct m4h_verdict verdict;
    int error = M4H_ENOMEM;

    if (consultation != NULL) {
        consultation->service = self;
        consultation->validation = validation;
        validation->own = consultation;
        error = send(consultation);
    }
    if (error == 0)
        return;
    free(consultation);
    m4h_verdict_set(&verdict, M4H_VERDICT_FAILED, m4h_error_text(error));
    m4h_validation_answer(validation, &verdict);
}

static void cancel(void *self, struct m4h_validation *validation)
{
    struct service *service = self;
    struct consultation *consultation = validation->own;

    m4h_bus_cancel(service->master->bus, consultation->request_id);
    free(consultation);
}

/* ---- life --------------------------------------------------------------------------- */

static int create(void **self, struct m4h_master *master)
{
    struct service *service;

    *self = NULL;
    if (master->config->service.subject[0] == '\0') {
        m4h_log(M4H_LOG_ERROR, LOG, "[service] subject is empty");
        return M4H_EINVALID;
    }
    service = calloc(1, sizeof(*service));
    if (service == NULL)
        return M4H_ENOMEM;
    service->master = master;
    service->question = (struct m4h_buffer)M4H_BUFFER_INIT(QUESTION_MAX);
    *self = service;
    return 0;
}

static void destroy(void *self)
{
    struct service *service = self;

    if (service != NULL)
        m4h_buffer_free(&service->question);
    free(service);
}

static const struct m4h_validator_settings *settings(const struct m4h_master_config *config)
{
    return &config->service.validator;
}

static void write_metrics(const void *self, struct m4h_metrics *metrics)
{
    const struct service *service = self;

    m4h_metrics_single(metrics, "mas4h_master_service_unheard_total", "counter",
                       "Questions to the validator service that nobody listened to.",
                       (double)service->unheard);
}

const struct m4h_validator_type m4h_validator_service = {
    .name = "service",
    .is_kept = true,
    .heeds_address = true,
    .heeds_username = true,
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .cancel = cancel,
    .write_metrics = write_metrics,
    .settings = settings,
};
