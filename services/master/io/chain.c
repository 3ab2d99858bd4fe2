/* The chain of validators at work.
 *
 * Happy path: a question is put to the first validator, which answers at once or later;
 * core/chain.c says whether that is the answer or who is next. One that does not answer at once
 * stands in the line of its validator, the earliest deadline first, which one timer watches: at its
 * deadline the validator is told to give it up, and it goes on as one that has failed. At the end
 * of the master all that stands in a line is given up and forgotten.
 *
 * What a validator said is given again, where its type wants that, for as long as it is fresh; and
 * where it has failed, what it allowed before, if its settings say so. A recheck wants to know
 * anew. */
#include "services/master/io/chain.h"

#include "lib/base/error.h"
#include "services/master/io/kept_verdicts.h"
#include "services/master/io/service.h"
#include "services/master/io/validators.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define LOG "chain"

static const struct m4h_validator_type *const types[] = {
    &m4h_validator_authorized_keys, &m4h_validator_webhook,      &m4h_validator_service,
    &m4h_validator_database,        &m4h_validator_certificates, &m4h_validator_command,
};

_Static_assert(M4H_COUNT(types) <= M4H_CHAIN_NAMES_MAX, "a chain can hold them all");

struct question;

/* One validator of the chain. */
struct link {
    struct m4h_chain *chain;
    const struct m4h_validator_type *type;
    void *self;
    struct question *line; /* that wait for it, by their deadlines */
    size_t waiting;
    struct m4h_timer *timer;
    uint64_t answers[M4H_VERDICT_KINDS]; /* a time-out is one that has failed */
    uint64_t timeouts;
    uint32_t slowest_ms; /* lately */
    struct m4h_histogram latency;
    struct m4h_kept_verdicts kept;
    struct m4h_log_limit failure_log;
};

struct question {
    struct m4h_validation validation; /* first: a validator's pointer to it is one to this */
    struct m4h_chain *chain;
    struct question *prev, *next; /* in the line of a validator */
    bool is_in_line;
    bool is_asking;  /* inside `ask`; what comes of its answer is seen to behind it */
    bool has_answer; /* of the validator whose turn it was last */
    bool is_over;
    struct m4h_chain_walk walk;
    uint64_t asked_us;
    uint64_t forgotten; /* by the chain, when the validator was asked */
    uint64_t deadline_ms;
    m4h_chain_on_answer on_answer;
    void *context;
    struct m4h_authorize_request request;
};

struct m4h_chain {
    struct m4h_master *master; /* borrowed */
    struct link links[M4H_CHAIN_NAMES_MAX];
    size_t count;
    uint64_t forgotten; /* times that something was to be forgotten */
};

/* ---- settings -------------------------------------------------------------- */

static const struct m4h_validator_settings *settings_of(const struct link *link)
{
    static const struct m4h_validator_settings none = {0, M4H_ON_FAILURE_CACHED};

    return link->type->settings != NULL ? link->type->settings(link->chain->master->config) : &none;
}

static uint64_t timeout_of(const struct link *link)
{
    int64_t own_ms = settings_of(link)->timeout_ms;

    return (uint64_t)(own_ms > 0 ? own_ms : link->chain->master->config->validator_timeout_ms);
}

/* ---- the line -------------------------------------------------------------- */

static void watch_line(struct link *link)
{
    uint64_t now_ms = m4h_loop_now_ms(link->chain->master->loop);

    if (link->line == NULL)
        m4h_timer_stop(link->timer);
    else
        m4h_timer_start(link->timer,
                        link->line->deadline_ms > now_ms ? link->line->deadline_ms - now_ms : 0, 0);
}

static int by_deadline(const struct question *a, const struct question *b)
{
    return a->deadline_ms < b->deadline_ms ? -1 : a->deadline_ms > b->deadline_ms;
}

/* All have the same time-out until a reload changes it: its place is mostly the last one. */
static void stand_in_line(struct link *link, struct question *question)
{
    question->deadline_ms = m4h_loop_now_ms(link->chain->master->loop) + timeout_of(link);
    if (link->line == NULL || by_deadline(link->line->prev, question) <= 0)
        DL_APPEND(link->line, question);
    else
        DL_INSERT_INORDER(link->line, question, by_deadline);
    question->is_in_line = true;
    link->waiting++;
    if (link->line == question)
        watch_line(link);
}

static void leave_line(struct link *link, struct question *question)
{
    bool was_first = link->line == question;

    if (!question->is_in_line)
        return;
    DL_DELETE(link->line, question);
    question->is_in_line = false;
    link->waiting--;
    if (was_first)
        watch_line(link);
}

/* ---- kept verdicts ----------------------------------------------------------- */

