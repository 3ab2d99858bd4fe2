/* Where the frames of a WebSocket end, in bytes as they come (RFC 6455 section 5.2).
 * Pure: it looks at lengths only, and leaves it to wslay whether a frame is right.
 * Private to lib/http. */
#ifndef M4H_HTTP_CUTTER_H
#define M4H_HTTP_CUTTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero at first. */
struct m4h_cutter {
    uint64_t payload_len;  /* once the head is whole */
    uint64_t payload_left; /* not taken yet */
    uint8_t head[10];      /* without the mask */
    uint8_t head_len;      /* taken of the head, with the mask; 0: between frames */
    bool in_payload;
};

/* Takes from the `len` > 0 bytes those of the frame that is coming in: to its end, or
 * all. Returns how many, at least 1. */
size_t m4h_cutter_take(struct m4h_cutter *cutter, const uint8_t *data, size_t len);

/* Whether all frames are whole. */
bool m4h_cutter_is_between(const struct m4h_cutter *cutter);

/* What the frame of a message that is coming in says of its length; 0: its head is not
 * whole, it is a control frame, or there is none. */
uint64_t m4h_cutter_data_len(const struct m4h_cutter *cutter);

#endif
