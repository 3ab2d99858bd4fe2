/* Kept decisions: a hash by fingerprint whose order is that of keeping. */
#define HASH_NONFATAL_OOM 1
#include "services/slave/core/decisions.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    uint64_t fresh_until_ms;
    struct m4h_decision decision;
    uint8_t *answer; /* owned, or NULL */
    char fingerprint[M4H_FINGERPRINT_MAX + 1];
};

struct m4h_decisions {
    struct m4h_decisions_limits limits;
    struct entry *entries;
};

int m4h_decisions_create(struct m4h_decisions **decisions,
                         const struct m4h_decisions_limits *limits)
{
    *decisions = calloc(1, sizeof(**decisions));
    if (*decisions == NULL)
        return M4H_ENOMEM;
    (*decisions)->limits = *limits;
    return 0;
}

void m4h_decisions_set_limits(struct m4h_decisions *decisions,
                              const struct m4h_decisions_limits *limits)
{
    decisions->limits = *limits;
}

static void discard(struct entry *entry)
{
    free(entry->answer);
    free(entry);
}

static void drop(struct m4h_decisions *decisions, struct entry *entry)
{
    HASH_DEL(decisions->entries, entry);
    discard(entry);
}

void m4h_decisions_destroy(struct m4h_decisions *decisions)
{
    if (decisions == NULL)
        return;
    while (decisions->entries != NULL)
        drop(decisions, decisions->entries);
    free(decisions);
}

/* NULL: no memory, or no fingerprint. */
static struct entry *make(const char *fingerprint, const struct m4h_decision *decision)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL)
        return NULL;
    entry->decision = *decision;
    if (decision->answer_len > 0)
        entry->answer = malloc(decision->answer_len);
    if ((decision->answer_len > 0 && entry->answer == NULL) ||
        !m4h_text_copy(entry->fingerprint, sizeof(entry->fingerprint), fingerprint)) {
        discard(entry);
        return NULL;
    }
    if (entry->answer != NULL)
        memcpy(entry->answer, decision->answer, decision->answer_len);
    entry->decision.answer = entry->answer;
    return entry;
}

void m4h_decisions_keep(struct m4h_decisions *decisions, const char *fingerprint,
                        const struct m4h_decision *decision, uint32_t valid_for_ms, uint64_t now_ms)
{
    struct entry *entry;

    HASH_FIND_STR(decisions->entries, fingerprint, entry);
    if (entry != NULL)
        drop(decisions, entry);
    while (decisions->entries != NULL &&
           HASH_COUNT(decisions->entries) >= decisions->limits.entries_max)
        drop(decisions, decisions->entries);
    if (decisions->limits.entries_max == 0)
        return;
    entry = make(fingerprint, decision);
    if (entry == NULL)
        return;
    entry->fresh_until_ms = now_ms + valid_for_ms;
    HASH_ADD_STR(decisions->entries, fingerprint, entry);
    if (entry->hh.tbl == NULL)
        discard(entry);
}

const struct m4h_decision *m4h_decisions_find(const struct m4h_decisions *decisions,
                                              const char *fingerprint, bool master_away,
                                              uint64_t now_ms)
{
    uint64_t until_ms;
    struct entry *entry;

    HASH_FIND_STR(decisions->entries, fingerprint, entry);
    if (entry == NULL)
        return NULL;
    until_ms = entry->fresh_until_ms;
    if (master_away && entry->decision.allowed)
        until_ms += decisions->limits.stale_ms;
    return now_ms < until_ms ? &entry->decision : NULL;
}

static bool matches(const struct entry *entry, const char *client_key, const char *fingerprint)
{
    return (client_key[0] == '\0' || strcmp(entry->decision.client_key, client_key) == 0) &&
           (fingerprint[0] == '\0' || strcmp(entry->fingerprint, fingerprint) == 0);
}

uint32_t m4h_decisions_forget(struct m4h_decisions *decisions, const char *client_key,
                              const char *fingerprint)
{
    struct entry *entry, *next;
    uint32_t forgotten = 0;

    if (fingerprint[0] != '\0' && client_key[0] == '\0') {
        HASH_FIND_STR(decisions->entries, fingerprint, entry);
        if (entry != NULL)
            drop(decisions, entry);
        return entry != NULL ? 1 : 0;
    }
    HASH_ITER(hh, decisions->entries, entry, next)
    {
        if (matches(entry, client_key, fingerprint)) {
            drop(decisions, entry);
            forgotten++;
        }
    }
    return forgotten;
}
