/* Keys that were denied a moment ago, and again: who hammers with one key costs masters nothing.
 * The first denial is not kept, since the key may be about to be added. Pure; bounded: of two keys
 * that fall on one place the later one has it. */
#ifndef M4H_SLAVE_CORE_DENIALS_H
#define M4H_SLAVE_CORE_DENIALS_H

#include "lib/base/model.h"

#define M4H_DENIALS_PLACES   1024u
#define M4H_DENIALS_AGAIN_MS 2000u /* so soon after the last one a denial is kept, */
#define M4H_DENIALS_KEPT_MS  2000u /* and so long at most */

/* Zeroed at first. */
struct m4h_denials {
    struct {
        uint64_t at_ms;
        uint64_t until_ms; /* 0: not kept */
        char key_fingerprint[M4H_FINGERPRINT_MAX + 1];
        char detail[M4H_DETAIL_MAX + 1];
    } places[M4H_DENIALS_PLACES];
};

/* A master has denied a key, and its word is good for so long. */
void m4h_denials_note(struct m4h_denials *denials, const char *key_fingerprint, const char *detail,
                      uint32_t valid_for_ms, uint64_t now_ms);
/* Why a key is denied without asking, borrowed; NULL: ask. */
const char *m4h_denials_find(const struct m4h_denials *denials, const char *key_fingerprint,
                             uint64_t now_ms);

#endif
