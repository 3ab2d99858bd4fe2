/* Revocations: what was decided about a key, or a device, is void from a stamp on, and may be
 * banned.
 *
 * Each is merged into the set that every master and slave holds (lib/base/revocations.h) and told
 * to all at once on control.revoke. Who was away meanwhile sees by the digest in a hello that
 * something is missing, and asks for the set page by page: slaves ask masters, masters each other.
 */
#include "services/master/io/audit.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE_TIMEOUT_MS 2000u

int m4h_master_open_revocations(struct m4h_master *master)
{
    return m4h_revocations_create(&master->revocations, M4H_REVOCATIONS_MAX);
}

/* ---- taking in ------------------------------------------------------------------- */

static void log_bad(struct m4h_master *master, const char *what)
{
    uint32_t suppressed;

    master->counters.bad_shared++;
    if (m4h_log_limit_allows(&master->revocation_log, m4h_loop_now_ms(master->loop), &suppressed))
        m4h_log(M4H_LOG_WARNING, M4H_MASTER_LOG, "suppressed=%" PRIu32 " %s", suppressed, what);
}

/* Bans are said one by one; of the many that a file brings, in which all lines have changed, some.
 */
static void log_taken(struct m4h_master *master, const struct m4h_revoke *revoke, const char *what)
{
    char actor[2 * M4H_ACTOR_MAX], reason[2 * M4H_DETAIL_MAX];
    char client_key[2 * M4H_CLIENT_KEY_MAX];
    uint32_t suppressed = 0;

    if (!revoke->banned &&
        !m4h_log_limit_allows(&master->void_log, m4h_loop_now_ms(master->loop), &suppressed))
        return;
    m4h_log(M4H_LOG_INFO, M4H_MASTER_LOG,
            "key=%s device=%s actor=%s reason=%s suppressed=%" PRIu32 " %s",
            revoke->key_fingerprint[0] != '\0' ? revoke->key_fingerprint : "any",
            m4h_log_quote(client_key, sizeof(client_key), revoke->client_key),
            m4h_log_quote(actor, sizeof(actor), revoke->actor),
            m4h_log_quote(reason, sizeof(reason), revoke->reason), suppressed, what);
}

/* Into the set. Validators are asked anew. */
static int take(struct m4h_master *master, const struct m4h_revoke *revoke,
                enum m4h_revocations_news *news)
{
    int error = m4h_revocations_merge(master->revocations, revoke, 0, news);

    if (error == 0 && *news != M4H_REVOCATIONS_KNOWN)
        m4h_chain_forget(master->chain, revoke->key_fingerprint, revoke->client_key);
    return error;
}

/* Where it bans or lifts a ban, into what outlives this process. True: that answers `asker`. */
static bool keep(struct m4h_master *master, const struct m4h_revoke *revoke,
                 enum m4h_revocations_news news, const struct m4h_bus_message *asker)
{
    return news == M4H_REVOCATIONS_BAN && master->keep_ban != NULL &&
           master->keep_ban(master->keep_ban_context, revoke, asker);
}

/* From elsewhere, where a clock may be wrong: one that is far ahead would void what will be decided
 * for years. */
static int take_from_elsewhere(struct m4h_master *master, const struct m4h_revoke *revoke,
                               enum m4h_revocations_news *news)
{
    uint64_t wall_ms = m4h_walltime_now_ms();
    int error;

    *news = M4H_REVOCATIONS_KNOWN;
    if (!m4h_stamp_is_near(wall_ms, revoke->stamp))
        return M4H_EINVALID;
    m4h_stamp_see(&master->stamps, wall_ms, revoke->stamp);
    error = take(master, revoke, news);
    if (error == 0)
        (void)keep(master, revoke, *news, NULL);
    return error;
}

void m4h_master_restore_ban(struct m4h_master *master, const struct m4h_revoke *revoke)
{
    enum m4h_revocations_news news;

    m4h_stamp_see(&master->stamps, m4h_walltime_now_ms(), revoke->stamp);
    if (m4h_revocations_merge(master->revocations, revoke, 0, &news) != 0)
        log_bad(master, "a kept ban cannot be taken");
}

bool m4h_master_is_banned(const struct m4h_master *master, const char *key_fingerprint,
                          const char *client_key, char detail[M4H_DETAIL_MAX + 1])
{
    struct m4h_revoke by;
    char text[M4H_DETAIL_MAX + 16];

    if (!m4h_revocations_ban(master->revocations, key_fingerprint, client_key, &by))
        return false;
    snprintf(text, sizeof(text), "banned%s%s", by.reason[0] != '\0' ? ": " : "", by.reason);
    m4h_ident_text_clean(detail, M4H_DETAIL_MAX + 1, text);
    return true;
}

