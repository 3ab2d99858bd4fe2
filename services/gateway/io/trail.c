/* Reading the audit back.
 *
 * Happy path: the stream's last number is asked for -> from there, or from where the last page
 * ended, down, message after message is asked for, a window at a time -> each is made an entry, and
 * those that are asked for are kept -> when the page is full, the time or the stream is over, or
 * enough was looked at, the answer is given, with a token that goes on below.
 *
 * Failures: no stream is 503; so is a question that gets no answer, where nothing was found yet:
 * else the page ends there, and its token is tried again. A number that the stream does not hold
 * any more is passed over.
 *
 * STREAM.MSG.GET, as in io/replay.c: nothing has to be cleaned up, and no consumer goes backwards.
 */
#include "services/gateway/io/trail.h"

#include "lib/base/error.h"
#include "lib/json/json.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/audit.h"
#include "services/gateway/core/problem.h"
#include "services/gateway/core/scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define SCANS_MAX      8u /* at a time */
#define WINDOW         128u
#define LOOKED_MAX     20000u /* messages for one page */
#define LOOKED_MS      1500u  /* and for so long */
#define ASK_TIMEOUT_MS 2000u
#define RETRY_MS       1000u
#define PAYLOAD_MAX    65536u
#define REQUEST_MAX    64u
#define SUBJECT_BYTES  256
#define DOCUMENT_MAX   (4u << 20)

static const char events[] = "mas4h.v1.events.";
static const char audits[] = "mas4h.v1.audit.";

enum place {
    FREE,
    ASKED,
    ANSWERED,
};

struct slot {
    struct scan *scan;
    enum place place;
    uint64_t seq;
    uint64_t bus_id;
    bool is_wanted;
    uint64_t stored_wall_ms; /* 0: not known */
    struct m4h_gateway_audit_entry entry;
};

/* One request. */
struct scan {
    struct scan *prev, *next;
    struct m4h_gateway_trail *trail;
    struct m4h_http_request *request;
    struct m4h_gateway_audit_query query;
    uint64_t look_id; /* on the bus; 0: not asked */
    uint64_t first_seq;
    uint64_t next_seq; /* to be taken, counting down */
    uint64_t until_ms;
    uint32_t looked;
    struct m4h_audit_record *found; /* query.page_size of them */
    size_t found_count;
    struct slot slots[WINDOW];
};

struct m4h_gateway_trail {
    struct m4h_loop *loop;
    struct m4h_bus *bus;
    const char *stream;
    struct scan *scans;
    size_t scan_count;
    struct m4h_buffer payload; /* of one message at a time */
    uint64_t looked;
};

/* ---- the end ----------------------------------------------------------------------- */

static void forget(struct scan *scan)
{
    struct m4h_gateway_trail *trail = scan->trail;

    if (scan->look_id != 0)
        m4h_bus_cancel(trail->bus, scan->look_id);
    for (size_t i = 0; i < WINDOW; i++)
        if (scan->slots[i].bus_id != 0)
            m4h_bus_cancel(trail->bus, scan->slots[i].bus_id);
    DL_DELETE(trail->scans, scan);
    trail->scan_count--;
    free(scan->found);
    free(scan);
}

static void fail(struct scan *scan, const char *detail)
{
    struct m4h_http_request *request = scan->request;

    forget(scan);
    m4h_http_answer_problem(request, 503, "unavailable", detail, RETRY_MS);
}

/* `goes_on`: there may be more below. */
static void finish(struct scan *scan, bool goes_on)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(DOCUMENT_MAX);
    struct m4h_http_request *request = scan->request;
    char token[24] = "";
    int error;

    if (goes_on && scan->next_seq >= scan->first_seq)
        snprintf(token, sizeof(token), "%" PRIu64, scan->next_seq + 1);
    error = m4h_json_audit(&body, scan->found, scan->found_count, token);
    forget(scan);
    if (error == 0)
        m4h_http_answer_json(request, 200, &body);
    else
        m4h_http_answer_problem(request, 500, "internal", m4h_error_text(error), 0);
    m4h_buffer_free(&body);
}

/* A question had no answer, or could not be asked. */
static void stop_short(struct scan *scan)
{
    if (scan->found_count > 0)
        finish(scan, true);
    else
        fail(scan, "the stream of events does not answer");
}

/* ---- one message ------------------------------------------------------------------- */

/* The service of a record is the one of its subject, as an event's slave is. */
static bool is_from(const char *subject, const char *begin, const char *sender, const char *end)
{
    size_t len = strlen(begin), sender_len = strlen(sender);

    if (strncmp(subject, begin, len) != 0)
        return false;
    if (end[0] == '\0')
        return strcmp(subject + len, sender) == 0;
    subject = strchr(subject + len, '.'); /* behind the region */
    return subject != NULL && strncmp(subject + 1, sender, sender_len) == 0 &&
           subject[1 + sender_len] == '.' && strcmp(subject + 2 + sender_len, end) == 0;
}

