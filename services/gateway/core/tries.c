/* When a question is asked again. */
#include "services/gateway/core/tries.h"

#include "lib/base/error.h"

#define TRIES_MAX 2u
#define PAUSE_MS  250u

void m4h_gateway_tries_begin(struct m4h_gateway_tries *tries, uint64_t now_ms, uint32_t timeout_ms,
                             bool may_repeat)
{
    tries->deadline_ms = now_ms + timeout_ms;
    tries->may_repeat = may_repeat;
    tries->made = 0;
}

uint32_t m4h_gateway_tries_next(struct m4h_gateway_tries *tries, uint64_t now_ms)
{
    uint64_t left_ms = tries->deadline_ms > now_ms ? tries->deadline_ms - now_ms : 0;
    bool is_last = !tries->may_repeat || ++tries->made >= TRIES_MAX;

    return (uint32_t)(is_last || left_ms < 2 ? left_ms : left_ms / 2);
}

bool m4h_gateway_tries_again(const struct m4h_gateway_tries *tries, int error, uint64_t now_ms,
                             uint32_t *pause_ms)
{
    *pause_ms = error == M4H_EUNAVAILABLE ? PAUSE_MS : 0;
    if (error != M4H_EUNAVAILABLE && error != M4H_ETIMEOUT)
        return false;
    return tries->may_repeat && tries->made < TRIES_MAX && now_ms + *pause_ms < tries->deadline_ms;
}
