/* Whose revocations are still to be asked for, page by page (see lib/base/revocations.h). A master
 * says with each hello which set it has, by its digest. Who has another one asks for all of it, one
 * page at a time and of one master at a time, and merges. Who has more than a master, since that
 * one has forgotten some, has asked once for all that it has and does not ask again. Pure.
 *
 * Where the set changes while its pages come, what was missed makes a new digest, and it is asked
 * for again. What fails is tried again with a later hello. */
#ifndef M4H_BASE_REVOCATIONS_PULL_H
#define M4H_BASE_REVOCATIONS_PULL_H

#include "lib/base/model.h"

/* Zeroed at first. */
struct m4h_revocations_pull {
    char master[M4H_ID_MAX + 1]; /* that is asked; empty: none is */
    uint64_t digest;             /* of the set whose pages come, as its first page says */
    bool has_page;               /* a page of it has come */
    char page_token[M4H_REVOCATION_NAME_MAX + 1]; /* what to ask for next */
    uint64_t done[M4H_MASTERS_MAX];               /* digests of sets that were merged */
    size_t next_done;
};

/* A master says that it has a set with `digest`, and we have one with `own_digest`. True: ask it
 * for the page of `page_token` now. */
bool m4h_revocations_pull_heard(struct m4h_revocations_pull *pull, const char *master_id,
                                uint64_t digest, uint64_t own_digest);
/* A page has come and is merged. True: ask for the next one. */
bool m4h_revocations_pull_page(struct m4h_revocations_pull *pull, uint64_t digest,
                               const char *next_page_token);
/* No page has come, or it could not be merged. */
void m4h_revocations_pull_failed(struct m4h_revocations_pull *pull);

#endif
