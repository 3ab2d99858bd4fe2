/* When to ask, and when to leave alone. */
#include "services/master/core/breaker.h"

void m4h_breaker_init(struct m4h_breaker *breaker, uint32_t failures_max, uint32_t rest_ms,
                      uint32_t rest_max_ms)
{
    *breaker = (struct m4h_breaker){
        .failures_max = failures_max,
        .rest_ms = rest_ms,
        .rest_max_ms = rest_max_ms > rest_ms ? rest_max_ms : rest_ms,
    };
}

bool m4h_breaker_allows(struct m4h_breaker *breaker, uint64_t now_ms)
{
    if (!breaker->is_open)
        return true;
    if (breaker->is_probing || now_ms < breaker->until_ms)
        return false;
    breaker->is_probing = true;
    return true;
}

void m4h_breaker_succeed(struct m4h_breaker *breaker)
{
    breaker->failures = 0;
    breaker->rests = 0;
    breaker->is_open = false;
    breaker->is_probing = false;
}

/* Three quarters of the rest that is due, and up to a quarter more. */
static uint64_t rest_of(const struct m4h_breaker *breaker, uint64_t random)
{
    uint64_t rest_ms = breaker->rest_ms;

    for (uint32_t i = 0; i < breaker->rests && rest_ms < breaker->rest_max_ms; i++)
        rest_ms *= 2;
    if (rest_ms > breaker->rest_max_ms)
        rest_ms = breaker->rest_max_ms;
    return rest_ms - rest_ms / 4 + random % (rest_ms / 4 + 1);
}

bool m4h_breaker_fail(struct m4h_breaker *breaker, uint64_t now_ms, uint64_t random)
{
    if (breaker->failures_max == 0 || (breaker->is_open && !breaker->is_probing))
        return false;
    if (!breaker->is_open && ++breaker->failures < breaker->failures_max)
        return false;
    breaker->until_ms = now_ms + rest_of(breaker, random);
    breaker->rests++;
    breaker->is_open = true;
    breaker->is_probing = false;
    return true;
}
