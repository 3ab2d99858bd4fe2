/* Events as they happen. With --follow a connection that ends is made again, from the last event
 * that was seen on. */
#include "lib/base/error.h"
#include "lib/json/read.h"
#include "services/ctl/core/sse.h"
#include "services/ctl/core/views.h"
#include "services/ctl/io/commands.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Three heartbeats of the gateway. */
#define SILENCE_MAX_MS   45000
#define PAUSE_FIRST_MS   500
#define PAUSE_LAST_MS    15000
#define REASON_MAX       128
#define TARGET_OF_EVENTS "/v1/events"

struct following {
    struct m4h_ctl_session *session;
    struct m4h_ctl_sse sse;
    uint32_t left; /* events that may still be shown; 0: any number */
    uint32_t pause_ms;
    bool has_enough;
    enum m4h_ctl_exit exit_code; /* of showing them */
};

static enum m4h_ctl_exit show_event(struct following *following,
                                    const struct m4h_ctl_sse_message *message)
{
    struct m4h_ctl_session *session = following->session;
    struct m4h_ctl_page page;
    struct m4h_event event;

    m4h_ctl_page_begin(&page, session->is_colored);
    if (session->arguments.is_json) {
        m4h_ctl_page_end(&page);
        if (m4h_ctl_session_write(message->data, message->data_len) != M4H_CTL_DONE)
            return M4H_CTL_REFUSED;
        return m4h_ctl_session_write("\n", 1);
    }
    if (m4h_json_event_read((const uint8_t *)message->data, message->data_len, &event) != 0) {
        m4h_ctl_page_end(&page);
        m4h_ctl_say("an event that cannot be read was left out");
        return M4H_CTL_DONE;
    }
    m4h_ctl_view_event(&page, &event);
    return m4h_ctl_session_show(&page);
}

/* What the gateway says of the stream itself goes to people only. */
static void say_notice(const struct m4h_ctl_sse_message *message)
{
    char reason[REASON_MAX] = "";

    if (strcmp(message->event, "gap") == 0) {
        m4h_ctl_say("events are missing here: %.*s", (int)message->data_len, message->data);
    } else if (strcmp(message->event, "end") == 0) {
        if (m4h_json_text_read((const uint8_t *)message->data, message->data_len, "reason", reason,
                               sizeof(reason)) != 0)
            reason[0] = '\0';
        m4h_ctl_say("the gateway ends the stream: %s", reason[0] != '\0' ? reason : "no reason");
    }
}

static bool is_notice(const char *event)
{
    return strcmp(event, "hello") == 0 || strcmp(event, "gap") == 0 || strcmp(event, "end") == 0;
}

static bool on_message(void *context, const struct m4h_ctl_sse_message *message)
{
    struct following *following = context;

    following->pause_ms = PAUSE_FIRST_MS; /* the gateway is well */
    if (is_notice(message->event)) {
        say_notice(message);
        return true;
    }
    following->exit_code = show_event(following, message);
    if (following->exit_code != M4H_CTL_DONE)
        return false;
    following->has_enough = following->left == 1;
    if (following->left > 1)
        following->left--;
    return !following->has_enough;
}

static bool on_data(void *context, const uint8_t *data, size_t len)
{
    struct following *following = context;
    int error = m4h_ctl_sse_feed(&following->sse, data, len);

    if (error != 0 && error != M4H_ECLOSED) {
        m4h_ctl_say("the stream cannot be read: %s", m4h_error_text(error));
        following->exit_code = M4H_CTL_UNREACHABLE;
    }
    return error == 0;
}

static void target_of(const struct m4h_ctl_arguments *arguments, struct m4h_ctl_target *target)
{
    m4h_ctl_target_begin(target, TARGET_OF_EVENTS, NULL);
    m4h_ctl_target_query(target, "region", arguments->region);
    m4h_ctl_target_query(target, "slave", arguments->slave);
    m4h_ctl_target_query(target, "client_key", arguments->client_key);
    m4h_ctl_target_query(target, "type", arguments->type);
}

static void rest(struct following *following)
{
    uint32_t ms = following->sse.retry_ms > following->pause_ms ? following->sse.retry_ms
                                                                : following->pause_ms;
    struct timespec pause;

    if (ms > PAUSE_LAST_MS)
        ms = PAUSE_LAST_MS;
    pause.tv_sec = ms / 1000;
    pause.tv_nsec = ms % 1000 * 1000000L;
    following->pause_ms =
        following->pause_ms * 2 < PAUSE_LAST_MS ? following->pause_ms * 2 : PAUSE_LAST_MS;
    nanosleep(&pause, NULL);
}

/* One connection, to its end. `*is_final`: there is no use in another. */
static enum m4h_ctl_exit connect_once(struct following *following,
                                      const struct m4h_ctl_target *target, bool *is_final)
{
    const struct m4h_fetch_stream stream = {
        .target = target->text,
        .accept = "text/event-stream",
        .last_event_id = following->sse.last_id,
        .silence_ms = SILENCE_MAX_MS,
        .on_data = on_data,
        .context = following,
    };
    struct m4h_fetch_answer answer;
    enum m4h_ctl_exit exit_code;
    int error;

    m4h_ctl_sse_restart(&following->sse);
    error = m4h_fetch_follow(following->session->fetch, &stream, &answer);
    *is_final = following->has_enough || following->exit_code != M4H_CTL_DONE;
    exit_code = following->exit_code;
    if (!*is_final)
        exit_code = m4h_ctl_session_judge(following->session, error, &answer);
    /* A wrong filter or token stays wrong; what is not there now may come back. */
    if (exit_code != M4H_CTL_DONE && exit_code != M4H_CTL_UNREACHABLE && answer.status != 429)
        *is_final = true;
    m4h_buffer_free(&answer.body);
    return exit_code;
}

enum m4h_ctl_exit m4h_ctl_events(struct m4h_ctl_session *session)
{
    const struct m4h_ctl_arguments *arguments = &session->arguments;
    struct following following = {
        .session = session, .left = arguments->limit, .pause_ms = PAUSE_FIRST_MS};
    enum m4h_ctl_exit exit_code;
    struct m4h_ctl_target target;
    bool is_final;

    target_of(arguments, &target);
    if (target.is_too_long) {
        m4h_ctl_say("the filters are too long");
        return M4H_CTL_USAGE;
    }
    m4h_ctl_sse_begin(&following.sse, on_message, &following);
    if (arguments->after != NULL)
        snprintf(following.sse.last_id, sizeof(following.sse.last_id), "%s", arguments->after);
    for (;;) {
        exit_code = connect_once(&following, &target, &is_final);
        if (is_final || !arguments->follows)
            break;
        rest(&following);
    }
    m4h_ctl_sse_end(&following.sse);
    return exit_code;
}
