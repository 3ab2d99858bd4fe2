/* core/stream_plan.c decides; this asks JetStream's API. The library's own calls for it block,
 * so the questions go over our bus.
 *
 * Happy path: STREAM.INFO finds it as it is wished, or does not, and STREAM.CREATE makes it.
 * Several masters may do so at once: creating the very same stream twice is no error. A call that
 * fails ends the walk; the next one begins with INFO again. */
#include "services/master/io/stream.h"

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/json/json.h"

#include <stdio.h>
#include <string.h>

#define ASK_TIMEOUT_MS  5000u
#define LOOK_AGAIN_MS   15000u
#define TRY_AGAIN_MS    60000u
#define SUBJECT_MAX     (M4H_STREAM_NAME_MAX + M4H_STREAM_API_MAX + 32)
#define BODY_MAX        (64u * 1024)
#define NEVER_HEARD_SEC (-1.0)

static const char *const texts[] = {
    [M4H_STREAM_RIGHT] = "the stream of events is there",
    [M4H_STREAM_DIFFERS] = "the stream of events has other settings than [events]; it is left as "
                           "it is",
    [M4H_STREAM_REFUSED] = "JetStream does not create the stream of events; tried again every "
                           "minute",
    [M4H_STREAM_NO_JETSTREAM] = "NATS has no JetStream for this account: no stream of events",
    [M4H_STREAM_NO_ANSWER] = "JetStream does not answer: this user may not create the stream of "
                             "events, nor look at it",
    [M4H_STREAM_FAILED] = "cannot ask for the stream of events",
};

static void conclude(struct m4h_master_stream *stream, enum m4h_stream_state state,
                     const char *detail)
{
    char shown[M4H_STREAM_DETAIL_MAX * 2];

    stream->call = M4H_STREAM_CALL_NONE;
    stream->state = state;
    if (stream->logged_state == state &&
        (state == M4H_STREAM_RIGHT || strcmp(stream->logged, detail) == 0))
        return;
    stream->logged_state = state;
    snprintf(stream->logged, sizeof(stream->logged), "%s", detail);
    m4h_log(state == M4H_STREAM_RIGHT ? M4H_LOG_INFO : M4H_LOG_WARNING, "stream",
            "stream=%s reason=%s %s", stream->wished.name,
            m4h_log_quote(shown, sizeof(shown), detail), texts[state]);
}

/* The stream can be made as wished, from what it is. */
static bool may_change(struct m4h_master_stream *stream)
{
    char shown[M4H_STREAM_DETAIL_MAX * 2];

    if (!stream->all->config->stream_update || stream->changes.stopped)
        return false;
    if (stream->state != M4H_STREAM_RIGHT ||
        m4h_stream_may_change_back(&stream->changes, m4h_loop_now_ms(stream->all->loop)))
        return true;
    m4h_log(
        M4H_LOG_WARNING, "stream",
        "stream=%s reason=%s changes=%u minutes=%u somebody undoes each change of the stream of "
        "events, such as a master with other [events]: it is changed no more",
        stream->wished.name, m4h_log_quote(shown, sizeof(shown), stream->differs),
        M4H_STREAM_CHANGES_BACK_MAX, (unsigned)(M4H_STREAM_CHANGES_BACK_MS / 60000));
    return false;
}

static void log_change(const struct m4h_master_stream *stream)
{
    char shown[M4H_STREAM_DETAIL_MAX * 2];

    m4h_log(M4H_LOG_INFO, "stream", "stream=%s reason=%s the stream of events was changed",
            stream->wished.name, m4h_log_quote(shown, sizeof(shown), stream->differs));
}

/* ---- asking ----------------------------------------------------------------- */

static void on_reply(void *context, int error, const uint8_t *data, size_t len);

static const char *name_of(enum m4h_stream_call call)
{
    if (call == M4H_STREAM_CALL_INFO)
        return "STREAM.INFO";
    return call == M4H_STREAM_CALL_CREATE ? "STREAM.CREATE" : "STREAM.UPDATE";
}

