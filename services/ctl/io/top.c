/* The cluster on a screen, looked at every two seconds. */
#include "services/ctl/core/top.h"
#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/json/read.h"
#include "services/ctl/io/commands.h"
#include "services/ctl/io/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define INTERVAL_USUAL_MS 2000
#define PAGE_OF_SLAVES    "/v1/slaves?page_size=500"

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Gets a document. False: the screen says why not. */
static bool get(struct m4h_ctl_session *session, struct m4h_ctl_top *top, const char *target,
                struct m4h_fetch_answer *answer)
{
    const struct m4h_fetch_request request = {"GET", target, NULL};
    struct m4h_json_refusal refusal;
    char fault[sizeof(top->fault)];
    int error = m4h_fetch_ask(session->fetch, &request, answer);

    if (error != 0) {
        m4h_ctl_top_fail(top, m4h_fetch_error_text(session->fetch));
        return false;
    }
    if (answer->status == 200)
        return true;
    if (m4h_json_refusal_read(answer->body.data, answer->body.len, &refusal) == 0)
        snprintf(fault, sizeof(fault), "%s",
                 refusal.detail[0] != '\0' ? refusal.detail : refusal.title);
    else
        snprintf(fault, sizeof(fault), "the gateway answered with status %u", answer->status);
    m4h_ctl_top_fail(top, fault);
    return false;
}

static void take(struct m4h_ctl_top *top, const struct m4h_fetch_answer *cluster_answer,
                 const struct m4h_fetch_answer *slaves_answer)
{
    char token[M4H_JSON_TOKEN_MAX];
    struct m4h_cluster_status cluster;
    struct m4h_region_status *regions = NULL;
    struct m4h_slave_status *slaves = NULL;
    size_t region_count, slave_count;
    int error = m4h_json_cluster_read(cluster_answer->body.data, cluster_answer->body.len, &cluster,
                                      &regions, &region_count);

    free(regions);
    if (error == 0)
        error = m4h_json_slaves_read(slaves_answer->body.data, slaves_answer->body.len, &slaves,
                                     &slave_count, token);
    if (error == 0)
        error = m4h_ctl_top_take(top, &cluster, slaves, slave_count, monotonic_ms());
    free(slaves);
    if (error != 0)
        m4h_ctl_top_fail(top, m4h_error_text(error));
}

static void look(struct m4h_ctl_session *session, struct m4h_ctl_top *top)
{
    struct m4h_fetch_answer cluster = {.status = 0}, slaves = {.status = 0};

    if (get(session, top, "/v1/cluster", &cluster) && get(session, top, PAGE_OF_SLAVES, &slaves))
        take(top, &cluster, &slaves);
    m4h_buffer_free(&cluster.body);
    m4h_buffer_free(&slaves.body);
}

static bool draw(struct m4h_ctl_session *session, const struct m4h_ctl_top *top)
{
    struct m4h_ctl_screen screen = {.is_utf8 = m4h_ctl_terminal_is_utf8(),
                                    .url = session->url,
                                    .now_ms = monotonic_ms(),
                                    .wall_ms = m4h_walltime_now_ms()};
    struct m4h_ctl_page page;

    m4h_ctl_terminal_size(&screen.rows, &screen.columns);
    m4h_ctl_page_begin(&page, session->is_colored);
    m4h_ctl_top_draw(top, &screen, &page);
    return m4h_ctl_session_show(&page) == M4H_CTL_DONE;
}

/* False: it is to end. */
static bool obey(struct m4h_ctl_top *top, char key)
{
    unsigned rows, columns;

    m4h_ctl_terminal_size(&rows, &columns);
    switch (key) {
    case 'q':
    case 'Q':
        return false;
    case 'j':
        m4h_ctl_top_scroll(top, 1, rows);
        break;
    case 'k':
        m4h_ctl_top_scroll(top, -1, rows);
        break;
    case ' ':
        m4h_ctl_top_scroll(top, (int)rows / 2, rows);
        break;
    case 'b':
        m4h_ctl_top_scroll(top, -(int)rows / 2, rows);
        break;
    default:
        break;
    }
    return true;
}

static void watch(struct m4h_ctl_session *session, struct m4h_ctl_top *top)
{
    uint32_t asked = session->arguments.interval_ms;
    uint64_t interval_ms = asked != 0 ? asked : INTERVAL_USUAL_MS;
    uint64_t next_ms = 0;

    while (!m4h_ctl_terminal_is_over()) {
        uint64_t now_ms = monotonic_ms();

        if (now_ms >= next_ms) {
            look(session, top);
            now_ms = monotonic_ms();
            next_ms = now_ms + interval_ms;
        }
        if (!draw(session, top) || !obey(top, m4h_ctl_terminal_key((uint32_t)(next_ms - now_ms))))
            break;
    }
}

enum m4h_ctl_exit m4h_ctl_top(struct m4h_ctl_session *session)
{
    struct m4h_ctl_top top;

    if (!m4h_ctl_terminal_take()) {
        m4h_ctl_say("top needs a terminal; status and slaves do not");
        return M4H_CTL_USAGE;
    }
    m4h_ctl_top_begin(&top);
    watch(session, &top);
    m4h_ctl_top_end(&top);
    m4h_ctl_terminal_give_back();
    return M4H_CTL_DONE;
}
