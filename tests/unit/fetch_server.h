/* An HTTP server for tests, as good or as bad as it is told to be: a thread that accepts, and one
 * for each connection. What cannot be had fails the test. */
#ifndef M4H_TESTS_FETCH_SERVER_H
#define M4H_TESTS_FETCH_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch_server;

/* What it answers to one request, head and body as they came. False: it closes the connection. */
typedef bool (*fetch_server_answers)(int fd, const char *head, const char *body);

void fetch_server_start(struct fetch_server **server, fetch_server_answers answers);
/* "http://127.0.0.1:PORT/ask" */
const char *fetch_server_url(const struct fetch_server *server);
/* Connections that it has accepted. */
unsigned fetch_server_connections(struct fetch_server *server);
/* Cuts all connections, waits for its threads and frees it. */
void fetch_server_stop(struct fetch_server *server);

/* For answers: sends text; false: the client has gone. */
bool fetch_server_say(int fd, const char *text);
/* Waits until the client goes or the server stops. */
bool fetch_server_hang(int fd);

#endif
