/* Connections that we have said all to, while the peer still sends. Closing a socket
 * with unread input makes the kernel reset the connection and forget what the peer has
 * not taken yet; so the input is read and dropped until the peer ends too. One timer for
 * all of a loop, which runs only while there are such connections. One thread. */
#ifndef M4H_NET_FAREWELL_H
#define M4H_NET_FAREWELL_H

#include "lib/base/attributes.h"
#include "lib/net/connection.h"

/* So many at a time; one more closes the oldest. */
#define M4H_FAREWELLS_MAX 256u
/* One whose peer has taken everything is closed after about so long, */
#define M4H_FAREWELL_QUIET_MS 2000u
/* and any after so long. */
#define M4H_FAREWELL_MAX_MS 30000u

struct m4h_farewells;

/* M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_farewells_create(struct m4h_farewells **farewells, struct m4h_loop *loop);
/* Closes those that are left. Accepts NULL. */
void m4h_farewells_destroy(struct m4h_farewells *farewells);

/* Owns `connection` from now on, which is finished and keeps nothing; its handler is
 * called no more. Legal in its own callbacks. */
void m4h_farewells_add(struct m4h_farewells *farewells, struct m4h_connection *connection);

#endif
