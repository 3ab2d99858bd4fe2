/* Streams in JetStream's words; the answers are those of nats-server 2.9.10. */
#include "lib/base/error.h"
#include "lib/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define INFO                                                                                       \
    "{\"type\":\"io.nats.jetstream.api.v1.stream_info_response\",\"config\":{\"name\":\"S\","      \
    "\"subjects\":[\"a.*\",\"b\"],\"retention\":\"limits\",\"max_consumers\":7,\"max_msgs\":-1,"   \
    "\"max_bytes\":-1,\"max_age\":3600000000000,\"discard\":\"old\",\"storage\":\"memory\","       \
    "\"num_replicas\":3,\"duplicate_window\":120000000000,\"allow_direct\":true,"                  \
    "\"sources\":[{\"name\":\"S_EU\"},{\"name\":\"S_US\",\"external\":{\"api\":\"$JS.us.API\","    \
    "\"deliver\":\"\"}}]},\"state\":{\"messages\":12,\"bytes\":3456,\"last_seq\":14},"             \
    "\"sources\":[{\"name\":\"S_EU\",\"lag\":3,\"active\":250000000},"                             \
    "{\"name\":\"S_US\",\"lag\":0,\"active\":-1}]}"

static struct m4h_buffer out = M4H_BUFFER_INIT(65536);
static struct m4h_json_stream_reply reply;

static int empty(void **state)
{
    (void)state;
    m4h_buffer_free(&out);
    return 0;
}

static int parse(const char *text)
{
    return m4h_json_stream_reply_parse((const uint8_t *)text, strlen(text), &reply);
}

static const char *written(void)
{
    assert_int_equal(m4h_buffer_add(&out, "", 1), 0);
    return (const char *)out.data;
}

static struct m4h_event_stream a_stream(void)
{
    return (struct m4h_event_stream){
        .name = "S",
        .subjects = {"a.>", "b"},
        .subject_count = 2,
        .sources = {{.name = "S_EU"}, {.name = "S_US", .api = "$JS.us.API"}},
        .source_count = 2,
        .replicas = 2,
        .max_age_ms = 5,
        .max_bytes = 1024,
        .duplicate_window_ms = 6,
    };
}

static void a_stream_is_written_as_create_takes_it(void **state)
{
    struct m4h_event_stream stream = a_stream();

    (void)state;
    assert_int_equal(m4h_json_stream(&out, &stream), 0);
    assert_string_equal(written(),
                        "{\"retention\":\"limits\",\"discard\":\"old\",\"storage\":\"file\","
                        "\"name\":\"S\",\"subjects\":[\"a.>\",\"b\"],\"sources\":[{\"name\":"
                        "\"S_EU\"},{\"name\":\"S_US\",\"external\":{\"api\":\"$JS.us.API\","
                        "\"deliver\":\"\"}}],\"num_replicas\":2,\"max_age\":5000000,"
                        "\"max_bytes\":1024,\"duplicate_window\":6000000}");
}

static void a_stream_without_subjects_or_sources_does_not_name_them(void **state)
{
    struct m4h_event_stream stream = {.name = "S", .is_in_memory = true};

    (void)state;
    assert_int_equal(m4h_json_stream(&out, &stream), 0);
    assert_null(strstr(written(), "subjects"));
    assert_null(strstr((const char *)out.data, "sources"));
    assert_non_null(strstr((const char *)out.data, "\"storage\":\"memory\""));
}

static void a_change_leaves_what_the_wish_does_not_name(void **state)
{
    struct m4h_event_stream stream = a_stream();

    (void)state;
    stream.source_count = 0;
    assert_int_equal(m4h_json_stream_change(&out, (const uint8_t *)INFO, strlen(INFO), &stream), 0);
    assert_non_null(strstr(written(), "\"max_consumers\":7"));
    assert_non_null(strstr((const char *)out.data, "\"allow_direct\":true"));
    assert_non_null(strstr((const char *)out.data, "\"storage\":\"memory\""));
    assert_non_null(strstr((const char *)out.data, "\"max_bytes\":1024"));
    assert_null(strstr((const char *)out.data, "sources"));
    assert_null(strstr((const char *)out.data, "state"));
    assert_int_equal(m4h_json_stream_change(&out, (const uint8_t *)"{}", 2, &stream), M4H_EINVALID);
}

