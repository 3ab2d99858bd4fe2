/* Options of an authorized_keys line that limit what its device may do:
 *
 *   permitlisten="[host:]port"   ports that the device may have: "8080",
 *                                "8000-8015", "*"; may be given up to 8 times. The host is
 *                                OpenSSH's way to choose an address: here the slave's own
 *                                settings do, and it changes nothing
 *   operators-from="NETWORK,..." from where operators may reach it: up to 16 networks,
 *                                of those that its slave allows
 *   max-forwards="N"             ports open at once, 1 to 8
 *   max-channels="N"             operator connections at once
 *   idle-timeout="T"             an operator connection silent for so long is closed: "30s"
 *                                (ms, s, m, h), without a unit milliseconds
 *   bandwidth="B"                bytes per second each way: "1m" (k, m, g of 1024), 4k
 *                                or more
 *
 * The first two are OpenSSH's or read alike, the others are ours. Pure. */
#ifndef M4H_MASTER_KEY_LIMITS_H
#define M4H_MASTER_KEY_LIMITS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

/* Whether an option of that name, in whatever case, is one of these. */
bool m4h_key_limits_knows(const char *name);

/* Adds what the option says. NULL, or what is wrong with it, for people: static;
 * `limits` is then undefined. The name must be known. */
M4H_MUST_CHECK const char *m4h_key_limits_read(struct m4h_device_limits *limits, const char *name,
                                               const char *value);

/* Reads "8080", "8000-8015" or "*". False: it is none of them. */
M4H_MUST_CHECK bool m4h_key_ports_read(const char *text, struct m4h_port_range *range);

#endif