/* ---- telling --------------------------------------------------------------------- */

/* Later than the one before about that name, and than the tunnel that it has. */
static uint64_t stamp_for(struct m4h_master *master, const char *key_fingerprint,
                          const char *client_key)
{
    struct m4h_tunnel_status tunnel = {0};
    uint64_t known = m4h_revocations_stamp(master->revocations, key_fingerprint, client_key);

    if (client_key[0] != '\0' && m4h_cluster_tunnel(master->cluster, client_key, &tunnel) == 0 &&
        tunnel.tunnel.stamp > known)
        known = tunnel.tunnel.stamp;
    return m4h_stamp_next(&master->stamps, m4h_walltime_now_ms(), known);
}

/* All slaves and masters hear of it now, or as soon as NATS is back; who does not, later. */
static void tell(struct m4h_master *master, const struct m4h_revoke *revoke)
{
    int error = m4h_wire_revoke_encode(revoke, &master->out);

    if (error == 0)
        error = m4h_bus_publish(master->bus, "mas4h.v1.control.revoke", M4H_BUS_KEEP, NULL,
                                master->out.data, master->out.len);
    m4h_buffer_clear(&master->out);
    if (error != 0)
        master->counters.voids_lost++;
}

static int revoke_now(struct m4h_master *master, const struct m4h_revoke *revoke,
                      enum m4h_revocations_news *news)
{
    int error = take(master, revoke, news);

    if (error != 0)
        return error;
    log_taken(master, revoke,
              revoke->banned ? "is banned, and what was decided before is void"
                             : "what was decided before is void");
    tell(master, revoke);
    return 0;
}

void m4h_master_void(struct m4h_master *master, const char *key_fingerprint, const char *client_key,
                     const char *reason)
{
    struct m4h_revoke revoke = {0};
    enum m4h_revocations_news news;

    /* A ban is lifted by who asks for that, and not by a line that goes. */
    if (m4h_revocations_ban(master->revocations, key_fingerprint, client_key, NULL))
        return;
    revoke.stamp = stamp_for(master, key_fingerprint, client_key);
    m4h_text_copy(revoke.key_fingerprint, sizeof(revoke.key_fingerprint), key_fingerprint);
    m4h_text_copy(revoke.client_key, sizeof(revoke.client_key), client_key);
    m4h_text_copy(revoke.actor, sizeof(revoke.actor), master->config->id);
    m4h_text_copy(revoke.reason, sizeof(revoke.reason), reason);
    if (revoke_now(master, &revoke, &news) != 0)
        log_bad(master, "what was decided about a key could not be taken back");
}

void m4h_master_on_revoke(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    enum m4h_revocations_news news;
    struct m4h_revoke revoke;

    if (m4h_wire_revoke_decode(message->data, message->len, &revoke) != 0)
        log_bad(master, "not a revocation");
    else if (revoke.stamp == 0)
        return; /* for slaves, which forget it at once */
    else if (take_from_elsewhere(master, &revoke, &news) != 0)
        log_bad(master, "a revocation could not be taken");
    else if (news != M4H_REVOCATIONS_KNOWN)
        log_taken(master, &revoke, "revoked by another master");
}

/* ---- requests -------------------------------------------------------------------- */

/* Does it, and says what it comes to. True: it is answered when it is kept. */
static bool carry_out(struct m4h_master *master, const struct m4h_revoke_request *request,
                      const struct m4h_bus_message *message, struct m4h_revoke *revoke,
                      struct m4h_problem *problem)
{
    const bool was_banned = m4h_revocations_ban(master->revocations, request->key_fingerprint,
                                                request->client_key, NULL);
    enum m4h_revocations_news news;
    int error;

    if (request->lifts_only && !was_banned) {
        m4h_problem_set(problem, M4H_PROBLEM_NOT_FOUND, "there is no such ban");
        return false;
    }
    m4h_text_copy(revoke->key_fingerprint, sizeof(revoke->key_fingerprint),
                  request->key_fingerprint);
    m4h_text_copy(revoke->client_key, sizeof(revoke->client_key), request->client_key);
    m4h_text_copy(revoke->actor, sizeof(revoke->actor), request->actor);
    m4h_text_copy(revoke->reason, sizeof(revoke->reason), request->reason);
    revoke->banned = request->banned;
    revoke->stamp = stamp_for(master, revoke->key_fingerprint, revoke->client_key);
    error = revoke_now(master, revoke, &news);
    if (error == M4H_EFULL)
        m4h_problem_set(problem, M4H_PROBLEM_NO_CAPACITY, "as many bans as can be kept");
    else if (error != 0)
        m4h_problem_set(problem, M4H_PROBLEM_INTERNAL, m4h_error_text(error));
    m4h_master_audit_revoke(master, revoke, was_banned, problem);
    return error == 0 && keep(master, revoke, news, message);
}

