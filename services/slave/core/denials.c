/* Denials by the hash of their keys. */
#include "services/slave/core/denials.h"

#include "lib/base/ident.h"

#include <string.h>

static size_t place_of(const char *key_fingerprint)
{
    return m4h_ident_hash(key_fingerprint) % M4H_DENIALS_PLACES;
}

void m4h_denials_note(struct m4h_denials *denials, const char *key_fingerprint, const char *detail,
                      uint32_t valid_for_ms, uint64_t now_ms)
{
    size_t i = place_of(key_fingerprint);
    bool again = strcmp(denials->places[i].key_fingerprint, key_fingerprint) == 0 &&
                 now_ms - denials->places[i].at_ms < M4H_DENIALS_AGAIN_MS;
    uint32_t kept_ms = valid_for_ms < M4H_DENIALS_KEPT_MS ? valid_for_ms : M4H_DENIALS_KEPT_MS;

    m4h_text_copy(denials->places[i].key_fingerprint, sizeof(denials->places[i].key_fingerprint),
                  key_fingerprint);
    m4h_text_copy(denials->places[i].detail, sizeof(denials->places[i].detail), detail);
    denials->places[i].at_ms = now_ms;
    denials->places[i].until_ms = again ? now_ms + kept_ms : 0;
}

const char *m4h_denials_find(const struct m4h_denials *denials, const char *key_fingerprint,
                             uint64_t now_ms)
{
    size_t i = place_of(key_fingerprint);

    return now_ms < denials->places[i].until_ms &&
                   strcmp(denials->places[i].key_fingerprint, key_fingerprint) == 0
               ? denials->places[i].detail
               : NULL;
}
