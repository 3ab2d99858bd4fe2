#include "tests/unit/http_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_S 10

static uint64_t on_pump(void *context, uint64_t now_ms)
{
    struct http_fixture *fixture = context;

    (void)now_ms;
    pthread_mutex_lock(&fixture->lock);
    if (fixture->call != NULL) {
        fixture->call(fixture->call_context);
        fixture->call = NULL;
        pthread_cond_signal(&fixture->done);
    }
    pthread_mutex_unlock(&fixture->lock);
    return UINT64_MAX;
}

static void *thread_main(void *context)
{
    struct http_fixture *fixture = context;

    m4h_loop_run(fixture->loop);
    return NULL;
}

void http_fixture_prepare(struct http_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->done, NULL);
    assert_int_equal(m4h_loop_create(&fixture->loop), 0);
    assert_int_equal(m4h_pump_create(&fixture->pump, fixture->loop, on_pump, fixture), 0);
}

void http_fixture_go(struct http_fixture *fixture)
{
    assert_int_equal(pthread_create(&fixture->thread, NULL, thread_main, fixture), 0);
}

void http_fixture_start(struct http_fixture *fixture, const struct m4h_http_config *config)
{
    const struct m4h_address address = {.host = "127.0.0.1", .port = 0};

    http_fixture_prepare(fixture);
    assert_int_equal(m4h_http_server_create(&fixture->server, fixture->loop, &address, config), 0);
    fixture->port = m4h_http_server_port(fixture->server);
    http_fixture_go(fixture);
}

void http_fixture_run(struct http_fixture *fixture, void (*call)(void *context), void *context)
{
    pthread_mutex_lock(&fixture->lock);
    fixture->call = call;
    fixture->call_context = context;
    m4h_pump_wake(fixture->pump);
    while (fixture->call != NULL)
        pthread_cond_wait(&fixture->done, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
}

static void stop_loop(void *context)
{
    struct http_fixture *fixture = context;

    m4h_pump_close(fixture->pump);
    m4h_loop_stop(fixture->loop);
}

void http_fixture_end(struct http_fixture *fixture, void (*call)(void *context), void *context)
{
    http_fixture_run(fixture, call, context);
    http_fixture_run(fixture, stop_loop, fixture);
    pthread_join(fixture->thread, NULL);
    m4h_loop_destroy(fixture->loop);
    pthread_cond_destroy(&fixture->done);
    pthread_mutex_destroy(&fixture->lock);
}

static void destroy_server(void *context)
{
    m4h_http_server_destroy(context);
}

void http_fixture_stop(struct http_fixture *fixture)
{
    http_fixture_end(fixture, destroy_server, fixture->server);
}

struct question {
    struct http_fixture *fixture;
    struct m4h_http_stats stats;
};

static void ask(void *context)
{
    struct question *question = context;

    m4h_http_server_stats(question->fixture->server, &question->stats);
}

void http_fixture_wait(struct http_fixture *fixture,
                       bool (*is_so)(const struct m4h_http_stats *stats))
{
    struct question question = {.fixture = fixture};
    time_t deadline = time(NULL) + DEADLINE_S;

    for (;;) {
        const struct timespec pause = {0, 2000000};

        http_fixture_run(fixture, ask, &question);
        if (is_so(&question.stats))
            return;
        if (time(NULL) > deadline)
            fail_msg("what was waited for did not come");
        nanosleep(&pause, NULL);
    }
}

int http_connect(const struct http_fixture *fixture)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(fixture->port)};
    struct timeval deadline = {.tv_sec = DEADLINE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

void http_send_bytes(int fd, const void *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

void http_send(int fd, const char *text)
{
    http_send_bytes(fd, text, strlen(text));
}

bool http_read(int fd, void *data, size_t len)
{
    size_t have = 0;

    while (have < len) {
        ssize_t more = recv(fd, (char *)data + have, len - have, 0);

        if (more <= 0)
            return false;
        have += (size_t)more;
    }
    return true;
}

int http_read_answer(int fd, char *text, size_t size, bool is_head)
{
    size_t len = 0, body = 0;
    const char *field;

    while (len + 1 < size && (len < 4 || memcmp(text + len - 4, "\r\n\r\n", 4) != 0)) {
        if (!http_read(fd, text + len, 1))
            break;
        len++;
    }
    text[len] = '\0';
    if (len == 0)
        return 0;
    field = strcasestr(text, "\r\nContent-Length:");
    if (field != NULL && !is_head)
        body = strtoul(field + 17, NULL, 10);
    assert_true(len + body < size);
    assert_true(http_read(fd, text + len, body));
    text[len + body] = '\0';
    return (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
}

bool http_is_closed(int fd)
{
    char byte;

    return recv(fd, &byte, 1, 0) <= 0;
}
