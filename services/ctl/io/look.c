/* The cluster, one slave, one tunnel. */
#include "lib/base/walltime.h"
#include "lib/json/read.h"
#include "services/ctl/core/views.h"
#include "services/ctl/io/commands.h"

#include <stdlib.h>

static enum m4h_ctl_exit show_cluster(struct m4h_ctl_session *session,
                                      const struct m4h_fetch_answer *answer)
{
    struct m4h_region_status *regions;
    struct m4h_cluster_status cluster;
    struct m4h_ctl_page page;
    size_t count;
    int error =
        m4h_json_cluster_read(answer->body.data, answer->body.len, &cluster, &regions, &count);

    if (error != 0)
        return m4h_ctl_session_not_understood(session, error);
    m4h_ctl_page_begin(&page, session->is_colored);
    m4h_ctl_view_status(&page, &cluster, regions, count, m4h_walltime_now_ms());
    free(regions);
    return m4h_ctl_session_show(&page);
}

static enum m4h_ctl_exit show_slave(struct m4h_ctl_session *session,
                                    const struct m4h_fetch_answer *answer)
{
    struct m4h_slave_status slave;
    struct m4h_ctl_page page;
    int error = m4h_json_slave_read(answer->body.data, answer->body.len, &slave);

    if (error != 0)
        return m4h_ctl_session_not_understood(session, error);
    m4h_ctl_page_begin(&page, session->is_colored);
    m4h_ctl_view_slave(&page, &slave, m4h_walltime_now_ms());
    return m4h_ctl_session_show(&page);
}

static enum m4h_ctl_exit show_tunnel(struct m4h_ctl_session *session,
                                     const struct m4h_fetch_answer *answer)
{
    struct m4h_tunnel_status tunnel;
    struct m4h_ctl_page page;
    int error = m4h_json_tunnel_read(answer->body.data, answer->body.len, &tunnel);

    if (error != 0)
        return m4h_ctl_session_not_understood(session, error);
    m4h_ctl_page_begin(&page, session->is_colored);
    m4h_ctl_view_tunnel(&page, &tunnel, m4h_walltime_now_ms());
    return m4h_ctl_session_show(&page);
}

/* Gets the document of `path` and shows it as it came, or by `show`. */
static enum m4h_ctl_exit look(struct m4h_ctl_session *session, const char *path,
                              enum m4h_ctl_exit (*show)(struct m4h_ctl_session *session,
                                                        const struct m4h_fetch_answer *answer))
{
    struct m4h_fetch_answer answer;
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code;

    m4h_ctl_target_begin(&target, path, session->arguments.operand);
    exit_code = m4h_ctl_session_ask(session, "GET", &target, NULL, &answer);
    if (exit_code == M4H_CTL_DONE)
        exit_code =
            session->arguments.is_json ? m4h_ctl_session_show_raw(&answer) : show(session, &answer);
    m4h_buffer_free(&answer.body);
    return exit_code;
}

enum m4h_ctl_exit m4h_ctl_status(struct m4h_ctl_session *session)
{
    return look(session, "/v1/cluster", show_cluster);
}

enum m4h_ctl_exit m4h_ctl_slave(struct m4h_ctl_session *session)
{
    return look(session, "/v1/slaves/*", show_slave);
}

enum m4h_ctl_exit m4h_ctl_tunnel(struct m4h_ctl_session *session)
{
    return look(session, "/v1/tunnels/*", show_tunnel);
}
