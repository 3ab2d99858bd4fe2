/* Problems of the cluster as HTTP says them. Pure. */
#ifndef M4H_GATEWAY_PROBLEM_H
#define M4H_GATEWAY_PROBLEM_H

#include "lib/base/model.h"

/* The status of HTTP for a problem of a master or a slave. */
unsigned m4h_gateway_problem_status(const struct m4h_problem *problem);

/* When the client should come back: what the problem says, or a second where it
 * will pass by itself; 0 where coming back does not help. */
uint32_t m4h_gateway_problem_retry_ms(const struct m4h_problem *problem);

/* The problem of a question that got no answer: `error` is how it ended, `whom`
 * was asked ("a master", "slave s1"). */
void m4h_gateway_problem_of_error(struct m4h_problem *problem, int error, const char *whom);

#endif
