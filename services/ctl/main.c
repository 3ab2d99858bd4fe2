/* mas4hctl. */
#include "services/ctl/ctl.h"

#include <signal.h>

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away shows when we write */
    return m4h_ctl_run(argc, argv);
}