static void likeness_at(const struct link *link, const struct question *question,
                        struct m4h_likeness *likeness)
{
    m4h_likeness_of(likeness, &question->request,
                    (link->type->heeds_address ? M4H_LIKENESS_ADDRESS : 0u) |
                        (link->type->heeds_username ? M4H_LIKENESS_USERNAME : 0u));
}

static bool give_fresh(struct link *link, const struct question *question,
                       struct m4h_verdict *verdict)
{
    struct m4h_likeness likeness;

    if (!link->type->is_kept || question->request.recheck)
        return false;
    likeness_at(link, question, &likeness);
    return m4h_kept_verdicts_fresh(&link->kept, &likeness,
                                   m4h_loop_now_ms(link->chain->master->loop), verdict);
}

/* Keeps what was said, unless it is an answer from before something was forgotten, which may have
 * been just that; where nothing could be said, says what was kept. */
static void keep_or_give(struct link *link, const struct question *question,
                         struct m4h_verdict *verdict)
{
    const struct m4h_master_config *config = link->chain->master->config;
    const struct m4h_keeping keeping = {
        .entries_max = (size_t)config->cache_entries,
        .valid_ms = (uint64_t)config->valid_for_ms,
        .stale_ms = (uint64_t)config->stale_ms,
    };
    uint64_t now_ms = m4h_loop_now_ms(link->chain->master->loop);
    struct m4h_likeness likeness;
    struct m4h_verdict stale;

    if (!link->type->is_kept)
        return;
    likeness_at(link, question, &likeness);
    if (verdict->kind != M4H_VERDICT_FAILED) {
        if (question->forgotten == link->chain->forgotten)
            m4h_kept_verdicts_put(&link->kept, &question->request, &likeness, verdict, &keeping,
                                  now_ms);
    } else if (settings_of(link)->on_failure == M4H_ON_FAILURE_CACHED &&
               m4h_kept_verdicts_stale(&link->kept, &likeness, now_ms, &stale)) {
        *verdict = stale;
    }
}

/* ---- questions -------------------------------------------------------------- */

static void advance(struct question *question, struct m4h_verdict *verdict);

/* Asks one after another as long as they answer at once. */
static void ask_on(struct question *question)
{
    struct m4h_verdict verdict;
    struct link *link;

    question->is_asking = true;
    do {
        link = &question->chain->links[question->walk.at];
        question->validation.own = NULL;
        question->has_answer = false;
        question->asked_us = m4h_latency_clock_us();
        question->forgotten = question->chain->forgotten;
        if (give_fresh(link, question, &verdict))
            advance(question, &verdict);
        else
            link->type->ask(link->self, &question->validation);
    } while (question->has_answer && !question->is_over);
    question->is_asking = false;
    if (question->is_over)
        free(question);
    else
        stand_in_line(link, question);
}

static void log_failure(struct link *link, const struct m4h_verdict *verdict)
{
    uint32_t suppressed;
    char quoted[2 * M4H_DETAIL_MAX];

    if (m4h_log_limit_allows(&link->failure_log, m4h_loop_now_ms(link->chain->master->loop),
                             &suppressed))
        m4h_log(M4H_LOG_WARNING, LOG,
                "validator=%s reason=%s suppressed=%u it could not say whose key it is",
                link->type->name, m4h_log_quote(quoted, sizeof(quoted), verdict->reply.detail),
                suppressed);
}

/* The verdict of the one whose turn it is; changed. */
static void advance(struct question *question, struct m4h_verdict *verdict)
{
    struct link *link = &question->chain->links[question->walk.at];

    question->has_answer = true;
    question->is_over = m4h_chain_heed(&question->walk, link->type->name,
                                       (enum m4h_on_failure)settings_of(link)->on_failure, verdict);
    if (question->is_over)
        question->on_answer(question->context, &question->request, verdict);
    if (question->is_asking)
        return;
    if (question->is_over)
        free(question);
    else
        ask_on(question);
}

/* A device without a name has that of its key. */
static void name_device(const struct question *question, struct m4h_verdict *verdict)
{
    struct m4h_authorize_reply *reply = &verdict->reply;

    reply->allowed = verdict->kind == M4H_VERDICT_ALLOW;
    if (reply->allowed && reply->client_key[0] == '\0' && reply->operator_.name[0] == '\0')
        m4h_text_copy(reply->client_key, sizeof(reply->client_key),
                      question->request.key_fingerprint);
}

