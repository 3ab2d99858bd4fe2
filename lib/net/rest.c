/* Listeners that rest. */
#include "lib/net/rest.h"

#include "lib/base/error.h"
#include "lib/net/timer.h"

#include <stdlib.h>

struct m4h_rest {
    struct m4h_timer *timer; /* runs while somebody rests */
    struct m4h_rester *first;
    void (*on_over)(struct m4h_rester *rester);
};

void m4h_rest_end(struct m4h_rest *rest, struct m4h_rester *rester)
{
    if (!rester->rests)
        return;
    if (rester->next != NULL)
        rester->next->prev = rester->prev;
    if (rester->prev != NULL)
        rester->prev->next = rester->next;
    else
        rest->first = rester->next;
    *rester = (struct m4h_rester){0};
    if (rest->first == NULL)
        m4h_timer_stop(rest->timer);
}

static void on_time(void *context)
{
    struct m4h_rest *rest = context;

    while (rest->first != NULL) {
        struct m4h_rester *rester = rest->first;

        m4h_rest_end(rest, rester);
        rest->on_over(rester);
    }
}

int m4h_rest_create(struct m4h_rest **rest, struct m4h_loop *loop)
{
    int error;

    *rest = calloc(1, sizeof(**rest));
    if (*rest == NULL)
        return M4H_ENOMEM;
    error = m4h_timer_create(&(*rest)->timer, loop, on_time, *rest);
    if (error != 0) {
        free(*rest);
        *rest = NULL;
    }
    return error;
}

void m4h_rest_close(struct m4h_rest *rest)
{
    if (rest == NULL)
        return;
    m4h_timer_close(rest->timer);
    free(rest);
}

void m4h_rest_begin(struct m4h_rest *rest, struct m4h_rester *rester, uint64_t ms,
                    void (*on_over)(struct m4h_rester *rester))
{
    if (rester->rests)
        return;
    if (rest->first == NULL)
        m4h_timer_start(rest->timer, ms, 0);
    else
        rest->first->prev = rester;
    rester->next = rest->first;
    rester->rests = true;
    rest->first = rester;
    rest->on_over = on_over;
}
