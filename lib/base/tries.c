/* When a question is asked again. */
#include "lib/base/tries.h"

#include "lib/base/error.h"

#define TRIES_MAX 6u
/* What a try may wait, and the pause behind one that nobody could answer, in fortieths of the
 * whole time. */
#define SHARES 40u

static const uint8_t wait_shares[TRIES_MAX] = {5, 5, 6, 7, 8, 9};
static const uint8_t pause_shares[TRIES_MAX] = {1, 2, 4, 6, 8, 8};

static uint32_t share_ms(const struct m4h_tries *tries, uint32_t shares)
{
    return (uint32_t)((uint64_t)tries->timeout_ms * shares / SHARES);
}

void m4h_tries_begin(struct m4h_tries *tries, uint64_t now_ms, uint32_t timeout_ms, bool may_repeat)
{
    tries->deadline_ms = now_ms + timeout_ms;
    tries->timeout_ms = timeout_ms;
    tries->may_repeat = may_repeat;
    tries->made = 0;
}

uint32_t m4h_tries_next(struct m4h_tries *tries, uint64_t now_ms, uint32_t patience_ms)
{
    uint64_t left_ms = tries->deadline_ms > now_ms ? tries->deadline_ms - now_ms : 0;
    bool is_last = !tries->may_repeat || tries->made + 1 >= TRIES_MAX;
    uint32_t wait_ms = 0;

    if (!is_last && patience_ms != UINT32_MAX)
        wait_ms = patience_ms;
    else if (!is_last)
        wait_ms = share_ms(tries, wait_shares[tries->made]);
    if (tries->made < TRIES_MAX)
        tries->made++;
    return (uint32_t)(wait_ms == 0 || wait_ms > left_ms ? left_ms : wait_ms);
}

bool m4h_tries_again(const struct m4h_tries *tries, int error, uint64_t now_ms, uint64_t random,
                     uint32_t *pause_ms)
{
    *pause_ms = 0;
    if (error != M4H_EUNAVAILABLE && error != M4H_ETIMEOUT)
        return false;
    if (!tries->may_repeat || tries->made == 0 || tries->made >= TRIES_MAX)
        return false;
    if (error == M4H_EUNAVAILABLE) {
        uint32_t most_ms = share_ms(tries, pause_shares[tries->made - 1]);

        *pause_ms = most_ms - (uint32_t)(random % (most_ms / 2 + 1));
    }
    return now_ms + *pause_ms < tries->deadline_ms;
}
