/* The master's questions to JetStream (io/stream.c), with the bus and the clock played by the test.
 */
#include "lib/base/error.h"
#include "services/master/io/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOT_FOUND "{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"not found\"}}"
#define OTHER     "{\"config\":{\"name\":\"E\",\"storage\":\"file\",\"max_bytes\":1,\"sealed\":false}}"

static struct {
    bool is_connected;
    int refuse; /* what a request returns */
    unsigned count;
    char subject[256];
    char body[4096];
    m4h_bus_on_reply on_reply;
    void *context;
    uint64_t now_ms;
} bus;

int __wrap_m4h_bus_request(struct m4h_bus *unused, const char *subject, const uint8_t *data,
                           size_t len, uint64_t now_ms, uint32_t timeout_ms,
                           m4h_bus_on_reply on_reply, void *context, uint64_t *id);
bool __wrap_m4h_bus_is_connected(const struct m4h_bus *unused);
uint64_t __wrap_m4h_loop_now_ms(const struct m4h_loop *loop);

int __wrap_m4h_bus_request(struct m4h_bus *unused, const char *subject, const uint8_t *data,
                           size_t len, uint64_t now_ms, uint32_t timeout_ms,
                           m4h_bus_on_reply on_reply, void *context, uint64_t *id)
{
    (void)unused, (void)timeout_ms;
    assert_int_equal(now_ms, bus.now_ms);
    *id = 1;
    if (bus.refuse != 0)
        return bus.refuse;
    bus.count++;
    snprintf(bus.subject, sizeof(bus.subject), "%s", subject);
    snprintf(bus.body, sizeof(bus.body), "%.*s", (int)len, (const char *)data);
    bus.on_reply = on_reply;
    bus.context = context;
    return 0;
}

bool __wrap_m4h_bus_is_connected(const struct m4h_bus *unused)
{
    (void)unused;
    return bus.is_connected;
}

uint64_t __wrap_m4h_loop_now_ms(const struct m4h_loop *loop)
{
    (void)loop;
    return bus.now_ms;
}

static struct m4h_master_config config;
static struct m4h_master_streams streams;

static int begin(void **state)
{
    (void)state;
    memset(&bus, 0, sizeof(bus));
    bus.is_connected = true;
    config = (struct m4h_master_config){.stream = (char *)"E",
                                        .stream_region = (char *)"",
                                        .stream_sources = (char *)"",
                                        .jetstream_domain = (char *)"",
                                        .stream_replicas = 1,
                                        .stream_max_bytes = 1 << 20};
    m4h_master_streams_open(&streams, &config, NULL, NULL);
    return 0;
}

static void answer(const char *text)
{
    bus.on_reply(bus.context, 0, (const uint8_t *)text, strlen(text));
}

/* The stream as it is wished, told by INFO. */
static void answer_right(void)
{
    char text[sizeof(bus.body) + 64];

    bus.now_ms += 1000000;
    m4h_master_streams_run(&streams, bus.now_ms);
    answer(NOT_FOUND);
    snprintf(text, sizeof(text), "{\"config\":%s,\"state\":{\"messages\":5}}", bus.body);
    answer(text); /* of CREATE */
    bus.now_ms += 1000000;
    m4h_master_streams_run(&streams, bus.now_ms);
    answer(text);
}

static void what_is_missing_is_created(void **state)
{
    (void)state;
    assert_true(m4h_master_streams_run(&streams, 0) > 0);
    assert_string_equal(bus.subject, "$JS.API.STREAM.INFO.E");
    answer(NOT_FOUND);
    assert_string_equal(bus.subject, "$JS.API.STREAM.CREATE.E");
    assert_non_null(strstr(bus.body, "\"max_bytes\":1048576"));
    answer("{\"config\":{}}");
    assert_int_equal(streams.streams[0].state, M4H_STREAM_RIGHT);
    assert_int_equal(bus.count, 2);
}

static void what_is_right_is_looked_at_again_for_its_numbers(void **state)
{
    uint64_t next_ms;

    (void)state;
    answer_right();
    assert_int_equal(streams.streams[0].state, M4H_STREAM_RIGHT);
    assert_int_equal(streams.streams[0].found.messages, 5);
    bus.count = 0;
    next_ms = m4h_master_streams_run(&streams, bus.now_ms);
    assert_int_equal(bus.count, 0);
    assert_true(next_ms > bus.now_ms);
    bus.now_ms = next_ms;
    m4h_master_streams_run(&streams, bus.now_ms);
    assert_int_equal(bus.count, 1);
    assert_true(m4h_master_streams_run(&streams, bus.now_ms) == UINT64_MAX); /* one at a time */
    assert_int_equal(bus.count, 1);
}

static void what_differs_is_changed_only_where_that_is_allowed(void **state)
{
    (void)state;
    m4h_master_streams_run(&streams, 0);
    answer(OTHER);
    assert_int_equal(bus.count, 1);
    assert_int_equal(streams.streams[0].state, M4H_STREAM_DIFFERS);
    config.stream_update = true;
    bus.now_ms = 1000000;
    m4h_master_streams_run(&streams, bus.now_ms);
    answer(OTHER);
    assert_string_equal(bus.subject, "$JS.API.STREAM.UPDATE.E");
    assert_non_null(strstr(bus.body, "\"sealed\":false"));
    answer("{\"config\":{}}");
    assert_int_equal(streams.streams[0].state, M4H_STREAM_RIGHT);
}

