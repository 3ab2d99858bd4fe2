/* The validator `webhook`: asks a web server whose key it is.
 *
 * Happy path: a question is written once and posted; the answer's document is the verdict. Where
 * nobody is reached, the connection breaks, or the server says that it is too busy (429, 502, 503,
 * 504), the same document, with the same request_id, is posted again after a pause, as long as
 * there is time (core/retry.h). What is left then, and any other status, is a failure; the chain of
 * validators counts the time and cancels what takes too long. A server that fails again and again
 * is left alone for a while (core/breaker.h): then questions fail at once, and cost it nothing. */
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/fetch/pool.h"
#include "lib/json/identity.h"
#include "services/master/core/breaker.h"
#include "services/master/core/retry.h"
#include "services/master/io/document.h"
#include "services/master/io/service.h"
#include "services/master/io/validators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG          "webhook"
#define QUESTION_MAX 32768u
/* Above what the chain lets wait: it is the one who says that there are too many. */
#define WAITING_MAX 131072u

/* How a post ended. */
enum outcome {
    OUTCOME_ANSWER,      /* status 200 */
    OUTCOME_REFUSED,     /* another status */
    OUTCOME_BUSY,        /* a status of which it may be asked again */
    OUTCOME_UNREACHABLE, /* nobody there, or the connection broke */
    OUTCOME_TIMEOUT,
    OUTCOME_BROKEN, /* not trusted, no HTTP, too long */
    OUTCOMES,
};

static const char *const outcome_names[OUTCOMES] = {"answer",      "refused", "busy",
                                                    "unreachable", "timeout", "broken"};

struct webhook {
    struct m4h_master *master;
    struct m4h_fetch_pool *pool;
    struct m4h_breaker breaker;
    uint64_t questions; /* so far: their numbers */
    uint64_t outcomes[OUTCOMES];
    uint64_t spared; /* not asked, by the breaker */
};

/* One question under way. */
struct consultation {
    struct webhook *webhook;
    struct m4h_validation *validation;
    struct m4h_buffer question;
    struct m4h_fetch_ask *ask; /* NULL while it pauses */
    struct m4h_timer *pause;   /* NULL until the first one */
    unsigned asks;
    uint64_t deadline_ms;
};

static uint64_t now_of(const struct webhook *webhook)
{
    return m4h_loop_now_ms(webhook->master->loop);
}

static uint32_t timeout_of(const struct webhook *webhook)
{
    const struct m4h_master_config *config = webhook->master->config;
    int64_t own_ms = config->webhook.validator.timeout_ms;

    return (uint32_t)(own_ms > 0 ? own_ms : config->validator_timeout_ms);
}

/* ---- the end of a question ---------------------------------------------------------- */

static void free_consultation(struct consultation *consultation)
{
    m4h_timer_close(consultation->pause);
    m4h_buffer_free(&consultation->question);
    free(consultation);
}

static void answer(struct consultation *consultation, const struct m4h_verdict *verdict)
{
    struct m4h_validation *validation = consultation->validation;

    free_consultation(consultation);
    m4h_validation_answer(validation, verdict);
}

static void heed_success(struct webhook *webhook)
{
    if (webhook->breaker.is_open)
        m4h_log(M4H_LOG_INFO, LOG, "the webhook answers again");
    m4h_breaker_succeed(&webhook->breaker);
}

static void heed_failure(struct webhook *webhook, const char *detail)
{
    char quoted[2 * M4H_DETAIL_MAX];

    if (m4h_breaker_fail(&webhook->breaker, now_of(webhook), m4h_master_random(webhook->master)))
        m4h_log(M4H_LOG_WARNING, LOG, "rest_ms=%llu reason=%s the webhook is left alone",
                (unsigned long long)(webhook->breaker.until_ms - now_of(webhook)),
                m4h_log_quote(quoted, sizeof(quoted), detail));
}

static void fail(struct consultation *consultation, const char *detail)
{
    struct m4h_verdict verdict;

    m4h_verdict_set(&verdict, M4H_VERDICT_FAILED, detail);
    answer(consultation, &verdict);
}

/* ---- posting ------------------------------------------------------------------------ */

static void on_result(void *context, const struct m4h_fetch_result *result);

