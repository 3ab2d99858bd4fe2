/* libssh answers gssapi-with-mic by itself, past its message queue and so past every
 * limit of ours, whatever methods a server names: a stranger could have Kerberos read
 * files and ask name servers on the loop, again and again. libssh 0.10 has no switch
 * for it. The program therefore gives the libraries that it is linked with a
 * gss_indicate_mechs of its own, which knows no mechanism: libssh then does nothing. */
#ifndef M4H_SSH_GSSAPI_H
#define M4H_SSH_GSSAPI_H

#include <stdbool.h>

/* True when libssh comes through here, or has no GSSAPI. Any thread. */
bool m4h_ssh_gssapi_is_off(void);

#endif