/* What the validator whose turn it is says itself; changed. */
static void heed(struct question *question, struct m4h_verdict *verdict)
{
    struct link *link = &question->chain->links[question->walk.at];

    m4h_verdict_check(verdict);
    name_device(question, verdict);
    leave_line(link, question);
    link->answers[verdict->kind]++;
    m4h_latency_add(&link->latency, question->asked_us);
    link->slowest_ms = m4h_chain_slowest_ms(link->slowest_ms,
                                            (m4h_latency_clock_us() - question->asked_us) / 1000);
    if (verdict->kind == M4H_VERDICT_FAILED)
        log_failure(link, verdict);
    keep_or_give(link, question, verdict);
    advance(question, verdict);
}

void m4h_validation_answer(struct m4h_validation *validation, const struct m4h_verdict *verdict)
{
    struct m4h_verdict copy = *verdict;

    heed((struct question *)validation, &copy);
}

static void on_time(void *context)
{
    struct link *link = context;
    uint64_t now_ms = m4h_loop_now_ms(link->chain->master->loop);

    while (link->line != NULL && link->line->deadline_ms <= now_ms) {
        struct question *question = link->line;
        struct m4h_verdict verdict;

        link->timeouts++;
        link->type->cancel(link->self, &question->validation);
        m4h_verdict_set(&verdict, M4H_VERDICT_FAILED, "no answer in time");
        heed(question, &verdict);
    }
    watch_line(link);
}

int m4h_chain_ask(struct m4h_chain *chain, const struct m4h_authorize_request *request,
                  m4h_chain_on_answer on_answer, void *context)
{
    struct question *question = calloc(1, sizeof(*question));

    if (question == NULL)
        return M4H_ENOMEM;
    question->chain = chain;
    question->request = *request;
    question->validation.request = &question->request;
    question->walk.count = chain->count;
    question->walk.recheck = request->recheck;
    question->on_answer = on_answer;
    question->context = context;
    ask_on(question);
    return 0;
}

uint32_t m4h_chain_patience_ms(const struct m4h_chain *chain)
{
    uint64_t patience_ms = 0;

    for (size_t i = 0; i < chain->count; i++)
        patience_ms +=
            m4h_chain_may_take_ms(chain->links[i].slowest_ms, timeout_of(&chain->links[i]));
    return (uint32_t)patience_ms; /* at most 8 of 60 s */
}

size_t m4h_chain_waiting(const struct m4h_chain *chain)
{
    size_t waiting = 0;

    for (size_t i = 0; i < chain->count; i++)
        waiting += chain->links[i].waiting;
    return waiting;
}

/* ---- life ------------------------------------------------------------------- */

int m4h_chain_read_names(const char *text, size_t places[M4H_CHAIN_NAMES_MAX], size_t *count,
                         char *wrong, size_t wrong_size)
{
    const char *names[M4H_COUNT(types) + 1] = {NULL};

    for (size_t i = 0; i < M4H_COUNT(types); i++)
        names[i] = types[i]->name;
    return m4h_chain_parse(text, names, places, count, wrong, wrong_size);
}

static int open_link(struct m4h_chain *chain, const struct m4h_validator_type *type)
{
    struct link *link = &chain->links[chain->count++];

    link->chain = chain;
    link->type = type;
    m4h_latency_init_short(&link->latency);
    if (type->is_kept) /* it asks elsewhere, and who knows how fast that is */
        link->slowest_ms = (uint32_t)timeout_of(link);
    if (m4h_kept_verdicts_open(&link->kept) != 0 ||
        m4h_timer_create(&link->timer, chain->master->loop, on_time, link) != 0)
        return M4H_ENOMEM;
    return type->create(&link->self, chain->master);
}

int m4h_chain_create_of(struct m4h_chain **chain, struct m4h_master *master,
                        const struct m4h_validator_type *const *validators, size_t count)
{
    int error = 0;

    *chain = calloc(1, sizeof(**chain));
    if (*chain == NULL)
        return M4H_ENOMEM;
    (*chain)->master = master;
    for (size_t i = 0; error == 0 && i < count; i++)
        error = open_link(*chain, validators[i]);
    if (error != 0) {
        m4h_chain_destroy(*chain);
        *chain = NULL;
    }
    return error;
}

int m4h_chain_create(struct m4h_chain **chain, struct m4h_master *master)
{
    const struct m4h_validator_type *validators[M4H_CHAIN_NAMES_MAX];
    size_t places[M4H_CHAIN_NAMES_MAX], count;
    char wrong[80];
    int error =
        m4h_chain_read_names(master->config->validators, places, &count, wrong, sizeof(wrong));

    *chain = NULL;
    if (error != 0) {
        m4h_log(M4H_LOG_ERROR, LOG, "reason=\"%s\" [authorize] validators", wrong);
        return error;
    }
    for (size_t i = 0; i < count; i++)
        validators[i] = types[places[i]];
    return m4h_chain_create_of(chain, master, validators, count);
}

