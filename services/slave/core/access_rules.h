/* What an operator may reach by its name: the rules that a master gave with its key, and
 * what the port means that it asks for. Pure. */
#ifndef M4H_SLAVE_CORE_ACCESS_RULES_H
#define M4H_SLAVE_CORE_ACCESS_RULES_H

#include "lib/base/model.h"

/* What ssh asks for unless it is told otherwise. */
#define M4H_ACCESS_PORT_ANY 22u

/* Whether a rule fits, all that it says. */
bool m4h_access_allows(const struct m4h_operator *operator_, const char *client_key,
                       const char *labels, uint16_t port);
/* Whether one might, if the device had the labels for it. Where not, the device need not
 * be looked for, and nobody learns from the answer whether there is such a device. */
bool m4h_access_might_allow(const struct m4h_operator *operator_, const char *client_key,
                            uint16_t port);

/* The port of the tunnel that is meant: this very one; else M4H_ACCESS_PORT_ANY means the
 * first, and 1 to 8 count them. 0: there is none. */
uint16_t m4h_access_port(const struct m4h_tunnel *tunnel, uint16_t asked);

#endif
