/* The text protocol of NATS: INFO, CONNECT, PING, PONG, SUB, PUB, MSG, HMSG. */
#include "tests/support/nats_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS        10000
#define LINE_MAX_BYTES 8192

struct m4h_nats_wire {
    int fd;
    char in[65536];
    size_t in_len;
    size_t in_used;
};

static bool fill(struct m4h_nats_wire *wire)
{
    struct pollfd readable = {.fd = wire->fd, .events = POLLIN};
    ssize_t n;

    memmove(wire->in, wire->in + wire->in_used, wire->in_len - wire->in_used);
    wire->in_len -= wire->in_used;
    wire->in_used = 0;
    if (poll(&readable, 1, WAIT_MS) <= 0) {
        fprintf(stderr, "nothing came from the server in %d ms\n", WAIT_MS);
        return false;
    }
    n = recv(wire->fd, wire->in + wire->in_len, sizeof(wire->in) - wire->in_len, 0);
    if (n <= 0) {
        fprintf(stderr, "the server closed the connection\n");
        return false;
    }
    wire->in_len += (size_t)n;
    return true;
}

static bool read_bytes(struct m4h_nats_wire *wire, char *out, size_t len)
{
    while (wire->in_len - wire->in_used < len)
        if (!fill(wire))
            return false;
    memcpy(out, wire->in + wire->in_used, len);
    wire->in_used += len;
    return true;
}

/* Without its line end. */
static bool read_line(struct m4h_nats_wire *wire, char *line, size_t size)
{
    const char *start;
    const char *end;
    size_t len;

    while (start = wire->in + wire->in_used,
           (end = memmem(start, wire->in_len - wire->in_used, "\r\n", 2)) == NULL)
        if (!fill(wire))
            return false;
    len = (size_t)(end - start);
    if (len >= size)
        return false;
    memcpy(line, start, len);
    line[len] = '\0';
    wire->in_used += len + 2;
    return true;
}

static bool send_text(struct m4h_nats_wire *wire, const char *text)
{
    size_t len = strlen(text);

    return send(wire->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Reads lines until one begins with `word`, and answers pings meanwhile. */
static bool read_until(struct m4h_nats_wire *wire, const char *word, char *line, size_t size)
{
    while (read_line(wire, line, size)) {
        if (strncmp(line, word, strlen(word)) == 0)
            return true;
        if (strncmp(line, "-ERR", 4) == 0) {
            fprintf(stderr, "the server says %s\n", line);
            return false;
        }
        if (strcmp(line, "PING") == 0 && !send_text(wire, "PONG\r\n"))
            return false;
    }
    return false;
}

static bool round_trip(struct m4h_nats_wire *wire)
{
    char line[LINE_MAX_BYTES];

    return send_text(wire, "PING\r\n") && read_until(wire, "PONG", line, sizeof(line));
}

struct m4h_nats_wire *m4h_nats_wire_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct m4h_nats_wire *wire = calloc(1, sizeof(*wire));
    char line[LINE_MAX_BYTES];

    if (wire == NULL)
        return NULL;
    wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->fd >= 0 && connect(wire->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        read_until(wire, "INFO", line, sizeof(line)) &&
        send_text(wire, "CONNECT {\"verbose\":false,\"headers\":true,\"protocol\":1}\r\n") &&
        round_trip(wire))
        return wire;
    m4h_nats_wire_close(wire);
    return NULL;
}

void m4h_nats_wire_close(struct m4h_nats_wire *wire)
{
    if (wire == NULL)
        return;
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire);
}

bool m4h_nats_wire_subscribe(struct m4h_nats_wire *wire, const char *subject)
{
    char line[512];

    snprintf(line, sizeof(line), "SUB %s 1\r\n", subject);
    return send_text(wire, line) && round_trip(wire);
}

bool m4h_nats_wire_publish(struct m4h_nats_wire *wire, const char *subject, const char *text)
{
    char line[1024];

    snprintf(line, sizeof(line), "PUB %s %zu\r\n%s\r\n", subject, strlen(text), text);
    return send_text(wire, line) && round_trip(wire);
}

/* "MSG subject sid [reply] bytes" or "HMSG subject sid [reply] header_bytes bytes" */
static bool parse_head(char *line, struct m4h_nats_wire_message *message, size_t *header_len)
{
    bool has_headers = line[0] == 'H';
    char *words[6];
    size_t count = 0;
    size_t numbers = has_headers ? 2 : 1;

    for (char *word; count < 6 && (word = strsep(&line, " ")) != NULL;)
        words[count++] = word;
    if (count < 3 + numbers || count > 4 + numbers)
        return false;
    snprintf(message->subject, sizeof(message->subject), "%s", words[1]);
    if (count == 4 + numbers)
        snprintf(message->reply, sizeof(message->reply), "%s", words[3]);
    *header_len = has_headers ? strtoul(words[count - 2], NULL, 10) : 0;
    message->len = strtoul(words[count - 1], NULL, 10) - *header_len;
    return *header_len <= M4H_NATS_WIRE_MAX && message->len <= M4H_NATS_WIRE_MAX;
}

bool m4h_nats_wire_next(struct m4h_nats_wire *wire, struct m4h_nats_wire_message *message)
{
    char line[LINE_MAX_BYTES];
    size_t header_len;

    *message = (struct m4h_nats_wire_message){0};
    do {
        if (!read_line(wire, line, sizeof(line)))
            return false;
        if (strcmp(line, "PING") == 0 && !send_text(wire, "PONG\r\n"))
            return false;
    } while (strncmp(line, "MSG ", 4) != 0 && strncmp(line, "HMSG ", 5) != 0);
    return parse_head(line, message, &header_len) &&
           read_bytes(wire, message->headers, header_len) &&
           read_bytes(wire, message->data, message->len) && read_bytes(wire, line, 2);
}