static void post(struct consultation *consultation)
{
    struct webhook *webhook = consultation->webhook;
    int error;

    consultation->asks++;
    error =
        m4h_fetch_pool_ask(webhook->pool, consultation->question.data, consultation->question.len,
                           timeout_of(webhook) + 1000, on_result, consultation, &consultation->ask);
    if (error == 0)
        return;
    heed_failure(webhook, m4h_error_text(error));
    fail(consultation, m4h_error_text(error));
}

static void on_pause_over(void *context)
{
    post(context);
}

/* False: there is no time for another one. */
static bool post_again_later(struct consultation *consultation, uint32_t retry_after_ms)
{
    struct webhook *webhook = consultation->webhook;
    uint64_t now_ms = now_of(webhook), pause_ms;
    uint64_t left_ms = consultation->deadline_ms > now_ms ? consultation->deadline_ms - now_ms : 0;

    if (!m4h_retry_pause(consultation->asks, retry_after_ms, left_ms,
                         m4h_master_random(webhook->master), &pause_ms))
        return false;
    if (consultation->pause == NULL && m4h_timer_create(&consultation->pause, webhook->master->loop,
                                                        on_pause_over, consultation) != 0)
        return false;
    m4h_timer_start(consultation->pause, pause_ms, 0);
    return true;
}

static enum outcome outcome_of(const struct m4h_fetch_result *result)
{
    switch (result->error) {
    case 0:
        break;
    case M4H_EUNAVAILABLE:
        return OUTCOME_UNREACHABLE;
    case M4H_ETIMEOUT:
        return OUTCOME_TIMEOUT;
    default:
        return OUTCOME_BROKEN;
    }
    switch (result->status) {
    case 200:
        return OUTCOME_ANSWER;
    case 429:
    case 502:
    case 503:
    case 504:
        return OUTCOME_BUSY;
    default:
        return OUTCOME_REFUSED;
    }
}

static void on_result(void *context, const struct m4h_fetch_result *result)
{
    struct consultation *consultation = context;
    struct webhook *webhook = consultation->webhook;
    enum outcome outcome = outcome_of(result);
    char detail[M4H_DETAIL_MAX + 1];
    struct m4h_verdict verdict;

    consultation->ask = NULL;
    webhook->outcomes[outcome]++;
    if (outcome == OUTCOME_ANSWER) {
        heed_success(webhook);
        m4h_document_read(&verdict, result->body, result->body_len);
        answer(consultation, &verdict);
        return;
    }
    if ((outcome == OUTCOME_BUSY || outcome == OUTCOME_UNREACHABLE) &&
        post_again_later(consultation, result->retry_after_ms))
        return;
    if (result->error != 0)
        snprintf(detail, sizeof(detail), "%s", result->detail);
    else
        snprintf(detail, sizeof(detail), "its answer has the status %u", result->status);
    if (outcome == OUTCOME_REFUSED && result->status < 500)
        heed_success(webhook);
    else
        heed_failure(webhook, detail);
    fail(consultation, detail);
}

/* ---- what the chain calls --------------------------------------------------------------- */

static void answer_at_once(struct m4h_validation *validation, const char *detail)
{
    struct m4h_verdict verdict;

    m4h_verdict_set(&verdict, M4H_VERDICT_FAILED, detail);
    m4h_validation_answer(validation, &verdict);
}

/* A question to be posted; NULL: `*error` says why not. */
static struct consultation *prepare(struct webhook *webhook, struct m4h_validation *validation,
                                    int *error)
{
    struct consultation *consultation = calloc(1, sizeof(*consultation));

    *error = M4H_ENOMEM;
    if (consultation == NULL)
        return NULL;
    consultation->webhook = webhook;
    consultation->validation = validation;
    consultation->question = (struct m4h_buffer)M4H_BUFFER_INIT(QUESTION_MAX);
    consultation->deadline_ms = now_of(webhook) + timeout_of(webhook);
    *error = m4h_document_write(&consultation->question, webhook->master->config->id, "webhook",
                                ++webhook->questions, validation->request);
    if (*error == 0)
        return consultation;
    free_consultation(consultation);
    return NULL;
}

static void ask(void *self, struct m4h_validation *validation)
{
    struct webhook *webhook = self;
    struct consultation *consultation;
    int error;

    consultation = prepare(webhook, validation, &error);
    if (consultation == NULL) {
        answer_at_once(validation, m4h_error_text(error));
    } else if (!m4h_breaker_allows(&webhook->breaker, now_of(webhook))) {
        webhook->spared++;
        fail(consultation, "the webhook has failed too often and is left alone");
    } else {
        validation->own = consultation;
        post(consultation);
    }
}

