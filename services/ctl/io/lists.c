/* Lists, page after page: each is written and forgotten before the next one is asked for, so that a
 * million tunnels need no more memory than five hundred. */
#include "lib/base/revocations.h"
#include "lib/base/walltime.h"
#include "lib/json/device.h"
#include "services/ctl/core/views.h"
#include "services/ctl/io/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for a page of the longest tunnels as lines. */
#define LINES_MAX (16u << 20)

struct list {
    struct m4h_ctl_session *session;
    const char *name;  /* of the member that holds the elements, and of the path */
    const char *state; /* that is asked for; NULL: any */
    struct m4h_ctl_table table;
    uint64_t wall_ms;
    size_t left; /* that may still be shown */
    char token[M4H_JSON_TOKEN_MAX];
    /* Adds the rows of a page, or their names to `names` where that is not NULL. */
    int (*read_page)(struct list *list, const struct m4h_fetch_answer *answer,
                     struct m4h_ctl_page *names, size_t *count);
};

static int read_slaves(struct list *list, const struct m4h_fetch_answer *answer,
                       struct m4h_ctl_page *names, size_t *count)
{
    struct m4h_slave_status *slaves;
    int error =
        m4h_json_slaves_read(answer->body.data, answer->body.len, &slaves, count, list->token);

    if (*count > list->left)
        *count = list->left;
    for (size_t i = 0; i < *count; i++) {
        if (names != NULL)
            m4h_ctl_page_add(names, M4H_CTL_PLAIN, "%s\n", slaves[i].slave_id);
        else
            m4h_ctl_view_slaves_row(&list->table, &slaves[i], list->wall_ms);
    }
    free(slaves);
    return error;
}

static int read_tunnels(struct list *list, const struct m4h_fetch_answer *answer,
                        struct m4h_ctl_page *names, size_t *count)
{
    struct m4h_tunnel_status *tunnels;
    int error =
        m4h_json_tunnels_read(answer->body.data, answer->body.len, &tunnels, count, list->token);

    if (*count > list->left)
        *count = list->left;
    for (size_t i = 0; i < *count; i++) {
        if (names != NULL)
            m4h_ctl_page_add(names, M4H_CTL_PLAIN, "%s\n", tunnels[i].tunnel.client_key);
        else
            m4h_ctl_view_tunnels_row(&list->table, &tunnels[i], list->wall_ms);
    }
    free(tunnels);
    return error;
}

static int read_records(struct list *list, const struct m4h_fetch_answer *answer,
                        struct m4h_ctl_page *names, size_t *count)
{
    struct m4h_device_record *devices;
    int error =
        m4h_json_devices_read(answer->body.data, answer->body.len, &devices, count, list->token);

    if (*count > list->left)
        *count = list->left;
    for (size_t i = 0; i < *count; i++) {
        if (names != NULL)
            m4h_ctl_page_add(names, M4H_CTL_PLAIN, "%s\n",
                             devices[i].client_key[0] != '\0' ? devices[i].client_key
                                                              : devices[i].key_fingerprint);
        else if (list->session->arguments.command == M4H_CTL_DEVICE_PENDING)
            m4h_ctl_view_pending_row(&list->table, &devices[i], list->wall_ms);
        else
            m4h_ctl_view_devices_row(&list->table, &devices[i], list->wall_ms);
    }
    free(devices);
    return error;
}

static int read_revocations(struct list *list, const struct m4h_fetch_answer *answer,
                            struct m4h_ctl_page *names, size_t *count)
{
    char name[M4H_REVOCATION_NAME_MAX + 1];
    struct m4h_revoke *revocations;
    int error = m4h_json_revocations_read(answer->body.data, answer->body.len, &revocations, count,
                                          list->token);

    if (*count > list->left)
        *count = list->left;
    for (size_t i = 0; i < *count; i++) {
        m4h_revocation_name(name, revocations[i].key_fingerprint, revocations[i].client_key);
        if (names != NULL)
            m4h_ctl_page_add(names, M4H_CTL_PLAIN, "%s\n", name);
        else
            m4h_ctl_view_revocations_row(&list->table, name, &revocations[i], list->wall_ms);
    }
    free(revocations);
    return error;
}

