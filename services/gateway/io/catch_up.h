/* What a reader of the feed missed, from asking for it to being live. Private to the feed. */
#ifndef M4H_GATEWAY_CATCH_UP_H
#define M4H_GATEWAY_CATCH_UP_H

#include "services/gateway/io/reader.h"

#include <stdbool.h>

/* To be called when it is opened, now and then, and when the stream has changed: starts the replay
 * of a reader that waits for it, where it can be, and lets it be live where it never can.
 * `anchored`: it is known where in the stream the feed is. */
void m4h_gateway_catch_up_look(struct m4h_gateway_reader *reader, bool anchored);
/* Lets it be live though it may have missed something. */
void m4h_gateway_catch_up_skip(struct m4h_gateway_reader *reader);
/* Ends its replay, if there is one. */
void m4h_gateway_catch_up_end(struct m4h_gateway_reader *reader);

#endif
