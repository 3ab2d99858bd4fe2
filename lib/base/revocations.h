/* What has been revoked: one entry for each name, "key:SHA256:..." or "device:NAME", a client key
 * or the name of an operator. The
 * latest stamp wins (lib/base/stamp.h). Masters and slaves hold the same set: what one was told
 * while another was away comes over page by page, in any order and as often as need be, and two
 * sets with the same digest are the same. Pure; one thread.
 *
 * Bounded: beyond, the oldest entry that bans nobody goes. One that bans is never pushed out; where
 * all ban, another one is refused. Who merges checks that a stamp is not absurdly far ahead. */
#ifndef M4H_BASE_REVOCATIONS_H
#define M4H_BASE_REVOCATIONS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#define M4H_REVOCATIONS_MAX 65536u

/* The name of what is about a key, or (where the fingerprint is empty) about a device; and back.
 * False: it is no such name, and what is written is of no account. */
void m4h_revocation_name(char name[M4H_REVOCATION_NAME_MAX + 1], const char *key_fingerprint,
                         const char *client_key);
bool m4h_revocation_name_parse(const char *name, char key_fingerprint[M4H_FINGERPRINT_MAX + 1],
                               char client_key[M4H_CLIENT_KEY_MAX + 1]);

struct m4h_revocations;

/* Holds `max` at most. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_revocations_create(struct m4h_revocations **revocations, size_t max);
void m4h_revocations_destroy(struct m4h_revocations *revocations);

/* What a merge did. */
enum m4h_revocations_news {
    M4H_REVOCATIONS_KNOWN, /* nothing: it, or a later one of that name, was there; or too old */
    M4H_REVOCATIONS_NEW,
    M4H_REVOCATIONS_BAN, /* new, and it bans, or lifts a ban: to be kept for good */
};

/* Takes one in; of two with one stamp the one that bans counts. `heard_stamp`: what was decided
 * here before that is void too, as a clock that is ahead gives decisions too late a stamp; 0:
 * nothing but its own stamp says what is void. M4H_EINVALID (no name, two names, or no stamp),
 * M4H_EFULL, M4H_ENOMEM: nothing has changed. */
M4H_MUST_CHECK int m4h_revocations_merge(struct m4h_revocations *revocations,
                                         const struct m4h_revoke *revoke, uint64_t heard_stamp,
                                         enum m4h_revocations_news *news);

/* What is said of a decision that was made at `decided`, when the set had changed `seen` times. */
enum m4h_revocations_verdict {
    M4H_REVOCATIONS_STANDS,
    M4H_REVOCATIONS_UNSURE, /* it seems to be later than one that was not known then: ask */
    M4H_REVOCATIONS_VOID,
    M4H_REVOCATIONS_BANNED, /* and it would be so if it were made now */
};

/* Judges a decision about a key and the client key that it gave (either may be empty). `*by`, which
 * may be NULL, is what voids it, where something does. */
enum m4h_revocations_verdict m4h_revocations_judge(const struct m4h_revocations *revocations,
                                                   const char *key_fingerprint,
                                                   const char *client_key, uint64_t decided,
                                                   uint64_t seen, struct m4h_revoke *by);
/* Whether a key, or a device, is banned now; `*by` as above. */
bool m4h_revocations_ban(const struct m4h_revocations *revocations, const char *key_fingerprint,
                         const char *client_key, struct m4h_revoke *by);
/* The stamp of the entry about a key (or a device, where that is empty); 0: there is none. */
uint64_t m4h_revocations_stamp(const struct m4h_revocations *revocations,
                               const char *key_fingerprint, const char *client_key);

/* How often the set has changed. */
uint64_t m4h_revocations_changes(const struct m4h_revocations *revocations);
/* 0 where it is empty. */
uint64_t m4h_revocations_digest(const struct m4h_revocations *revocations);
size_t m4h_revocations_count(const struct m4h_revocations *revocations);
size_t m4h_revocations_ban_count(const struct m4h_revocations *revocations);

/* Copies those that come after request->page_token, in order of their names, page_size at most.
 * Returns how many; `next_page_token`, which may be that of the request, is empty with the last. */
size_t m4h_revocations_page(const struct m4h_revocations *revocations,
                            const struct m4h_revocations_request *request, struct m4h_revoke *page,
                            char next_page_token[M4H_REVOCATION_NAME_MAX + 1]);

#endif
