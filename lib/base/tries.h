/* When a question to the cluster is asked again: up to five times more, where
 * asking twice does no harm, and within one deadline for all. Pure.
 *
 * NATS gives a question to any master, also to one that stands still. So the first
 * tries are short (of 2 s: 250, 250, 300, 350, 400 ms), and the last one gets what
 * is left: with one of three masters gone, one question in 700 meets it each time.
 * Who knows the masters (lib/base/known_masters.h) knows how long to wait for each.
 * A try that nobody can answer ends at once; then a pause, which grows and is spread,
 * lets the connection or the master come back. */
#ifndef M4H_BASE_TRIES_H
#define M4H_BASE_TRIES_H

#include <stdbool.h>
#include <stdint.h>

struct m4h_tries {
    uint64_t deadline_ms;
    uint32_t timeout_ms;
    bool may_repeat;
    unsigned made;
};

void m4h_tries_begin(struct m4h_tries *tries, uint64_t now_ms, uint32_t timeout_ms,
                     bool may_repeat);

/* Counts a try; returns how long it may take, ms, 0: the time is over. `patience_ms`
 * is what the one who is asked may take, if there is a next try; UINT32_MAX: not known. */
uint32_t m4h_tries_next(struct m4h_tries *tries, uint64_t now_ms, uint32_t patience_ms);

/* A try ended with `error`. True: another one, after `*pause_ms`, which `random` spreads. */
bool m4h_tries_again(const struct m4h_tries *tries, int error, uint64_t now_ms, uint64_t random,
                     uint32_t *pause_ms);

#endif
