/* When a question to the cluster is asked again: once, where asking twice does no
 * harm, and within one deadline for both. Pure.
 *
 * The first try gets half of the time, so that a master that died with the
 * question leaves room for another. One that nobody listens to ends at once; then
 * a little pause lets the connection or the master come back. */
#ifndef M4H_GATEWAY_TRIES_H
#define M4H_GATEWAY_TRIES_H

#include <stdbool.h>
#include <stdint.h>

struct m4h_gateway_tries {
    uint64_t deadline_ms;
    bool may_repeat;
    unsigned made;
};

void m4h_gateway_tries_begin(struct m4h_gateway_tries *tries, uint64_t now_ms, uint32_t timeout_ms,
                             bool may_repeat);

/* Counts a try; returns how long it may take, ms, 0: the time is over. */
uint32_t m4h_gateway_tries_next(struct m4h_gateway_tries *tries, uint64_t now_ms);

/* A try ended with `error`. True: another one, after `*pause_ms`. */
bool m4h_gateway_tries_again(const struct m4h_gateway_tries *tries, int error, uint64_t now_ms,
                             uint32_t *pause_ms);

#endif
