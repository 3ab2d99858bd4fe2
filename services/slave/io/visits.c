/* Devices by their names, for operators.
 *
 * A visitor asks -> its rules are judged here, where the operator is -> the device is found
 * -> two connected sockets are made, of which the device's worker gets one and opens a
 * channel as for any operator -> when the device has taken it, the visitor's worker gets
 * the other, opens the visitor's channel, and carries. So each side stays on its loop, and
 * the device's rules (networks, bandwidth, idleness) hold as on its port. What takes too long
 * is refused. A hop brings operators whose rules its own slave has judged; it reaches
 * devices that hang here and no others. */
#include "services/slave/io/access.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"
#include "services/slave/core/access_rules.h"
#include "services/slave/io/entrance.h"
#include "services/slave/io/inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* Those that wait are looked at so often. */
#define LOOK_EVERY_MS 250u

static uint64_t random_id(void)
{
    uint64_t id = 0;

    if (getrandom(&id, sizeof(id), 0) != sizeof(id))
        abort(); /* the kernel has a source of randomness since long before we start */
    return id != 0 ? id : 1;
}

uint32_t m4h_visits_count(const struct m4h_slave *slave)
{
    return HASH_COUNT(slave->accesses);
}

static struct m4h_access_case *find(const struct m4h_slave *slave, uint64_t visit_id)
{
    struct m4h_access_case *found;

    HASH_FIND(hh, slave->accesses, &visit_id, sizeof(visit_id), found);
    return found;
}

/* ---- a device that hangs here ------------------------------------------------------- */

static bool may_reach(const struct m4h_access_case *access, const char *labels)
{
    return access->visitor->is_hop ||
           m4h_access_allows(access->visitor->rules, access->told.client_key, labels,
                             access->told.port);
}

/* Two connected sockets. False: there are none, or only such as are kept: the workers would
 * refuse them, yet many that wait for that must not take what devices' ports need. */
static bool make_pair(int fds[2])
{
    int max = m4h_entrance_files_max();

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
        return false;
    if (fds[0] < max && fds[1] < max)
        return true;
    close(fds[0]);
    close(fds[1]);
    return false;
}

/* Makes the two ends; the device's is returned. -1: there are none, and it is refused. */
static int open_ends(struct m4h_slave *slave, struct m4h_access_case *access)
{
    int fds[2];

    if (!make_pair(fds)) {
        m4h_access_refuse_full(slave, access);
        return -1;
    }
    access->fd = fds[0];
    return fds[1];
}

static void go_to(struct m4h_slave *slave, struct m4h_access_case *access,
                  const struct m4h_resident *resident, uint16_t port)
{
    struct m4h_order order = {.kind = M4H_ORDER_VISIT, .session_id = resident->session_id};
    int fd = open_ends(slave, access);

    if (fd < 0)
        return;
    access->told.tunnel_id = resident->tunnel.tunnel_id;
    m4h_text_copy(access->told.device_slave_id, sizeof(access->told.device_slave_id),
                  slave->config->id);
    order.as.visit.visit_id = access->visit_id;
    order.as.visit.fd = fd;
    order.as.visit.port = port;
    m4h_text_copy(order.as.visit.peer, sizeof(order.as.visit.peer), access->originator);
    m4h_slave_order(slave, &order);
}

static void visit_resident(struct m4h_slave *slave, struct m4h_access_case *access,
                           const struct m4h_resident *resident)
{
    uint16_t port = m4h_access_port(&resident->tunnel, access->told.port);

    if (port == 0)
        m4h_access_refuse_port(slave, access, &resident->tunnel);
    else
        go_to(slave, access, resident, port);
}

static void refuse_unanswered(struct m4h_slave *slave, struct m4h_access_case *access)
{
    m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_UNANSWERED, M4H_SSH_OPEN_CONNECT_FAILED,
                      "%s does not take connections at port %u now", access->told.client_key,
                      access->told.port);
}

void m4h_visits_reached(struct m4h_slave *slave, uint64_t visit_id, bool reached)
{
    struct m4h_access_case *access = find(slave, visit_id);
    struct m4h_order order = {.kind = M4H_ORDER_REACHED};

    if (access == NULL || access->is_open)
        return;
    if (!reached) {
        refuse_unanswered(slave, access);
        return;
    }
    order.session_id = access->visitor->session_id;
    order.as.reached.visit_id = visit_id;
    order.as.reached.fd = access->fd;
    access->fd = -1;
    access->is_open = true;
    access->opened_ms = m4h_loop_now_ms(slave->loop);
    slave->counters.accesses[M4H_ACCESS_RESULT_OPENED]++;
    m4h_slave_order(slave, &order);
    m4h_access_log(access, "an operator is at a device");
    m4h_access_publish(slave, access, M4H_ACCESS_OPENED);
}

