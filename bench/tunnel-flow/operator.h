#ifndef BENCH_FLOW_OPERATOR_H
#define BENCH_FLOW_OPERATOR_H

#include <stdint.h>

/* Each connects to the tunnel's port, measures for `seconds`, prints one line of JSON
 * and returns an exit code. */
int operator_send(uint16_t port, unsigned seconds);
int operator_receive(uint16_t port, unsigned seconds);
int operator_ping(uint16_t port, unsigned seconds);

#endif
