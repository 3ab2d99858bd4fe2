/* The header of the PROXY protocol, off a socket. What is there is looked at first
 * (MSG_PEEK) and then taken as far as it belongs to the header: all of it while the
 * header is not complete, so that a peer which stops inside it wakes nobody. */
#include "lib/net/proxy_reader.h"

#include "lib/base/error.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct m4h_proxy_reader {
    struct m4h_watch *watch;
    int fd;
    m4h_proxy_reader_on_done on_done;
    void *context;
    size_t len; /* taken so far */
    uint8_t data[M4H_PROXY_HEADER_MAX];
};

static void end(struct m4h_proxy_reader *reader, enum m4h_proxy_outcome outcome,
                const struct m4h_proxy_header *header)
{
    m4h_watch_set(reader->watch, 0);
    reader->on_done(reader->context, outcome, header);
}

/* Takes `count` bytes that have been looked at. */
static bool take(struct m4h_proxy_reader *reader, size_t count)
{
    ssize_t got = recv(reader->fd, reader->data + reader->len, count, MSG_DONTWAIT);

    if (got < 0 || (size_t)got != count)
        return false;
    reader->len += count;
    return true;
}

static void on_ready(void *context, unsigned events)
{
    struct m4h_proxy_reader *reader = context;
    size_t room = sizeof(reader->data) - reader->len;
    struct m4h_proxy_header header;
    enum m4h_proxy_verdict verdict;
    ssize_t seen = recv(reader->fd, reader->data + reader->len, room, MSG_PEEK | MSG_DONTWAIT);

    (void)events;
    if (seen < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (seen <= 0) {
        end(reader, reader->len == 0 ? M4H_PROXY_ENDED : M4H_PROXY_REFUSED, NULL);
        return;
    }
    verdict = m4h_proxy_header_parse(reader->data, reader->len + (size_t)seen, &header);
    if (verdict == M4H_PROXY_COMPLETE && take(reader, header.len - reader->len))
        end(reader, M4H_PROXY_TAKEN, &header);
    else if (verdict != M4H_PROXY_INCOMPLETE || !take(reader, (size_t)seen))
        end(reader, M4H_PROXY_REFUSED, NULL);
}

int m4h_proxy_reader_start(struct m4h_proxy_reader **reader, struct m4h_loop *loop, int fd,
                           m4h_proxy_reader_on_done on_done, void *context)
{
    struct m4h_proxy_reader *made = calloc(1, sizeof(*made));
    int error;

    *reader = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->fd = fd;
    made->on_done = on_done;
    made->context = context;
    error = m4h_watch_start(&made->watch, loop, fd, M4H_WATCH_READ, on_ready, made);
    if (error != 0) {
        free(made);
        return error;
    }
    *reader = made;
    return 0;
}

void m4h_proxy_reader_close(struct m4h_proxy_reader *reader)
{
    if (reader == NULL)
        return;
    m4h_watch_close(reader->watch);
    free(reader);
}
