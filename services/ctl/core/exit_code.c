/* From status to exit code. */
#include "services/ctl/core/exit_code.h"

#include <string.h>

enum m4h_ctl_exit m4h_ctl_exit_of(unsigned status, const char *problem_code)
{
    if (status >= 200 && status < 300)
        return M4H_CTL_DONE;
    if (status == 401 || status == 403)
        return M4H_CTL_NOT_PERMITTED;
    if (strcmp(problem_code, "no_capacity") == 0)
        return M4H_CTL_REFUSED;
    return status >= 500 ? M4H_CTL_UNREACHABLE : M4H_CTL_REFUSED;
}