/* `info`: what the last call answered. */
static void ask(struct m4h_master_stream *stream, enum m4h_stream_call call, const uint8_t *info,
                size_t info_len)
{
    struct m4h_buffer body = {.cap = BODY_MAX};
    char subject[SUBJECT_MAX];
    uint64_t id;
    int error = 0;

    stream->call = call;
    if (call == M4H_STREAM_CALL_CREATE)
        error = m4h_json_stream(&body, &stream->wished);
    else if (call == M4H_STREAM_CALL_UPDATE)
        error = m4h_json_stream_change(&body, info, info_len, &stream->wished);
    m4h_stream_subject(subject, sizeof(subject), stream->all->config->jetstream_domain,
                       name_of(call), stream->wished.name);
    if (error == 0)
        error = m4h_bus_request(stream->all->bus, subject, body.data, body.len,
                                m4h_loop_now_ms(stream->all->loop), ASK_TIMEOUT_MS, on_reply,
                                stream, &id);
    m4h_buffer_free(&body);
    if (error != 0)
        conclude(stream, M4H_STREAM_FAILED, m4h_error_text(error));
}

/* What a log line says of how it ended. */
static const char *detail_of(const struct m4h_master_stream *stream,
                             const struct m4h_stream_outcome *outcome,
                             const struct m4h_json_stream_reply *reply)
{
    if (outcome->error == M4H_EINVALID)
        return "the answer is none";
    if (outcome->error != 0)
        return m4h_error_text(outcome->error);
    if (outcome->error_code != 0)
        return reply->description;
    return outcome->call == M4H_STREAM_CALL_CREATE ? "created" : stream->differs;
}

/* What a call that went well has brought. */
static void take(struct m4h_master_stream *stream, struct m4h_stream_outcome *outcome,
                 const struct m4h_json_stream_reply *reply)
{
    stream->found = reply->state;
    if (outcome->call == M4H_STREAM_CALL_UPDATE)
        log_change(stream);
    if (outcome->call != M4H_STREAM_CALL_INFO)
        return;
    outcome->likeness = m4h_stream_compare(&stream->wished, &reply->stream, stream->differs,
                                           sizeof(stream->differs));
    if (outcome->likeness == M4H_STREAM_SAME)
        stream->changes.stopped = false;
    outcome->may_change = outcome->likeness == M4H_STREAM_CHANGEABLE && may_change(stream);
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_master_stream *stream = context;
    struct m4h_stream_outcome outcome = {.call = stream->call, .error = error};
    struct m4h_json_stream_reply reply = {0};
    enum m4h_stream_state state;
    enum m4h_stream_call next;

    if (!m4h_bus_is_connected(stream->all->bus)) {
        stream->call = M4H_STREAM_CALL_NONE; /* asked again when it is */
        return;
    }
    if (error == 0)
        outcome.error = m4h_json_stream_reply_parse(data, len, &reply);
    outcome.error_code = reply.error_code;
    if (outcome.error == 0 && outcome.error_code == 0)
        take(stream, &outcome, &reply);
    next = m4h_stream_decide(&outcome, &state);
    if (next != M4H_STREAM_CALL_NONE)
        ask(stream, next, data, len);
    else
        conclude(stream, state, detail_of(stream, &outcome, &reply));
}

/* ---- from the master ---------------------------------------------------------- */

void m4h_master_streams_open(struct m4h_master_streams *streams,
                             const struct m4h_master_config *config, struct m4h_bus *bus,
                             const struct m4h_loop *loop)
{
    const struct m4h_stream_wishes wishes = m4h_master_config_streams(config);
    struct m4h_event_stream plans[M4H_STREAM_PLANS_MAX];
    char wrong[80];

    *streams = (struct m4h_master_streams){.config = config, .bus = bus, .loop = loop};
    if (m4h_stream_plan(plans, &streams->count, &wishes, wrong, sizeof(wrong)) != 0)
        return; /* never: the settings were checked */
    for (size_t i = 0; i < streams->count; i++) {
        streams->streams[i].all = streams;
        streams->streams[i].wished = plans[i];
    }
}