/* ---- a device that hangs elsewhere ----------------------------------------------------- */

/* NULL: no memory. */
static struct m4h_hop_request *make_request(const struct m4h_slave *slave,
                                            const struct m4h_access_case *access, int fd)
{
    const struct m4h_located *located = access->located;
    struct m4h_hop_request *request = calloc(1, sizeof(*request));

    if (request == NULL)
        return NULL;
    request->visit_id = access->visit_id;
    request->fd = fd;
    m4h_text_copy(request->slave_id, sizeof(request->slave_id), located->slave_id);
    m4h_text_copy(request->host, sizeof(request->host), located->host);
    request->ssh_port = located->port;
    memcpy(request->host_keys, located->host_keys, sizeof(request->host_keys));
    request->host_key_count = located->host_key_count;
    m4h_text_copy(request->client_key, sizeof(request->client_key), access->told.client_key);
    request->port = m4h_access_port(&located->tunnel, access->told.port);
    m4h_text_copy(request->originator, sizeof(request->originator), access->originator);
    request->wait_ms = (uint32_t)slave->config->operator_reach_ms;
    return request;
}

/* The visitor's own worker carries it there. */
static void go_far(struct m4h_slave *slave, struct m4h_access_case *access)
{
    struct m4h_order order = {.kind = M4H_ORDER_HOP, .session_id = access->visitor->session_id};
    int fd = open_ends(slave, access);

    if (fd < 0)
        return;
    order.as.hop = make_request(slave, access, fd);
    if (order.as.hop == NULL) {
        close(fd);
        m4h_access_refuse_full(slave, access);
        return;
    }
    m4h_slave_order(slave, &order);
}

static void visit_located(struct m4h_slave *slave, struct m4h_access_case *access)
{
    const struct m4h_located *located = access->located;
    struct m4h_access *told = &access->told;

    if (!may_reach(access, located->tunnel.labels)) {
        m4h_access_refuse_hidden(slave, access, M4H_ACCESS_RESULT_FORBIDDEN);
    } else if (strcmp(located->slave_id, slave->config->id) == 0) {
        m4h_access_refuse_absent(
            slave, access); /* it has just left, and that master has not heard of it */
    } else if (m4h_access_port(&located->tunnel, told->port) == 0) {
        m4h_access_refuse_port(slave, access, &located->tunnel);
    } else {
        told->tunnel_id = located->tunnel.tunnel_id;
        m4h_text_copy(told->device_slave_id, sizeof(told->device_slave_id), located->slave_id);
        go_far(slave, access);
    }
}

static int on_locate_reply(void *context, const uint8_t *data, size_t len,
                           char master_id[M4H_ID_MAX + 1])
{
    struct m4h_access_case *access = context;
    int error;

    memset(&access->problem, 0, sizeof(access->problem));
    error = m4h_wire_locate_reply_decode(data, len, access->located, master_id, &access->problem);
    if (error == 0 && access->problem.code == M4H_PROBLEM_UNAVAILABLE)
        error = M4H_EUNAVAILABLE;
    return error;
}

static void refuse_unknown(struct m4h_slave *slave, struct m4h_access_case *access)
{
    m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_UNANSWERED, M4H_SSH_OPEN_CONNECT_FAILED,
                      "%s is not connected here, and nobody can say now where it is",
                      access->told.client_key);
}

/* Where its labels decide, nobody learns whether there is such a device. */
static void refuse_missing(struct m4h_slave *slave, struct m4h_access_case *access)
{
    if (may_reach(access, ""))
        m4h_access_refuse_absent(slave, access);
    else
        m4h_access_refuse_hidden(slave, access, M4H_ACCESS_RESULT_ABSENT);
}

static void on_locate_end(void *context, int error)
{
    struct m4h_access_case *access = context;

    access->inquiry = NULL;
    if (error == 0 && access->problem.code == 0)
        visit_located(access->slave, access);
    else if (error == 0 && access->problem.code == M4H_PROBLEM_NOT_FOUND)
        refuse_missing(access->slave, access);
    else
        refuse_unknown(access->slave, access);
}

