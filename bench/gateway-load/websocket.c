/* Bytes come into `in`: the answer to the handshake, then frames. `taken` of them are done with. */
#include "websocket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_BASE     2048u
#define IN_MESSAGE  1024u
#define OUT_BASE    512u
#define OUT_MESSAGE 256u
#define FIN         0x80u
#define MASKED      0x80u
#define OF_16_BITS  126u
#define CONTROL_MAX 125u

enum {
    TEXT = 1,
    CLOSE = 8,
    PING = 9,
    PONG = 10
};

static const uint8_t mask[4] = {0x5a, 0x17, 0xc3, 0x88};
static const char handshake[] =
    "GET /v1/slots HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

struct websocket {
    int fd;
    bool is_open;
    bool has_ended;
    size_t in_len, in_size, taken;
    size_t out_len, out_size;
    uint8_t *in;
    uint8_t *out;
};

struct websocket *websocket_connect(const struct sockaddr_in *address, unsigned depth)
{
    struct websocket *self = calloc(1, sizeof(*self));

    if (self == NULL)
        abort();
    self->in_size = IN_BASE + depth * IN_MESSAGE;
    self->out_size = OUT_BASE + depth * OUT_MESSAGE;
    self->in = malloc(self->in_size);
    self->out = malloc(self->out_size);
    self->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->in == NULL || self->out == NULL)
        abort();
    if (self->fd >= 0 &&
        (connect(self->fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
         errno == EINPROGRESS))
        return self;
    websocket_close(self);
    return NULL;
}

void websocket_close(struct websocket *self)
{
    if (self == NULL)
        return;
    if (self->fd >= 0)
        close(self->fd);
    free(self->in);
    free(self->out);
    free(self);
}

int websocket_fd(const struct websocket *self)
{
    return self->fd;
}

bool websocket_begin(struct websocket *self)
{
    return send(self->fd, handshake, sizeof(handshake) - 1, MSG_NOSIGNAL) ==
           (ssize_t)(sizeof(handshake) - 1);
}

bool websocket_is_open(const struct websocket *self)
{
    return self->is_open;
}

/* ---- out ------------------------------------------------------------------------------ */

static void add_frame(struct websocket *self, unsigned opcode, const void *data, size_t len)
{
    uint8_t *out = self->out + self->out_len;

    if (len > UINT16_MAX || self->out_len + len + 8 > self->out_size)
        abort(); /* more is in flight than was said at the beginning */
    *out++ = (uint8_t)(FIN | opcode);
    if (len > CONTROL_MAX) {
        *out++ = MASKED | OF_16_BITS;
        *out++ = (uint8_t)(len >> 8);
        *out++ = (uint8_t)len;
    } else {
        *out++ = (uint8_t)(MASKED | len);
    }
    memcpy(out, mask, sizeof(mask));
    out += sizeof(mask);
    for (size_t i = 0; i < len; i++)
        *out++ = ((const uint8_t *)data)[i] ^ mask[i % sizeof(mask)];
    self->out_len = (size_t)(out - self->out);
}

void websocket_send(struct websocket *self, const char *text, size_t len)
{
    add_frame(self, TEXT, text, len);
}

bool websocket_flush(struct websocket *self)
{
    size_t len = self->out_len;

    self->out_len = 0;
    return len == 0 || send(self->fd, self->out, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* ---- in ------------------------------------------------------------------------------- */

static bool take_handshake(struct websocket *self)
{
    const uint8_t *end = memmem(self->in, self->in_len, "\r\n\r\n", 4);

    if (end == NULL)
        return self->in_len < self->in_size;
    self->is_open = self->in_len > 12 && memcmp(self->in, "HTTP/1.1 101", 12) == 0;
    self->taken = (size_t)(end - self->in) + 4;
    return self->is_open;
}

bool websocket_read(struct websocket *self)
{
    ssize_t len;

    memmove(self->in, self->in + self->taken, self->in_len - self->taken);
    self->in_len -= self->taken;
    self->taken = 0;
    len = recv(self->fd, self->in + self->in_len, self->in_size - self->in_len, 0);
    if (len < 0)
        return errno == EAGAIN || errno == EINTR;
    if (len == 0 || self->has_ended)
        return false;
    self->in_len += (size_t)len;
    return self->is_open || take_handshake(self);
}

/* The next whole frame; returns its opcode, or 0. */
static unsigned next_frame(struct websocket *self, struct websocket_message *message)
{
    const uint8_t *at = self->in + self->taken;
    size_t left = self->in_len - self->taken;
    size_t head = 2, len;

    if (left < head)
        return 0;
    len = at[1];
    if (len == OF_16_BITS) {
        head = 4;
        if (left < head)
            return 0;
        len = (size_t)at[2] << 8 | at[3];
    }
    if (left < head + len)
        return 0;
    self->taken += head + len;
    message->text = (const char *)at + head;
    message->len = len;
    return at[0] & 0x0fu;
}

bool websocket_next(struct websocket *self, struct websocket_message *message)
{
    unsigned opcode;

    while (self->is_open && (opcode = next_frame(self, message)) != 0) {
        if (opcode == TEXT)
            return true;
        if (opcode == PING) {
            add_frame(self, PONG, message->text, message->len);
            websocket_flush(self);
        }
        self->has_ended |= opcode == CLOSE;
    }
    return false;
}
