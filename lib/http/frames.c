/* Contexts of wslay, lent and taken back. */
#include "lib/http/frames.h"

#include <stdlib.h>

/* More are freed: so many WebSockets are seldom busy at once. */
#define SPARE_MAX 64u

static struct m4h_frames *create(const struct wslay_event_callbacks *callbacks)
{
    struct m4h_frames *frames = calloc(1, sizeof(*frames));

    if (frames == NULL)
        return NULL;
    if (wslay_event_context_server_init(&frames->wslay, callbacks, frames) == 0)
        return frames;
    free(frames);
    return NULL;
}

struct m4h_frames *m4h_frames_lend(struct m4h_frames_store *store, struct m4h_websocket *websocket,
                                   const struct wslay_event_callbacks *callbacks,
                                   uint32_t message_max)
{
    struct m4h_frames *frames = SLIST_FIRST(&store->spare);

    if (frames != NULL) {
        SLIST_REMOVE_HEAD(&store->spare, link);
        store->spare_count--;
    } else {
        frames = create(callbacks);
    }
    if (frames == NULL)
        return NULL;
    frames->websocket = websocket;
    wslay_event_config_set_max_recv_msg_length(frames->wslay, message_max);
    return frames;
}

void m4h_frames_take_back(struct m4h_frames_store *store, struct m4h_frames *frames)
{
    if (store->spare_count >= SPARE_MAX) {
        m4h_frames_destroy(frames);
        return;
    }
    frames->websocket = NULL;
    SLIST_INSERT_HEAD(&store->spare, frames, link);
    store->spare_count++;
}

void m4h_frames_destroy(struct m4h_frames *frames)
{
    if (frames == NULL)
        return;
    wslay_event_context_free(frames->wslay);
    free(frames);
}

void m4h_frames_store_free(struct m4h_frames_store *store)
{
    struct m4h_frames *frames;

    while ((frames = SLIST_FIRST(&store->spare)) != NULL) {
        SLIST_REMOVE_HEAD(&store->spare, link);
        m4h_frames_destroy(frames);
    }
    store->spare_count = 0;
}