void m4h_master_on_revoke_request(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_revoke_request request;
    struct m4h_revoke revoke = {0};
    struct m4h_problem problem = {0};

    if (!m4h_bus_is_request(message))
        return; /* a stream was made to deliver it, say: nobody asks for this */
    if (m4h_wire_revoke_request_decode(message->data, message->len, &request) != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a request to revoke");
    else if (carry_out(master, &request, message, &revoke, &problem))
        return;
    m4h_master_answer(master, message, M4H_MASTER_STATUS,
                      m4h_wire_revoke_reply_encode(&revoke, &problem, &master->out));
}

void m4h_master_on_revocations(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_revocations_request request;
    struct m4h_problem problem = {0};
    struct m4h_revoke *page = calloc(M4H_REVOCATIONS_PAGE_MAX, sizeof(*page));
    char token[M4H_REVOCATION_NAME_MAX + 1] = "";
    size_t count = 0;

    if (page == NULL)
        m4h_problem_set(&problem, M4H_PROBLEM_INTERNAL, m4h_error_text(M4H_ENOMEM));
    else if (m4h_wire_revocations_request_decode(message->data, message->len, &request) != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a request for revocations");
    else
        count = m4h_revocations_page(master->revocations, &request, page, token);
    m4h_master_answer(master, message, M4H_MASTER_STATUS,
                      m4h_wire_revocations_reply_encode(page, count, token,
                                                        m4h_revocations_digest(master->revocations),
                                                        &problem, &master->out));
    free(page);
}

/* ---- what other masters have ------------------------------------------------------- */

static void on_page(void *context, int error, const uint8_t *data, size_t len);

static void ask_page(struct m4h_master *master)
{
    struct m4h_revocations_request request = {.page_size = M4H_REVOCATIONS_PAGE_MAX};
    char subject[M4H_ID_MAX + 48];
    uint64_t id;
    int error;

    m4h_text_copy(request.page_token, sizeof(request.page_token), master->pull.page_token);
    snprintf(subject, sizeof(subject), "mas4h.v1.master.%s.revocations", master->pull.master);
    error = m4h_wire_revocations_request_encode(&request, &master->out);
    if (error == 0)
        error =
            m4h_bus_request(master->bus, subject, master->out.data, master->out.len,
                            m4h_loop_now_ms(master->loop), PAGE_TIMEOUT_MS, on_page, master, &id);
    m4h_buffer_clear(&master->out);
    if (error != 0)
        m4h_revocations_pull_failed(&master->pull);
}

/* M4H_ENOMEM: some of them are missing. */
static int merge_page(struct m4h_master *master, const struct m4h_revoke *page, size_t count)
{
    enum m4h_revocations_news news;

    for (size_t i = 0; i < count; i++) {
        if (take_from_elsewhere(master, &page[i], &news) == M4H_ENOMEM)
            return M4H_ENOMEM;
    }
    return 0;
}

static void on_page(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_master *master = context;
    struct m4h_problem problem = {0};
    struct m4h_revoke *page = NULL;
    char token[M4H_REVOCATION_NAME_MAX + 1];
    uint64_t digest;
    size_t count = 0;

    if (error == 0)
        error =
            m4h_wire_revocations_reply_decode(data, len, &page, &count, token, &digest, &problem);
    if (error == 0)
        error = problem.code != 0 ? M4H_EUNAVAILABLE : merge_page(master, page, count);
    free(page);
    if (error != 0)
        m4h_revocations_pull_failed(&master->pull);
    else if (m4h_revocations_pull_page(&master->pull, digest, token))
        ask_page(master);
}

void m4h_master_heard_revocations(struct m4h_master *master, const struct m4h_master_hello *hello)
{
    if (!hello->stopping && hello->instance != master->masters.self.instance &&
        m4h_revocations_pull_heard(&master->pull, hello->master_id, hello->revocations_digest,
                                   m4h_revocations_digest(master->revocations)))
        ask_page(master);
}
