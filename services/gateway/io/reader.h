/* One reader of the feed: its stream, its filter, and what it has still to be given from the past.
 * Private to the feed, which owns the list of them; a reader frees itself when its stream ends. */
#ifndef M4H_GATEWAY_READER_H
#define M4H_GATEWAY_READER_H

#include "lib/http/http.h"
#include "lib/http/stream.h"
#include "services/gateway/core/filter.h"
#include "services/gateway/io/feed.h"
#include "services/gateway/io/replay.h"

#include <sys/queue.h>

enum m4h_gateway_reader_place {
    M4H_GATEWAY_READER_LIVE,
    M4H_GATEWAY_READER_WAITING,  /* for the stream, or for its turn to be replayed */
    M4H_GATEWAY_READER_REPLAYED, /* `replay` gives it what it missed */
};

struct m4h_gateway_reader {
    struct m4h_gateway_feed *feed;
    struct m4h_http_stream *stream;
    struct m4h_gateway_filter filter;
    struct m4h_gateway_asker asker;
    enum m4h_gateway_reader_place place;
    struct m4h_gateway_replay *replay;
    uint64_t after_seq;  /* of the stream; it has all up to this one */
    uint64_t live_since; /* while it is live: a count of the feed's `recent` */
    uint64_t since_ms;
    uint64_t heard_ms; /* when it was last sent something */
    uint64_t sent;     /* events */
    const char *end;   /* the reason, once it is ended by us */
    char peer[M4H_ADDRESS_TEXT_MAX];
    char request_id[M4H_REQUEST_ID_MAX + 1];
    LIST_ENTRY(m4h_gateway_reader) link;
};

/* Reads the request and opens the stream, or answers it by a problem; then it is NULL. It is in no
 * list yet. */
struct m4h_gateway_reader *m4h_gateway_reader_open(struct m4h_gateway_feed *feed,
                                                   struct m4h_http_request *request,
                                                   uint64_t now_ms);

/* Sends bytes of the feed. False: it is ended; also when it does not read in time. */
bool m4h_gateway_reader_give(struct m4h_gateway_reader *reader, const void *data, size_t len);
/* A note between the events: name and document. */
void m4h_gateway_reader_note(struct m4h_gateway_reader *reader, const char *name,
                             const struct m4h_buffer *document);
/* Events may be missing; 0: not known. */
void m4h_gateway_reader_gap(struct m4h_gateway_reader *reader, const char *reason,
                            const char *after_id, const char *before_id);
/* Says why, and ends it. */
void m4h_gateway_reader_dismiss(struct m4h_gateway_reader *reader, const char *reason);

#endif
