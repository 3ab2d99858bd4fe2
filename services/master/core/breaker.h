/* Spares a server that does not answer: after so many failures in a row nothing is asked of it for
 * a while (open), then one question alone (the probe), whose answer says whether it goes on. Each
 * rest is twice as long as the one before, up to a bound, and is spread, so that masters which met
 * the same outage do not come back together. Pure. */
#ifndef M4H_MASTER_BREAKER_H
#define M4H_MASTER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct m4h_breaker {
    uint32_t failures_max; /* in a row; 0: it never opens */
    uint32_t rest_ms;      /* the first rest */
    uint32_t rest_max_ms;
    uint32_t failures; /* in a row, so far */
    uint32_t rests;    /* in a row, without a success between them */
    uint64_t until_ms; /* the end of the rest */
    bool is_open;
    bool is_probing; /* open, and one question is under way */
};

void m4h_breaker_init(struct m4h_breaker *breaker, uint32_t failures_max, uint32_t rest_ms,
                      uint32_t rest_max_ms);

/* Whether a question may go out now. Each that does ends with one of the two below. */
bool m4h_breaker_allows(struct m4h_breaker *breaker, uint64_t now_ms);

void m4h_breaker_succeed(struct m4h_breaker *breaker);
/* `random` spreads the rest. True: it has opened with this. Failures of questions that went out
 * before the rest do not make it longer. */
bool m4h_breaker_fail(struct m4h_breaker *breaker, uint64_t now_ms, uint64_t random);

#endif
