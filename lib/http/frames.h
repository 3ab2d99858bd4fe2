/* What wslay needs to cut the frames of one WebSocket, lent to those that have half a
 * frame, message or answer. Nine kilobytes each: thousands that are idle share a few.
 * Private to lib/http. */
#ifndef M4H_HTTP_FRAMES_H
#define M4H_HTTP_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <wslay/wslay.h>

struct m4h_websocket;

#define M4H_FRAMES_HEAD_MAX 14

/* The context of wslay's callbacks. */
struct m4h_frames {
    wslay_event_context_ptr wslay;
    struct m4h_websocket *websocket; /* that has it now */
    const uint8_t *piece;            /* what wslay may read now; borrowed */
    size_t piece_len;
    uint8_t head[M4H_FRAMES_HEAD_MAX]; /* of the frame that goes out; leaves with its payload */
    size_t head_len;                   /* that has not left */
    SLIST_ENTRY(m4h_frames) link;
};

/* Those that nobody needs. All zero at first. */
struct m4h_frames_store {
    SLIST_HEAD(, m4h_frames) spare;
    uint32_t spare_count;
};

/* For `websocket`, with no trace of the one before. `callbacks` are the same in all calls.
 * NULL: no memory. */
struct m4h_frames *m4h_frames_lend(struct m4h_frames_store *store, struct m4h_websocket *websocket,
                                   const struct wslay_event_callbacks *callbacks,
                                   uint32_t message_max);
/* Takes back one with nothing half done in it: all that came was whole messages, all that was
 * to be sent has been, and no close frame either way. */
void m4h_frames_take_back(struct m4h_frames_store *store, struct m4h_frames *frames);
/* Frees one in any state. Accepts NULL. */
void m4h_frames_destroy(struct m4h_frames *frames);
void m4h_frames_store_free(struct m4h_frames_store *store);

#endif
