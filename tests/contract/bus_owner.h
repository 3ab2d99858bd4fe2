/* The owner of a bus under test: the test's thread is its loop. What comes in is
 * written down. */
#ifndef M4H_TESTS_CONTRACT_BUS_OWNER_H
#define M4H_TESTS_CONTRACT_BUS_OWNER_H

#include "lib/base/attributes.h"
#include "lib/base/error.h"
#include "lib/bus/bus.h"
#include "tests/support/nats_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WAIT_MS         10000

#define OWNER_NOTES_MAX 32768

/* One message that came in, as a number (its text) and a subscription. */
struct note {
    int topic;
    int value;
};

struct owner {
    struct m4h_bus *bus;
    int wake_fd;
    uint64_t run_again_ms; /* as the last run named it */
    struct note notes[OWNER_NOTES_MAX];
    int note_count;
    char last_subject[256];
    bool echoes; /* answers every message that asks for it with its own data */
    int connected_count;
    int disconnected_count;
    int replies;
    int unavailable;
    int timeouts;
    int last_reply;
    int acks;
    int acks_unavailable;
    uint64_t last_ack; /* its token */
};

uint64_t clock_ms(void);

/* A configuration for that server, with the owner's callbacks and no subscriptions. */
struct m4h_bus_config owner_config(struct owner *owner, const char *url);
/* Creates the bus; `owner` is zeroed here. */
void owner_create(struct owner *owner, const char *url,
                  const struct m4h_bus_subscription *subscriptions, size_t count);
void owner_create_with(struct owner *owner, struct m4h_bus_config *config);
void owner_destroy(struct owner *owner);

/* Two subscription callbacks; they note topic 0 and 1. */
void on_topic_0(void *context, const struct m4h_bus_message *message);
void on_topic_1(void *context, const struct m4h_bus_message *message);
/* Counts the end of a request; `last_reply` is the number in its answer. */
void on_reply(void *context, int error, const uint8_t *data, size_t len);

int publish_number(struct owner *owner, const char *subject, enum m4h_bus_class class, int value);
int request_number(struct owner *owner, const char *subject, uint32_t timeout_ms, int value);

/* Waits for a wake or for a moment, and runs the bus. */
void owner_turn(struct owner *owner);
/* Runs two owners until the condition holds; the second may be NULL. */
#define run_until(who, other, condition)                                                           \
    do {                                                                                           \
        uint64_t limit_ms = clock_ms() + WAIT_MS;                                                  \
        struct owner *other_owner = (other);                                                       \
        while (!(condition)) {                                                                     \
            if (clock_ms() > limit_ms)                                                             \
                fail_msg("not in %d ms: %s", WAIT_MS, #condition);                                 \
            owner_turn(who);                                                                       \
            if (other_owner != NULL)                                                               \
                owner_turn(other_owner);                                                           \
        }                                                                                          \
    } while (0)

/* The server of a test, made by its setup. */
int start_server(void **state);
int stop_server(void **state);

extern const struct CMUnitTest bus_message_tests[];
extern const size_t bus_message_test_count;
extern const struct CMUnitTest bus_request_tests[];
extern const size_t bus_request_test_count;
extern const struct CMUnitTest bus_outage_tests[];
extern const size_t bus_outage_test_count;

#endif
