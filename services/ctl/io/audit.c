/* Who did what, newest first, page after page. With --follow the latest ones, and then what is
 * added, oldest first: the gateway is asked again every second for what came after the last one. */
#include "lib/base/walltime.h"
#include "lib/json/read.h"
#include "services/ctl/core/since.h"
#include "services/ctl/core/views.h"
#include "services/ctl/io/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES_MAX     (16u << 20)
#define PAGE_SIZE     500u
#define FOLLOWED_LAST 10u /* that are shown first, where no --since or --limit says otherwise */
#define PAUSE_MS      1000u
#define PAUSE_LAST_MS 15000u

struct reading {
    struct m4h_ctl_session *session;
    char since[M4H_WALLTIME_TEXT_MAX], until[M4H_WALLTIME_TEXT_MAX]; /* "": not given */
    size_t left;                                                     /* that may still be shown */
    char token[M4H_JSON_TOKEN_MAX];
    char after[M4H_EVENT_ID_MAX + 1];  /* that were seen before; "": all */
    char newest[M4H_EVENT_ID_MAX + 1]; /* of this round; "": none yet */
};

/* Adds the entries of a page, a line each. */
static int add_lines(struct reading *reading, const struct m4h_fetch_answer *answer,
                     struct m4h_ctl_page *page)
{
    struct m4h_audit_record *entries;
    size_t count;
    int error =
        m4h_json_audit_read(answer->body.data, answer->body.len, &entries, &count, reading->token);

    if (error == 0 && count > 0 && reading->newest[0] == '\0')
        m4h_text_copy(reading->newest, sizeof(reading->newest), entries[0].record_id);
    if (count > reading->left)
        count = reading->left;
    if (error == 0 && reading->session->arguments.is_json)
        error = m4h_json_lines(answer->body.data, answer->body.len, "audit", reading->left,
                               &page->text, &count, reading->token);
    else
        for (size_t i = 0; i < count; i++)
            m4h_ctl_view_audit(page, &entries[i]);
    free(entries);
    reading->left -= error == 0 ? count : 0;
    return error;
}

static enum m4h_ctl_exit read_page(struct reading *reading, struct m4h_ctl_page *page)
{
    const struct m4h_ctl_arguments *arguments = &reading->session->arguments;
    struct m4h_fetch_answer answer;
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code;
    char size[16];
    int error;

    snprintf(size, sizeof(size), "%zu",
             reading->left < PAGE_SIZE ? reading->left : (size_t)PAGE_SIZE);
    m4h_ctl_target_begin(&target, "/v1/audit", NULL);
    m4h_ctl_target_query(&target, "page_size", size);
    m4h_ctl_target_query(&target, "since", reading->since);
    m4h_ctl_target_query(&target, "until", reading->until);
    m4h_ctl_target_query(&target, "actor", arguments->actor);
    m4h_ctl_target_query(&target, "action", arguments->action);
    m4h_ctl_target_query(&target, "target", arguments->device);
    m4h_ctl_target_query(&target, "after", reading->after);
    m4h_ctl_target_query(&target, "page_token", reading->token);
    exit_code = m4h_ctl_session_ask(reading->session, "GET", &target, NULL, &answer);
    if (exit_code == M4H_CTL_DONE) {
        error = add_lines(reading, &answer, page);
        if (error != 0)
            exit_code = m4h_ctl_session_not_understood(reading->session, error);
    }
    m4h_buffer_free(&answer.body);
    return exit_code;
}

static bool has_more(const struct reading *reading)
{
    return reading->token[0] != '\0' && reading->left > 0;
}

static void begin_page(const struct reading *reading, struct m4h_ctl_page *page)
{
    m4h_ctl_page_begin(page, reading->session->is_colored);
    page->text.cap = LINES_MAX;
}

static enum m4h_ctl_exit show_all(struct reading *reading)
{
    struct m4h_ctl_page page;
    enum m4h_ctl_exit exit_code;

    do {
        begin_page(reading, &page);
        exit_code = read_page(reading, &page);
        if (exit_code == M4H_CTL_DONE)
            exit_code = m4h_ctl_session_show(&page);
        else
            m4h_ctl_page_end(&page);
    } while (exit_code == M4H_CTL_DONE && has_more(reading));
    return exit_code;
}

/* ---- followed ---------------------------------------------------------------------- */

/* The last line first. */
static enum m4h_ctl_exit write_turned(const struct m4h_buffer *text)
{
    enum m4h_ctl_exit exit_code = M4H_CTL_DONE;
    size_t end = text->len;

    while (end > 0 && exit_code == M4H_CTL_DONE) {
        size_t begin = end - 1;

        while (begin > 0 && text->data[begin - 1] != '\n')
            begin--;
        exit_code = m4h_ctl_session_write(text->data + begin, end - begin);
        end = begin;
    }
    return exit_code;
}

/* What came since the last round. Where it fails nothing was shown, and `after` is as before. */
static enum m4h_ctl_exit show_news(struct reading *reading)
{
    struct m4h_ctl_page page;
    enum m4h_ctl_exit exit_code;

    reading->token[0] = reading->newest[0] = '\0';
    begin_page(reading, &page);
    do
        exit_code = read_page(reading, &page);
    while (exit_code == M4H_CTL_DONE && has_more(reading));
    if (exit_code == M4H_CTL_DONE)
        exit_code = write_turned(&page.text);
    if (exit_code == M4H_CTL_DONE && reading->newest[0] != '\0')
        m4h_text_copy(reading->after, sizeof(reading->after), reading->newest);
    m4h_ctl_page_end(&page);
    return exit_code;
}

static void rest(uint32_t ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&pause, NULL);
}

/* A gateway that is not there may come back; all else stays wrong. */
static enum m4h_ctl_exit follow(struct reading *reading)
{
    enum m4h_ctl_exit exit_code;
    uint32_t pause_ms = PAUSE_MS;

    for (;;) {
        exit_code = show_news(reading);
        if (exit_code != M4H_CTL_DONE && exit_code != M4H_CTL_UNREACHABLE)
            return exit_code;
        if (exit_code == M4H_CTL_DONE) {
            reading->left = SIZE_MAX;
            pause_ms = PAUSE_MS;
        } else if (pause_ms < PAUSE_LAST_MS) {
            pause_ms *= 2;
        }
        rest(pause_ms);
    }
}

/* ---- the command -------------------------------------------------------------------- */

/* False: it is no time, which was said. */
static bool read_time(const char *option, const char *text, char out[M4H_WALLTIME_TEXT_MAX])
{
    uint64_t wall_ms;

    out[0] = '\0';
    if (text == NULL)
        return true;
    if (m4h_ctl_since_parse(text, m4h_walltime_now_ms(), &wall_ms) != 0) {
        m4h_ctl_say("--%s: \"%s\" is neither a time, 2027-01-31T00:00:00Z, nor how long ago: 90s, "
                    "15m, 1h, 7d",
                    option, text);
        return false;
    }
    m4h_walltime_format(wall_ms, out);
    return true;
}

enum m4h_ctl_exit m4h_ctl_audit(struct m4h_ctl_session *session)
{
    const struct m4h_ctl_arguments *arguments = &session->arguments;
    struct reading reading = {.session = session, .left = SIZE_MAX};

    if (!read_time("since", arguments->since, reading.since) ||
        !read_time("until", arguments->until, reading.until))
        return M4H_CTL_USAGE;
    if (arguments->limit != 0)
        reading.left = arguments->limit;
    else if (arguments->follows && arguments->since == NULL)
        reading.left = FOLLOWED_LAST;
    return arguments->follows ? follow(&reading) : show_all(&reading);
}
