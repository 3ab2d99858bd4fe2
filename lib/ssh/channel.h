/* One connection inside a session: a forwarded-tcpip channel (RFC 4254 section 7.2) to a
 * device, for an operator; or a direct-tcpip channel that the peer has asked for, see
 * lib/ssh/open.h. Back-pressure in both directions is the owner's to
 * keep: write no more than there is room for, take no more than it can hold. */
#ifndef M4H_SSH_CHANNEL_H
#define M4H_SSH_CHANNEL_H

#include "lib/base/attributes.h"
#include "lib/ssh/session.h"

#include <stddef.h>

struct m4h_ssh_channel;

struct m4h_ssh_channel_handler {
    /* The device accepted: data may flow. */
    void (*on_open)(void *context);
    /* Bytes from the device. Returns how many it took, all or none. Runs in the
     * middle of the library: it must not call lib/ssh. After less than all,
     * m4h_ssh_channel_resume asks for the rest. */
    size_t (*on_data)(void *context, const void *data, size_t len);
    /* There may be room to write; told while m4h_ssh_channel_want_write is on. */
    void (*on_writable)(void *context);
    /* The device sends no more; all before it has been through on_data. */
    void (*on_eof)(void *context);
    /* It was closed while some of its data was left with the library: it takes nothing more, and
     * on_closed waits for m4h_ssh_channel_resume. May be NULL: the owner resumes it in any case. */
    void (*on_parted)(void *context);
    /* The device refused or closed it: only m4h_ssh_channel_close is left. */
    void (*on_closed)(void *context);
};

/* Asks the device to open one. `address` and `port` are those of its forward, as
 * it asked for them (with the port that it was given); the originator is the
 * operator. Ends with the session, if it lasts so long. M4H_ENOMEM, M4H_ECLOSED;
 * M4H_EFULL while the device has not confirmed the end of many others. */
M4H_MUST_CHECK int m4h_ssh_channel_open(struct m4h_ssh_channel **channel,
                                        struct m4h_ssh_session *session, const char *address,
                                        uint16_t port, const char *originator,
                                        uint16_t originator_port,
                                        const struct m4h_ssh_channel_handler *handler,
                                        void *context);

/* Asks the server of a session that began here (client.h) for a connection to `host`, by
 * direct-tcpip (RFC 4254 section 7.2). Otherwise as m4h_ssh_channel_open. */
M4H_MUST_CHECK int m4h_ssh_channel_open_direct(struct m4h_ssh_channel **channel,
                                               struct m4h_ssh_session *session, const char *host,
                                               uint16_t port, const char *originator,
                                               uint16_t originator_port,
                                               const struct m4h_ssh_channel_handler *handler,
                                               void *context);
/* In on_closed: why it was not opened, as RFC 4254 section 5.1 has it (1: prohibited, 2:
 * connect failed, ...), where several are refused at once that of the last; 0: it was
 * open, or the session broke. */
unsigned m4h_ssh_channel_refusal(const struct m4h_ssh_channel *channel);

/* How many bytes may be written now: what the device's window and our socket take,
 * and what leaves others their turn. */
size_t m4h_ssh_channel_room(const struct m4h_ssh_channel *channel);
/* Writes; returns how many bytes were taken, which may be fewer: keep the rest
 * and wait for on_writable. */
size_t m4h_ssh_channel_write(struct m4h_ssh_channel *channel, const void *data, size_t len);
void m4h_ssh_channel_want_write(struct m4h_ssh_channel *channel, bool wanted);
/* After on_data took less than all: hands over all that is waiting, now (it
 * calls on_data, which has to take it) and again as it comes. */
void m4h_ssh_channel_resume(struct m4h_ssh_channel *channel);
/* No more writes. */
void m4h_ssh_channel_finish(struct m4h_ssh_channel *channel);

/* Closes it. No callback any more. Legal in its own callbacks but on_data.
 * Accepts NULL. */
void m4h_ssh_channel_close(struct m4h_ssh_channel *channel);

#endif
