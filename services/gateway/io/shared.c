/* Shared questions.
 *
 * A question is in the table from its first asker until its answer is no longer kept.
 * While it is open it has waiters and no content, afterwards content and no waiters.
 * Happy path: ask -> open -> on_reply -> everybody who waits is answered -> kept, or
 * forgotten. Where it fails, all who wait get the problem, and nothing is kept. */
#define HASH_NONFATAL_OOM 1
#include "services/gateway/io/shared.h"

#include "lib/base/error.h"
#include "lib/net/timer.h"
#include "services/gateway/core/kept.h"
#include "services/gateway/core/problem.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

/* A page of the wire, with every quote in it escaped, stays below. */
#define ANSWER_MAX (4u * 1024u * 1024u)

struct waiter {
    struct m4h_http_request *request;
    STAILQ_ENTRY(waiter) link;
};

struct question {
    struct m4h_gateway_shared *shared;
    const struct m4h_gateway_view *view;
    struct m4h_gateway_rpc_ask *ask;
    STAILQ_HEAD(, waiter) waiters;
    struct m4h_http_content *content; /* kept; NULL: it is open */
    struct m4h_gateway_kept_entry kept;
    UT_hash_handle hh;
    size_t key_len;
    uint8_t key[]; /* the view's address, and what the caller said */
};

struct m4h_gateway_shared {
    struct m4h_loop *loop;
    struct m4h_gateway_rpc *rpc;
    uint32_t keep_ms;
    struct question *questions; /* by key */
    struct m4h_gateway_kept kept;
    struct m4h_timer *timer; /* when the oldest is to be forgotten */
    struct m4h_gateway_shared_stats stats;
};

/* ---- what is kept ---------------------------------------------------------------- */

static void drop(struct question *question)
{
    struct m4h_gateway_shared *shared = question->shared;

    if (question->content != NULL)
        m4h_gateway_kept_remove(&shared->kept, &question->kept);
    m4h_http_content_release(question->content);
    if (question->hh.tbl != NULL) /* else there was no memory for it in the table */
        HASH_DEL(shared->questions, question);
    free(question);
}

/* The question that has to be forgotten next; NULL: none. */
static struct question *surplus(const struct m4h_gateway_shared *shared)
{
    struct m4h_gateway_kept_entry *entry =
        m4h_gateway_kept_surplus(&shared->kept, m4h_loop_now_ms(shared->loop));

    return entry == NULL
               ? NULL
               : (struct question *)(void *)((char *)entry - offsetof(struct question, kept));
}

static void forget(struct m4h_gateway_shared *shared)
{
    struct question *question;

    while ((question = surplus(shared)) != NULL)
        drop(question);
}

static void on_time(void *context)
{
    struct m4h_gateway_shared *shared = context;
    uint64_t wait_ms;

    forget(shared);
    wait_ms = m4h_gateway_kept_wait_ms(&shared->kept, m4h_loop_now_ms(shared->loop));
    if (wait_ms > 0)
        m4h_timer_start(shared->timer, wait_ms, 0);
}

static bool can_be_kept(const struct question *question)
{
    return question->view->may_be_kept && question->shared->keep_ms > 0 && question->hh.tbl != NULL;
}

/* Takes the content. */
static void keep(struct question *question, struct m4h_http_content *content)
{
    struct m4h_gateway_shared *shared = question->shared;

    if (shared->kept.count == 0)
        m4h_timer_start(shared->timer, shared->keep_ms, 0);
    question->content = content;
    m4h_gateway_kept_add(&shared->kept, &question->kept, m4h_http_content_len(content),
                         m4h_loop_now_ms(shared->loop) + shared->keep_ms);
    forget(shared);
}

/* ---- the answer -------------------------------------------------------------------- */

static void answer_problem(struct m4h_http_request *request, const struct m4h_problem *problem)
{
    m4h_http_answer_problem(request, m4h_gateway_problem_status(problem),
                            m4h_problem_code_name(problem->code), problem->detail,
                            m4h_gateway_problem_retry_ms(problem));
}

/* Answers all who wait: with the content, or where it is NULL with the problem. */
static void answer_all(struct question *question, struct m4h_http_content *content,
                       const struct m4h_problem *problem)
{
    struct waiter *waiter;

    while ((waiter = STAILQ_FIRST(&question->waiters)) != NULL) {
        STAILQ_REMOVE_HEAD(&question->waiters, link);
        if (content != NULL)
            m4h_http_answer_content(waiter->request, content);
        else
            answer_problem(waiter->request, problem);
        free(waiter);
    }
}

static int read_reply(const struct question *question, const uint8_t *data, size_t len,
                      struct m4h_http_content **content, struct m4h_problem *problem)
{
    struct m4h_buffer document = M4H_BUFFER_INIT(ANSWER_MAX);
    int error = question->view->write(data, len, &document, problem);

    if (error == 0 && problem->code == 0)
        error = m4h_http_content_create(content, M4H_HTTP_JSON, &document);
    m4h_buffer_free(&document);
    return error;
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct question *question = context;
    struct m4h_http_content *content = NULL;
    struct m4h_problem problem = {0};

