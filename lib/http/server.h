/* What server, requests and WebSockets know of each other. Private to lib/http.
 *
 * A connection is MHD's; we keep a small record beside it, for its whole life. A
 * request is ours: held by MHD until its answer is out, and by the handler while
 * it is deferred; freed when neither holds it. */
#ifndef M4H_HTTP_SERVER_H
#define M4H_HTTP_SERVER_H

#include "lib/base/log.h"
#include "lib/http/durations.h"
#include "lib/http/frames.h"
#include "lib/http/http.h"
#include "lib/http/route.h"
#include "lib/http/sources.h"
#include "lib/http/tls.h"
#include "lib/net/timer.h"

#include <microhttpd.h>
#include <sys/queue.h>

struct m4h_http_stream;
struct m4h_websocket;
struct m4h_websocket_config;

/* A connection whose next step is the client's: it waits in a queue, oldest first. */
struct m4h_http_connection {
    struct m4h_http_server *server;
    struct m4h_http_source *source; /* NULL: not counted */
    int fd;
    bool receiving;     /* in server->receiving */
    bool in_request;    /* past the head of a request */
    bool is_given_back; /* it was a WebSocket; the library closes it */
    bool has_asked;     /* at least one request had a head */
    uint64_t since_ms;
    TAILQ_ENTRY(m4h_http_connection) link;
};
TAILQ_HEAD(m4h_http_connections, m4h_http_connection);

struct m4h_http_request {
    struct m4h_http_server *server;    /* NULL once the server is gone */
    struct MHD_Connection *connection; /* NULL once MHD is done with it */
    struct m4h_websocket *websocket;   /* that it is to become, or NULL */
    struct m4h_http_stream *stream;    /* that is its answer, or NULL */
    struct m4h_http_match match;
    struct m4h_http_parameter query[M4H_HTTP_QUERY_MAX];
    size_t query_count;
    struct m4h_buffer body;
    struct MHD_Response *response; /* owned; the answer, until it is queued */
    unsigned status;
    size_t answer_len;   /* bytes of the answer's body */
    uint64_t started_us; /* of m4h_latency_clock_us */
    uint64_t deferred_ms;
    size_t body_wasted; /* bytes thrown away, where it was too large */
    bool begun;         /* the head has been looked at */
    bool is_http_1_1;
    bool is_encrypted;
    bool too_long;       /* the target */
    bool body_too_large; /* the rest is thrown away */
    bool is_deferred;    /* held by the handler */
    bool is_suspended;   /* in server->deferred, asleep in MHD */
    bool is_answered;    /* also where the server gave it up */
    TAILQ_ENTRY(m4h_http_request) link;
    char method[16];
    char id[M4H_REQUEST_ID_MAX + 1];
    char peer[M4H_ADDRESS_TEXT_MAX];
    struct m4h_ip source;
    char asker[M4H_ID_MAX + 1]; /* "": not known */
    char *path;                 /* as it came; in `text`, as are: */
    char *parts;                /* the path cut into values */
    char *query_text;
    char text[]; /* the target and a copy of it */
};
TAILQ_HEAD(m4h_http_requests, m4h_http_request);
struct m4h_http_arrival;
TAILQ_HEAD(m4h_http_arrivals, m4h_http_arrival);
LIST_HEAD(m4h_websockets, m4h_websocket);
LIST_HEAD(m4h_http_streams, m4h_http_stream);

struct m4h_http_server {
    struct m4h_http_config config; /* without zeroes */
    struct m4h_loop *loop;
    struct MHD_Daemon *daemon;
    struct m4h_http_tls *tls;      /* NULL: plain */
    struct m4h_listener *listener; /* NULL once it drains */
    struct m4h_watch *watch;       /* of MHD's epoll */
    struct m4h_timer *turn;        /* when MHD wants to run next */
    struct m4h_timer *deadlines;
    struct m4h_timer *ending; /* NULL until it drains */
    uint64_t ending_since_ms;
    uint32_t websockets_per_tick; /* closed, while it drains */
    uint32_t given_back;          /* WebSockets whose connection the library has not closed yet */
    bool wants_turn;              /* asked for while the library runs */
    uint64_t deadline_ms;         /* that the timer is set to; UINT64_MAX: it is not */
    uint16_t port;
    bool is_leaving; /* also while it drains */
    bool is_draining;
    bool is_stopping; /* at once: nothing may begin any more */
    uint64_t id_seed;
    struct m4h_http_stats stats;
    struct m4h_http_durations *durations;
    struct m4h_log_limit garbage_lines;
    struct m4h_log_limit proxy_lines;
    struct m4h_log_limit source_lines;
    struct m4h_http_sources sources;
    struct m4h_log_limit refusal_lines; /* of answers 4xx to who is not known */
    struct m4h_http_arrivals arrivals;
    struct m4h_http_connections receiving;
    struct m4h_http_requests deferred;
    struct m4h_websockets websockets;
    struct m4h_frames_store frames; /* that no WebSocket needs now */
    struct m4h_http_streams streams;
};

/* ---- server.c ---- */

