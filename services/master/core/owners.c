/* The table of owners. Those of one client key are beside each other, the owner first. */
#include "services/master/core/owners.h"

#include "lib/base/stamp.h"
#include "services/master/core/tunnel_index.h"

#include <stdbool.h>
#include <string.h>

static struct m4h_entry *entry_of(const struct m4h_name_link *link)
{
    return link != NULL ? M4H_CONTAINER_OF(link, struct m4h_entry, by_name) : NULL;
}

static const char *name_of(const struct m4h_name_link *link)
{
    return m4h_entry_client_key(entry_of(link));
}

int m4h_owners_init(struct m4h_owners *owners, uint64_t seed)
{
    return m4h_name_table_init(&owners->names, name_of, seed);
}

void m4h_owners_free(struct m4h_owners *owners)
{
    m4h_name_table_free(&owners->names);
}

struct m4h_entry *m4h_owners_find(const struct m4h_owners *owners, const char *client_key)
{
    return entry_of(*m4h_name_table_find(&owners->names, client_key));
}

/* True where `a` wins the client key that both have. */
static bool wins(const struct m4h_entry *a, const struct m4h_entry *b)
{
    if (a->stamp != b->stamp || a->tunnel_id != b->tunnel_id)
        return m4h_stamp_wins(a->stamp, a->tunnel_id, b->stamp, b->tunnel_id);
    return strcmp(a->holder->slave_id, b->holder->slave_id) < 0;
}

struct m4h_entry *m4h_owners_rival(const struct m4h_entry *entry)
{
    struct m4h_entry *next = entry_of(entry->by_name.next);

    return next != NULL && m4h_entry_same_key(entry, next) ? next : NULL;
}

void m4h_owners_add(struct m4h_owners *owners, struct m4h_entry *entry)
{
    struct m4h_name_link **link = m4h_name_table_find(&owners->names, m4h_entry_client_key(entry));

    if (*link == NULL) {
        m4h_name_table_add(&owners->names, &entry->by_name);
        return;
    }
    while (*link != NULL && m4h_entry_same_key(entry_of(*link), entry) &&
           wins(entry_of(*link), entry))
        link = &(*link)->next;
    entry->by_name.next = *link;
    *link = &entry->by_name;
}

void m4h_owners_remove(struct m4h_owners *owners, struct m4h_entry *entry)
{
    m4h_name_table_remove(&owners->names, &entry->by_name);
}

struct m4h_entry *m4h_owners_take_any(struct m4h_owners *owners, size_t *from)
{
    return entry_of(m4h_name_table_take_any(&owners->names, from));
}
