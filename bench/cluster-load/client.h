/* A connection to nats-server that speaks its text protocol and nothing more: so the load
 * generator costs little beside what it measures. Blocking; one thread. Whatever goes wrong
 * ends the program with a line on standard error. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;

/* Borrowed: valid until the next client_next or client_read. */
struct client_message {
    const char *subject; /* not terminated */
    size_t subject_len;
    const uint8_t *data;
    size_t len;
};

/* `url` is nats://HOST:PORT. On return the server has answered. */
struct client *client_connect(const char *url);
void client_close(struct client *client);

/* Both only write into memory; client_flush sends. */
void client_subscribe(struct client *client, const char *subject);
void client_publish(struct client *client, const char *subject, const char *reply,
                    const uint8_t *data, size_t len);
void client_flush(struct client *client);

/* The next message that has been read. False: none is complete. */
bool client_next(struct client *client, struct client_message *message);
/* Waits for bytes. False: none came within `timeout_ms`. */
bool client_read(struct client *client, int timeout_ms);

#endif
