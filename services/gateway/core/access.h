/* Who may be let near a gateway that asks nobody for a token. Pure. */
#ifndef M4H_GATEWAY_ACCESS_H
#define M4H_GATEWAY_ACCESS_H

#include <stdbool.h>

/* Whether only this machine can reach that host: localhost, 127.0.0.0/8, ::1. */
bool m4h_gateway_host_is_loopback(const char *host);

#endif