static bool read_entry(const char *subject, const struct m4h_buffer *payload,
                       struct m4h_gateway_audit_entry *entry)
{
    struct m4h_event event;

    *entry = (struct m4h_gateway_audit_entry){0};
    if (strncmp(subject, audits, strlen(audits)) == 0)
        return m4h_wire_audit_record_decode(payload->data, payload->len, &entry->record) == 0 &&
               is_from(subject, audits, entry->record.service_id, "");
    return m4h_wire_event_decode(payload->data, payload->len, &event) == 0 &&
           is_from(subject, events, event.slave_id, m4h_event_type_name(event.type)) &&
           m4h_gateway_audit_of_event(&event, entry);
}

static void take_in(struct slot *slot, const struct m4h_json_stored *stored)
{
    struct scan *scan = slot->scan;

    slot->stored_wall_ms = stored->wall_ms;
    slot->is_wanted = read_entry(stored->subject, &scan->trail->payload, &slot->entry) &&
                      m4h_gateway_audit_passes(&scan->query, &slot->entry);
    snprintf(slot->entry.record.record_id, sizeof(slot->entry.record.record_id), "%" PRIu64,
             slot->seq);
}

static void go_on(struct scan *scan);

static void on_message(void *context, int error, const uint8_t *data, size_t len)
{
    struct slot *slot = context;
    struct m4h_gateway_trail *trail = slot->scan->trail;
    struct m4h_json_stored stored;

    slot->bus_id = 0;
    slot->is_wanted = false;
    slot->stored_wall_ms = 0;
    m4h_buffer_clear(&trail->payload);
    if (error == 0)
        error = m4h_json_stored_parse(data, len, &stored, &trail->payload);
    if (error == M4H_ETIMEOUT || error == M4H_EUNAVAILABLE) {
        stop_short(slot->scan);
        return;
    }
    slot->place = ANSWERED;
    if (error == 0 && stored.seq == slot->seq)
        take_in(slot, &stored);
    go_on(slot->scan);
}

static int ask(struct slot *slot, uint64_t seq)
{
    const struct m4h_gateway_trail *trail = slot->scan->trail;
    struct m4h_buffer body = M4H_BUFFER_INIT(REQUEST_MAX);
    char subject[SUBJECT_BYTES];
    int error = m4h_json_stored_request(&body, seq);

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.MSG.GET.%s", trail->stream);
    if (error == 0)
        error =
            m4h_bus_request(trail->bus, subject, body.data, body.len, m4h_loop_now_ms(trail->loop),
                            ASK_TIMEOUT_MS, on_message, slot, &slot->bus_id);
    m4h_buffer_free(&body);
    if (error == 0) {
        slot->place = ASKED;
        slot->seq = seq;
    }
    return error;
}

/* ---- downwards --------------------------------------------------------------------- */

/* Nothing that lies below can be wanted: what was stored earlier happened earlier. */
static bool is_below_all(const struct scan *scan, const struct slot *slot)
{
    return slot->stored_wall_ms != 0 && slot->stored_wall_ms < scan->query.since_wall_ms;
}

/* Takes what has come, in order. False: the scan is over. */
static bool take(struct scan *scan)
{
    while (scan->next_seq >= scan->first_seq) {
        struct slot *slot = &scan->slots[scan->next_seq % WINDOW];

        if (slot->place != ANSWERED || slot->seq != scan->next_seq)
            return true;
        slot->place = FREE;
        scan->next_seq--;
        scan->looked++;
        scan->trail->looked++;
        if (slot->is_wanted)
            scan->found[scan->found_count++] = slot->entry.record;
        if (is_below_all(scan, slot)) {
            finish(scan, false);
            return false;
        }
        if (scan->found_count == scan->query.page_size || scan->looked >= LOOKED_MAX ||
            m4h_loop_now_ms(scan->trail->loop) >= scan->until_ms) {
            finish(scan, true);
            return false;
        }
    }
    finish(scan, false);
    return false;
}

static void go_on(struct scan *scan)
{
    if (!take(scan))
        return;
    for (uint64_t seq = scan->next_seq; seq >= scan->first_seq && scan->next_seq - seq < WINDOW;
         seq--) {
        struct slot *slot = &scan->slots[seq % WINDOW];

        if (slot->place == FREE && ask(slot, seq) != 0) {
            stop_short(scan);
            return;
        }
    }
}

/* ---- the request -------------------------------------------------------------------- */

static void on_looked(void *context, int error, const uint8_t *data, size_t len)
{
    struct scan *scan = context;
    const struct m4h_gateway_audit_query *query = &scan->query;
    uint64_t first_seq = 0, last_seq = 0;

    scan->look_id = 0;
    if (error == 0)
        error = m4h_json_stream_state_parse(data, len, &first_seq, &last_seq);
    if (error != 0) {
        fail(scan, "there is no stream of events: the audit needs JetStream");
        return;
    }
    scan->first_seq = first_seq > query->after ? first_seq : query->after + 1;
    if (scan->first_seq == 0)
        scan->first_seq = 1;
    scan->next_seq = query->before != 0 && query->before <= last_seq ? query->before - 1 : last_seq;
    go_on(scan);
}

