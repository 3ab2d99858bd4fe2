/* Many questions to an HTTP server on a loop: answers, and every way of not getting one. */
#include "tests/unit/fetch_server.h"
#include "tests/unit/net_stage.h"

#include "lib/base/error.h"
#include "lib/fetch/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX 4096u
#define ASKED_MAX  64u

/* One question and what became of it. */
struct asked {
    struct m4h_fetch_ask *ask;
    unsigned results;
    int error;
    unsigned status;
    uint32_t retry_after_ms;
    char body[ANSWER_MAX + 1];
    struct m4h_fetch_pool **destroys; /* the pool, when the result comes */
};

static void on_result(void *context, const struct m4h_fetch_result *result)
{
    struct asked *asked = context;

    asked->results++;
    asked->error = result->error;
    asked->status = result->status;
    asked->retry_after_ms = result->retry_after_ms;
    if (result->error != 0)
        assert_int_not_equal(result->detail[0], '\0');
    snprintf(asked->body, sizeof(asked->body), "%.*s", (int)result->body_len,
             result->body != NULL ? (const char *)result->body : "");
    if (asked->destroys != NULL) {
        m4h_fetch_pool_destroy(*asked->destroys);
        *asked->destroys = NULL;
    }
}

static bool all_are_over(void *context)
{
    struct asked *asked = context;

    for (unsigned i = 0; i < ASKED_MAX; i++)
        if (asked[i].ask != NULL && asked[i].results == 0)
            return false;
    return true;
}

static struct m4h_fetch_pool *open_pool(struct m4h_loop *loop, const char *url,
                                        uint32_t connections)
{
    const struct m4h_fetch_pool_config config = {.url = url,
                                                 .user_agent = "test/1",
                                                 .connect_timeout_ms = 2000,
                                                 .connections_max = connections,
                                                 .waiting_max = 40,
                                                 .answer_max = ANSWER_MAX};
    struct m4h_fetch_pool *pool;

    assert_int_equal(m4h_fetch_pool_create(&pool, loop, &config), 0);
    return pool;
}

static void ask(struct m4h_fetch_pool *pool, struct asked *asked, const char *body,
                uint32_t timeout_ms)
{
    assert_int_equal(
        m4h_fetch_pool_ask(pool, body, strlen(body), timeout_ms, on_result, asked, &asked->ask), 0);
    assert_int_equal(asked->results, 0);
}

/* Asks once a server that answers so, and waits for the end. */
static void ask_one(struct m4h_loop *loop, fetch_server_answers answers, uint32_t timeout_ms,
                    struct asked *asked)
{
    struct fetch_server *server;
    struct m4h_fetch_pool *pool;

    memset(asked, 0, ASKED_MAX * sizeof(*asked));
    fetch_server_start(&server, answers);
    pool = open_pool(loop, fetch_server_url(server), 2);
    ask(pool, asked, "{\"a\":1}", timeout_ms);
    run_until(loop, all_are_over, asked);
    assert_int_equal(asked->results, 1);
    m4h_fetch_pool_destroy(pool);
    fetch_server_stop(server);
}

/* ---- answers ---------------------------------------------------------------------- */

static bool answer_echo(int fd, const char *head, const char *body)
{
    char text[1024];

    if (strstr(head, "POST /ask HTTP/1.1") == NULL ||
        strstr(head, "Content-Type: application/json") == NULL)
        return false;
    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
             body);
    return fetch_server_say(fd, text);
}

static bool answer_later(int fd, const char *head, const char *body)
{
    usleep(20000);
    return answer_echo(fd, head, body);
}

static bool answer_nothing(int fd, const char *head, const char *body)
{
    (void)head, (void)body;
    return fetch_server_hang(fd);
}

