/* Which pages of revocations are to be asked for. */
#include "lib/base/revocations_pull.h"

#include <string.h>

static bool is_done(const struct m4h_revocations_pull *pull, uint64_t digest)
{
    for (size_t i = 0; i < M4H_COUNT(pull->done); i++) {
        if (pull->done[i] == digest)
            return true;
    }
    return false;
}

bool m4h_revocations_pull_heard(struct m4h_revocations_pull *pull, const char *master_id,
                                uint64_t digest, uint64_t own_digest)
{
    /* 0: it has none, or is of a version without. */
    if (pull->master[0] != '\0' || digest == 0 || digest == own_digest || is_done(pull, digest))
        return false;
    m4h_text_copy(pull->master, sizeof(pull->master), master_id);
    pull->page_token[0] = '\0';
    pull->has_page = false;
    return true;
}

bool m4h_revocations_pull_page(struct m4h_revocations_pull *pull, uint64_t digest,
                               const char *next_page_token)
{
    if (!pull->has_page)
        pull->digest = digest;
    pull->has_page = true;
    if (next_page_token[0] != '\0' &&
        strcmp(next_page_token, pull->page_token) > 0 && /* else it would go on for ever */
        m4h_text_copy(pull->page_token, sizeof(pull->page_token), next_page_token))
        return true;
    if (next_page_token[0] == '\0') {
        pull->done[pull->next_done] = pull->digest;
        pull->next_done = (pull->next_done + 1) % M4H_COUNT(pull->done);
    }
    pull->master[0] = '\0';
    return false;
}

void m4h_revocations_pull_failed(struct m4h_revocations_pull *pull)
{
    pull->master[0] = '\0';
}