static void locate(struct m4h_slave *slave, struct m4h_access_case *access)
{
    static const struct m4h_inquiry_kind kind = {"mas4h.v1.rpc.locate", on_locate_reply,
                                                 on_locate_end};
    struct m4h_locate_request request = {.slave_id = ""};
    int error = M4H_ENOMEM;

    m4h_text_copy(request.slave_id, sizeof(request.slave_id), slave->config->id);
    m4h_text_copy(request.client_key, sizeof(request.client_key), access->told.client_key);
    free(access->located);
    access->located = calloc(1, sizeof(*access->located));
    m4h_buffer_clear(&slave->message);
    if (access->located != NULL)
        error = m4h_wire_locate_request_encode(&request, &slave->message);
    if (error == 0)
        error = m4h_inquiry_start(&access->inquiry, slave, &kind, slave->message.data,
                                  slave->message.len, (uint32_t)slave->config->authorize_timeout_ms,
                                  access);
    if (error != 0)
        refuse_unknown(slave, access);
}

/* ---- wherever it is ---------------------------------------------------------------- */

/* Who may not reach the one here waits for a master as for one that is not there: the time that a
 * refusal takes tells nothing either. */
static void find_device(struct m4h_slave *slave, struct m4h_access_case *access)
{
    const struct m4h_resident *resident = m4h_roster_owner(slave->roster, access->told.client_key);

    if (resident != NULL && resident->state == M4H_RESIDENT_UP &&
        may_reach(access, resident->tunnel.labels))
        visit_resident(slave, access, resident);
    else if (access->visitor->is_hop)
        m4h_access_refuse_absent(slave, access);
    else
        locate(slave, access);
}

static void refuse_hop(struct m4h_slave *slave, struct m4h_access_case *access,
                       enum m4h_hop_result result)
{
    const struct m4h_access *told = &access->told;

    switch (result) {
    case M4H_HOP_ABSENT:
        refuse_unanswered(slave, access);
        break;
    case M4H_HOP_FULL:
        m4h_access_refuse_full(slave, access);
        break;
    case M4H_HOP_UNTRUSTED:
        m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_UNANSWERED, M4H_SSH_OPEN_CONNECT_FAILED,
                          "%s hangs at %s, which does not know this slave, or is not known here",
                          told->client_key, told->device_slave_id);
        break;
    default:
        m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_UNANSWERED, M4H_SSH_OPEN_CONNECT_FAILED,
                          "%s hangs at %s, which cannot be reached from here now", told->client_key,
                          told->device_slave_id);
    }
}

/* The device may be elsewhere by now, or its slave: masters are asked once more. */
void m4h_visits_hopped(struct m4h_slave *slave, uint64_t visit_id, enum m4h_hop_result result)
{
    struct m4h_access_case *access = find(slave, visit_id);

    if (access == NULL || access->is_open)
        return;
    if (result == M4H_HOP_REACHED) {
        m4h_visits_reached(slave, visit_id, true);
        return;
    }
    close(access->fd);
    access->fd = -1;
    if (access->looked_again || result == M4H_HOP_FULL) {
        refuse_hop(slave, access, result);
        return;
    }
    access->looked_again = true;
    find_device(slave, access);
}

/* ---- a wish ------------------------------------------------------------------------- */

static uint32_t visits_max(const struct m4h_slave *slave, const struct m4h_visitor *visitor)
{
    uint32_t max = (uint32_t)slave->config->operator_channels_max;

    if (visitor->is_hop)
        return max * M4H_HOP_SHARE;
    return visitor->rules->channels_max > 0 ? visitor->rules->channels_max : max;
}

static void judge(struct m4h_slave *slave, struct m4h_access_case *access)
{
    const struct m4h_visitor *visitor = access->visitor;
    uint32_t max = visits_max(slave, visitor);

    if (!slave->config->operators_enabled) {
        m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_FORBIDDEN, M4H_SSH_OPEN_PROHIBITED,
                          "operators are not let in here any more");
        return;
    }
    if (visitor->visits > max) {
        m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_SURPLUS, M4H_SSH_OPEN_SHORTAGE,
                          "%u connections at once are the most", max);
        return;
    }
    if (!visitor->is_hop &&
        !m4h_access_might_allow(visitor->rules, access->told.client_key, access->told.port)) {
        m4h_access_refuse_forbidden(slave, access);
        return;
    }
    find_device(slave, access);
}

