/* Who gave an order over REST, as one text that goes with it to slaves and masters:
 * "rest token=NAME peer=ADDRESS request_id=ID". Pure. */
#ifndef M4H_BASE_ACTOR_H
#define M4H_BASE_ACTOR_H

#include "lib/base/address.h"
#include "lib/base/model.h"

/* Who asks without a token, where none is needed. */
#define M4H_ACTOR_LOCAL "local"

/* `token` is its name, "" for none. What does not fit is cut. */
void m4h_actor_format(char actor[M4H_ACTOR_MAX + 1], const char *token, const char *peer,
                      const char *request_id);
/* The token's name, or M4H_ACTOR_LOCAL, and the address; of an actor that came otherwise, the
 * whole text and no address. `name` may be where `actor` is. */
void m4h_actor_split(const char *actor, char name[M4H_ACTOR_MAX + 1],
                     char address[M4H_ADDRESS_TEXT_MAX]);

#endif