static void cancel(void *self, struct m4h_validation *validation)
{
    struct webhook *webhook = self;
    struct consultation *consultation = validation->own;

    m4h_fetch_ask_cancel(consultation->ask);
    webhook->outcomes[OUTCOME_TIMEOUT]++;
    heed_failure(webhook, "no answer in time");
    free_consultation(consultation);
}

static void warn_of_plain_token(const struct m4h_webhook_config *config)
{
    static const char *const fine[] = {"https:", "http://127.", "http://localhost", "http://[::1]"};
    size_t i = 0;

    while (i < M4H_COUNT(fine) && strncmp(config->url, fine[i], strlen(fine[i])) != 0)
        i++;
    if (config->token_file[0] != '\0' && i == M4H_COUNT(fine))
        m4h_log(M4H_LOG_WARNING, LOG, "the token goes over the network in the clear: use https");
}

static int create(void **self, struct m4h_master *master)
{
    const struct m4h_webhook_config *config = &master->config->webhook;
    const struct m4h_fetch_pool_config pool = {
        .url = config->url,
        .user_agent = "mas4h-master/" M4H_VERSION,
        .ca_file = config->ca_file,
        .cert_file = config->cert_file,
        .key_file = config->key_file,
        .token_file = config->token_file,
        .connect_timeout_ms = (uint32_t)config->connect_timeout_ms,
        .connections_max = (uint32_t)config->connections_max,
        .waiting_max = WAITING_MAX,
        .answer_max = M4H_JSON_IDENTITY_MAX,
    };
    struct webhook *webhook = calloc(1, sizeof(*webhook));
    int error;

    *self = webhook;
    if (webhook == NULL)
        return M4H_ENOMEM;
    webhook->master = master;
    m4h_breaker_init(&webhook->breaker, (uint32_t)config->breaker_failures,
                     (uint32_t)config->breaker_rest_ms, (uint32_t)config->breaker_rest_max_ms);
    error = m4h_fetch_pool_create(&webhook->pool, master->loop, &pool);
    if (error == 0) {
        warn_of_plain_token(config);
        return 0;
    }
    m4h_log(M4H_LOG_ERROR, LOG, "%s",
            error == M4H_EINVALID ? "[webhook] url is no http or https URL"
            : error == M4H_ENOMEM ? m4h_error_text(error)
                                  : "[webhook] token_file cannot be read, or holds no token");
    free(webhook);
    *self = NULL;
    return error;
}

static void destroy(void *self)
{
    struct webhook *webhook = self;

    if (webhook != NULL)
        m4h_fetch_pool_destroy(webhook->pool);
    free(webhook);
}

static const struct m4h_validator_settings *settings(const struct m4h_master_config *config)
{
    return &config->webhook.validator;
}

static void write_metrics(const void *self, struct m4h_metrics *metrics)
{
    static const char name[] = "mas4h_master_webhook_requests_total";
    const struct webhook *webhook = self;
    struct m4h_fetch_pool_stats stats;

    m4h_fetch_pool_stats(webhook->pool, &stats);
    m4h_metrics_describe(metrics, name, "counter", "Requests to the webhook, by how they ended.");
    for (size_t i = 0; i < OUTCOMES; i++)
        m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"result", outcome_names[i]}, 1,
                          (double)webhook->outcomes[i]);
    m4h_metrics_single(metrics, "mas4h_master_webhook_spared_total", "counter",
                       "Questions that were not asked because the webhook had failed too often.",
                       (double)webhook->spared);
    m4h_metrics_single(metrics, "mas4h_master_webhook_resting", "gauge",
                       "1 while the webhook is left alone.", webhook->breaker.is_open ? 1 : 0);
    m4h_metrics_single(metrics, "mas4h_master_webhook_running", "gauge",
                       "Requests to the webhook that are under way.", (double)stats.running);
    m4h_metrics_single(metrics, "mas4h_master_webhook_queued", "gauge",
                       "Requests to the webhook that wait for a connection.",
                       (double)stats.waiting);
    m4h_metrics_single(metrics, "mas4h_master_webhook_connections_total", "counter",
                       "Connections to the webhook that were made.", (double)stats.connections);
}

const struct m4h_validator_type m4h_validator_webhook = {
    .name = "webhook",
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
