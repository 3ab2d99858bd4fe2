/* One device's SSH connection: the server's side of RFC 4253 (transport), 4252
 * (public key authentication) and 4254 section 7 (TCP/IP forwarding), on a loop.
 *
 * Happy path: accept -> on_exchanged -> on_key, answered now or later ->
 * on_forward, answered now or later -> channels -> on_end.
 * While one of these questions is open no further request of the device is handled, so
 * answers keep their order; channels that it asks for (on_open) wait beside each other.
 * What a bouncer does not give (shells, commands, subsystems) is refused here and told
 * through on_refused.
 *
 * The library underneath closes the socket itself, has no timeouts and runs its
 * callbacks in the middle of any call; therefore handlers below are called from
 * the loop only, never from inside a call to this module. Deadlines are the
 * owner's. */
#ifndef M4H_SSH_SESSION_H
#define M4H_SSH_SESSION_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "lib/ssh/server.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_ssh_open;
struct m4h_ssh_open_request;
struct m4h_ssh_session;

/* A key whose owner has proved, by a signature, to have it. Borrowed. */
struct m4h_ssh_key_offer {
    const char *username; /* untrusted bytes */
    const char *algorithm;
    const uint8_t *blob; /* SSH wire form, RFC 4253 section 6.6; or the whole certificate */
    size_t blob_len;
    const char *fingerprint; /* "SHA256:...": of the key, without what a certificate adds */
};

enum m4h_ssh_end {
    M4H_SSH_END_CLOSED,   /* the peer said goodbye (SSH_MSG_DISCONNECT) */
    M4H_SSH_END_LOST,     /* the TCP connection is gone */
    M4H_SSH_END_PROTOCOL, /* the peer broke the protocol, or a limit of ours */
};

/* All on the loop's thread. Each may close the session, except on_word. */
struct m4h_ssh_handler {
    /* A whole word came while it is not authenticated: its identification, or a packet.
     * Bytes of one that is not complete are none. At most once in a turn. May be NULL. */
    void (*on_word)(void *context);
    /* The key exchange is done. */
    void (*on_exchanged)(void *context);
    /* Who is this? m4h_ssh_session_answer_key, once. */
    void (*on_key)(void *context, const struct m4h_ssh_key_offer *offer);
    /* tcpip-forward: m4h_ssh_session_answer_forward, once. Port 0: any. */
    void (*on_forward)(void *context, const char *address, uint32_t port);
    /* cancel-tcpip-forward; true: there was such a forward. */
    bool (*on_cancel)(void *context, const char *address, uint32_t port);
    /* direct-tcpip: see lib/ssh/open.h. NULL: it is refused, and told through on_refused. */
    void (*on_open)(void *context, struct m4h_ssh_open *open,
                    const struct m4h_ssh_open_request *request);
    /* What to tell one who asks for a shell, a command or a subsystem, in lines that end in
     * CR LF; static. NULL: the channel is refused. In either case on_refused is told. */
    const char *(*on_shell)(void *context);
    /* Something was refused: "shell", "direct-tcpip to 10.0.0.1:80", ... */
    void (*on_refused)(void *context, const char *what);
    /* It is over; only m4h_ssh_session_close is left to call. */
    void (*on_end)(void *context, enum m4h_ssh_end end, const char *detail);
};

/* Begins a session on a connected socket, which it owns from now on, also when
 * it fails: M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_ssh_session_accept(struct m4h_ssh_session **session,
                                          struct m4h_ssh_server *server, int fd,
                                          const struct m4h_ssh_handler *handler, void *context);

/* Answers on_key. */
void m4h_ssh_session_answer_key(struct m4h_ssh_session *session, bool allowed);
/* Answers on_forward: with the port that is open now, or 0 for no. */
void m4h_ssh_session_answer_forward(struct m4h_ssh_session *session, uint16_t port);

/* Asks the device for a sign of life. Whatever it sends then shows in heard_ms. */
void m4h_ssh_session_keepalive(struct m4h_ssh_session *session);
/* Reads nothing more of the device, keepalives and answers included, until it is called
 * again with false. Legal also in a channel's on_data. */
void m4h_ssh_session_pause(struct m4h_ssh_session *session, bool paused);
/* See m4h_socket_set_patience. */
void m4h_ssh_session_set_patience(struct m4h_ssh_session *session, uint32_t silent_ms);
/* When the device was last heard, on the loop's clock. */
uint64_t m4h_ssh_session_heard_ms(const struct m4h_ssh_session *session);
/* What it tried to get in by that is not taken here: the name of a kind of key
 * ("ssh-ed25519-cert-v01@openssh.com"), "password"; "": nothing. Static. */
const char *m4h_ssh_session_refused_auth(const struct m4h_ssh_session *session);
/* The device's identification without "SSH-2.0-", valid as the session is. */
const char *m4h_ssh_session_client_version(const struct m4h_ssh_session *session);

/* Ends it: tells the device why (where the connection still lives), closes the
 * socket and all channels (their handlers are not called). No callback any
 * more. Legal in its own callbacks. Accepts NULL. */
void m4h_ssh_session_close(struct m4h_ssh_session *session, const char *message);

#endif
