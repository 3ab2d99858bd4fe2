/* The goodbye without a session: one packet in clear text, before any key exchange,
 * which every client shows to its user. It must not know libssh. */
#include "lib/ssh/refusal.h"

#include "lib/base/attributes.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define IDENTIFICATION          "SSH-2.0-mas4h\r\n"
#define MSG_DISCONNECT          1
#define TOO_MANY_CONNECTIONS    12
#define MESSAGE_MAX             200
#define BLOCK                   8 /* RFC 4253 section 6: of packets in clear text */
#define PADDING_MIN             4
#define UNREAD_MAX              16384 /* more than any client sends before it was answered */
#define HEAD                    5     /* packet_length, padding_length */
#define PAYLOAD_WITHOUT_MESSAGE 13    /* type, reason, length, length of the language tag */

static uint8_t *put_u32(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
    return at + 4;
}

void m4h_ssh_refusal_write(int fd, const char *message)
{
    uint8_t out[sizeof(IDENTIFICATION) + HEAD + PAYLOAD_WITHOUT_MESSAGE + MESSAGE_MAX +
                PADDING_MIN + BLOCK] = IDENTIFICATION;
    size_t len = strnlen(message, MESSAGE_MAX);
    size_t payload = PAYLOAD_WITHOUT_MESSAGE + len;
    size_t padding = BLOCK - (HEAD + payload) % BLOCK;
    uint8_t *at = out + strlen(IDENTIFICATION);
    uint8_t unread[512];

    if (padding < PADDING_MIN)
        padding += BLOCK;
    at = put_u32(at, 1 + payload + padding);
    *at++ = (uint8_t)padding;
    *at++ = MSG_DISCONNECT;
    at = put_u32(at, TOO_MANY_CONNECTIONS);
    at = put_u32(at, len);
    memcpy(at, message, len);
    at = put_u32(at + len, 0) + padding;
    if (send(fd, out, (size_t)(at - out), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
    /* What is unread when a socket is closed makes the kernel take back what was sent. */
    shutdown(fd, SHUT_WR);
    for (size_t taken = 0; taken < UNREAD_MAX; taken += sizeof(unread)) {
        if (recv(fd, unread, sizeof(unread), MSG_DONTWAIT) != (ssize_t)sizeof(unread))
            return;
    }
}