static void end_validator(struct link *link)
{
    struct question *question, *next;

    DL_FOREACH_SAFE(link->line, question, next)
    {
        link->type->cancel(link->self, &question->validation);
        free(question);
    }
    link->type->destroy(link->self);
}

void m4h_chain_destroy(struct m4h_chain *chain)
{
    if (chain == NULL)
        return;
    for (size_t i = 0; i < chain->count; i++)
        end_validator(&chain->links[i]);
    /* One that ends may still say what is void (m4h_chain_forget): that looks at all of them. */
    for (size_t i = 0; i < chain->count; i++) {
        m4h_kept_verdicts_close(&chain->links[i].kept);
        m4h_timer_close(chain->links[i].timer);
    }
    free(chain);
}

void m4h_chain_forget(struct m4h_chain *chain, const char *key_fingerprint, const char *client_key)
{
    chain->forgotten++;
    for (size_t i = 0; i < chain->count; i++)
        m4h_kept_verdicts_forget(&chain->links[i].kept, key_fingerprint, client_key);
}

void m4h_chain_reload(struct m4h_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->links[i].type->reload != NULL)
            chain->links[i].type->reload(chain->links[i].self);
}

void m4h_chain_look(struct m4h_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->links[i].type->look != NULL)
            chain->links[i].type->look(chain->links[i].self);
}

/* ---- metrics ---------------------------------------------------------------- */

static void write_answers(const struct m4h_chain *chain, struct m4h_metrics *metrics)
{
    static const char name[] = "mas4h_master_validator_answers_total";

    m4h_metrics_describe(metrics, name, "counter", "What validators said of keys.");
    for (size_t i = 0; i < chain->count; i++)
        for (enum m4h_verdict_kind kind = 0; kind < M4H_VERDICT_KINDS; kind++) {
            const struct m4h_metric_label labels[] = {
                {"validator", chain->links[i].type->name},
                {"result", m4h_verdict_kind_name(kind)},
            };

            m4h_metrics_value(metrics, name, labels, M4H_COUNT(labels),
                              (double)chain->links[i].answers[kind]);
        }
}

static void write_each(const struct m4h_chain *chain, struct m4h_metrics *metrics, const char *name,
                       const char *type, const char *help, double (*value)(const struct link *))
{
    m4h_metrics_describe(metrics, name, type, help);
    for (size_t i = 0; i < chain->count; i++)
        m4h_metrics_value(metrics, name,
                          &(struct m4h_metric_label){"validator", chain->links[i].type->name}, 1,
                          value(&chain->links[i]));
}

static double waiting_at(const struct link *link)
{
    return (double)link->waiting;
}

static double timeouts_of(const struct link *link)
{
    return (double)link->timeouts;
}

static double kept_by(const struct link *link)
{
    return (double)m4h_verdicts_count(link->kept.allowed);
}

static double fresh_of(const struct link *link)
{
    return (double)link->kept.fresh_count;
}

static double stale_of(const struct link *link)
{
    return (double)link->kept.stale_count;
}

static void write_latency(const struct m4h_chain *chain, struct m4h_metrics *metrics)
{
    static const char name[] = "mas4h_master_validator_duration_seconds";

    m4h_metrics_describe(metrics, name, "histogram", "How long validators took to answer.");
    for (size_t i = 0; i < chain->count; i++)
        m4h_metrics_histogram(metrics, name,
                              &(struct m4h_metric_label){"validator", chain->links[i].type->name},
                              1, &chain->links[i].latency, M4H_LATENCY_UNIT);
}

void m4h_chain_write_metrics(const struct m4h_chain *chain, struct m4h_metrics *metrics)
{
    write_answers(chain, metrics);
    write_each(chain, metrics, "mas4h_master_validator_waiting", "gauge",
               "Questions that wait for a validator.", waiting_at);
    write_each(chain, metrics, "mas4h_master_validator_timeouts_total", "counter",
               "Questions that a validator did not answer in time.", timeouts_of);
    write_each(chain, metrics, "mas4h_master_validator_kept", "gauge",
               "Keys whose permission by a validator is kept.", kept_by);
    write_each(chain, metrics, "mas4h_master_validator_kept_answers_total", "counter",
               "Answers that were kept, given again instead of asking.", fresh_of);
    write_each(chain, metrics, "mas4h_master_validator_stale_answers_total", "counter",
               "Answers that were kept, given again because the validator had failed.", stale_of);
    write_latency(chain, metrics);
    for (size_t i = 0; i < chain->count; i++)
        if (chain->links[i].type->write_metrics != NULL)
            chain->links[i].type->write_metrics(chain->links[i].self, metrics);
}