/* Who the device is told of: the operator, whom a hop names. */
static void name_originator(struct m4h_access_case *access,
                            const struct m4h_visit_question *question)
{
    struct m4h_ip ip;

    if (access->visitor->is_hop && m4h_ip_parse(question->originator, &ip) == 0)
        m4h_ip_peer_text(&ip, question->originator_port, access->originator);
    else
        m4h_text_copy(access->originator, sizeof(access->originator),
                      access->visitor->remote_address);
}

/* NULL: no memory. */
static struct m4h_access_case *add(struct m4h_slave *slave, struct m4h_visitor *visitor,
                                   const struct m4h_visit_question *question)
{
    struct m4h_access_case *access = calloc(1, sizeof(*access));
    struct m4h_access *told;

    if (access == NULL)
        return NULL;
    access->visit_id = question->visit_id;
    HASH_ADD(hh, slave->accesses, visit_id, sizeof(access->visit_id), access);
    if (access->hh.tbl == NULL) {
        free(access);
        return NULL;
    }
    access->slave = slave;
    access->visitor = visitor;
    visitor->visits++;
    access->fd = -1;
    access->deadline_ms = m4h_loop_now_ms(slave->loop) + (uint64_t)slave->config->operator_reach_ms;
    name_originator(access, question);
    told = &access->told;
    told->access_id = random_id();
    told->port = question->port;
    m4h_text_copy(told->operator_name, sizeof(told->operator_name), visitor->name);
    m4h_text_copy(told->key_fingerprint, sizeof(told->key_fingerprint), visitor->key_fingerprint);
    m4h_text_copy(told->remote_address, sizeof(told->remote_address), visitor->remote_address);
    m4h_ident_text_clean(told->client_key, sizeof(told->client_key), question->client_key);
    return access;
}

void m4h_visits_ask(struct m4h_slave *slave, uint64_t session_id,
                    struct m4h_visit_question *question)
{
    struct m4h_visitor *visitor = m4h_visitors_find(slave->visitors, session_id);
    struct m4h_access_case *access = NULL;

    if (visitor != NULL && !visitor->leaving)
        access = add(slave, visitor, question);
    free(question);
    if (access == NULL)
        return; /* it is being closed; or, without memory, its client gives up */
    if (HASH_COUNT(slave->accesses) == 1)
        m4h_timer_start(slave->access_timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
    judge(slave, access);
}

static void end(struct m4h_slave *slave, struct m4h_access_case *access)
{
    if (access->is_open) {
        access->told.duration_ms = m4h_loop_now_ms(slave->loop) - access->opened_ms;
        m4h_access_log(access, "an operator has left a device");
        m4h_access_publish(slave, access, M4H_ACCESS_CLOSED);
    }
    m4h_access_drop(slave, access);
}

void m4h_visits_over(struct m4h_slave *slave, const struct m4h_report *report)
{
    struct m4h_access_case *access = find(slave, report->as.over.visit_id);

    if (access == NULL)
        return;
    access->told.bytes_from_device = report->as.over.bytes_from_device;
    access->told.bytes_to_device = report->as.over.bytes_to_device;
    end(slave, access);
}

void m4h_visits_end_all(struct m4h_slave *slave, const struct m4h_visitor *visitor)
{
    struct m4h_access_case *access, *next;

    HASH_ITER(hh, slave->accesses, access, next)
    {
        if (access->visitor == visitor)
            end(slave, access);
    }
}

static void on_look(void *context)
{
    struct m4h_slave *slave = context;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    struct m4h_access_case *access, *next;

    HASH_ITER(hh, slave->accesses, access, next)
    {
        if (!access->is_open && now_ms >= access->deadline_ms)
            m4h_access_refuse(slave, access, M4H_ACCESS_RESULT_UNANSWERED,
                              M4H_SSH_OPEN_CONNECT_FAILED, "%s did not answer in time",
                              access->told.client_key);
    }
}

int m4h_visits_create(struct m4h_slave *slave)
{
    int error = m4h_visitors_create(&slave->visitors);

    if (error != 0)
        return error;
    return m4h_timer_create(&slave->access_timer, slave->loop, on_look, slave);
}

void m4h_visits_destroy(struct m4h_slave *slave)
{
    while (slave->accesses != NULL)
        m4h_access_drop(slave, slave->accesses);
    m4h_visitors_destroy(slave->visitors);
    m4h_timer_close(slave->access_timer);
}
