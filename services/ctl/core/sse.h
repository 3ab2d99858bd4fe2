/* Server-sent events: bytes in, messages out, however the bytes are cut (WHATWG HTML, section
 * "Server-sent events"). The owner embeds it, begins and ends it. Pure. */
#ifndef M4H_CTL_CORE_SSE_H
#define M4H_CTL_CORE_SSE_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M4H_CTL_SSE_MESSAGE_MAX (256u << 10)
#define M4H_CTL_SSE_NAME_MAX    64
#define M4H_CTL_SSE_ID_MAX      256

struct m4h_ctl_sse_message {
    const char *event; /* "message" where none was named */
    const char *data;  /* lines joined by line feeds */
    size_t data_len;
};

struct m4h_ctl_sse {
    struct m4h_buffer line; /* what has come of the next line */
    struct m4h_buffer data;
    char event[M4H_CTL_SSE_NAME_MAX];
    char id[M4H_CTL_SSE_ID_MAX];      /* of the message that is being read */
    char last_id[M4H_CTL_SSE_ID_MAX]; /* of the last one that was given out; may be empty */
    uint32_t retry_ms;                /* that the server wants; 0: it said nothing */
    bool has_data, is_after_cr, is_begun;
    /* Takes a message, which is valid until it returns; false: no more are wanted. */
    bool (*on_message)(void *context, const struct m4h_ctl_sse_message *message);
    void *context;
};

void m4h_ctl_sse_begin(struct m4h_ctl_sse *sse,
                       bool (*on_message)(void *context, const struct m4h_ctl_sse_message *message),
                       void *context);
/* A new connection: forgets what was half read, and keeps `last_id`. */
void m4h_ctl_sse_restart(struct m4h_ctl_sse *sse);
void m4h_ctl_sse_end(struct m4h_ctl_sse *sse);

/* M4H_ECLOSED: no more are wanted. M4H_ETOOBIG: a message is longer than its limit. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_ctl_sse_feed(struct m4h_ctl_sse *sse, const uint8_t *bytes, size_t len);

#endif
