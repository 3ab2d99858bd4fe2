/* What is told of an access: events, lines of the log, words to the operator, and counts. */
#include "services/slave/io/access.h"

#include "lib/base/ident.h"
#include "lib/ssh/open.h"
#include "services/slave/io/inquiry.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *m4h_access_result_name(enum m4h_access_result result)
{
    static const char *const names[] = {"opened",  "forbidden", "absent",
                                        "no_port", "surplus",   "unanswered"};

    return (unsigned)result < M4H_COUNT(names) ? names[result] : "unknown";
}

void m4h_access_publish(struct m4h_slave *slave, const struct m4h_access_case *access,
                        enum m4h_access_phase phase)
{
    struct m4h_event event = {.type = M4H_EVENT_ACCESS, .as.access = access->told};

    event.as.access.phase = phase;
    if (!access->visitor->is_hop)
        m4h_publisher_send(slave, &event); /* of a hop's, its own slave tells */
}

void m4h_access_log(const struct m4h_access_case *access, const char *what)
{
    const struct m4h_access *told = &access->told;
    char name[2 * M4H_CLIENT_KEY_MAX], client_key[2 * M4H_CLIENT_KEY_MAX];

    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT,
            "operator=%s peer=%s device=%s port=%u access=%016" PRIx64 " bytes_from_device=%" PRIu64
            " bytes_to_device=%" PRIu64 " age_ms=%" PRIu64 " %s",
            m4h_log_quote(name, sizeof(name), told->operator_name), told->remote_address,
            m4h_log_quote(client_key, sizeof(client_key), told->client_key), told->port,
            told->access_id, told->bytes_from_device, told->bytes_to_device, told->duration_ms,
            what);
}

void m4h_access_drop(struct m4h_slave *slave, struct m4h_access_case *access)
{
    access->visitor->visits--;
    HASH_DEL(slave->accesses, access);
    if (access->fd >= 0)
        close(access->fd);
    m4h_inquiry_cancel(access->inquiry);
    free(access->located);
    free(access);
    if (slave->accesses == NULL)
        m4h_timer_stop(slave->access_timer);
}

/* Counts it, and tells of it at the pace at which one may. */
static void note_refusal(struct m4h_slave *slave, const struct m4h_access_case *access,
                         enum m4h_access_result result)
{
    const struct m4h_access *told = &access->told;
    char name[2 * M4H_CLIENT_KEY_MAX], client_key[2 * M4H_CLIENT_KEY_MAX];
    char detail[2 * M4H_DETAIL_MAX];
    uint32_t suppressed;

    slave->counters.accesses[result]++;
    if (!m4h_log_limit_allows(&slave->access_lines, m4h_loop_now_ms(slave->loop), &suppressed))
        return;
    m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT,
            "operator=%s peer=%s device=%s port=%u reason=%s detail=%s suppressed=%" PRIu32
            " access is refused",
            m4h_log_quote(name, sizeof(name), told->operator_name), told->remote_address,
            m4h_log_quote(client_key, sizeof(client_key), told->client_key), told->port,
            m4h_access_result_name(result), m4h_log_quote(detail, sizeof(detail), told->detail),
            suppressed);
    m4h_access_publish(slave, access, M4H_ACCESS_REFUSED);
}

void m4h_access_refuse(struct m4h_slave *slave, struct m4h_access_case *access,
                       enum m4h_access_result result, enum m4h_ssh_open_refusal reason,
                       const char *format, ...)
{
    struct m4h_order order = {.kind = M4H_ORDER_UNREACHED,
                              .session_id = access->visitor->session_id};
    char text[M4H_DETAIL_MAX + 1];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    m4h_ident_text_clean(access->told.detail, sizeof(access->told.detail), text);
    order.as.unreached.visit_id = access->visit_id;
    order.as.unreached.reason = (uint32_t)reason;
    m4h_text_copy(order.as.unreached.text, sizeof(order.as.unreached.text), access->told.detail);
    note_refusal(slave, access, result);
    m4h_slave_order(slave, &order);
    m4h_access_drop(slave, access);
}

void m4h_access_refuse_absent(struct m4h_slave *slave, struct m4h_access_case *access)
{
    m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_ABSENT, M4H_SSH_OPEN_CONNECT_FAILED,
                      "%s is not connected", access->told.client_key);
}

void m4h_access_refuse_forbidden(struct m4h_slave *slave, struct m4h_access_case *access)
{
    m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_FORBIDDEN, M4H_SSH_OPEN_PROHIBITED,
                      "%s may not reach %s at port %u", access->told.operator_name,
                      access->told.client_key, access->told.port);
}

void m4h_access_refuse_hidden(struct m4h_slave *slave, struct m4h_access_case *access,
                              enum m4h_access_result result)
{
    m4h_access_refuse(slave, access, result, M4H_SSH_OPEN_PROHIBITED,
                      "%s may not reach %s at port %u, or it is not connected",
                      access->told.operator_name, access->told.client_key, access->told.port);
}

void m4h_access_refuse_port(struct m4h_slave *slave, struct m4h_access_case *access,
                            const struct m4h_tunnel *tunnel)
{
    m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_NO_PORT, M4H_SSH_OPEN_CONNECT_FAILED,
                      "%s has no port %u: 22 is its first, 1 to %u count them",
                      access->told.client_key, access->told.port, tunnel->port_count);
}

void m4h_access_refuse_full(struct m4h_slave *slave, struct m4h_access_case *access)
{
    m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_SURPLUS, M4H_SSH_OPEN_SHORTAGE,
                      "the server is full");
}
