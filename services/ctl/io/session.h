/* One run of mas4hctl: where it asks, and where it writes. Private to services/ctl/io. */
#ifndef M4H_CTL_IO_SESSION_H
#define M4H_CTL_IO_SESSION_H

#include "lib/base/attributes.h"
#include "lib/fetch/fetch.h"
#include "services/ctl/config.h"
#include "services/ctl/core/arguments.h"
#include "services/ctl/core/exit_code.h"
#include "services/ctl/core/target.h"

struct m4h_ctl_session {
    struct m4h_ctl_arguments arguments;
    struct m4h_ctl_config config;
    struct m4h_fetch *fetch; /* NULL for a command that asks nobody */
    const char *url;         /* of the gateway; borrowed */
    bool is_colored;         /* standard output is */
};

/* Reads the command line and the settings. M4H_CTL_DONE: go on with m4h_ctl_session_connect. What
 * is wrong was said on standard error. `*is_over`: it was help or the like, end. */
M4H_MUST_CHECK enum m4h_ctl_exit m4h_ctl_session_open(struct m4h_ctl_session *session, int argc,
                                                      char *const *argv, bool *is_over);
/* Makes it ready to ask. */
M4H_MUST_CHECK enum m4h_ctl_exit m4h_ctl_session_connect(struct m4h_ctl_session *session);
void m4h_ctl_session_close(struct m4h_ctl_session *session);

/* Asks, and says on standard error what went wrong. M4H_CTL_DONE: the answer is a success; it is
 * the caller's to free in every case. */
M4H_MUST_CHECK enum m4h_ctl_exit m4h_ctl_session_ask(struct m4h_ctl_session *session,
                                                     const char *method,
                                                     const struct m4h_ctl_target *target,
                                                     const char *body,
                                                     struct m4h_fetch_answer *answer);
/* What an answer, or the lack of one, comes to; says it on standard error. */
enum m4h_ctl_exit m4h_ctl_session_judge(struct m4h_ctl_session *session, int error,
                                        const struct m4h_fetch_answer *answer);
/* The answer is no document of a gateway. */
enum m4h_ctl_exit m4h_ctl_session_not_understood(struct m4h_ctl_session *session, int error);

/* Writes to standard output, all or M4H_CTL_REFUSED; a reader that has gone is no mistake to speak
 * of. */
M4H_MUST_CHECK enum m4h_ctl_exit m4h_ctl_session_write(const void *bytes, size_t len);
/* A page, and ends it. */
M4H_MUST_CHECK enum m4h_ctl_exit m4h_ctl_session_show(struct m4h_ctl_page *page);
/* An answer as it came, with a line feed behind it. */
M4H_MUST_CHECK enum m4h_ctl_exit m4h_ctl_session_show_raw(const struct m4h_fetch_answer *answer);

/* Whether it is meant: --yes, or "y" on a terminal to "WHAT OPERAND REST". M4H_CTL_DONE: it is. */
M4H_MUST_CHECK enum m4h_ctl_exit m4h_ctl_session_confirm(const struct m4h_ctl_session *session,
                                                         const char *what, const char *rest);

/* A line on standard error: "mas4hctl: ...". */
void m4h_ctl_say(const char *format, ...) M4H_PRINTF(1, 2);

#endif
