/* The recv, send and poll of the program, and what they know of one socket.
 *
 * They carry the names of the C library's by an assembler label, so that no header
 * has a say in how they are declared. What they pass on goes to whoever is next in
 * the order of the linker: the C library, or a sanitizer in front of it. */
#include "lib/ssh/stream.h"

#include "lib/ssh/behind.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOOK(name) __asm__(#name) __attribute__((visibility("default"), used))

typedef ssize_t recv_function(int fd, void *data, size_t len, int flags);
typedef ssize_t send_function(int fd, const void *data, size_t len, int flags);
typedef int poll_function(struct pollfd *fds, nfds_t count, int timeout_ms);

recv_function m4h_ssh_hook_recv HOOK(recv);
send_function m4h_ssh_hook_send HOOK(send);
poll_function m4h_ssh_hook_poll HOOK(poll);

static _Thread_local struct m4h_ssh_stream *entered;

/* ---- the functions behind ours --------------------------------------------------- */

static ssize_t next_recv(int fd, void *data, size_t len, int flags)
{
    static _Atomic(void *) found;

    return ((recv_function *)m4h_ssh_behind(&found, "recv"))(fd, data, len, flags);
}

static ssize_t next_send(int fd, const void *data, size_t len, int flags)
{
    static _Atomic(void *) found;

    return ((send_function *)m4h_ssh_behind(&found, "send"))(fd, data, len, flags);
}

static int next_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    static _Atomic(void *) found;

    return ((poll_function *)m4h_ssh_behind(&found, "poll"))(fds, count, timeout_ms);
}

/* ---- one socket ------------------------------------------------------------------- */

static void read_ahead(struct m4h_ssh_stream *stream)
{
    uint8_t *bytes = stream->read_ahead->bytes;
    ssize_t n;

    do
        n = next_recv(stream->fd, bytes, stream->read_max, 0);
    while (n < 0 && errno == EINTR);
    if (n < (ssize_t)stream->read_max)
        stream->may_read = false;
    if (n > 0) {
        stream->at = bytes;
        stream->left = (size_t)n;
    } else if (n == 0) {
        stream->ended = true;
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
        stream->error = errno;
    }
}

/* Something that recv can answer now: bytes, the end, or an error. */
static bool has_news(struct m4h_ssh_stream *stream)
{
    if (stream->left == 0 && !stream->ended && stream->error == 0 && stream->may_read)
        read_ahead(stream);
    return stream->left > 0 || stream->ended || stream->error != 0;
}

static void forget_kept(struct m4h_ssh_stream *stream)
{
    free(stream->kept);
    stream->kept = NULL;
}

static ssize_t take(struct m4h_ssh_stream *stream, void *data, size_t len)
{
    if (stream->left == 0 && stream->error != 0) {
        errno = stream->error;
        return -1;
    }
    if (len > stream->left)
        len = stream->left;
    if (len > 0)
        memcpy(data, stream->at, len);
    stream->at += len;
    stream->left -= len;
    if (stream->left == 0)
        forget_kept(stream);
    return (ssize_t)len;
}

/* Another session may read ahead into the same bytes. */
static void keep(struct m4h_ssh_stream *stream)
{
    if (stream->left == 0 || stream->kept != NULL)
        return;
    stream->kept = malloc(stream->left);
    if (stream->kept == NULL) {
        stream->left = 0;
        stream->error = ENOMEM;
        return;
    }
    memcpy(stream->kept, stream->at, stream->left);
    stream->at = stream->kept;
}

/* ---- what the libraries call ------------------------------------------------------- */

static bool is_ours(int fd)
{
    return entered != NULL && entered->fd == fd && fd >= 0;
}

ssize_t m4h_ssh_hook_recv(int fd, void *data, size_t len, int flags)
{
    if (!is_ours(fd) || flags != 0)
        return next_recv(fd, data, len, flags);
    entered->is_hooked = true;
    return take(entered, data, len);
}

ssize_t m4h_ssh_hook_send(int fd, const void *data, size_t len, int flags)
{
    ssize_t n;

    if (!is_ours(fd))
        return next_send(fd, data, len, flags);
    entered->is_hooked = true;
    do
        n = next_send(fd, data, len, flags);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        entered->error = errno;
        return -1;
    }
    if (n < 0)
        n = 0;
    if ((size_t)n < len)
        entered->may_not_write = true;
    return n;
}

int m4h_ssh_hook_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int events = 0;

    if (count != 1 || !is_ours(fds->fd))
        return next_poll(fds, count, timeout_ms);
    entered->is_hooked = true;
    if (entered->mode == M4H_SSH_STREAM_FLUSH && !entered->may_not_write)
        events = fds->events & POLLOUT;
    else if (entered->mode == M4H_SSH_STREAM_READ && (fds->events & POLLIN) && has_news(entered))
        events = POLLIN;
    fds->revents = (short)events;
    return events != 0;
}

/* ---- what the session calls -------------------------------------------------------- */

void m4h_ssh_stream_begin(struct m4h_ssh_stream *stream, struct m4h_ssh_read_ahead *read_ahead_,
                          int fd)
{
    *stream = (struct m4h_ssh_stream){
        .read_ahead = read_ahead_, .fd = fd, .read_max = M4H_SSH_READ_AHEAD_BYTES};
}

void m4h_ssh_stream_drop(struct m4h_ssh_stream *stream)
{
    stream->fd = -1;
    stream->left = 0;
    forget_kept(stream);
}

struct m4h_ssh_stream *m4h_ssh_stream_enter(struct m4h_ssh_stream *stream)
{
    struct m4h_ssh_stream *before = entered;

    if (before != NULL && before != stream)
        keep(before);
    entered = stream;
    return before;
}

void m4h_ssh_stream_leave(struct m4h_ssh_stream *before)
{
    if (entered != before)
        keep(entered);
    entered = before;
}

void m4h_ssh_stream_is_readable(struct m4h_ssh_stream *stream)
{
    stream->may_read = true;
}

void m4h_ssh_stream_is_writable(struct m4h_ssh_stream *stream)
{
    stream->may_not_write = false;
}

void m4h_ssh_stream_set_mode(struct m4h_ssh_stream *stream, enum m4h_ssh_stream_mode mode)
{
    stream->mode = mode;
}

void m4h_ssh_stream_set_read_max(struct m4h_ssh_stream *stream, size_t read_max)
{
    stream->read_max = read_max < M4H_SSH_READ_AHEAD_BYTES ? read_max : M4H_SSH_READ_AHEAD_BYTES;
}

bool m4h_ssh_stream_has_failed(const struct m4h_ssh_stream *stream)
{
    return stream->ended || stream->error != 0;
}