/* The client has to send something by receive_timeout_ms from now, or (false) has not. */
void m4h_http_connection_receives(struct m4h_http_connection *connection, bool receiving);
/* Peers that do not acknowledge what we send are gone. */
#define M4H_HTTP_SILENT_MS 60000

/* The record that stands beside one of the library's. */
struct m4h_http_connection *m4h_http_connection_of(struct MHD_Connection *connection);
/* It was a WebSocket, and is the library's again, which has to run until it has closed it. */
void m4h_http_connection_give_back(struct m4h_http_connection *connection);
/* Shuts it down; the library finds the end. */
void m4h_http_connection_cut(struct m4h_http_connection *connection);
/* Lets the library run soon: it does not notice by itself what was woken or closed. */
void m4h_http_server_turn(struct m4h_http_server *server);
/* A deadline for whatever was put at the end of a queue. */
void m4h_http_server_expect(struct m4h_http_server *server, uint64_t timeout_ms);

/* ---- request.c: called by MHD ---- */

void *m4h_http_on_target(void *server, const char *target, struct MHD_Connection *connection);
enum MHD_Result m4h_http_on_request(void *server, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *upload, size_t *upload_len, void **request);
void m4h_http_on_completed(void *server, struct MHD_Connection *connection, void **request,
                           enum MHD_RequestTerminationCode code);

/* The values of all header lines of that name, joined by ", "; cut to fit. */
void m4h_http_header_join(const struct m4h_http_request *request, const char *name, char *out,
                          size_t out_size);

/* A connection more, or less: where there are too many, no more are accepted. */
void m4h_http_server_count_in(struct m4h_http_server *server);
void m4h_http_server_count_out(struct m4h_http_server *server);

/* ---- arrival.c ---- */

/* Whether connections of that peer (an address with its port) are counted for their source:
 * not of trusted proxies. */
bool m4h_http_is_counted(const struct m4h_http_server *server, const char *peer,
                         struct m4h_ip *source);
/* An m4h_listener_on_accept. */
void m4h_http_on_accept(void *server, int fd, const char *peer);
/* Closes those that wait for their header: since too long; all. */
void m4h_http_arrivals_expire(struct m4h_http_server *server, uint64_t now_ms);
void m4h_http_arrivals_close(struct m4h_http_server *server);

/* ---- head.c ---- */

/* Whether its framing and its host can be read in one way only. */
bool m4h_http_head_is_sound(const struct m4h_http_request *request);
/* Whether it is a token of RFC 9110, as methods and names of headers are. */
bool m4h_http_is_token(const char *text);

/* ---- client.c ---- */

/* Sets peer, source and is_encrypted, by the connection and the head. */
void m4h_http_find_client(struct m4h_http_request *request);

/* ---- answer.c ---- */

/* Adds to a response; false where memory is short. */
bool m4h_http_response_header(struct MHD_Response *response, const char *name, const char *value);
/* One without a body; NULL: no memory. */
struct MHD_Response *m4h_http_response_empty(void);
/* The handler lets go. False: the request needs no answer any more, and is gone. */
bool m4h_http_request_take_back(struct m4h_http_request *request);
/* Makes `response` (owned from now on; NULL: no memory, 500 is sent) the answer,
 * logs it, and wakes the request where it sleeps. */
void m4h_http_request_end(struct m4h_http_request *request, unsigned status,
                          struct MHD_Response *response, size_t len);
/* The server's own answer to a deferred request; the handler still holds it. */
void m4h_http_request_give_up(struct m4h_http_request *request, unsigned status, const char *code,
                              const char *detail);
/* Frees it where nobody holds it any more. */
void m4h_http_request_release(struct m4h_http_request *request);

/* ---- stream.c ---- */

/* MHD is done with the request that it answers: the end. */
void m4h_http_stream_over(struct m4h_http_stream *stream);
/* All of them: asks their handlers to finish, or finishes them where they stand. */
void m4h_http_streams_drain(struct m4h_http_server *server);
void m4h_http_streams_cut(struct m4h_http_server *server);

/* ---- websocket.c ---- */

/* One that is not open yet, for upgrade.c; NULL: no memory. */
struct m4h_websocket *m4h_websocket_create(struct m4h_http_request *request,
                                           const struct m4h_websocket_config *config,
                                           const char *subprotocol, void *context);
/* Frees one that has not been opened, without a callback. Accepts NULL. */
void m4h_websocket_free(struct m4h_websocket *websocket);
/* MHD_UpgradeHandler: the 101 is out, the socket ours. */
void m4h_websocket_on_upgrade(void *websocket, struct MHD_Connection *connection, void *request,
                              const char *early, size_t early_len, MHD_socket fd,
                              struct MHD_UpgradeResponseHandle *upgraded);

/* MHD is done with the request whose WebSocket has not opened: the client is gone. */
void m4h_websocket_abandon(struct m4h_websocket *websocket);
/* So many of those that are open: with a close frame. All of them: at once. */
void m4h_websockets_drain(struct m4h_http_server *server, uint32_t count);
void m4h_websockets_cut(struct m4h_http_server *server);

#endif
