/* Which pages of records are to be asked for. */
#include "services/master/core/record_pull.h"

#include "lib/base/attributes.h"

#include <string.h>

static bool is_merged(const struct m4h_record_pull *pull, uint64_t digest)
{
    for (size_t i = 0; i < M4H_COUNT(pull->merged); i++)
        if (pull->merged[i] == digest)
            return true;
    return false;
}

/* What is known of this master; where it is new, in the place of the one noted longest ago. */
static struct m4h_record_pull_doubt *doubt_of(struct m4h_record_pull *pull, const char *master_id)
{
    struct m4h_record_pull_doubt *doubt;

    for (size_t i = 0; i < M4H_COUNT(pull->doubts); i++)
        if (strcmp(pull->doubts[i].master_id, master_id) == 0)
            return &pull->doubts[i];
    doubt = &pull->doubts[pull->next_doubt];
    pull->next_doubt = (pull->next_doubt + 1) % M4H_COUNT(pull->doubts);
    *doubt = (struct m4h_record_pull_doubt){0};
    m4h_text_copy(doubt->master_id, sizeof(doubt->master_id), master_id);
    return doubt;
}

/* Whether there is reason enough to ask. */
static bool doubts(struct m4h_record_pull_doubt *doubt, uint64_t digest)
{
    bool is_same = doubt->times > 0 && doubt->digest == digest;

    doubt->digest = digest;
    doubt->times++;
    return is_same || doubt->times >= M4H_RECORD_PULL_TIMES;
}

bool m4h_record_pull_heard(struct m4h_record_pull *pull, const char *master_id, uint64_t digest,
                           uint64_t own_digest, bool is_urgent)
{
    struct m4h_record_pull_doubt *doubt = doubt_of(pull, master_id);

    /* 0: it has none, or is of a version without. */
    if (digest == 0 || digest == own_digest || is_merged(pull, digest)) {
        doubt->times = 0;
        return false;
    }
    if (!doubts(doubt, digest) && !is_urgent)
        return false;
    if (pull->master_id[0] != '\0')
        return false;
    doubt->times = 0;
    m4h_text_copy(pull->master_id, sizeof(pull->master_id), master_id);
    pull->digest = digest;
    pull->page_token[0] = '\0';
    return true;
}

bool m4h_record_pull_page(struct m4h_record_pull *pull, const char *next_page_token)
{
    if (next_page_token[0] != '\0' &&
        strcmp(next_page_token, pull->page_token) > 0) { /* else it would go on for ever */
        m4h_text_copy(pull->page_token, sizeof(pull->page_token), next_page_token);
        return true;
    }
    if (next_page_token[0] == '\0') {
        pull->merged[pull->next_merged] = pull->digest;
        pull->next_merged = (pull->next_merged + 1) % M4H_COUNT(pull->merged);
    }
    pull->master_id[0] = '\0';
    return false;
}

void m4h_record_pull_failed(struct m4h_record_pull *pull)
{
    pull->master_id[0] = '\0';
}