static bool answer_and_hang(int fd, const char *head, const char *body)
{
    (void)head, (void)body;
    return fetch_server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{") &&
           fetch_server_hang(fd);
}

static bool close_at_once(int fd, const char *head, const char *body)
{
    (void)fd, (void)head, (void)body;
    return false;
}

static bool answer_half(int fd, const char *head, const char *body)
{
    (void)head, (void)body;
    (void)fetch_server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{");
    return false;
}

static bool answer_garbage(int fd, const char *head, const char *body)
{
    (void)head, (void)body;
    (void)fetch_server_say(fd, "\x16\x03\x01 what is HTTP?\r\n\r\n");
    return false;
}

static bool answer_on_and_on(int fd, const char *head, const char *body)
{
    char piece[1025];
    unsigned pieces = 0;

    (void)head, (void)body;
    memset(piece, 'x', sizeof(piece) - 1);
    piece[sizeof(piece) - 1] = '\0';
    if (!fetch_server_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"))
        return false;
    while (pieces < 100 * 1024 && fetch_server_say(fd, piece))
        pieces++;
    assert_true(pieces < 100 * 1024);
    return false;
}

static bool promise_much(int fd, const char *head, const char *body)
{
    (void)head, (void)body;
    return fetch_server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n") &&
           fetch_server_hang(fd);
}

static bool answer_with_endless_head(int fd, const char *head, const char *body)
{
    (void)head, (void)body;
    if (!fetch_server_say(fd, "HTTP/1.1 200 OK\r\n"))
        return false;
    while (fetch_server_say(fd, "X-More: and more and more and more\r\n"))
        continue;
    return false;
}

static bool answer_busy(int fd, const char *head, const char *body)
{
    (void)head, (void)body;
    return fetch_server_say(fd, "HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n");
}

static bool answer_elsewhere(int fd, const char *head, const char *body)
{
    (void)head, (void)body;
    return fetch_server_say(
        fd, "HTTP/1.1 307 There\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
}

/* ---- tests ------------------------------------------------------------------------- */

static void an_answer_comes_whole(void **state)
{
    struct asked asked[ASKED_MAX];

    ask_one(*state, answer_echo, 5000, asked);
    assert_int_equal(asked->error, 0);
    assert_int_equal(asked->status, 200);
    assert_string_equal(asked->body, "{\"a\":1}");
}

static void connections_are_used_again_and_no_more_are_made_than_allowed(void **state)
{
    struct asked asked[ASKED_MAX] = {0};
    struct m4h_fetch_pool_stats stats;
    struct fetch_server *server;
    struct m4h_fetch_pool *pool;
    char body[32];

    fetch_server_start(&server, answer_later);
    pool = open_pool(*state, fetch_server_url(server), 4);
    for (int i = 0; i < 40; i++) {
        snprintf(body, sizeof(body), "question %d", i);
        ask(pool, &asked[i], body, 10000);
    }
    m4h_fetch_pool_stats(pool, &stats);
    assert_int_equal(stats.running, 4);
    assert_int_equal(stats.waiting, 36);
    run_until(*state, all_are_over, asked);
    for (int i = 0; i < 40; i++) {
        snprintf(body, sizeof(body), "question %d", i);
        assert_string_equal(asked[i].body, body);
    }
    assert_int_equal(fetch_server_connections(server), 4);
    m4h_fetch_pool_stats(pool, &stats);
    assert_int_equal(stats.connections, 4);
    assert_int_equal(stats.running + stats.waiting, 0);
    m4h_fetch_pool_destroy(pool);
    fetch_server_stop(server);
}

static void questions_beyond_those_that_may_wait_are_refused(void **state)
{
    struct asked asked[ASKED_MAX] = {0};
    struct fetch_server *server;
    struct m4h_fetch_pool *pool;
    struct m4h_fetch_ask *one_more;

    fetch_server_start(&server, answer_nothing);
    pool = open_pool(*state, fetch_server_url(server), 1);
    for (int i = 0; i < 41; i++)
        ask(pool, &asked[i], "", 10000);
    assert_int_equal(m4h_fetch_pool_ask(pool, "", 0, 10000, on_result, &asked[50], &one_more),
                     M4H_EFULL);
    assert_null(one_more);
    m4h_fetch_pool_destroy(pool);
    fetch_server_stop(server);
    assert_int_equal(asked[0].results, 0);
}

static void who_waits_for_a_connection_too_long_is_told(void **state)
{
    struct asked asked[ASKED_MAX] = {0};
    struct fetch_server *server;
    struct m4h_fetch_pool *pool;

    fetch_server_start(&server, answer_nothing);
    pool = open_pool(*state, fetch_server_url(server), 1);
    ask(pool, &asked[0], "", 60);
    ask(pool, &asked[1], "", 30);
    run_until(*state, all_are_over, asked);
    assert_int_equal(asked[0].error, M4H_ETIMEOUT);
    assert_int_equal(asked[1].error, M4H_ETIMEOUT);
    m4h_fetch_pool_destroy(pool);
    fetch_server_stop(server);
}

static void a_cancelled_question_gives_its_place_to_the_next(void **state)
{
    struct asked asked[ASKED_MAX] = {0};
    struct fetch_server *server;
    struct m4h_fetch_pool *pool;

    fetch_server_start(&server, answer_later);
    pool = open_pool(*state, fetch_server_url(server), 1);
    ask(pool, &asked[0], "first", 5000);
    ask(pool, &asked[1], "second", 5000);
    m4h_fetch_ask_cancel(asked[0].ask);
    asked[0].ask = NULL;
    run_until(*state, all_are_over, asked);
    assert_int_equal(asked[0].results, 0);
    assert_string_equal(asked[1].body, "second");
    m4h_fetch_pool_destroy(pool);
    fetch_server_stop(server);
}

static void who_gets_a_result_may_destroy_the_pool(void **state)
{
    struct asked asked[ASKED_MAX] = {0};
    struct fetch_server *server;
    struct m4h_fetch_pool *pool;

    fetch_server_start(&server, answer_echo);
    pool = open_pool(*state, fetch_server_url(server), 1);
    ask(pool, &asked[0], "first", 5000);
    ask(pool, &asked[1], "second", 5000);
    asked[0].destroys = &pool;
    asked[1].ask = NULL;
    run_until(*state, all_are_over, asked);
    assert_null(pool);
    assert_int_equal(asked[1].results, 0);
    fetch_server_stop(server);
}

static void a_server_that_says_nothing_ends_with_the_time(void **state)
{
    struct asked asked[ASKED_MAX];

    ask_one(*state, answer_nothing, 50, asked);
    assert_int_equal(asked->error, M4H_ETIMEOUT);
    ask_one(*state, answer_and_hang, 50, asked);
    assert_int_equal(asked->error, M4H_ETIMEOUT);
}

static void a_connection_that_breaks_may_be_tried_again(void **state)
{
    struct asked asked[ASKED_MAX];

    ask_one(*state, close_at_once, 5000, asked);
    assert_int_equal(asked->error, M4H_EUNAVAILABLE);
    ask_one(*state, answer_half, 5000, asked);
    assert_int_equal(asked->error, M4H_EUNAVAILABLE);
}

static void nobody_there_is_told_as_that(void **state)
{
    struct asked asked[ASKED_MAX] = {0};
    struct m4h_fetch_pool *pool = open_pool(*state, "http://127.0.0.1:1/", 1);

    ask(pool, asked, "", 5000);
    run_until(*state, all_are_over, asked);
    assert_int_equal(asked->error, M4H_EUNAVAILABLE);
    m4h_fetch_pool_destroy(pool);
}

static void what_is_no_http_is_refused(void **state)
{
    struct asked asked[ASKED_MAX];

    ask_one(*state, answer_garbage, 5000, asked);
    assert_int_equal(asked->error, M4H_EPROTOCOL);
}

static void an_answer_that_is_too_long_is_cut_off(void **state)
{
    struct asked asked[ASKED_MAX];

    ask_one(*state, answer_on_and_on, 5000, asked);
    assert_int_equal(asked->error, M4H_ETOOBIG);
    ask_one(*state, promise_much, 5000, asked);
    assert_int_equal(asked->error, M4H_ETOOBIG);
    ask_one(*state, answer_with_endless_head, 5000, asked);
    assert_int_equal(asked->error, M4H_ETOOBIG);
}

static void a_server_may_say_when_to_come_again(void **state)
{
    struct asked asked[ASKED_MAX];

    ask_one(*state, answer_busy, 5000, asked);
    assert_int_equal(asked->error, 0);
    assert_int_equal(asked->status, 503);
    assert_int_equal(asked->retry_after_ms, 2000);
}

static void redirects_are_not_followed(void **state)
{
    struct asked asked[ASKED_MAX];

    ask_one(*state, answer_elsewhere, 5000, asked);
    assert_int_equal(asked->error, 0);
    assert_int_equal(asked->status, 307);
}

/* ---- the token ------------------------------------------------------------------------- */

static bool answer_token(int fd, const char *head, const char *body)
{
    const char *token = strstr(head, "Authorization: ");

    (void)body;
    return answer_echo(fd, head, token != NULL ? token : "none");
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static bool shows_another(void *context)
{
    struct m4h_fetch_pool *pool = context;
    static struct asked asked[ASKED_MAX];

    if (asked->ask != NULL && asked->results == 0)
        return false;
    if (strstr(asked->body, "Bearer another\r\n") != NULL)
        return true;
    memset(asked, 0, sizeof(*asked));
    ask(pool, asked, "", 5000);
    return false;
}

static void the_token_is_read_again_when_its_file_changes(void **state)
{
    char path[] = "/tmp/m4h-token-XXXXXX";
    struct m4h_fetch_pool_config config = {.user_agent = "test/1",
                                           .token_file = path,
                                           .connect_timeout_ms = 2000,
                                           .connections_max = 1,
                                           .waiting_max = 1,
                                           .answer_max = ANSWER_MAX};
    struct fetch_server *server;
    struct m4h_fetch_pool *pool;
    struct asked asked[ASKED_MAX] = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
    fetch_server_start(&server, answer_token);
    config.url = fetch_server_url(server);
    assert_int_equal(m4h_fetch_pool_create(&pool, *state, &config), M4H_EPROTOCOL);
    assert_null(pool);
    write_file(path, "one\nnot the token\n");
    assert_int_equal(m4h_fetch_pool_create(&pool, *state, &config), 0);
    ask(pool, asked, "", 5000);
    run_until(*state, all_are_over, asked);
    assert_non_null(strstr(asked->body, "Bearer one\r\n"));
    write_file(path, "another\n");
    run_until(*state, shows_another, pool);
    m4h_fetch_pool_destroy(pool);
    fetch_server_stop(server);
    unlink(path);
}

static void only_http_urls_are_taken(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://a/", "http://", "", "a b"};
    struct m4h_fetch_pool_config config = {.connections_max = 1, .answer_max = ANSWER_MAX};
    struct m4h_fetch_pool *pool;

    for (size_t i = 0; i < M4H_COUNT(urls); i++) {
        config.url = urls[i];
        assert_int_equal(m4h_fetch_pool_create(&pool, *state, &config), M4H_EINVALID);
        assert_null(pool);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_begin, stage_end)
    const struct CMUnitTest tests[] = {
        TEST(an_answer_comes_whole),
        TEST(connections_are_used_again_and_no_more_are_made_than_allowed),
        TEST(questions_beyond_those_that_may_wait_are_refused),
        TEST(who_waits_for_a_connection_too_long_is_told),
        TEST(a_cancelled_question_gives_its_place_to_the_next),
        TEST(who_gets_a_result_may_destroy_the_pool),
        TEST(a_server_that_says_nothing_ends_with_the_time),
        TEST(a_connection_that_breaks_may_be_tried_again),
        TEST(nobody_there_is_told_as_that),
        TEST(what_is_no_http_is_refused),
        TEST(an_answer_that_is_too_long_is_cut_off),
        TEST(a_server_may_say_when_to_come_again),
        TEST(redirects_are_not_followed),
        TEST(the_token_is_read_again_when_its_file_changes),
        TEST(only_http_urls_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
