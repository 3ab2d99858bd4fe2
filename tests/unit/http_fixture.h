/* A server on a loop in a thread of its own, and a client with plain sockets in
 * the test's thread. Every wait has a deadline. */
#ifndef M4H_TESTS_UNIT_HTTP_FIXTURE_H
#define M4H_TESTS_UNIT_HTTP_FIXTURE_H

#include "lib/http/http.h"
#include "lib/net/pump.h"

#include <pthread.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct http_fixture {
    struct m4h_loop *loop;
    struct m4h_http_server *server;
    struct m4h_pump *pump;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t done;
    void (*call)(void *context); /* to be run on the loop; NULL: none */
    void *call_context;
    uint16_t port;
};

/* The parts of start and stop, for a server that is made otherwise: makes the
 * loop; runs it in its thread; runs `call` on the loop and ends it all. */
void http_fixture_prepare(struct http_fixture *fixture);
void http_fixture_go(struct http_fixture *fixture);
void http_fixture_end(struct http_fixture *fixture, void (*call)(void *context), void *context);

/* Starts; `config` needs no address. */
void http_fixture_start(struct http_fixture *fixture, const struct m4h_http_config *config);
/* Destroys the server on its loop, where it still is, and ends the thread. */
void http_fixture_stop(struct http_fixture *fixture);
/* Runs `call` on the loop and waits for its end. */
void http_fixture_run(struct http_fixture *fixture, void (*call)(void *context), void *context);
/* Reads the server's numbers until `is_so` says yes; fails after the deadline. */
void http_fixture_wait(struct http_fixture *fixture,
                       bool (*is_so)(const struct m4h_http_stats *stats));

int http_connect(const struct http_fixture *fixture);
void http_send(int fd, const char *text);
void http_send_bytes(int fd, const void *data, size_t len);
/* Reads one answer with its body; returns its status. `text` gets all of it. */
int http_read_answer(int fd, char *text, size_t size, bool is_head);
/* Reads exactly `len` bytes. False: the end came before. */
bool http_read(int fd, void *data, size_t len);
/* True where the server ended the connection (waits for it). */
bool http_is_closed(int fd);

#endif
