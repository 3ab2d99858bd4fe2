/* A visit: asked -> the hub finds the device and has its worker open a channel there ->
 * reached, the operator's channel is opened and bytes flow -> over. Or refused, with words
 * that the operator's client shows. The hub is told of each visit's end once, unless it
 * refused it. */
#include "services/slave/io/visit.h"

#include "lib/base/error.h"
#include "services/slave/io/conduit.h"
#include "services/slave/io/entrance.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct m4h_visit {
    struct m4h_visit *next;
    struct m4h_device *visitor;
    uint64_t id;
    struct m4h_ssh_open *open;  /* NULL once it is answered */
    struct m4h_conduit conduit; /* then: the connection to the device, the operator's channel */
    uint64_t bytes_from_device;
    uint64_t bytes_to_device;
};

static struct m4h_visit *find(struct m4h_device *visitor, uint64_t visit_id)
{
    struct m4h_visit *visit = visitor->visits;

    while (visit != NULL && visit->id != visit_id)
        visit = visit->next;
    return visit;
}

/* What hangs on it has been closed or answered. */
static void drop(struct m4h_visit *visit)
{
    struct m4h_device *visitor = visit->visitor;
    struct m4h_visit **at = &visitor->visits;

    while (*at != visit)
        at = &(*at)->next;
    *at = visit->next;
    free(visit);
    if (visitor->visits == NULL)
        m4h_device_idle(visitor);
}

static void tell_over(const struct m4h_visit *visit)
{
    m4h_worker_report(visit->visitor->worker,
                      &(struct m4h_report){
                          .kind = M4H_REPORT_VISIT_OVER,
                          .session_id = visit->visitor->session_id,
                          .as.over = {visit->id, visit->bytes_from_device, visit->bytes_to_device},
                      });
}

static void end(struct m4h_visit *visit)
{
    tell_over(visit);
    m4h_conduit_close(&visit->conduit);
    drop(visit);
}

static void on_sent(void *context, size_t len)
{
    ((struct m4h_visit *)context)->bytes_from_device += len;
}

static void on_received(void *context, size_t len)
{
    ((struct m4h_visit *)context)->bytes_to_device += len;
}

static void on_over(void *context)
{
    end(context);
}

static const struct m4h_conduit_handler conduit_handler = {
    .on_sent = on_sent,
    .on_received = on_received,
    .on_over = on_over,
};

/* NULL: it names no device, or there is no memory. */
static struct m4h_visit_question *make_question(uint64_t visit_id,
                                                const struct m4h_ssh_open_request *request)
{
    struct m4h_visit_question *question;

    if (strlen(request->host) > M4H_CLIENT_KEY_MAX || request->port > UINT16_MAX)
        return NULL;
    question = calloc(1, sizeof(*question));
    if (question == NULL)
        return NULL;
    question->visit_id = visit_id;
    m4h_text_copy(question->client_key, sizeof(question->client_key), request->host);
    question->port = (uint16_t)request->port;
    if (request->originator_port <= UINT16_MAX)
        question->originator_port = (uint16_t)request->originator_port;
    if (strlen(request->originator) < sizeof(question->originator))
        m4h_text_copy(question->originator, sizeof(question->originator), request->originator);
    return question;
}

void m4h_visit_ask(struct m4h_device *visitor, struct m4h_ssh_open *open,
                   const struct m4h_ssh_open_request *request)
{
    struct m4h_worker *worker = visitor->worker;
    uint64_t id = (uint64_t)worker->index << M4H_SESSION_WORKER_SHIFT | ++worker->next_visit;
    struct m4h_visit_question *question = make_question(id, request);
    struct m4h_visit *visit = question != NULL ? calloc(1, sizeof(*visit)) : NULL;

    if (visit == NULL) {
        free(question);
        m4h_ssh_open_refuse(open, M4H_SSH_OPEN_CONNECT_FAILED, "this is the name of no device");
        return;
    }
    visit->visitor = visitor;
    visit->id = id;
    visit->open = open;
    visit->next = visitor->visits;
    visitor->visits = visit;
    m4h_device_busy(visitor);
    m4h_worker_report(worker, &(struct m4h_report){.kind = M4H_REPORT_VISIT,
                                                   .session_id = visitor->session_id,
                                                   .as.visit = question});
}

/* The channel is open; `fd` is the conduit's from now on, also when it fails. */
static int carry(struct m4h_visit *visit, int fd)
{
    struct m4h_worker *worker = visit->visitor->worker;
    struct m4h_ssh_channel *channel;
    int error = m4h_conduit_start(&visit->conduit, worker, fd, &conduit_handler, visit);

    if (error != 0)
        return error;
    error =
        m4h_ssh_open_accept(visit->open, &channel, &m4h_conduit_channel_handler, &visit->conduit);
    visit->open = NULL;
    if (error == 0)
        m4h_conduit_join(&visit->conduit, channel, true);
    return error;
}

void m4h_visit_reached(struct m4h_device *visitor, uint64_t visit_id, int fd)
{
    struct m4h_visit *visit = find(visitor, visit_id);

    if (visit == NULL) {
        close(fd);
        return;
    }
    if (!m4h_entrance_lend_file(visitor->worker->entrance, &fd)) {
        close(fd);
        m4h_ssh_open_refuse(visit->open, M4H_SSH_OPEN_SHORTAGE, "the server is full");
        visit->open = NULL;
        end(visit);
    } else if (carry(visit, fd) != 0) {
        if (visit->open != NULL)
            m4h_ssh_open_refuse(visit->open, M4H_SSH_OPEN_SHORTAGE, "out of resources");
        visit->open = NULL;
        end(visit);
    }
}

void m4h_visit_refused(struct m4h_device *visitor, uint64_t visit_id,
                       enum m4h_ssh_open_refusal reason, const char *text)
{
    struct m4h_visit *visit = find(visitor, visit_id);

    if (visit == NULL)
        return;
    m4h_ssh_open_refuse(visit->open, reason, text);
    drop(visit);
}

void m4h_visit_end_all(struct m4h_device *visitor)
{
    while (visitor->visits != NULL)
        end(visitor->visits);
}