static uint64_t run(struct m4h_master_stream *stream, uint64_t now_ms)
{
    if (stream->call != M4H_STREAM_CALL_NONE)
        return UINT64_MAX;
    if (now_ms >= stream->next_ms) {
        stream->next_ms =
            now_ms + (stream->state == M4H_STREAM_RIGHT ? LOOK_AGAIN_MS : TRY_AGAIN_MS);
        ask(stream, M4H_STREAM_CALL_INFO, NULL, 0);
    }
    return stream->next_ms;
}

uint64_t m4h_master_streams_run(struct m4h_master_streams *streams, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;

    if (!m4h_bus_is_connected(streams->bus))
        return UINT64_MAX;
    for (size_t i = 0; i < streams->count; i++) {
        uint64_t due_ms = run(&streams->streams[i], now_ms);

        next_ms = due_ms < next_ms ? due_ms : next_ms;
    }
    return next_ms;
}

void m4h_master_streams_connected(struct m4h_master_streams *streams)
{
    for (size_t i = 0; i < streams->count; i++)
        streams->streams[i].next_ms = 0;
}

/* ---- metrics --------------------------------------------------------------------- */

static void write_states(const struct m4h_master_streams *streams, struct m4h_metrics *metrics)
{
    static const char name[] = "mas4h_master_stream_state";

    m4h_metrics_describe(metrics, name, "gauge", "1 for the state that a stream of events is in.");
    for (size_t i = 0; i < streams->count; i++) {
        for (enum m4h_stream_state state = M4H_STREAM_UNKNOWN; state < M4H_STREAM_STATES; state++) {
            const struct m4h_metric_label labels[] = {{"stream", streams->streams[i].wished.name},
                                                      {"state", m4h_stream_state_name(state)}};

            m4h_metrics_value(metrics, name, labels, M4H_COUNT(labels),
                              streams->streams[i].state == state);
        }
    }
}

static void write_sizes(const struct m4h_master_streams *streams, struct m4h_metrics *metrics)
{
    static const char messages[] = "mas4h_master_stream_messages";
    static const char bytes[] = "mas4h_master_stream_bytes";

    m4h_metrics_describe(metrics, messages, "gauge", "Events in a stream.");
    for (size_t i = 0; i < streams->count; i++)
        m4h_metrics_value(metrics, messages,
                          &(struct m4h_metric_label){"stream", streams->streams[i].wished.name}, 1,
                          (double)streams->streams[i].found.messages);
    m4h_metrics_describe(metrics, bytes, "gauge", "Bytes of a stream of events.");
    for (size_t i = 0; i < streams->count; i++)
        m4h_metrics_value(metrics, bytes,
                          &(struct m4h_metric_label){"stream", streams->streams[i].wished.name}, 1,
                          (double)streams->streams[i].found.bytes);
}

static void write_sources(const struct m4h_master_streams *streams, struct m4h_metrics *metrics)
{
    static const char lag[] = "mas4h_master_stream_source_lag_events";
    static const char silent[] = "mas4h_master_stream_source_silent_seconds";

    m4h_metrics_describe(metrics, lag, "gauge",
                         "Events of a region's stream that the global one is known to lack.");
    for (size_t i = 0; i < streams->count; i++)
        for (size_t j = 0; j < streams->streams[i].found.source_count; j++)
            m4h_metrics_value(
                metrics, lag,
                &(struct m4h_metric_label){"source", streams->streams[i].found.sources[j].name}, 1,
                (double)streams->streams[i].found.sources[j].lag);
    m4h_metrics_describe(metrics, silent, "gauge",
                         "Since the global stream has heard of a region's stream; -1: never.");
    for (size_t i = 0; i < streams->count; i++)
        for (size_t j = 0; j < streams->streams[i].found.source_count; j++) {
            uint64_t silent_ms = streams->streams[i].found.sources[j].silent_ms;

            m4h_metrics_value(
                metrics, silent,
                &(struct m4h_metric_label){"source", streams->streams[i].found.sources[j].name}, 1,
                silent_ms == UINT64_MAX ? NEVER_HEARD_SEC : (double)silent_ms / 1000);
        }
}

void m4h_master_streams_write_metrics(const struct m4h_master_streams *streams,
                                      struct m4h_metrics *metrics)
{
    write_states(streams, metrics);
    write_sizes(streams, metrics);
    write_sources(streams, metrics);
}
