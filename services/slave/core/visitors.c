/* Operators and hops, by session. */
#define HASH_NONFATAL_OOM 1
#include "services/slave/core/visitors.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    uint64_t session_id;
    struct m4h_visitor visitor;
};

struct m4h_visitors {
    struct entry *entries;
    uint32_t hops;
};

int m4h_visitors_create(struct m4h_visitors **visitors)
{
    *visitors = calloc(1, sizeof(**visitors));
    return *visitors != NULL ? 0 : M4H_ENOMEM;
}

static void discard(struct entry *entry)
{
    free(entry->visitor.rules);
    free(entry);
}

static void drop(struct m4h_visitors *visitors, struct entry *entry)
{
    HASH_DEL(visitors->entries, entry);
    visitors->hops -= entry->visitor.is_hop;
    discard(entry);
}

void m4h_visitors_destroy(struct m4h_visitors *visitors)
{
    if (visitors == NULL)
        return;
    while (visitors->entries != NULL)
        drop(visitors, visitors->entries);
    free(visitors);
}

static struct entry *find(const struct m4h_visitors *visitors, uint64_t session_id)
{
    struct entry *entry;

    HASH_FIND(hh, visitors->entries, &session_id, sizeof(session_id), entry);
    return entry;
}

bool m4h_visitors_are_meant(const struct m4h_authorize_reply *reply)
{
    return reply->operator_.name[0] != '\0' || reply->slave_id[0] != '\0';
}

/* M4H_ENOMEM; `visitor` is to be discarded then. */
static int fill(struct m4h_visitor *visitor, const struct m4h_authorize_request *request,
                const struct m4h_authorize_reply *reply)
{
    visitor->is_hop = reply->slave_id[0] != '\0';
    m4h_text_copy(visitor->name, sizeof(visitor->name),
                  visitor->is_hop ? reply->slave_id : reply->operator_.name);
    m4h_text_copy(visitor->key_fingerprint, sizeof(visitor->key_fingerprint),
                  request->key_fingerprint);
    m4h_text_copy(visitor->remote_address, sizeof(visitor->remote_address),
                  request->remote_address);
    if (visitor->is_hop)
        return 0;
    visitor->rules = malloc(sizeof(*visitor->rules));
    if (visitor->rules == NULL)
        return M4H_ENOMEM;
    *visitor->rules = reply->operator_;
    return 0;
}

int m4h_visitors_add(struct m4h_visitors *visitors, uint64_t session_id,
                     const struct m4h_authorize_request *request,
                     const struct m4h_authorize_reply *reply, uint64_t now_ms)
{
    struct entry *entry;

    if (find(visitors, session_id) != NULL)
        return M4H_EEXIST;
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return M4H_ENOMEM;
    entry->session_id = entry->visitor.session_id = session_id;
    entry->visitor.since_ms = now_ms;
    if (fill(&entry->visitor, request, reply) != 0) {
        discard(entry);
        return M4H_ENOMEM;
    }
    HASH_ADD(hh, visitors->entries, session_id, sizeof(session_id), entry);
    if (entry->hh.tbl == NULL) {
        discard(entry);
        return M4H_ENOMEM;
    }
    visitors->hops += entry->visitor.is_hop;
    return 0;
}

struct m4h_visitor *m4h_visitors_find(const struct m4h_visitors *visitors, uint64_t session_id)
{
    struct entry *entry = find(visitors, session_id);

    return entry != NULL ? &entry->visitor : NULL;
}

void m4h_visitors_remove(struct m4h_visitors *visitors, struct m4h_visitor *visitor)
{
    drop(visitors, find(visitors, visitor->session_id));
}

uint32_t m4h_visitors_count(const struct m4h_visitors *visitors)
{
    return HASH_COUNT(visitors->entries);
}

uint32_t m4h_visitors_hop_count(const struct m4h_visitors *visitors)
{
    return visitors->hops;
}

void m4h_visitors_each(const struct m4h_visitors *visitors,
                       void (*each)(void *context, struct m4h_visitor *visitor), void *context)
{
    for (struct entry *entry = visitors->entries; entry != NULL; entry = entry->hh.next)
        each(context, &entry->visitor);
}
