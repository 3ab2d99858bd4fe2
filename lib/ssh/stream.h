/* How libssh gets at its socket: in large pieces. By itself it asks poll() and then
 * recv() for 4,096 bytes at a time, and sends each packet alone.
 *
 * The program gives its own recv, send and poll to the libraries that it is linked
 * with. They pass everything on to the C library, except for the one socket whose
 * session this thread has entered (m4h_ssh_stream_enter):
 * - poll is answered from what is known: "readable" only in mode READ, where bytes
 *   were read ahead, or can be now, in one large piece; "writable" only in mode FLUSH,
 *   so that libssh gathers all packets of a turn and sends them at once;
 * - recv is served from what was read ahead;
 * - send answers 0 where the kernel takes nothing, since libssh would end the session
 *   over EAGAIN.
 * Where nothing calls them (a libssh that was linked in another way) `is_hooked` stays
 * false, and libssh does it all by itself: this is a cache and no replacement.
 *
 * What was read ahead and not consumed when the session is left waits in the stream.
 * A stream is its session's; all calls are on the thread of its server. After libssh
 * has closed the socket the stream must be dropped, before anybody may get the same
 * number. */
#ifndef M4H_SSH_STREAM_H
#define M4H_SSH_STREAM_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read ahead in one go, and so at most in one turn of a session. */
#define M4H_SSH_READ_AHEAD_BYTES 65536u

/* One for each server: what the session that is entered reads ahead. */
struct m4h_ssh_read_ahead {
    uint8_t bytes[M4H_SSH_READ_AHEAD_BYTES];
};

/* What libssh may do with the socket while the session is entered. */
enum m4h_ssh_stream_mode {
    M4H_SSH_STREAM_QUIET, /* neither: it gathers what it has to send */
    M4H_SSH_STREAM_READ,
    M4H_SSH_STREAM_FLUSH,
};

struct m4h_ssh_stream {
    struct m4h_ssh_read_ahead *read_ahead; /* borrowed of the server */
    int fd;                                /* borrowed of libssh; -1: there is none any more */
    const uint8_t *at;                     /* the `left` bytes that libssh has not had yet */
    size_t left;
    uint8_t *kept;      /* owned: where they are while the session is not entered */
    int error;          /* of the socket, or of keeping; told after all bytes */
    bool ended;         /* the peer sends no more; likewise */
    size_t read_max;    /* read ahead in one go, at most M4H_SSH_READ_AHEAD_BYTES */
    bool may_read;      /* the socket may have bytes */
    bool may_not_write; /* the kernel took less than all */
    bool is_hooked;     /* libssh has come through here */
    enum m4h_ssh_stream_mode mode;
};

void m4h_ssh_stream_begin(struct m4h_ssh_stream *stream, struct m4h_ssh_read_ahead *read_ahead,
                          int fd);
/* The socket is no longer libssh's. What was read ahead is lost. May be called again. */
void m4h_ssh_stream_drop(struct m4h_ssh_stream *stream);

/* From here to m4h_ssh_stream_leave, libssh's calls of this thread go through the
 * stream. Returns the one that was entered before, for leave: NULL, itself (which
 * changes nothing), or another, which waits meanwhile. */
struct m4h_ssh_stream *m4h_ssh_stream_enter(struct m4h_ssh_stream *stream);
void m4h_ssh_stream_leave(struct m4h_ssh_stream *before);

/* The loop says so. */
void m4h_ssh_stream_is_readable(struct m4h_ssh_stream *stream);
void m4h_ssh_stream_is_writable(struct m4h_ssh_stream *stream);
void m4h_ssh_stream_set_mode(struct m4h_ssh_stream *stream, enum m4h_ssh_stream_mode mode);

/* Reads ahead no more than so much in one go, from now on. */
void m4h_ssh_stream_set_read_max(struct m4h_ssh_stream *stream, size_t read_max);

/* The connection itself is over, or broken. */
bool m4h_ssh_stream_has_failed(const struct m4h_ssh_stream *stream);

#endif