/* What INFO answers to the next look. True: the stream is changed. */
static bool is_changed_back(const char *found)
{
    bus.now_ms = streams.streams[0].next_ms;
    m4h_master_streams_run(&streams, bus.now_ms);
    assert_string_equal(bus.subject, "$JS.API.STREAM.INFO.E");
    answer(found);
    if (strcmp(bus.subject, "$JS.API.STREAM.UPDATE.E") != 0)
        return false;
    answer("{\"config\":{}}");
    return true;
}

static void a_stream_that_others_change_each_time_is_left_to_them_in_the_end(void **state)
{
    (void)state;
    config.stream_update = true;
    assert_true(is_changed_back(OTHER)); /* the first is no change back */
    for (int i = 0; i < 3; i++)
        assert_true(is_changed_back(OTHER));
    for (int i = 0; i < 30; i++)
        assert_false(is_changed_back(OTHER));
    assert_int_equal(streams.streams[0].state, M4H_STREAM_DIFFERS);
    answer_right();
    assert_true(is_changed_back(OTHER));
}

static void rare_changes_of_others_are_undone_for_ever(void **state)
{
    (void)state;
    config.stream_update = true;
    for (int i = 0; i < 10; i++) {
        assert_true(is_changed_back(OTHER));
        streams.streams[0].next_ms += 200000;
    }
}

static void a_region_and_the_global_stream_are_both_looked_after_in_the_domain(void **state)
{
    (void)state;
    config.stream_region = (char *)"eu";
    config.stream_sources = (char *)"eu,us@us";
    config.jetstream_domain = (char *)"hub";
    m4h_master_streams_open(&streams, &config, NULL, NULL);
    m4h_master_streams_run(&streams, 0);
    assert_int_equal(bus.count, 2);
    assert_string_equal(bus.subject, "$JS.hub.API.STREAM.INFO.E_EU");
    answer(NOT_FOUND);
    assert_string_equal(bus.subject, "$JS.hub.API.STREAM.CREATE.E_EU");
    bus.on_reply(&streams.streams[0], 0, (const uint8_t *)NOT_FOUND, strlen(NOT_FOUND));
    assert_non_null(strstr(bus.body, "\"external\":{\"api\":\"$JS.us.API\""));
}

static void the_end_of_the_connection_is_no_answer(void **state)
{
    (void)state;
    m4h_master_streams_run(&streams, 0);
    bus.is_connected = false;
    bus.on_reply(bus.context, M4H_EUNAVAILABLE, NULL, 0);
    assert_int_equal(streams.streams[0].state, M4H_STREAM_UNKNOWN);
    assert_true(m4h_master_streams_run(&streams, 1) == UINT64_MAX);
    assert_int_equal(bus.count, 1);
    bus.is_connected = true;
    m4h_master_streams_connected(&streams);
    m4h_master_streams_run(&streams, 2);
    assert_int_equal(bus.count, 2);
}

static void a_question_that_cannot_be_asked_is_tried_again_later(void **state)
{
    uint64_t next_ms;

    (void)state;
    bus.refuse = M4H_EFULL;
    next_ms = m4h_master_streams_run(&streams, 0);
    assert_int_equal(streams.streams[0].state, M4H_STREAM_FAILED);
    assert_in_range(next_ms, 1, 60000);
    bus.refuse = 0;
    bus.now_ms = next_ms;
    m4h_master_streams_run(&streams, next_ms);
    assert_int_equal(bus.count, 1);
    answer("no json");
    assert_int_equal(streams.streams[0].state, M4H_STREAM_FAILED);
}

static void metrics_name_state_size_and_sources(void **state)
{
    struct m4h_buffer text = M4H_BUFFER_INIT(65536);
    struct m4h_metrics metrics = {.out = &text};

    (void)state;
    m4h_master_streams_run(&streams, 0);
    streams.streams[0].state = M4H_STREAM_RIGHT;
    streams.streams[0].found = (struct m4h_event_stream_state){
        .messages = 5, .bytes = 600, .source_count = 1, .sources = {{"E_EU", 7, 1500}}};
    m4h_master_streams_write_metrics(&streams, &metrics);
    assert_int_equal(metrics.error, 0);
    assert_int_equal(m4h_buffer_add(&text, "", 1), 0);
    for (const char *const *line =
             (const char *const[]){"mas4h_master_stream_state{stream=\"E\",state=\"right\"} 1\n",
                                   "mas4h_master_stream_state{stream=\"E\",state=\"differs\"} 0\n",
                                   "mas4h_master_stream_messages{stream=\"E\"} 5\n",
                                   "mas4h_master_stream_bytes{stream=\"E\"} 600\n",
                                   "mas4h_master_stream_source_lag_events{source=\"E_EU\"} 7\n",
                                   "mas4h_master_stream_source_silent_seconds{source=\"E_EU\"} "
                                   "1.5\n",
                                   NULL};
         *line != NULL; line++)
        assert_non_null(strstr((const char *)text.data, *line));
    m4h_buffer_free(&text);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_missing_is_created),
        TEST(what_is_right_is_looked_at_again_for_its_numbers),
        TEST(what_differs_is_changed_only_where_that_is_allowed),
        TEST(a_stream_that_others_change_each_time_is_left_to_them_in_the_end),
        TEST(rare_changes_of_others_are_undone_for_ever),
        TEST(a_region_and_the_global_stream_are_both_looked_after_in_the_domain),
        TEST(the_end_of_the_connection_is_no_answer),
        TEST(a_question_that_cannot_be_asked_is_tried_again_later),
        TEST(metrics_name_state_size_and_sources),
    };

    return cmocka_run_group_tests_name("master: stream", tests, NULL, NULL);
}