static void look(struct scan *scan)
{
    struct m4h_gateway_trail *trail = scan->trail;
    uint64_t now_ms = m4h_loop_now_ms(trail->loop);
    char subject[SUBJECT_BYTES];

    scan->until_ms = now_ms + LOOKED_MS;
    snprintf(subject, sizeof(subject), "$JS.API.STREAM.INFO.%s", trail->stream);
    if (m4h_bus_request(trail->bus, subject, NULL, 0, now_ms, ASK_TIMEOUT_MS, on_looked, scan,
                        &scan->look_id) != 0)
        fail(scan, "NATS is away");
}

static struct scan *create_scan(struct m4h_gateway_trail *trail, struct m4h_http_request *request,
                                const struct m4h_gateway_audit_query *query)
{
    struct scan *scan = calloc(1, sizeof(*scan));

    if (scan == NULL)
        return NULL;
    scan->found = calloc(query->page_size, sizeof(scan->found[0]));
    if (scan->found == NULL) {
        free(scan);
        return NULL;
    }
    scan->trail = trail;
    scan->request = request;
    scan->query = *query;
    for (size_t i = 0; i < WINDOW; i++)
        scan->slots[i].scan = scan;
    DL_APPEND(trail->scans, scan);
    trail->scan_count++;
    return scan;
}

/* False: the request is wrong, and answered. */
static bool read_query(struct m4h_http_request *request, struct m4h_gateway_audit_query *query)
{
    const struct m4h_gateway_audit_texts texts = {
        .since = m4h_http_query(request, "since"),
        .until = m4h_http_query(request, "until"),
        .actor = m4h_http_query(request, "actor"),
        .action = m4h_http_query(request, "action"),
        .target = m4h_http_query(request, "target"),
        .after = m4h_http_query(request, "after"),
        .page_size = m4h_http_query(request, "page_size"),
        .page_token = m4h_http_query(request, "page_token"),
    };
    struct m4h_problem problem = {0};

    if (!m4h_http_check_accept(request, M4H_HTTP_JSON))
        return false;
    if (m4h_gateway_audit_parse(&texts, query, &problem) == 0)
        return true;
    m4h_http_answer_problem(request, m4h_gateway_problem_status(&problem),
                            m4h_problem_code_name(problem.code), problem.detail, 0);
    return false;
}

static void get_audit(void *context, struct m4h_http_request *request)
{
    struct m4h_gateway_trail *trail = context;
    struct m4h_gateway_audit_query query;
    struct scan *scan;

    if (!read_query(request, &query))
        return;
    if (trail->stream[0] == '\0' || trail->scan_count >= SCANS_MAX) {
        m4h_http_answer_problem(request, 503, "unavailable",
                                trail->stream[0] == '\0'
                                    ? "[events] stream is empty: there is nothing to read from"
                                    : "too many read the audit now",
                                RETRY_MS);
        return;
    }
    scan = create_scan(trail, request, &query);
    if (scan == NULL) {
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
        return;
    }
    m4h_http_defer(request);
    look(scan);
}

static const struct m4h_http_route routes[] = {
    {"GET", "/v1/audit", get_audit, false, M4H_GATEWAY_SCOPE_READ},
};

struct m4h_http_routes m4h_gateway_trail_routes(struct m4h_gateway_trail *trail)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), trail};
}

/* ---- life ---------------------------------------------------------------------------- */

int m4h_gateway_trail_create(struct m4h_gateway_trail **trail, struct m4h_loop *loop,
                             struct m4h_bus *bus, const char *stream)
{
    struct m4h_gateway_trail *self = calloc(1, sizeof(*self));

    *trail = self;
    if (self == NULL)
        return M4H_ENOMEM;
    self->loop = loop;
    self->bus = bus;
    self->stream = stream;
    self->payload.cap = PAYLOAD_MAX;
    return 0;
}

void m4h_gateway_trail_destroy(struct m4h_gateway_trail *trail)
{
    if (trail == NULL)
        return;
    while (trail->scans != NULL)
        fail(trail->scans, "this gateway stops");
    m4h_buffer_free(&trail->payload);
    free(trail);
}

void m4h_gateway_trail_write_metrics(const struct m4h_gateway_trail *trail,
                                     struct m4h_metrics *metrics)
{
    m4h_metrics_single(metrics, "mas4h_gateway_audit_reads", "gauge",
                       "Requests for the audit that are under way.", (double)trail->scan_count);
    m4h_metrics_single(metrics, "mas4h_gateway_audit_looked_total", "counter",
                       "Messages of the stream that were looked at for the audit.",
                       (double)trail->looked);
}
