/* What the program ends with. The numbers are part of the contract: scripts rest on them. Pure. */
#ifndef M4H_CTL_CORE_EXIT_CODE_H
#define M4H_CTL_CORE_EXIT_CODE_H

enum m4h_ctl_exit {
    M4H_CTL_DONE = 0,
    M4H_CTL_REFUSED = 1,       /* there is no such thing, or it cannot be done now */
    M4H_CTL_USAGE = 2,         /* the command line, the settings */
    M4H_CTL_UNREACHABLE = 3,   /* no gateway, or no master behind it */
    M4H_CTL_NOT_PERMITTED = 4, /* no token, a wrong one, or one without the scope */
};

/* Of an answer: the status of HTTP, and the code of its problem. */
enum m4h_ctl_exit m4h_ctl_exit_of(unsigned status, const char *problem_code);

#endif
