/* Problems of the cluster as HTTP says them. */
#include "services/gateway/core/problem.h"

#include "lib/base/error.h"

#include <stdio.h>

#define RETRY_MS 1000u

unsigned m4h_gateway_problem_status(const struct m4h_problem *problem)
{
    switch (problem->code) {
    case M4H_PROBLEM_INVALID:
        return 400;
    case M4H_PROBLEM_NOT_FOUND:
        return 404;
    case M4H_PROBLEM_CONFLICT:
        return 409;
    case M4H_PROBLEM_THROTTLED:
        return 429;
    case M4H_PROBLEM_NO_CAPACITY:
    case M4H_PROBLEM_UNAVAILABLE:
        return 503;
    case M4H_PROBLEM_INTERNAL:
        break;
    }
    return 500;
}

uint32_t m4h_gateway_problem_retry_ms(const struct m4h_problem *problem)
{
    unsigned status = m4h_gateway_problem_status(problem);

    if (status != 429 && status != 503)
        return 0;
    return problem->retry_after_ms != 0 ? problem->retry_after_ms : RETRY_MS;
}

void m4h_gateway_problem_of_error(struct m4h_problem *problem, int error, const char *whom)
{
    char detail[M4H_DETAIL_MAX + 1];

    switch (error) {
    case M4H_EUNAVAILABLE:
        snprintf(detail, sizeof(detail), "%s cannot be reached", whom);
        break;
    case M4H_ETIMEOUT:
        snprintf(detail, sizeof(detail), "%s did not answer in time", whom);
        break;
    case M4H_EFULL:
        snprintf(detail, sizeof(detail), "too many questions to %s are open", whom);
        break;
    case M4H_ECLOSED:
        snprintf(detail, sizeof(detail), "the gateway is stopping");
        break;
    default:
        snprintf(detail, sizeof(detail), "asking %s failed: %s", whom, m4h_error_text(error));
        m4h_problem_set(problem, M4H_PROBLEM_INTERNAL, detail);
        return;
    }
    m4h_problem_set(problem, M4H_PROBLEM_UNAVAILABLE, detail);
}
