/* mas4hctl: the operator's command line. */
#ifndef M4H_CTL_CTL_H
#define M4H_CTL_CTL_H

/* Does what the command line asks for. Returns the status to exit with: core/exit_code.h. */
int m4h_ctl_run(int argc, char *const *argv);

#endif
