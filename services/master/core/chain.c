/* The walk along the validators, and the list that names them. */
#include "services/master/core/chain.h"

#include "lib/base/error.h"

#include <stdio.h>
#include <string.h>

/* The part of what a faster answer is faster by that is forgotten with it. */
#define FORGET 32u
/* Who takes less is as fast as the master itself. */
#define AS_FAST_MS 20u

/* ---- the walk -------------------------------------------------------------- */

static bool end(struct m4h_verdict *verdict, const char *name)
{
    verdict->reply.allowed = verdict->kind == M4H_VERDICT_ALLOW;
    m4h_text_copy(verdict->reply.validator, sizeof(verdict->reply.validator), name);
    return true;
}

/* It does not know the key; nor does anybody where it was the last. */
static bool go_on(struct m4h_chain_walk *walk, struct m4h_verdict *verdict)
{
    if (verdict->reply.detail[0] != '\0')
        memcpy(walk->detail, verdict->reply.detail, sizeof(walk->detail));
    if (++walk->at < walk->count)
        return false;
    if (walk->recheck && walk->has_failed) {
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, "a validator that may know the key is down");
        return end(verdict, "");
    }
    m4h_verdict_set(verdict, M4H_VERDICT_DENY,
                    walk->count == 1 && walk->detail[0] != '\0' ? walk->detail
                                                                : "no validator knows the key");
    return end(verdict, "");
}

static bool heed_failure(struct m4h_chain_walk *walk, const char *name,
                         enum m4h_on_failure on_failure, struct m4h_verdict *verdict)
{
    char detail[M4H_DETAIL_MAX + 1];

    if (on_failure == M4H_ON_FAILURE_NEXT) {
        verdict->reply.detail[0] = '\0';
        walk->has_failed = true;
        return go_on(walk, verdict);
    }
    snprintf(detail, sizeof(detail), "%s: %.200s", name, verdict->reply.detail);
    m4h_verdict_set(verdict,
                    on_failure == M4H_ON_FAILURE_DENY && !walk->recheck ? M4H_VERDICT_DENY
                                                                        : M4H_VERDICT_FAILED,
                    detail);
    return end(verdict, name);
}

bool m4h_chain_heed(struct m4h_chain_walk *walk, const char *name, enum m4h_on_failure on_failure,
                    struct m4h_verdict *verdict)
{
    m4h_verdict_check(verdict);
    switch (verdict->kind) {
    case M4H_VERDICT_UNKNOWN:
        return go_on(walk, verdict);
    case M4H_VERDICT_FAILED:
        return heed_failure(walk, name, on_failure, verdict);
    case M4H_VERDICT_ALLOW:
    case M4H_VERDICT_DENY:
        break;
    }
    return end(verdict, name);
}

/* ---- the list -------------------------------------------------------------- */

static size_t place_of(const char *name, size_t len, const char *const *known)
{
    size_t place = 0;

    while (known[place] != NULL &&
           (strlen(known[place]) != len || memcmp(known[place], name, len) != 0))
        place++;
    return place;
}

static int add_name(const char *name, size_t len, const char *const *known, size_t *places,
                    size_t *count, char *wrong, size_t wrong_size)
{
    size_t place = place_of(name, len, known);

    if (known[place] == NULL) {
        snprintf(wrong, wrong_size, "\"%.*s\" is no validator", (int)(len < 40 ? len : 40), name);
        return M4H_EINVALID;
    }
    for (size_t i = 0; i < *count; i++)
        if (places[i] == place) {
            snprintf(wrong, wrong_size, "names %s twice", known[place]);
            return M4H_EINVALID;
        }
    places[(*count)++] = place;
    return 0;
}

int m4h_chain_parse(const char *text, const char *const *known, size_t places[M4H_CHAIN_NAMES_MAX],
                    size_t *count, char *wrong, size_t wrong_size)
{
    int error = 0;

    *count = 0;
    while (error == 0 && *text != '\0') {
        size_t len;

        text += strspn(text, ", ");
        len = strcspn(text, ", ");
        if (len > 0)
            error = add_name(text, len, known, places, count, wrong, wrong_size);
        text += len;
    }
    if (error == 0 && *count == 0) {
        snprintf(wrong, wrong_size, "names no validator");
        error = M4H_EINVALID;
    }
    return error;
}

/* ---- how long they take -------------------------------------------------------- */

uint32_t m4h_chain_slowest_ms(uint32_t slowest_ms, uint64_t took_ms)
{
    if (took_ms >= slowest_ms)
        return (uint32_t)(took_ms < UINT32_MAX ? took_ms : UINT32_MAX);
    return slowest_ms - (slowest_ms - (uint32_t)took_ms + FORGET - 1) / FORGET;
}

uint32_t m4h_chain_may_take_ms(uint32_t slowest_ms, uint64_t timeout_ms)
{
    uint64_t may_take_ms = 2 * (uint64_t)slowest_ms;

    if (may_take_ms < AS_FAST_MS)
        return 0;
    return (uint32_t)(may_take_ms < timeout_ms ? may_take_ms : timeout_ms);
}
