/* Revocations come in: told on control.revoke, or, by who was away, asked for page by page when a
 * master's hello shows that it knows of others (lib/base/revocations_pull.h). What they void is cut
 * a moment later, for all that came meanwhile in one walk over those who are here; so a list of
 * thousands costs a few walks. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From the first of some revocations to the walk. */
#define GATHER_MS       30u
#define PAGE_TIMEOUT_MS 2000u

static void log_bad(struct m4h_slave *slave, const char *what)
{
    uint32_t suppressed;

    if (m4h_log_limit_allows(&slave->command_lines, m4h_loop_now_ms(slave->loop), &suppressed))
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT, "suppressed=%" PRIu32 " %s", suppressed,
                what);
}

/* ---- who is cut ---------------------------------------------------------------------- */

/* By which it may be revoked: the device's, or the operator's; a slave's host key has none. */
static const char *name_of(const struct m4h_slave *slave, const struct m4h_standing *standing)
{
    const struct m4h_visitor *visitor = m4h_visitors_find(slave->visitors, standing->session_id);

    return visitor != NULL && !visitor->is_hop ? visitor->name : standing->client_key;
}

void m4h_revocations_io_heed(struct m4h_slave *slave, struct m4h_standing *standing)
{
    struct m4h_revoke by;

    switch (m4h_revocations_judge(slave->revocations, standing->key_fingerprint,
                                  name_of(slave, standing), standing->stamp, standing->seen, &by)) {
    case M4H_REVOCATIONS_STANDS:
        break;
    case M4H_REVOCATIONS_UNSURE:
        m4h_rechecks_soon(slave, standing, 0);
        break;
    case M4H_REVOCATIONS_VOID:
    case M4H_REVOCATIONS_BANNED:
        m4h_rechecks_cut(slave, standing, by.actor, by.reason);
        break;
    }
}

static void heed(void *context, struct m4h_standing *standing)
{
    m4h_revocations_io_heed(context, standing);
}

static void on_gathered(void *context)
{
    struct m4h_slave *slave = context;

    slave->gathers_revocations = false;
    m4h_standings_each(slave->standings, heed, slave);
}

static void gather(struct m4h_slave *slave)
{
    if (slave->gathers_revocations)
        return;
    slave->gathers_revocations = true;
    m4h_timer_start(slave->revocation_timer, GATHER_MS, 0);
}

/* ---- one that is told ----------------------------------------------------------------- */

/* Of an earlier version: now, and nothing is remembered. */
struct at_once {
    struct m4h_slave *slave;
    const struct m4h_revoke *revoke;
};

static void cut_at_once(void *context, struct m4h_standing *standing)
{
    const struct at_once *at_once = context;
    const struct m4h_revoke *revoke = at_once->revoke;

    if ((revoke->client_key[0] != '\0' && strcmp(standing->client_key, revoke->client_key) == 0) ||
        strcmp(standing->key_fingerprint, revoke->key_fingerprint) == 0)
        m4h_rechecks_cut(at_once->slave, standing, revoke->actor, revoke->reason);
}

static void revoke_at_once(struct m4h_slave *slave, const struct m4h_revoke *revoke)
{
    struct at_once at_once = {slave, revoke};

    m4h_decisions_forget(slave->decisions, revoke->client_key, revoke->key_fingerprint);
    m4h_standings_each(slave->standings, cut_at_once, &at_once);
}

/* `heard_stamp`: see m4h_revocations_merge. A stamp far ahead would void what is decided for years.
 */
static int merge(struct m4h_slave *slave, const struct m4h_revoke *revoke, uint64_t heard_stamp)
{
    enum m4h_revocations_news news;
    int error;

    m4h_stamp_see(&slave->clock, m4h_walltime_now_ms(), revoke->stamp);
    error = m4h_revocations_merge(slave->revocations, revoke, heard_stamp, &news);
    if (error == 0 && news != M4H_REVOCATIONS_KNOWN)
        gather(slave);
    return error;
}

