/* The text protocol of NATS over a socket. */
#include "client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (1u << 20)
#define CONNECT_MS   5000

struct client {
    int fd;
    uint8_t in[BUFFER_BYTES];
    size_t in_first;
    size_t in_end;
    uint8_t out[BUFFER_BYTES];
    size_t out_len;
    unsigned subscriptions;
    bool ponged;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "cluster-load: %s\n", what);
    exit(1);
}

static int open_socket(const char *url)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char host[256];
    char port[8];
    const int on = 1;
    int fd;

    if (sscanf(url, "nats://%255[^:]:%7[0-9]", host, port) != 2)
        fail("--url: expected nats://HOST:PORT");
    if (getaddrinfo(host, port, &hints, &found) != 0)
        fail("no such host");
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0)
        fail("cannot connect to nats-server");
    freeaddrinfo(found);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void add(struct client *client, const void *data, size_t len)
{
    if (client->out_len + len > BUFFER_BYTES)
        client_flush(client);
    if (len > BUFFER_BYTES)
        fail("a message is too large");
    memcpy(client->out + client->out_len, data, len);
    client->out_len += len;
}

static void add_text(struct client *client, const char *text)
{
    add(client, text, strlen(text));
}

void client_flush(struct client *client)
{
    for (size_t done = 0; done < client->out_len;) {
        ssize_t sent = send(client->fd, client->out + done, client->out_len - done, MSG_NOSIGNAL);

        if (sent <= 0)
            fail("the connection to nats-server is lost");
        done += (size_t)sent;
    }
    client->out_len = 0;
}

bool client_read(struct client *client, int timeout_ms)
{
    struct pollfd readable = {.fd = client->fd, .events = POLLIN};
    ssize_t got;

    memmove(client->in, client->in + client->in_first, client->in_end - client->in_first);
    client->in_end -= client->in_first;
    client->in_first = 0;
    if (client->in_end == BUFFER_BYTES)
        fail("a message from nats-server is too large");
    if (poll(&readable, 1, timeout_ms) <= 0)
        return false;
    got = recv(client->fd, client->in + client->in_end, BUFFER_BYTES - client->in_end, 0);
    if (got <= 0)
        fail("nats-server closed the connection");
    client->in_end += (size_t)got;
    return true;
}

/* MSG subject sid [reply] bytes, or HMSG ... headers bytes: splits the line. False: the payload
 * is not complete; nothing was taken then. */
static bool take_message(struct client *client, char *line, size_t line_len,
                         struct client_message *message)
{
    size_t headers = 0;
    char *word = memchr(line, ' ', line_len);
    char *end;
    size_t bytes;

    if (word == NULL)
        fail("nats-server sent what is no message");
    message->subject = ++word;
    end = line + line_len;
    message->subject_len = strcspn(word, " ");
    while (end > line && end[-1] != ' ')
        end--;
    bytes = strtoul(end, NULL, 10);
    if (line[0] == 'H') {
        for (end--; end > line && end[-1] != ' ';)
            end--;
        headers = strtoul(end, NULL, 10);
    }
    if (client->in_end - client->in_first < line_len + 2 + bytes + 2)
        return false;
    message->data = (const uint8_t *)line + line_len + 2 + headers;
    message->len = bytes - headers;
    client->in_first += line_len + 2 + bytes + 2;
    return true;
}

bool client_next(struct client *client, struct client_message *message)
{
    for (;;) {
        char *line = (char *)client->in + client->in_first;
        char *end = memchr(line, '\r', client->in_end - client->in_first);
        size_t len;

        if (end == NULL || end + 1 >= (char *)client->in + client->in_end)
            return false;
        len = (size_t)(end - line);
        if (strncmp(line, "MSG ", 4) == 0 || strncmp(line, "HMSG ", 5) == 0)
            return take_message(client, line, len, message);
        client->in_first += len + 2;
        if (strncmp(line, "PING", 4) == 0)
            add_text(client, "PONG\r\n");
        else if (strncmp(line, "PONG", 4) == 0)
            client->ponged = true;
        else if (strncmp(line, "-ERR", 4) == 0)
            fail("nats-server refuses");
    }
}

struct client *client_connect(const char *url)
{
    struct client *client = calloc(1, sizeof(*client));
    struct client_message message;

    if (client == NULL)
        fail("out of memory");
    client->fd = open_socket(url);
    add_text(client, "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,"
                     "\"no_responders\":true,\"name\":\"cluster-load\",\"lang\":\"c\","
                     "\"version\":\"1\",\"protocol\":1}\r\nPING\r\n");
    client_flush(client);
    while (!client->ponged) {
        if (!client_read(client, CONNECT_MS))
            fail("nats-server does not answer");
        client_next(client, &message);
    }
    return client;
}

void client_close(struct client *client)
{
    close(client->fd);
    free(client);
}

void client_subscribe(struct client *client, const char *subject)
{
    char line[512];

    snprintf(line, sizeof(line), "SUB %s %u\r\n", subject, ++client->subscriptions);
    add_text(client, line);
}

void client_publish(struct client *client, const char *subject, const char *reply,
                    const uint8_t *data, size_t len)
{
    char line[512];

    snprintf(line, sizeof(line), "PUB %s %s %zu\r\n", subject, reply, len);
    add_text(client, line);
    add(client, data, len);
    add_text(client, "\r\n");
}
