#include "tests/unit/websocket_client.h"

#include <stdlib.h>
#include <string.h>

#define TEXT 8192

int websocket_dial(const struct http_fixture *fixture, const char *path)
{
    char text[TEXT];
    int fd = http_connect(fixture);

    http_send(fd, "GET ");
    http_send(fd, path);
    http_send(fd, WEBSOCKET_HANDSHAKE_REST "\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 101);
    assert_non_null(strstr(text, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    return fd;
}

/* Writes a masked frame to `out`; returns its length. */
size_t websocket_make_frame(uint8_t *out, unsigned first, const void *data, size_t len)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    size_t head = 2;

    out[0] = (uint8_t)first;
    if (len < 126) {
        out[1] = (uint8_t)(MASKED | len);
    } else if (len < 65536) {
        out[1] = MASKED | 126;
        out[2] = (uint8_t)(len >> 8);
        out[3] = (uint8_t)len;
        head = 4;
    } else {
        memset(out, 0, 10);
        out[0] = (uint8_t)first;
        out[1] = MASKED | 127;
        for (int i = 0; i < 4; i++)
            out[9 - i] = (uint8_t)(len >> (8 * i));
        head = 10;
    }
    memcpy(out + head, mask, 4);
    for (size_t i = 0; i < len; i++)
        out[head + 4 + i] = ((const uint8_t *)data)[i] ^ mask[i % 4];
    return head + 4 + len;
}

void websocket_send(int fd, unsigned first, const void *data, size_t len)
{
    uint8_t *frame = malloc(len + 16);

    assert_non_null(frame);
    http_send_bytes(fd, frame, websocket_make_frame(frame, first, data, len));
    free(frame);
}

void websocket_send_text(int fd, unsigned first, const char *text)
{
    websocket_send(fd, first, text, strlen(text));
}

/* Reads one frame of the server, which must not be masked. Returns its first byte
 * (0: the connection ended); `*len` is its length. */
unsigned websocket_read(int fd, uint8_t *data, size_t size, size_t *len)
{
    uint8_t head[2], more[8];

    *len = 0;
    if (!http_read(fd, head, 2))
        return 0;
    assert_int_equal(head[1] & MASKED, 0);
    *len = head[1];
    if (head[1] >= 126) {
        size_t bytes = head[1] == 126 ? 2 : 8;

        assert_true(http_read(fd, more, bytes));
        *len = 0;
        for (size_t i = 0; i < bytes; i++)
            *len = *len << 8 | more[i];
    }
    assert_true(*len <= size);
    assert_true(http_read(fd, data, *len));
    return head[0];
}

void websocket_expect_text(int fd, unsigned first, const char *text)
{
    uint8_t data[TEXT];
    size_t len;

    assert_int_equal(websocket_read(fd, data, sizeof(data), &len), first);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(data, text, len);
}

void websocket_expect_close(int fd, unsigned code)
{
    uint8_t data[TEXT];
    size_t len;

    assert_int_equal(websocket_read(fd, data, sizeof(data), &len), FIN | CLOSE);
    assert_true(len >= 2);
    assert_int_equal(data[0] << 8 | data[1], code);
}
