/* Slots, kicks and drains: what changes something. */
#include "lib/base/walltime.h"
#include "lib/json/json.h"
#include "lib/json/read.h"
#include "services/ctl/core/views.h"
#include "services/ctl/core/words.h"
#include "services/ctl/io/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BODY_MAX        4096
#define DRAIN_LOOK_MS   500
#define DRAIN_TRIES_MAX 60 /* looks in a row that may fail while it waits */

/* ---- slots -------------------------------------------------------------------------------- */

static enum m4h_ctl_exit show_slot(struct m4h_ctl_session *session,
                                   const struct m4h_fetch_answer *answer)
{
    struct m4h_ctl_page page;
    struct m4h_slot slot;
    int error = m4h_json_slot_read(answer->body.data, answer->body.len, &slot);

    if (error != 0)
        return m4h_ctl_session_not_understood(session, error);
    m4h_ctl_page_begin(&page, session->is_colored);
    m4h_ctl_view_slot(&page, &slot, m4h_walltime_now_ms());
    return m4h_ctl_session_show(&page);
}

enum m4h_ctl_exit m4h_ctl_slot(struct m4h_ctl_session *session)
{
    const struct m4h_ctl_arguments *arguments = &session->arguments;
    struct m4h_buffer body = M4H_BUFFER_INIT(BODY_MAX);
    struct m4h_fetch_answer answer = {.status = 0};
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code = M4H_CTL_USAGE;

    m4h_ctl_target_begin(&target, "/v1/slots", NULL);
    if (m4h_json_slot_request(&body, arguments->region, arguments->client_key) != 0 ||
        m4h_buffer_add(&body, "", 1) != 0)
        m4h_ctl_say("the client key is too long");
    else
        exit_code = m4h_ctl_session_ask(session, "POST", &target, (const char *)body.data, &answer);
    if (exit_code == M4H_CTL_DONE)
        exit_code =
            arguments->is_json ? m4h_ctl_session_show_raw(&answer) : show_slot(session, &answer);
    m4h_buffer_free(&answer.body);
    m4h_buffer_free(&body);
    return exit_code;
}

/* ---- kicks ---------------------------------------------------------------------------------- */

enum m4h_ctl_exit m4h_ctl_kick(struct m4h_ctl_session *session)
{
    const char *client_key = session->arguments.operand;
    struct m4h_fetch_answer answer;
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code;

    exit_code = m4h_ctl_session_confirm(session, "Disconnect", "?");
    if (exit_code != M4H_CTL_DONE)
        return exit_code;
    m4h_ctl_target_begin(&target, "/v1/tunnels/*", client_key);
    exit_code = m4h_ctl_session_ask(session, "DELETE", &target, NULL, &answer);
    m4h_buffer_free(&answer.body);
    return exit_code;
}

/* ---- drains ---------------------------------------------------------------------------------- */

static void rest_a_while(void)
{
    const struct timespec pause = {DRAIN_LOOK_MS / 1000, DRAIN_LOOK_MS % 1000 * 1000000L};

    nanosleep(&pause, NULL);
}

static void report(const struct m4h_slave_status *slave)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    char word[M4H_CTL_WORD_MAX];

    if (!is_terminal)
        return;
    fprintf(stderr, "\r\x1b[K%s: %" PRIu32 " tunnels left, %" PRIu32 " connections of operators",
            slave->slave_id, slave->tunnels, slave->channels);
    if (slave->drain_deadline_wall_ms != 0)
        fprintf(stderr, ", %s to go at most",
                m4h_ctl_age(m4h_walltime_now_ms(), slave->drain_deadline_wall_ms, word));
}

static void end_report(void)
{
    if (isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "\r\x1b[K");
}

/* Looks once: how many tunnels are left. A slave that is no longer known, or has stopped, has none.
 * An error of ours or of the way there is not final: `*is_known` is then false. */
static enum m4h_ctl_exit look(struct m4h_ctl_session *session, const struct m4h_ctl_target *target,
                              bool *is_known, uint32_t *left)
{
    const struct m4h_fetch_request request = {"GET", target->text, NULL};
    struct m4h_fetch_answer answer;
    struct m4h_slave_status slave;
    int error = m4h_fetch_ask(session->fetch, &request, &answer);
    enum m4h_ctl_exit exit_code = M4H_CTL_DONE;

    *is_known = false;
    *left = 0;
    if (error == 0 && answer.status == 404) {
        *is_known = true;
    } else if (error == 0 && answer.status == 200 &&
               m4h_json_slave_read(answer.body.data, answer.body.len, &slave) == 0) {
        *is_known = true;
        *left = slave.state == M4H_SLAVE_STOPPED ? 0 : slave.tunnels;
        report(&slave);
    } else if (error == 0 && (answer.status == 401 || answer.status == 403)) {
        exit_code = m4h_ctl_session_judge(session, error, &answer);
    }
    m4h_buffer_free(&answer.body);
    return exit_code;
}

static enum m4h_ctl_exit await_drained(struct m4h_ctl_session *session)
{
    enum m4h_ctl_exit exit_code = M4H_CTL_DONE;
    struct m4h_ctl_target target;
    uint32_t left = 1, failures = 0;
    bool is_known = true;

    m4h_ctl_target_begin(&target, "/v1/slaves/*", session->arguments.operand);
    for (;;) {
        exit_code = look(session, &target, &is_known, &left);
        failures = is_known ? 0 : failures + 1;
        if (exit_code != M4H_CTL_DONE || (is_known && left == 0) || failures >= DRAIN_TRIES_MAX)
            break;
        rest_a_while();
    }
    end_report();
    if (exit_code == M4H_CTL_DONE && !is_known) {
        m4h_ctl_say("%s: nobody says any more how the drain goes on", session->url);
        exit_code = M4H_CTL_UNREACHABLE;
    }
    return exit_code;
}

static enum m4h_ctl_exit show_draining(struct m4h_ctl_session *session,
                                       const struct m4h_fetch_answer *answer)
{
    struct m4h_ctl_page page;
    uint32_t tunnels;
    int error = m4h_json_draining_read(answer->body.data, answer->body.len, &tunnels);

    if (error != 0)
        return m4h_ctl_session_not_understood(session, error);
    m4h_ctl_page_begin(&page, session->is_colored);
    m4h_ctl_page_add(&page, M4H_CTL_PLAIN, "%s drains; tunnels that have to leave: %" PRIu32 "\n",
                     session->arguments.operand, tunnels);
    return m4h_ctl_session_show(&page);
}

enum m4h_ctl_exit m4h_ctl_drain(struct m4h_ctl_session *session)
{
    const struct m4h_ctl_arguments *arguments = &session->arguments;
    struct m4h_fetch_answer answer;
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code;

    exit_code = m4h_ctl_session_confirm(
        session, "Drain",
        "? All its devices go elsewhere, and it takes none until it is restarted.");
    if (exit_code != M4H_CTL_DONE)
        return exit_code;
    m4h_ctl_target_begin(&target, "/v1/slaves/*/drain", arguments->operand);
    exit_code = m4h_ctl_session_ask(session, "POST", &target, NULL, &answer);
    if (exit_code == M4H_CTL_DONE)
        exit_code = arguments->is_json ? m4h_ctl_session_show_raw(&answer)
                                       : show_draining(session, &answer);
    m4h_buffer_free(&answer.body);
    if (exit_code == M4H_CTL_DONE && arguments->waits)
        exit_code = await_drained(session);
    return exit_code;
}
