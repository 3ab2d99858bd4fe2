/* A question to the masters, on its way. */
#include "services/slave/io/inquiry.h"

#include "lib/base/error.h"
#include "lib/base/tries.h"
#include "services/slave/io/hub.h"

#include <stdlib.h>
#include <string.h>

struct m4h_inquiry {
    struct m4h_slave *slave;
    const struct m4h_inquiry_kind *kind;
    void *context;
    struct m4h_tries tries;
    uint64_t request_id;         /* on the bus */
    char master[M4H_ID_MAX + 1]; /* that has it; empty: any of the queue group */
    uint64_t asked_ms;           /* since when */
    size_t len;
    uint8_t data[];
};

/* What the end of a try says of the master that had it: `answered_by`, or empty. */
static void judge_master(const struct m4h_inquiry *inquiry, int error, const char *answered_by)
{
    struct m4h_slave *slave = inquiry->slave;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint64_t took_ms = now_ms - inquiry->asked_ms;

    if (!m4h_bus_is_connected(slave->bus))
        return;
    if (inquiry->master[0] == '\0') {
        if (error == 0 && answered_by[0] != '\0')
            m4h_known_masters_near(&slave->masters, answered_by, now_ms);
        return;
    }
    if (error == 0)
        m4h_known_masters_answered(&slave->masters, inquiry->master, took_ms);
    else if (m4h_known_masters_failed(&slave->masters, inquiry->master,
                                      error == M4H_ETIMEOUT ? took_ms : UINT64_MAX, now_ms))
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT, "master=%s reason=\"%s\" others are asked",
                inquiry->master, m4h_error_text(error));
}

/* Names the master that is asked, or nobody. Returns the subject. */
static const char *address(struct m4h_inquiry *inquiry, uint64_t now_ms, uint32_t *patience_ms,
                           char direct[M4H_KNOWN_MASTERS_SUBJECT_MAX])
{
    struct m4h_slave *slave = inquiry->slave;
    const char *id =
        m4h_known_masters_choose(&slave->masters, now_ms, slave->next_choice++, patience_ms);

    inquiry->master[0] = '\0';
    inquiry->asked_ms = now_ms;
    if (id == NULL || !m4h_known_masters_subject(direct, inquiry->kind->subject, id)) {
        *patience_ms = UINT32_MAX;
        return inquiry->kind->subject;
    }
    m4h_text_copy(inquiry->master, sizeof(inquiry->master), id);
    return direct;
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len);

static int ask(struct m4h_inquiry *inquiry)
{
    struct m4h_slave *slave = inquiry->slave;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    char direct[M4H_KNOWN_MASTERS_SUBJECT_MAX];
    uint32_t patience_ms, timeout_ms;
    const char *subject = address(inquiry, now_ms, &patience_ms, direct);

    timeout_ms = m4h_tries_next(&inquiry->tries, now_ms, patience_ms);
    if (timeout_ms == 0)
        return M4H_ETIMEOUT;
    return m4h_bus_request(slave->bus, subject, inquiry->data, inquiry->len, now_ms, timeout_ms,
                           on_reply, inquiry, &inquiry->request_id);
}

/* True: another master has it now. */
static bool ask_another(struct m4h_inquiry *inquiry, int error)
{
    struct m4h_slave *slave = inquiry->slave;
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    uint32_t pause_ms, patience_ms;

    if (!m4h_bus_is_connected(slave->bus) ||
        !m4h_tries_again(&inquiry->tries, error, now_ms, 0, &pause_ms))
        return false;
    if (error == M4H_EUNAVAILABLE &&
        m4h_known_masters_choose(&slave->masters, now_ms, 0, &patience_ms) == NULL)
        return false;
    return ask(inquiry) == 0;
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_inquiry *inquiry = context;
    const struct m4h_inquiry_kind *kind = inquiry->kind;
    void *owner = inquiry->context;
    char master_id[M4H_ID_MAX + 1] = "";

    if (error == 0)
        error = kind->on_reply(owner, data, len, master_id);
    judge_master(inquiry, error, master_id);
    if (error != 0 && ask_another(inquiry, error))
        return;
    free(inquiry);
    kind->on_end(owner, error);
}

int m4h_inquiry_start(struct m4h_inquiry **inquiry, struct m4h_slave *slave,
                      const struct m4h_inquiry_kind *kind, const uint8_t *data, size_t len,
                      uint32_t timeout_ms, void *context)
{
    struct m4h_inquiry *made = calloc(1, sizeof(*made) + len);
    int error;

    *inquiry = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->slave = slave;
    made->kind = kind;
    made->context = context;
    made->len = len;
    memcpy(made->data, data, len);
    m4h_tries_begin(&made->tries, m4h_loop_now_ms(slave->loop), timeout_ms, true);
    error = ask(made);
    if (error != 0) {
        free(made);
        return error;
    }
    *inquiry = made;
    return 0;
}

void m4h_inquiry_cancel(struct m4h_inquiry *inquiry)
{
    if (inquiry == NULL)
        return;
    m4h_bus_cancel(inquiry->slave->bus, inquiry->request_id);
    free(inquiry);
}
