/* TCP sockets: making listeners, settings of accepted ones, addresses as text. */
#ifndef M4H_NET_SOCKET_H
#define M4H_NET_SOCKET_H

#include "lib/base/address.h"
#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

/* Binds and listens, non-blocking and close-on-exec. The host must be a literal
 * address or "localhost". Port 0: any; `*bound_port` is the one that it got.
 * `shared`: several sockets of this process may listen on the same port
 * (SO_REUSEPORT). The caller owns `*fd`, -1 on error: M4H_EINVALID (the host),
 * M4H_EEXIST (in use), M4H_ESYSTEM (errno says). */
M4H_MUST_CHECK int m4h_socket_listen(const struct m4h_address *address, bool shared, int backlog,
                                     int *fd, uint16_t *bound_port);

/* TCP_NODELAY, and SO_KEEPALIVE with TCP_USER_TIMEOUT where `silent_ms` is not 0:
 * unacknowledged data ends the connection after so long. */
void m4h_socket_tune(int fd, uint32_t silent_ms);
/* Bytes that are not acknowledged for so long end the connection from now on; 0: as the
 * system has it. */
void m4h_socket_set_patience(int fd, uint32_t silent_ms);

/* Whether the peer has sent anything at all, read or not. Of a lone byte with no
 * end after it, it does not know. */
bool m4h_socket_has_received(int fd);

/* Finds a peer that has vanished within a minute or so by the kernel's probes
 * (SO_KEEPALIVE); one that only does not read is left alone, however long. */
void m4h_socket_probe(int fd);

/* "192.0.2.1:50022" or "[2001:db8::1]:50022"; an IPv4 address mapped into IPv6
 * is shown as IPv4. Returns `text`. */
const char *m4h_socket_address_text(const struct sockaddr *address,
                                    char text[M4H_ADDRESS_TEXT_MAX]);

#endif