    if (error == 0)
        error = read_reply(question, data, len, &content, &problem);
    /* A master that is not ready yet: another one may be. */
    if (error == 0 && problem.code == M4H_PROBLEM_UNAVAILABLE &&
        m4h_gateway_rpc_again(question->ask))
        return;
    if (error != 0)
        m4h_gateway_problem_of_error(&problem, error, "a master");
    answer_all(question, content, &problem);
    if (content != NULL && can_be_kept(question)) {
        keep(question, content);
        return;
    }
    m4h_http_content_release(content);
    drop(question);
}

/* ---- the question ------------------------------------------------------------------ */

static int wait_for(struct question *question, struct m4h_http_request *request)
{
    struct waiter *waiter = calloc(1, sizeof(*waiter));

    if (waiter == NULL)
        return M4H_ENOMEM;
    waiter->request = request;
    STAILQ_INSERT_TAIL(&question->waiters, waiter, link);
    m4h_http_defer(request);
    return 0;
}

static struct question *create_question(struct m4h_gateway_shared *shared,
                                        const struct m4h_gateway_view *view,
                                        const struct m4h_buffer *key)
{
    struct question *question = calloc(1, sizeof(*question) + sizeof(view) + key->len);

    if (question == NULL)
        return NULL;
    question->shared = shared;
    question->view = view;
    STAILQ_INIT(&question->waiters);
    question->key_len = sizeof(view) + key->len;
    memcpy(question->key, &view, sizeof(view));
    if (key->len > 0)
        memcpy(question->key + sizeof(view), key->data, key->len);
    return question;
}

/* Asks for `request`, and for all who join. */
static int open_question(struct question *question, const struct m4h_buffer *message,
                         struct m4h_http_request *request)
{
    struct m4h_gateway_rpc_question asked = {
        .subject = question->view->subject, .request = message, .may_repeat = true};
    int error = wait_for(question, request);

    if (error == 0)
        error = m4h_gateway_rpc_start(question->shared->rpc, &asked, on_reply, question,
                                      &question->ask);
    return error;
}

static struct question *find(const struct m4h_gateway_shared *shared, const struct question *like)
{
    struct question *found;

    HASH_FIND(hh, shared->questions, like->key, like->key_len, found);
    return found;
}

/* The end of a question that could not be asked. */
static void give_up(struct question *question, struct m4h_http_request *request, int error)
{
    struct m4h_problem problem = {0};

    m4h_gateway_problem_of_error(&problem, error, "a master");
    if (STAILQ_EMPTY(&question->waiters))
        answer_problem(request, &problem);
    answer_all(question, NULL, &problem);
}

/* Gives `request` what is kept, or lets it wait with the others. */
static int join(struct question *question, struct m4h_http_request *request)
{
    struct m4h_gateway_shared *shared = question->shared;

    if (question->content == NULL) {
        shared->stats.joined++;
        return wait_for(question, request);
    }
    shared->stats.kept++;
    m4h_http_answer_content(request, question->content);
    return 0;
}

void m4h_gateway_shared_ask(struct m4h_gateway_shared *shared, const struct m4h_gateway_view *view,
                            const struct m4h_buffer *key, const struct m4h_buffer *message,
                            struct m4h_http_request *request)
{
    struct question *question = create_question(shared, view, key), *found;
    int error;

    if (question == NULL) {
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
        return;
    }
    forget(shared);
    found = find(shared, question);
    if (found != NULL) {
        free(question);
        if (join(found, request) != 0)
            m4h_http_answer_problem(request, 500, "internal", NULL, 0);
        return;
    }
    error = open_question(question, message, request);
    if (error != 0) {
        give_up(question, request, error);
        free(question);
        return;
    }
    shared->stats.asked++;
    HASH_ADD_KEYPTR(hh, shared->questions, question->key, question->key_len, question);
}

/* ---- life -------------------------------------------------------------------------- */

int m4h_gateway_shared_create(struct m4h_gateway_shared **shared, struct m4h_loop *loop,
                              struct m4h_gateway_rpc *rpc, uint32_t keep_ms)
{
    struct m4h_gateway_shared *self = calloc(1, sizeof(*self));
    int error;

    *shared = NULL;
    if (self == NULL)
        return M4H_ENOMEM;
    self->loop = loop;
    self->rpc = rpc;
    self->keep_ms = keep_ms;
    m4h_gateway_kept_init(&self->kept);
    error = m4h_timer_create(&self->timer, loop, on_time, self);
    if (error != 0)
        free(self);
    else
        *shared = self;
    return error;
}

void m4h_gateway_shared_destroy(struct m4h_gateway_shared *shared)
{
    struct question *question, *next;

    if (shared == NULL)
        return;
    HASH_ITER(hh, shared->questions, question, next)
    drop(question);
    m4h_timer_close(shared->timer);
    free(shared);
}

void m4h_gateway_shared_set_keep(struct m4h_gateway_shared *shared, uint32_t keep_ms)
{
    shared->keep_ms = keep_ms;
}

void m4h_gateway_shared_stats(const struct m4h_gateway_shared *shared,
                              struct m4h_gateway_shared_stats *stats)
{
    *stats = shared->stats;
}
