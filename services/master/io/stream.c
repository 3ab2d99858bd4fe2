/* STREAM.CREATE of JetStream's API is a question and a wish: it creates, or finds the very
 * same stream, or says what stands against it. Several masters may ask at once. The library's
 * own calls for it block, so the question goes over our bus. */
#include "services/master/io/stream.h"

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/model.h"
#include "lib/json/json.h"

#include <stdio.h>

#define ASK_TIMEOUT_MS 5000u
#define ASK_AGAIN_MS   60000u
#define NAME_MAX_BYTES 64
/* JetStream's own code: the name is taken by a stream with other settings. */
#define ERROR_DIFFERS 10058

enum result {
    NOT_YET,
    RIGHT,
    DIFFERS,
    REFUSED,
    NO_JETSTREAM,
    NO_ANSWER,
    FAILED
};

static const char *const texts[] = {
    [RIGHT] = "the stream of events is there",
    [DIFFERS] = "the stream of events has other settings than [events]; it is left as it is",
    [REFUSED] = "JetStream does not create the stream of events; tried again every minute",
    [NO_JETSTREAM] = "NATS has no JetStream for this account: no stream of events",
    [NO_ANSWER] = "JetStream does not answer: this user may not create the stream of events",
    [FAILED] = "cannot ask for the stream of events",
};

static void conclude(struct m4h_master_stream *stream, enum result result, const char *detail)
{
    char shown[256];

    stream->is_asked = false;
    stream->is_right = result == RIGHT || result == DIFFERS;
    if (stream->last_result == (int)result)
        return;
    stream->last_result = (int)result;
    m4h_log(result == RIGHT ? M4H_LOG_INFO : M4H_LOG_WARNING, "stream", "stream=%s reason=%s %s",
            stream->config->stream, m4h_log_quote(shown, sizeof(shown), detail), texts[result]);
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_master_stream *stream = context;
    struct m4h_json_stream_reply reply;

    if (error == M4H_ETIMEOUT)
        conclude(stream, NO_ANSWER, m4h_error_text(error));
    else if (error != 0)
        conclude(stream, NO_JETSTREAM, m4h_error_text(error));
    else if (m4h_json_stream_reply_parse(data, len, &reply) != 0)
        conclude(stream, FAILED, "the answer is none");
    else if (reply.error_code == ERROR_DIFFERS)
        conclude(stream, DIFFERS, reply.description);
    else if (reply.error_code != 0)
        conclude(stream, REFUSED, reply.description);
    else
        conclude(stream, RIGHT, "");
}

static int ask(struct m4h_master_stream *stream, uint64_t now_ms)
{
    const struct m4h_master_config *config = stream->config;
    const struct m4h_json_stream wish = {
        .name = config->stream,
        .is_in_memory = config->stream_storage == 1,
        .replicas = (uint64_t)config->stream_replicas,
        .max_age_ms = (uint64_t)config->stream_max_age_ms,
        .max_bytes = (uint64_t)config->stream_max_bytes,
        .duplicate_window_ms = (uint64_t)config->stream_duplicate_window_ms,
    };
    struct m4h_buffer out = {.cap = 4096};
    char subject[NAME_MAX_BYTES + 64];
    uint64_t id;
    int error = m4h_json_stream(&out, &wish);

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.CREATE.%s", config->stream);
    if (error == 0)
        error = m4h_bus_request(stream->bus, subject, out.data, out.len, now_ms, ASK_TIMEOUT_MS,
                                on_reply, stream, &id);
    m4h_buffer_free(&out);
    return error;
}

uint64_t m4h_master_stream_run(struct m4h_master_stream *stream, uint64_t now_ms)
{
    int error;

    if (stream->config->stream[0] == '\0' || stream->is_right || stream->is_asked ||
        !m4h_bus_is_connected(stream->bus))
        return UINT64_MAX;
    if (now_ms < stream->next_ms)
        return stream->next_ms;
    stream->next_ms = now_ms + ASK_AGAIN_MS;
    stream->is_asked = true;
    error = ask(stream, now_ms);
    if (error != 0)
        conclude(stream, FAILED, m4h_error_text(error));
    return stream->next_ms;
}

void m4h_master_stream_connected(struct m4h_master_stream *stream)
{
    stream->is_right = false;
    stream->next_ms = 0;
}
