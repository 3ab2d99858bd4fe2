/* Shared questions where memory runs out (io/shared.c): each allocation fails once, and everybody
 * who asked is answered, once. Masters and clients are played by the test. */
#include "services/gateway/io/shared.h"

#include "lib/base/error.h"
#include "lib/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REQUESTS 4

struct open_question {
    m4h_gateway_rpc_on_end on_end;
    void *context;
};

static struct {
    unsigned deferred;
    unsigned status; /* 0: not answered */
    unsigned answers;
} clients[REQUESTS];
static struct open_question open_questions[REQUESTS];
static size_t open_count;

static unsigned allowed; /* allocations until one fails */
static bool is_counting;
static bool has_failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __wrap_m4h_gateway_rpc_start(struct m4h_gateway_rpc *rpc,
                                 const struct m4h_gateway_rpc_question *question,
                                 m4h_gateway_rpc_on_end on_end, void *context,
                                 struct m4h_gateway_rpc_ask **ask);
bool __wrap_m4h_gateway_rpc_again(struct m4h_gateway_rpc_ask *ask);
void __wrap_m4h_http_defer(struct m4h_http_request *request);
void __wrap_m4h_http_answer_content(struct m4h_http_request *request,
                                    struct m4h_http_content *content);
void __wrap_m4h_http_answer_problem(struct m4h_http_request *request, unsigned status,
                                    const char *code, const char *detail, uint32_t retry_after_ms);

/* ---- memory -------------------------------------------------------------------------- */

static bool fails_now(void)
{
    if (!is_counting || has_failed || allowed-- > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails_now() ? NULL : __real_realloc(old, size);
}

/* ---- masters and clients ---------------------------------------------------------------- */

/* It may have no memory either. */
int __wrap_m4h_gateway_rpc_start(struct m4h_gateway_rpc *rpc,
                                 const struct m4h_gateway_rpc_question *question,
                                 m4h_gateway_rpc_on_end on_end, void *context,
                                 struct m4h_gateway_rpc_ask **ask)
{
    (void)rpc, (void)question, (void)ask;
    if (fails_now())
        return M4H_ENOMEM;
    assert_true(open_count < REQUESTS);
    open_questions[open_count++] = (struct open_question){on_end, context};
    return 0;
}

bool __wrap_m4h_gateway_rpc_again(struct m4h_gateway_rpc_ask *ask)
{
    (void)ask;
    return false;
}

static struct m4h_http_request *request(size_t client)
{
    return (struct m4h_http_request *)(void *)&clients[client];
}

static size_t client_of(const struct m4h_http_request *request)
{
    return (size_t)((const char *)request - (const char *)clients) / sizeof(clients[0]);
}

void __wrap_m4h_http_defer(struct m4h_http_request *request)
{
    clients[client_of(request)].deferred++;
}

void __wrap_m4h_http_answer_content(struct m4h_http_request *request,
                                    struct m4h_http_content *content)
{
    assert_int_equal(m4h_http_content_len(content), 2);
    clients[client_of(request)].status = 200;
    clients[client_of(request)].answers++;
}

void __wrap_m4h_http_answer_problem(struct m4h_http_request *request, unsigned status,
                                    const char *code, const char *detail, uint32_t retry_after_ms)
{
    (void)code, (void)detail, (void)retry_after_ms;
    clients[client_of(request)].status = status;
    clients[client_of(request)].answers++;
}

static void masters_answer(void)
{
    while (open_count > 0) {
        struct open_question question = open_questions[--open_count];

        question.on_end(question.context, 0, (const uint8_t *)"{}", 2);
    }
}

static int write_document(const uint8_t *data, size_t len, struct m4h_buffer *out,
                          struct m4h_problem *problem)
{
    (void)problem;
    return m4h_buffer_add(out, data, len);
}

static const struct m4h_gateway_view view = {
    .subject = "mas4h.v1.rpc.status.cluster", .may_be_kept = true, .write = write_document};

/* ---- tests -------------------------------------------------------------------------------- */

/* Two ask at once, a third one when that is answered, and a fourth one after. */
static void ask_four_times(struct m4h_gateway_shared *shared)
{
    struct m4h_buffer none = M4H_BUFFER_INIT(16);

    for (size_t client = 0; client < REQUESTS; client++) {
        m4h_gateway_shared_ask(shared, &view, &none, &none, request(client));
        if (client > 0)
            masters_answer();
    }
}

static void assert_each_is_answered_once(void)
{
    for (size_t client = 0; client < REQUESTS; client++) {
        assert_int_equal(clients[client].answers, 1);
        assert_in_range(clients[client].deferred, 0, 1);
        if (clients[client].status != 200)
            assert_true(clients[client].status >= 500);
    }
}

/* Returns how many were refused. */
static unsigned assert_no_more_are_refused_than_asked_together(void)
{
    unsigned refused = 0;

    for (size_t client = 0; client < REQUESTS; client++)
        refused += clients[client].status != 200;
    assert_in_range(refused, 0, has_failed ? 2 : 0);
    return refused;
}

static void whatever_allocation_fails_each_is_answered_once(void **state)
{
    struct m4h_gateway_shared_stats stats = {0};
    struct m4h_gateway_shared *shared;
    struct m4h_loop *loop;
    unsigned count = 0, refused = 0;

    (void)state;
    assert_int_equal(m4h_loop_create(&loop), 0);
    do {
        memset(clients, 0, sizeof(clients));
        has_failed = false;
        assert_int_equal(m4h_gateway_shared_create(&shared, loop, NULL, 60000), 0);
        allowed = count++;
        is_counting = true;
        ask_four_times(shared);
        is_counting = false;
        assert_each_is_answered_once();
        refused += assert_no_more_are_refused_than_asked_together();
        m4h_gateway_shared_stats(shared, &stats);
        m4h_gateway_shared_destroy(shared);
    } while (has_failed);
    assert_in_range(count, 8, 100);
    assert_true(refused > 0);
    assert_int_equal(stats.asked, 1);
    assert_int_equal(stats.joined, 1);
    assert_int_equal(stats.kept, 2);
    m4h_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_allocation_fails_each_is_answered_once),
    };

    m4h_log_set_level(M4H_LOG_ERROR);
    return cmocka_run_group_tests_name("gateway: shared questions", tests, NULL, NULL);
}