static void the_answer_of_info_is_read_whole(void **state)
{
    (void)state;
    assert_int_equal(parse(INFO), 0);
    assert_int_equal(reply.error_code, 0);
    assert_string_equal(reply.stream.name, "S");
    assert_int_equal(reply.stream.subject_count, 2);
    assert_string_equal(reply.stream.subjects[1], "b");
    assert_int_equal(reply.stream.source_count, 2);
    assert_string_equal(reply.stream.sources[0].api, "");
    assert_string_equal(reply.stream.sources[1].api, "$JS.us.API");
    assert_true(reply.stream.is_in_memory);
    assert_false(reply.stream.is_cut);
    assert_int_equal(reply.stream.replicas, 3);
    assert_int_equal(reply.stream.max_age_ms, 3600000);
    assert_int_equal(reply.stream.max_bytes, -1);
    assert_int_equal(reply.stream.duplicate_window_ms, 120000);
    assert_int_equal(reply.state.messages, 12);
    assert_int_equal(reply.state.bytes, 3456);
    assert_int_equal(reply.state.last_seq, 14);
    assert_int_equal(reply.state.source_count, 2);
    assert_int_equal(reply.state.sources[0].lag, 3);
    assert_int_equal(reply.state.sources[0].silent_ms, 250);
    assert_true(reply.state.sources[1].silent_ms == UINT64_MAX);
}

static void an_error_is_read_with_its_words(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"stream "
                           "not found\"}}"),
                     0);
    assert_int_equal(reply.error_code, 10059);
    assert_string_equal(reply.description, "stream not found");
    assert_int_equal(parse("{\"error\":{}}"), 0);
    assert_true(reply.error_code == UINT32_MAX);
}

static void what_is_no_answer_is_refused(void **state)
{
    static const char *const wrong[] = {"", "[]", "{", "7", "\"x\""};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(parse(wrong[i]), M4H_EINVALID);
    assert_int_equal(parse("{\"config\":7,\"state\":[],\"sources\":{}}"), 0);
    assert_int_equal(reply.stream.subject_count, 0);
}

static void more_than_fits_is_known_as_cut(void **state)
{
    char text[4096];
    int len = snprintf(text, sizeof(text), "{\"config\":{\"name\":\"S\",\"subjects\":[");

    (void)state;
    for (int i = 0; i < M4H_STREAM_SUBJECTS_MAX + 1; i++)
        len += snprintf(text + len, sizeof(text) - (size_t)len, "%s\"s%d\"", i > 0 ? "," : "", i);
    snprintf(text + len, sizeof(text) - (size_t)len, "]}}");
    assert_int_equal(parse(text), 0);
    assert_int_equal(reply.stream.subject_count, M4H_STREAM_SUBJECTS_MAX);
    assert_true(reply.stream.is_cut);
    snprintf(text, sizeof(text), "{\"config\":{\"name\":\"S\",\"subjects\":[\"%0*d\"]}}",
             M4H_STREAM_SUBJECT_MAX + 1, 0);
    assert_int_equal(parse(text), 0);
    assert_true(reply.stream.is_cut);
}

#define TEST(name) cmocka_unit_test_teardown(name, empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_is_written_as_create_takes_it),
        TEST(a_stream_without_subjects_or_sources_does_not_name_them),
        TEST(a_change_leaves_what_the_wish_does_not_name),
        TEST(the_answer_of_info_is_read_whole),
        TEST(an_error_is_read_with_its_words),
        TEST(what_is_no_answer_is_refused),
        TEST(more_than_fits_is_known_as_cut),
    };

    return cmocka_run_group_tests_name("json: stream", tests, NULL, NULL);
}
