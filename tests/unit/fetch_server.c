/* Threads and blocking sockets: all that a test of a client needs. */
#include "tests/unit/fetch_server.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define REQUEST_MAX     65536

struct connection {
    struct fetch_server *server;
    int fd;
    pthread_t thread;
};

struct fetch_server {
    int fd;
    char url[64];
    fetch_server_answers answers;
    pthread_t thread;
    pthread_mutex_t lock;
    unsigned count;
    struct connection connections[CONNECTIONS_MAX];
};

bool fetch_server_say(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        text += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool fetch_server_hang(int fd)
{
    char byte;

    while (recv(fd, &byte, 1, 0) > 0)
        continue;
    return false;
}

/* Reads one request into `text`; `*body` points behind its head. False: there is none any more. */
static bool read_request(int fd, char *text, char **body)
{
    size_t len = 0, wanted = 0;
    char *length;

    *body = NULL;
    while (*body == NULL || len < wanted) {
        ssize_t got = recv(fd, text + len, REQUEST_MAX - len, 0);

        if (got <= 0)
            return false;
        len += (size_t)got;
        text[len] = '\0';
        if (*body == NULL && (*body = strstr(text, "\r\n\r\n")) != NULL) {
            **body = '\0';
            *body += 4;
            length = strcasestr(text, "content-length:");
            wanted = (size_t)(*body - text) + (length != NULL ? strtoul(length + 15, NULL, 10) : 0);
        }
    }
    return true;
}

static void *serve(void *context)
{
    struct connection *connection = context;
    char *text = malloc(REQUEST_MAX + 1), *body;

    while (text != NULL && read_request(connection->fd, text, &body) &&
           connection->server->answers(connection->fd, text, body))
        continue;
    shutdown(connection->fd, SHUT_RDWR);
    free(text);
    return NULL;
}

static void *accept_all(void *context)
{
    struct fetch_server *server = context;
    int fd;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        struct connection *connection;

        pthread_mutex_lock(&server->lock);
        connection = &server->connections[server->count];
        *connection = (struct connection){.server = server, .fd = fd};
        if (server->count == CONNECTIONS_MAX ||
            pthread_create(&connection->thread, NULL, serve, connection) != 0)
            close(fd);
        else
            server->count++;
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

void fetch_server_start(struct fetch_server **server, fetch_server_answers answers)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    struct fetch_server *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    s->answers = answers;
    pthread_mutex_init(&s->lock, NULL);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->fd, CONNECTIONS_MAX), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/ask", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, accept_all, s), 0);
    *server = s;
}

const char *fetch_server_url(const struct fetch_server *server)
{
    return server->url;
}

unsigned fetch_server_connections(struct fetch_server *server)
{
    unsigned count;

    pthread_mutex_lock(&server->lock);
    count = server->count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

void fetch_server_stop(struct fetch_server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < server->count; i++) {
        shutdown(server->connections[i].fd, SHUT_RDWR);
        pthread_join(server->connections[i].thread, NULL);
        close(server->connections[i].fd);
    }
    close(server->fd);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
