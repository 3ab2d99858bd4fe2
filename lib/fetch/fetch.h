/* Asks an HTTP server and waits for the answer: the client's side of REST and of
 * server-sent events. It blocks, so it is for programs that have nothing else to
 * do, not for a loop. Redirects are not followed: a token goes to nobody but the
 * server that was named. One thread owns a m4h_fetch. */
#ifndef M4H_FETCH_FETCH_H
#define M4H_FETCH_FETCH_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest answer that is kept, and the longest of anything else below, with its NUL. */
#define M4H_FETCH_ANSWER_MAX (16u << 20)
#define M4H_FETCH_TEXT_MAX   512

struct m4h_fetch;

/* Nothing of it is kept. */
struct m4h_fetch_config {
    const char *base_url; /* "http://127.0.0.1:8080", http or https; a path may follow */
    const char *token;    /* sent as "Authorization: Bearer"; NULL: none */
    const char *ca_file;  /* PEM, instead of the system's authorities; NULL: those */
    uint32_t timeout_ms;  /* of a whole answer; of a stream, of its head */
    /* Asked about once a second while it waits; true gives up with M4H_ECLOSED.
     * May be NULL. */
    bool (*is_stopped)(void *context);
    void *context;
};

struct m4h_fetch_request {
    const char *method; /* "GET" */
    const char *target; /* "/v1/tunnels?page_size=500", ready encoded */
    const char *body;   /* of a POST or PATCH: JSON; NULL: none */
};

struct m4h_fetch_answer {
    unsigned status;        /* of HTTP */
    struct m4h_buffer body; /* NUL terminated, the NUL not counted; the caller frees it */
};

/* M4H_EINVALID: `base_url` is no http or https URL, or the token cannot be in a header; M4H_ENOMEM,
 * M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_fetch_create(struct m4h_fetch **fetch,
                                    const struct m4h_fetch_config *config);
/* Wipes the token. Accepts NULL. */
void m4h_fetch_destroy(struct m4h_fetch *fetch);

/* Asks. 0: there is an answer, whatever its status. M4H_EUNAVAILABLE: nobody was
 * reached; M4H_ETIMEOUT; M4H_EPROTOCOL: the connection broke, was not trusted or spoke no
 * HTTP; M4H_ETOOBIG; M4H_ECLOSED: is_stopped said so; M4H_ENOMEM. On an error
 * the answer is empty, and m4h_fetch_error_text says more. */
M4H_MUST_CHECK int m4h_fetch_ask(struct m4h_fetch *fetch, const struct m4h_fetch_request *request,
                                 struct m4h_fetch_answer *answer);

/* A GET whose answer of status 200 comes piece by piece, for as long as the server likes. */
struct m4h_fetch_stream {
    const char *target;
    const char *accept;        /* the media type: "text/event-stream" */
    const char *last_event_id; /* NULL or empty: none */
    uint32_t silence_ms;       /* without a byte for so long, it counts as broken */
    /* False ends it, and m4h_fetch_follow returns 0. */
    bool (*on_data)(void *context, const uint8_t *data, size_t len);
    void *context;
};

/* Returns when the stream ends. Errors as above; 0: it ended in good order, or
 * on_data ended it, or the status is not 200: then `answer` holds all. */
M4H_MUST_CHECK int m4h_fetch_follow(struct m4h_fetch *fetch, const struct m4h_fetch_stream *stream,
                                    struct m4h_fetch_answer *answer);

/* What went wrong last, for people; "" where nothing did. Valid until the next call. */
const char *m4h_fetch_error_text(const struct m4h_fetch *fetch);

#endif
