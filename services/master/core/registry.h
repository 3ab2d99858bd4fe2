/* The records of devices that a master keeps, one for each key. Two masters that have heard the
 * same hold the same, in whatever order it came: of two records about one key the one with the
 * later stamp counts (lib/base/stamp.h), and where the stamps are the same, that whose packed form
 * is greater. Their digests are then equal.
 *
 * A record is kept packed, in whatever form its user packs it; what it is found and listed by
 * stands beside that. It is found by its key's fingerprint and by client key, in O(1), and listed
 * in order of fingerprint. Some 100 bytes for each, besides what is packed. Pure; one thread. */
#ifndef M4H_MASTER_REGISTRY_H
#define M4H_MASTER_REGISTRY_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "services/master/core/name_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M4H_REGISTRY_MAX 1000000u
/* "SHA256:" and 43 characters of base64. */
#define M4H_REGISTRY_FINGERPRINT 50u
/* How long the mark of a removed record is kept: who is away for longer brings it back. */
#define M4H_REGISTRY_REMOVED_MS (30ull * 24 * 3600 * 1000)

struct m4h_registry;

/* One record. What the registry gives out is borrowed, and valid until its next change. */
struct m4h_registry_entry {
    struct m4h_name_link by_client_key; /* the registry's own, as what follows the packed form */
    uint64_t stamp;
    uint64_t created_wall_ms;
    const char *client_key; /* "": none */
    const uint8_t *packed;
    uint32_t packed_len;
    uint32_t new_attempts; /* of one that is pending, since it was taken in */
    enum m4h_device_state state;
    char fingerprint[M4H_REGISTRY_FINGERPRINT + 1];
};

struct m4h_registry_counts {
    size_t enabled;
    size_t disabled;
    size_t pending;
    size_t removed;
};

/* What the registry needs to know of a record: borrows from it, and its packed form. */
void m4h_registry_entry_fill(struct m4h_registry_entry *entry,
                             const struct m4h_device_record *record, const void *packed,
                             size_t packed_len);

/* Whether it is the SHA-256 of a key as OpenSSH prints it. */
bool m4h_registry_fingerprint_is_valid(const char *fingerprint);

/* Holds M4H_REGISTRY_MAX records, `pending_max` of them pending. The seed is for name_table.h.
 * M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_registry_create(struct m4h_registry **registry, size_t pending_max,
                                       uint64_t seed);
/* Accepts NULL. */
void m4h_registry_destroy(struct m4h_registry *registry);
/* Those that are pending already stay. */
void m4h_registry_set_pending_max(struct m4h_registry *registry, size_t pending_max);

/* Whether a record counts rather than what there is of its key. */
bool m4h_registry_is_news(const struct m4h_registry *registry,
                          const struct m4h_registry_entry *entry);
/* Whether there is room for it: in the place of what there is of its key, or beside the others. */
bool m4h_registry_has_room(const struct m4h_registry *registry,
                           const struct m4h_registry_entry *entry);
/* Takes a copy of a record in, if it is news; `*changed` says whether. M4H_EINVALID (no
 * fingerprint, or no state), M4H_EFULL, M4H_ENOMEM: nothing has changed. */
M4H_MUST_CHECK int m4h_registry_take(struct m4h_registry *registry,
                                     const struct m4h_registry_entry *entry, bool *changed);

/* Whatever its state. NULL: there is none. */
const struct m4h_registry_entry *m4h_registry_find(const struct m4h_registry *registry,
                                                   const char *fingerprint);
/* One that is enabled or disabled and has this client key, and how many of these there are. */
const struct m4h_registry_entry *m4h_registry_find_client_key(const struct m4h_registry *registry,
                                                              const char *client_key,
                                                              size_t *count);

/* Lists what the request asks for: at most M4H_DEVICES_PAGE_MAX, and no more than fits into
 * `packed_max` bytes. A page looks at so many records and no more, so it may be short, even empty,
 * and not the last: that is the one with an empty `next`. Returns how many. */
size_t m4h_registry_page(const struct m4h_registry *registry,
                         const struct m4h_devices_request *request, size_t packed_max,
                         const struct m4h_registry_entry *page[M4H_DEVICES_PAGE_MAX],
                         char next[M4H_PAGE_TOKEN_MAX + 1]);

/* The key of this record, which is there, has come again. Returns how often it has since the record
 * was taken in. */
uint32_t m4h_registry_note_attempt(struct m4h_registry *registry, const char *fingerprint);

/* Of the records that are enabled or disabled; 0 where there is none. The others end by
 * themselves, in each master at its own time. */
uint64_t m4h_registry_digest(const struct m4h_registry *registry);
void m4h_registry_count(const struct m4h_registry *registry, struct m4h_registry_counts *counts);
/* What the records take, without what the allocator adds. */
size_t m4h_registry_bytes(const struct m4h_registry *registry);

/* Called about once a second it comes around to each record within some seconds, and forgets the
 * marks of those that were removed long ago, and what has been pending for `pending_ms`: the
 * fingerprints of at most `max` go into `gone`. Returns how many. */
size_t m4h_registry_sweep(struct m4h_registry *registry, uint64_t wall_ms, uint64_t pending_ms,
                          char gone[][M4H_REGISTRY_FINGERPRINT + 1], size_t max);

#endif
