/* Whose records are still to be asked for, page by page (registry.h). A master says with each
 * hello which records it has, by their digest. Where that is another one than ours twice in a
 * row and the same both times, nothing is on its way between the two, and we ask for all that it
 * has; where changes come so often that it never is, we ask after ten hellos. What it lacks of ours
 * is for it to ask. One page at a time, of one master at a time. Pure. */
#ifndef M4H_MASTER_RECORD_PULL_H
#define M4H_MASTER_RECORD_PULL_H

#include "lib/base/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M4H_RECORD_PULL_TIMES 10u

struct m4h_record_pull_doubt {
    char master_id[M4H_ID_MAX + 1];
    uint64_t digest;
    uint32_t times; /* in a row that it had another one than ours */
};

/* Zeroed at first. */
struct m4h_record_pull {
    char master_id[M4H_ID_MAX + 1]; /* that is asked; empty: none is */
    uint64_t digest;                /* that it had when it was asked first */
    char page_token[M4H_PAGE_TOKEN_MAX + 1];
    uint64_t merged[M4H_MASTERS_MAX]; /* digests of what was merged whole */
    size_t next_merged;
    struct m4h_record_pull_doubt doubts[M4H_MASTERS_MAX];
    size_t next_doubt;
};

/* A master has records with `digest`, and we have those with `own_digest`. `is_urgent`: do not wait
 * for a second time. True: ask it for the page of `page_token` now. */
bool m4h_record_pull_heard(struct m4h_record_pull *pull, const char *master_id, uint64_t digest,
                           uint64_t own_digest, bool is_urgent);
/* A page has come and is merged. True: ask for the next one; false: that was all. */
bool m4h_record_pull_page(struct m4h_record_pull *pull, const char *next_page_token);
/* No page has come, or it could not be merged: it is tried again with a later hello. */
void m4h_record_pull_failed(struct m4h_record_pull *pull);

#endif
