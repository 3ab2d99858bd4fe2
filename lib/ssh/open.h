/* A direct-tcpip channel that the peer asks for (RFC 4254 section 7.2): told through
 * on_open of its session's handler, answered once, now or later; several may wait, and
 * other requests are handled meanwhile. One that waits ends with its session: after
 * m4h_ssh_session_close it is gone. The session's thread. */
#ifndef M4H_SSH_OPEN_H
#define M4H_SSH_OPEN_H

#include "lib/base/attributes.h"
#include "lib/ssh/channel.h"

#include <stdint.h>

struct m4h_ssh_open;

/* Of one session that wait for their answers; one more is refused here. */
#define M4H_SSH_OPENS_MAX 64u
/* Of the text of a refusal, bytes. */
#define M4H_SSH_OPEN_TEXT_MAX 255u

/* Untrusted bytes, all of it; borrowed until the open is answered. */
struct m4h_ssh_open_request {
    const char *host;
    uint32_t port;
    const char *originator;
    uint32_t originator_port;
};

/* RFC 4254 section 5.1. */
enum m4h_ssh_open_refusal {
    M4H_SSH_OPEN_PROHIBITED = 1,
    M4H_SSH_OPEN_CONNECT_FAILED = 2,
    M4H_SSH_OPEN_UNKNOWN_TYPE = 3,
    M4H_SSH_OPEN_SHORTAGE = 4,
};

/* Opens the channel: data may flow, on_open is not told. `open` is answered with a
 * refusal where this fails: M4H_ENOMEM; M4H_ECLOSED (the session is over); M4H_EFULL as in
 * m4h_ssh_channel_open. */
M4H_MUST_CHECK int m4h_ssh_open_accept(struct m4h_ssh_open *open, struct m4h_ssh_channel **channel,
                                       const struct m4h_ssh_channel_handler *handler,
                                       void *context);
/* What was prohibited counts among the requests for which a session is ended when there are too
 * many; that something is not there, or busy, is no fault of who asks for it.
 * `text` is shown by the client: printable, cut after M4H_SSH_OPEN_TEXT_MAX bytes. */
void m4h_ssh_open_refuse(struct m4h_ssh_open *open, enum m4h_ssh_open_refusal reason,
                         const char *text);

#endif