static int read_lines(struct list *list, const struct m4h_fetch_answer *answer,
                      struct m4h_ctl_page *page, size_t *count)
{
    page->text.cap = LINES_MAX;
    return m4h_json_lines(answer->body.data, answer->body.len, list->name, list->left, &page->text,
                          count, list->token);
}

static enum m4h_ctl_exit show_page(struct list *list, const struct m4h_fetch_answer *answer)
{
    const struct m4h_ctl_arguments *arguments = &list->session->arguments;
    struct m4h_ctl_page page;
    size_t count;
    int error;

    m4h_ctl_page_begin(&page, list->session->is_colored);
    if (arguments->is_json)
        error = read_lines(list, answer, &page, &count);
    else
        error = list->read_page(list, answer, arguments->is_quiet ? &page : NULL, &count);
    if (error != 0) {
        m4h_ctl_page_end(&page);
        return m4h_ctl_session_not_understood(list->session, error);
    }
    list->left -= count;
    if (!arguments->is_json && !arguments->is_quiet)
        m4h_ctl_table_write(&list->table, &page);
    return m4h_ctl_session_show(&page);
}

static enum m4h_ctl_exit next_page(struct list *list)
{
    const struct m4h_ctl_arguments *arguments = &list->session->arguments;
    struct m4h_fetch_answer answer;
    struct m4h_ctl_target target;
    enum m4h_ctl_exit exit_code;
    char size[16], path[32];

    snprintf(path, sizeof(path), "/v1/%s", list->name);
    snprintf(size, sizeof(size), "%zu",
             list->left < M4H_PAGE_SIZE_MAX ? list->left : (size_t)M4H_PAGE_SIZE_MAX);
    m4h_ctl_target_begin(&target, path, NULL);
    m4h_ctl_target_query(&target, "page_size", size);
    m4h_ctl_target_query(&target, "region", arguments->region);
    m4h_ctl_target_query(&target, "slave", arguments->slave);
    m4h_ctl_target_query(&target, "client_key_prefix", arguments->prefix);
    m4h_ctl_target_query(&target, "label", arguments->label);
    m4h_ctl_target_query(&target, "state", list->state);
    m4h_ctl_target_query(&target, "banned", arguments->is_banned ? "true" : NULL);
    m4h_ctl_target_query(&target, "page_token", list->token);
    exit_code = m4h_ctl_session_ask(list->session, "GET", &target, NULL, &answer);
    if (exit_code == M4H_CTL_DONE)
        exit_code = show_page(list, &answer);
    m4h_buffer_free(&answer.body);
    return exit_code;
}

static enum m4h_ctl_exit show_list(struct list *list)
{
    uint32_t limit = list->session->arguments.limit;
    enum m4h_ctl_exit exit_code;

    list->left = limit != 0 ? limit : SIZE_MAX;
    list->wall_ms = m4h_walltime_now_ms();
    do
        exit_code = next_page(list);
    while (exit_code == M4H_CTL_DONE && list->token[0] != '\0' && list->left > 0);
    m4h_ctl_table_end(&list->table);
    return exit_code;
}

enum m4h_ctl_exit m4h_ctl_slaves(struct m4h_ctl_session *session)
{
    struct list list = {.session = session, .name = "slaves", .read_page = read_slaves};

    m4h_ctl_view_slaves(&list.table);
    return show_list(&list);
}

enum m4h_ctl_exit m4h_ctl_tunnels(struct m4h_ctl_session *session)
{
    struct list list = {.session = session, .name = "tunnels", .read_page = read_tunnels};

    m4h_ctl_view_tunnels(&list.table);
    return show_list(&list);
}

enum m4h_ctl_exit m4h_ctl_devices(struct m4h_ctl_session *session)
{
    struct list list = {.session = session,
                        .name = "devices",
                        .state = session->arguments.state,
                        .read_page = read_records};

    m4h_ctl_view_devices(&list.table);
    return show_list(&list);
}

enum m4h_ctl_exit m4h_ctl_pending(struct m4h_ctl_session *session)
{
    struct list list = {
        .session = session, .name = "devices", .state = "pending", .read_page = read_records};

    m4h_ctl_view_pending(&list.table);
    return show_list(&list);
}

enum m4h_ctl_exit m4h_ctl_revocations(struct m4h_ctl_session *session)
{
    struct list list = {.session = session, .name = "revocations", .read_page = read_revocations};

    m4h_ctl_view_revocations(&list.table);
    return show_list(&list);
}