void m4h_revocations_io_on_revoke(void *context, const struct m4h_bus_message *message)
{
    struct m4h_slave *slave = context;
    uint64_t wall_ms = m4h_walltime_now_ms();
    struct m4h_revoke revoke;

    if (m4h_wire_revoke_decode(message->data, message->len, &revoke) != 0 ||
        !m4h_stamp_is_near(wall_ms, revoke.stamp))
        log_bad(slave, "not a revocation");
    else if (revoke.stamp == 0)
        revoke_at_once(slave, &revoke);
    else if (merge(slave, &revoke, m4h_stamp_next(&slave->clock, wall_ms, 0)) != 0)
        log_bad(slave, "a revocation could not be taken");
}

/* ---- those that were missed ------------------------------------------------------------ */

static void on_page(void *context, int error, const uint8_t *data, size_t len);

static void ask_page(struct m4h_slave *slave)
{
    struct m4h_revocations_request request = {.page_size = M4H_REVOCATIONS_PAGE_MAX};
    char subject[M4H_ID_MAX + 48];
    uint64_t id;
    int error;

    m4h_text_copy(request.page_token, sizeof(request.page_token), slave->pull.page_token);
    snprintf(subject, sizeof(subject), "mas4h.v1.master.%s.revocations", slave->pull.master);
    m4h_buffer_clear(&slave->message);
    error = m4h_wire_revocations_request_encode(&request, &slave->message);
    if (error == 0)
        error = m4h_bus_request(slave->bus, subject, slave->message.data, slave->message.len,
                                m4h_loop_now_ms(slave->loop), PAGE_TIMEOUT_MS, on_page, slave, &id);
    if (error != 0)
        m4h_revocations_pull_failed(&slave->pull);
}

/* M4H_ENOMEM: some of them are missing. One that cannot be taken is no reason to ask for ever. */
static int merge_page(struct m4h_slave *slave, const struct m4h_revoke *page, size_t count)
{
    uint64_t wall_ms = m4h_walltime_now_ms();

    for (size_t i = 0; i < count; i++) {
        if (m4h_stamp_is_near(wall_ms, page[i].stamp) && merge(slave, &page[i], 0) == M4H_ENOMEM)
            return M4H_ENOMEM;
    }
    return 0;
}

static void on_page(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_slave *slave = context;
    struct m4h_problem problem = {0};
    struct m4h_revoke *page = NULL;
    char token[M4H_REVOCATION_NAME_MAX + 1];
    uint64_t digest;
    size_t count = 0;

    if (error == 0)
        error =
            m4h_wire_revocations_reply_decode(data, len, &page, &count, token, &digest, &problem);
    if (error == 0)
        error = problem.code != 0 ? M4H_EUNAVAILABLE : merge_page(slave, page, count);
    free(page);
    if (error != 0)
        m4h_revocations_pull_failed(&slave->pull);
    else if (m4h_revocations_pull_page(&slave->pull, digest, token))
        ask_page(slave);
}

void m4h_revocations_io_heard(struct m4h_slave *slave, const struct m4h_master_hello *hello)
{
    if (!hello->stopping &&
        m4h_revocations_pull_heard(&slave->pull, hello->master_id, hello->revocations_digest,
                                   m4h_revocations_digest(slave->revocations)))
        ask_page(slave);
}

/* ---- life -------------------------------------------------------------------------------- */

int m4h_revocations_io_create(struct m4h_slave *slave)
{
    int error = m4h_revocations_create(&slave->revocations, M4H_REVOCATIONS_MAX);

    return error != 0 ? error
                      : m4h_timer_create(&slave->revocation_timer, slave->loop, on_gathered, slave);
}

void m4h_revocations_io_destroy(struct m4h_slave *slave)
{
    m4h_timer_close(slave->revocation_timer);
    m4h_revocations_destroy(slave->revocations);
}
