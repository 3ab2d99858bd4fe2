/* Standing decisions: a hash by session, and a heap by when they are due. */
#define HASH_NONFATAL_OOM 1
#include "services/slave/core/standings.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* After a question that nobody answered. */
#define RETRY_MS 20000u

struct entry {
    UT_hash_handle hh;
    struct m4h_standing *standing;
};

struct m4h_standings {
    struct entry *entries;
    struct m4h_heap due;
};

static bool is_due_before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return M4H_CONTAINER_OF(a, const struct m4h_standing, node)->due_ms <
           M4H_CONTAINER_OF(b, const struct m4h_standing, node)->due_ms;
}

int m4h_standings_create(struct m4h_standings **standings)
{
    *standings = calloc(1, sizeof(**standings));
    if (*standings == NULL)
        return M4H_ENOMEM;
    m4h_heap_init(&(*standings)->due, is_due_before);
    return 0;
}

static struct entry *find(const struct m4h_standings *standings, uint64_t session_id)
{
    struct entry *entry;

    HASH_FIND(hh, standings->entries, &session_id, sizeof(session_id), entry);
    return entry;
}

static void drop(struct m4h_standings *standings, struct entry *entry)
{
    HASH_DEL(standings->entries, entry);
    m4h_heap_remove(&standings->due, &entry->standing->node);
    free(entry->standing);
    free(entry);
}

void m4h_standings_destroy(struct m4h_standings *standings)
{
    if (standings == NULL)
        return;
    while (standings->entries != NULL)
        drop(standings, standings->entries);
    m4h_heap_free(&standings->due);
    free(standings);
}

/* Of an operator, or of a slave. */
static const char *visitor_in(const struct m4h_authorize_reply *reply)
{
    return reply->slave_id[0] != '\0' ? reply->slave_id : reply->operator_.name;
}

static struct m4h_standing *make(uint64_t session_id, const char *key_fingerprint,
                                 const struct m4h_authorize_reply *reply, const uint8_t *question,
                                 size_t question_len)
{
    struct m4h_standing *standing = calloc(1, sizeof(*standing) + question_len);

    if (standing == NULL)
        return NULL;
    standing->session_id = session_id;
    standing->expires_wall_ms = reply->expires_wall_ms;
    standing->due_ms = M4H_STANDING_NEVER;
    m4h_text_copy(standing->key_fingerprint, sizeof(standing->key_fingerprint), key_fingerprint);
    m4h_text_copy(standing->client_key, sizeof(standing->client_key), reply->client_key);
    m4h_text_copy(standing->visitor_name, sizeof(standing->visitor_name), visitor_in(reply));
    standing->question_len = question_len;
    if (question_len > 0)
        memcpy(standing->question, question, question_len);
    return standing;
}

int m4h_standings_add(struct m4h_standings *standings, uint64_t session_id,
                      const char *key_fingerprint, const struct m4h_authorize_reply *reply,
                      const uint8_t *question, size_t question_len, struct m4h_standing **standing)
{
    struct m4h_standing *made = make(session_id, key_fingerprint, reply, question, question_len);
    struct entry *entry = calloc(1, sizeof(*entry));

    *standing = NULL;
    m4h_standings_remove(standings, session_id);
    if (made == NULL || entry == NULL || m4h_heap_insert(&standings->due, &made->node) != 0)
        goto out;
    entry->standing = made;
    HASH_ADD_KEYPTR(hh, standings->entries, &made->session_id, sizeof(made->session_id), entry);
    if (entry->hh.tbl == NULL) {
        m4h_heap_remove(&standings->due, &made->node);
        goto out;
    }
    *standing = made;
    return 0;
out:
    free(made);
    free(entry);
    return M4H_ENOMEM;
}

struct m4h_standing *m4h_standings_find(const struct m4h_standings *standings, uint64_t session_id)
{
    struct entry *entry = find(standings, session_id);

    return entry != NULL ? entry->standing : NULL;
}

void m4h_standings_remove(struct m4h_standings *standings, uint64_t session_id)
{
    struct entry *entry = find(standings, session_id);

    if (entry != NULL)
        drop(standings, entry);
}

size_t m4h_standings_count(const struct m4h_standings *standings)
{
    return HASH_COUNT(standings->entries);
}

void m4h_standings_each(const struct m4h_standings *standings,
                        void (*each)(void *context, struct m4h_standing *standing), void *context)
{
    for (struct entry *entry = standings->entries; entry != NULL; entry = entry->hh.next)
        each(context, entry->standing);
}

void m4h_standings_set_due(struct m4h_standings *standings, struct m4h_standing *standing,
                           uint64_t due_ms)
{
    standing->due_ms = due_ms;
    m4h_heap_moved(&standings->due, &standing->node);
}

struct m4h_standing *m4h_standings_first(const struct m4h_standings *standings)
{
    struct m4h_heap_node *node = m4h_heap_first(&standings->due);
    struct m4h_standing *first =
        node != NULL ? M4H_CONTAINER_OF(node, struct m4h_standing, node) : NULL;

    return first != NULL && first->due_ms != M4H_STANDING_NEVER ? first : NULL;
}

/* ---- when, and whether ------------------------------------------------------------- */

/* `ms`, give or take a tenth. */
static uint64_t about(uint64_t ms, uint64_t random)
{
    return ms - ms / 10 + random % (ms / 5 + 1);
}

/* When the decision ends, on the monotonic clock. */
static uint64_t end_of(const struct m4h_standing *standing, uint64_t now_ms, uint64_t wall_ms)
{
    if (standing->expires_wall_ms == 0)
        return M4H_STANDING_NEVER;
    return standing->expires_wall_ms > wall_ms ? now_ms + (standing->expires_wall_ms - wall_ms)
                                               : now_ms;
}

uint64_t m4h_standing_next(const struct m4h_standing *standing,
                           const struct m4h_standings_rules *rules, uint64_t random,
                           uint64_t now_ms, uint64_t wall_ms)
{
    uint64_t end_ms = end_of(standing, now_ms, wall_ms);
    uint64_t next_ms =
        rules->recheck_ms > 0 ? now_ms + about(rules->recheck_ms, random) : M4H_STANDING_NEVER;

    return next_ms < end_ms ? next_ms : end_ms;
}

bool m4h_standing_outlasts(struct m4h_standing *standing, const struct m4h_standings_rules *rules,
                           uint64_t random, uint64_t now_ms, uint64_t wall_ms, uint64_t *due_ms)
{
    uint64_t end_ms = end_of(standing, now_ms, wall_ms);

    if (standing->unanswered_ms == 0)
        standing->unanswered_ms = now_ms;
    *due_ms = now_ms + about(RETRY_MS, random);
    if (*due_ms > end_ms)
        *due_ms = end_ms;
    return end_ms > now_ms && (now_ms == standing->unanswered_ms ||
                               now_ms - standing->unanswered_ms < rules->stale_ms);
}

bool m4h_standing_agrees(const struct m4h_standing *standing,
                         const struct m4h_authorize_reply *reply, char detail[M4H_DETAIL_MAX + 1])
{
    if (!reply->allowed) {
        m4h_text_copy(detail, M4H_DETAIL_MAX + 1, reply->detail);
        return false;
    }
    if (strcmp(standing->client_key, reply->client_key) != 0 ||
        strcmp(standing->visitor_name, visitor_in(reply)) != 0) {
        m4h_text_copy(detail, M4H_DETAIL_MAX + 1, "its key is another one's now");
        return false;
    }
    return true;
}
