/* A loop for one bus: an eventfd that `wake` writes to. */
#include "tests/contract/bus_owner.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void wake(void *context)
{
    struct owner *owner = context;
    uint64_t one = 1;

    if (write(owner->wake_fd, &one, sizeof(one)) != sizeof(one))
        abort();
}

static void on_status(void *context, bool connected)
{
    struct owner *owner = context;

    if (connected)
        owner->connected_count++;
    else
        owner->disconnected_count++;
}

static int number_in(const uint8_t *data, size_t len)
{
    char text[16];

    snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)data);
    return (int)strtol(text, NULL, 10);
}

static void note(struct owner *owner, int topic, const struct m4h_bus_message *message)
{
    assert_true(owner->note_count < OWNER_NOTES_MAX);
    owner->notes[owner->note_count++] =
        (struct note){topic, number_in(message->data, message->len)};
    snprintf(owner->last_subject, sizeof(owner->last_subject), "%s", message->subject);
    if (owner->echoes && message->reply != NULL)
        assert_int_equal(m4h_bus_publish(owner->bus, message->reply, M4H_BUS_FRESH, NULL,
                                         message->data, message->len),
                         0);
}

void on_topic_0(void *context, const struct m4h_bus_message *message)
{
    note(context, 0, message);
}

void on_topic_1(void *context, const struct m4h_bus_message *message)
{
    note(context, 1, message);
}

void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct owner *owner = context;

    if (error == 0) {
        owner->replies++;
        owner->last_reply = number_in(data, len);
    } else if (error == M4H_EUNAVAILABLE) {
        owner->unavailable++;
    } else {
        assert_int_equal(error, M4H_ETIMEOUT);
        owner->timeouts++;
    }
}

static void on_ack(void *context, uint64_t token, int error, const uint8_t *data, size_t len)
{
    struct owner *owner = context;

    owner->last_ack = token;
    if (error == 0) {
        owner->acks++;
        owner->last_reply = number_in(data, len);
    } else {
        assert_int_equal(error, M4H_EUNAVAILABLE);
        owner->acks_unavailable++;
    }
}

struct m4h_bus_config owner_config(struct owner *owner, const char *url)
{
    return (struct m4h_bus_config){
        .url = url,
        .name = "contract",
        .queue_messages = 4096,
        .queue_bytes = 8 << 20,
        .on_status = on_status,
        .on_ack = on_ack,
        .wake = wake,
        .wake_context = owner,
        .context = owner,
    };
}

void owner_create_with(struct owner *owner, struct m4h_bus_config *config)
{
    memset(owner, 0, sizeof(*owner));
    owner->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(owner->wake_fd >= 0);
    assert_int_equal(m4h_bus_create(&owner->bus, config), 0);
}

void owner_create(struct owner *owner, const char *url,
                  const struct m4h_bus_subscription *subscriptions, size_t count)
{
    struct m4h_bus_config config = owner_config(owner, url);

    config.subscriptions = subscriptions;
    config.subscription_count = count;
    owner_create_with(owner, &config);
}

void owner_destroy(struct owner *owner)
{
    m4h_bus_destroy(owner->bus, 1000);
    close(owner->wake_fd);
}

int publish_number(struct owner *owner, const char *subject, enum m4h_bus_class class, int value)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d", value);

    return m4h_bus_publish(owner->bus, subject, class, NULL, (const uint8_t *)text, (size_t)len);
}

int request_number(struct owner *owner, const char *subject, uint32_t timeout_ms, int value)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d", value);
    uint64_t id = 0;
    int error = m4h_bus_request(owner->bus, subject, (const uint8_t *)text, (size_t)len, clock_ms(),
                                timeout_ms, on_reply, owner, &id);

    if (error == 0)
        assert_true(id != 0);
    return error;
}

/* As a loop does: only when the bus has asked for it, or at the time that it named. */
void owner_turn(struct owner *owner)
{
    struct pollfd woken = {.fd = owner->wake_fd, .events = POLLIN};
    uint64_t count;

    if (poll(&woken, 1, 1) > 0) {
        if (read(owner->wake_fd, &count, sizeof(count)) != sizeof(count))
            abort();
    } else if (clock_ms() < owner->run_again_ms) {
        return;
    }
    owner->run_again_ms = m4h_bus_run(owner->bus, clock_ms());
}

int start_server(void **state)
{
    struct m4h_nats_server *server = m4h_nats_server_create(false);

    *state = server;
    return server != NULL ? 0 : -1;
}

int stop_server(void **state)
{
    m4h_nats_server_destroy(*state);
    return 0;
}
