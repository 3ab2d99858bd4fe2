/* Why a channel is not opened, in words that its asker is shown.
 *
 * SSH_MSG_CHANNEL_OPEN_FAILURE has a reason and a text (RFC 4254 section 5.1); libssh
 * always says "administratively prohibited" and nothing (0.10.6, messages.c). Yet it
 * looks at each packet that it is about to send through ssh_buffer_get, and the program
 * gives its own to the libraries that it is linked with, which puts our words in. Where
 * libssh does not come through here (linked in another way; a key exchange is going on)
 * the bare refusal goes out. */
#ifndef M4H_SSH_WORDING_H
#define M4H_SSH_WORDING_H

#include <stdint.h>

/* From here to m4h_ssh_wording_end, a refusal that libssh makes on this thread, the first
 * one, says this. `text` is borrowed. */
void m4h_ssh_wording_begin(uint32_t reason, const char *text);
void m4h_ssh_wording_end(void);

#endif
