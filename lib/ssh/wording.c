/* The ssh_buffer_get of the program: libssh's own, with words for a refusal. */
#include "lib/ssh/wording.h"

#include "lib/ssh/behind.h"
#include "lib/ssh/open.h"

#include <libssh/libssh.h>
#include <stdatomic.h>
#include <string.h>

/* What a refusal begins with, and what libssh's own has after it: reason, and the lengths
 * of text and language. */
#define OPEN_FAILURE     92
#define HEAD_BYTES       5u
#define BARE_BYTES       (HEAD_BYTES + 12u)
#define WORDED_BYTES_MAX (BARE_BYTES + M4H_SSH_OPEN_TEXT_MAX)

typedef void *buffer_function(ssh_buffer buffer);

static _Thread_local const char *wording; /* NULL: nothing is to be put in */
static _Thread_local uint32_t wording_reason;

static buffer_function *next_get(void)
{
    static _Atomic(void *) found;

    return (buffer_function *)m4h_ssh_behind(&found, "ssh_buffer_get");
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(value >> shift);
    return at;
}

/* Writes the packet anew with reason and text. */
static void put_in(ssh_buffer buffer, const uint8_t *bare)
{
    uint8_t worded[WORDED_BYTES_MAX];
    size_t len = strnlen(wording, M4H_SSH_OPEN_TEXT_MAX);
    uint8_t *at = worded + HEAD_BYTES;

    memcpy(worded, bare, HEAD_BYTES);
    at = put_u32(at, wording_reason);
    at = put_u32(at, (uint32_t)len);
    memcpy(at, wording, len);
    at = put_u32(at + len, 0);
    wording = NULL;
    ssh_buffer_reinit(buffer);
    ssh_buffer_add_data(buffer, worded, (uint32_t)(at - worded));
}

void *ssh_buffer_get(ssh_buffer buffer)
{
    const uint8_t *bytes = next_get()(buffer);

    if (wording != NULL && ssh_buffer_get_len(buffer) == BARE_BYTES && bytes[0] == OPEN_FAILURE)
        put_in(buffer, bytes);
    return next_get()(buffer);
}

void m4h_ssh_wording_begin(uint32_t reason, const char *text)
{
    wording = text;
    wording_reason = reason;
}

void m4h_ssh_wording_end(void)
{
    wording = NULL;
}
