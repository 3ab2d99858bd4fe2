/* Shared by the files of lib/ssh only: the session with libssh inside. */
#ifndef M4H_SSH_INTERNAL_H
#define M4H_SSH_INTERNAL_H

#include "lib/net/timer.h"
#include "lib/net/watch.h"
#include "lib/ssh/channel.h"
#include "lib/ssh/open.h"
#include "lib/ssh/session.h"
#include "lib/ssh/stream.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#define KEY_TYPES_MAX 32
/* After so long, sessions that can wait leave the rest to the loop's next turn. */
#define BUSY_US 10000u

struct m4h_ssh_server {
    struct m4h_loop *loop;
    ssh_bind bind;
    uint32_t taken_keys;     /* devices' keys, a bit for each enum ssh_keytypes_e */
    const char *compression; /* as the library's option takes it */
    char *dropbear_macs;     /* owned: all that Dropbear is offered; NULL: as everyone */
    /* For sessions that begin here: what this side proves to be by, and what it offers,
     * in its order; the lists are owned, "" for the library's own. */
    ssh_key own_keys[M4H_HOST_KEYS_MAX];
    size_t own_key_count;
    char *ciphers, *key_exchanges, *macs;
    /* Sessions that need a turn without their socket being ready. */
    struct m4h_ssh_session *due;
    struct m4h_ssh_session **due_end;
    struct m4h_timer *soon;
    struct m4h_ssh_read_ahead read_ahead;
    /* The session that moved a small piece last, as one at work by hand does, and when.
     * It may be gone: it is only compared. */
    const struct m4h_ssh_session *brief;
    uint64_t brief_ms;
};

enum channel_state {
    CHANNEL_OPENING,
    CHANNEL_OPEN,
};

struct m4h_ssh_channel {
    struct m4h_ssh_channel *next;
    struct m4h_ssh_session *session;
    ssh_channel ssh;
    struct ssh_channel_callbacks_struct callbacks;
    const struct m4h_ssh_channel_handler *handler; /* NULL: the owner has closed it */
    void *context;
    enum channel_state state;
    bool direct;           /* asked of a server: direct-tcpip */
    bool denied;           /* the device refused to open it */
    unsigned refusal_code; /* then: as RFC 4254 section 5.1 has it; 0: not known */
    bool freed;            /* given back to libssh, which keeps it until the device confirms */
    bool confirmed;        /* SSH_MSG_CHANNEL_CLOSE came: once given back, libssh has it no more */
    size_t buffered;       /* the most that libssh has held of it, and holds memory for */
    size_t unconfirmed_bytes; /* its part of the session's */
    uint64_t dropped;         /* came after it was given back */
    bool eof;                 /* SSH_MSG_CHANNEL_EOF came */
    bool eof_told;
    bool closed;  /* SSH_MSG_CHANNEL_CLOSE came, or the open failed */
    bool stalled; /* on_data took less than all */
    bool parted_told;
    bool want_write;
    uint16_t port;
    uint16_t originator_port;
    char *address; /* owned, as is originator; needed while opening */
    char *originator;
};

struct m4h_ssh_client;

struct m4h_ssh_session {
    struct m4h_ssh_server *server;
    struct m4h_ssh_client *client; /* owned; NULL: the connection came to us */
    struct m4h_ssh_session *next_due;
    bool is_due;
    bool suited; /* m4h_ssh_server_suit is through */
    bool exchanged;
    bool authenticated;
    bool turning; /* inside a turn: closing waits for its end */
    bool paused;  /* its owner wants nothing more for now */
    bool closing;
    bool ended;               /* on_end was called */
    const char *refused_auth; /* last way to authenticate that is not taken, or NULL; static */
    unsigned auth_requests;
    uint64_t messages;  /* that libssh has made of packets */
    unsigned changes;   /* ports asked for, and given up */
    unsigned refusals;  /* requests that were refused, or that came once too often */
    uint64_t caught_up; /* bytes made, ever, when nothing waited to be sent last */
    size_t gathered;    /* payload bytes of channels that no flush has tried to send yet */
    struct m4h_ssh_stream stream;
    ssh_session ssh;
    ssh_event event;
    ssh_message held;           /* a question that waits for its answer */
    struct m4h_ssh_open *opens; /* channels that wait for theirs */
    unsigned open_count;
    struct m4h_watch *watch;
    struct ssh_counter_struct socket_counter;
    struct ssh_counter_struct packet_counter;
    uint64_t begun_ms;
    uint64_t heard_ms;
    uint64_t heard_bytes; /* received, when heard_ms was set */
    uint64_t words;       /* told of through on_word: identification and packets */
    struct m4h_ssh_channel *channels;
    size_t unconfirmed_bytes; /* that channels hold which were given back */
    uint64_t confirmed_ms;    /* when the device confirmed one, or there began to be too many */
    const char *fault;        /* of the device, found inside the library; static */
    char *goodbye;            /* owned: why it is being closed */
    const struct m4h_ssh_handler *handler;
    void *context;
};

/* Reads what has come, answers it, tells owners. May free `session`. */
void m4h_ssh_session_turn(struct m4h_ssh_session *session);
/* Asks for a turn of `session` soon, from the loop. */
void m4h_ssh_session_schedule(struct m4h_ssh_session *session);
/* True while the library has a connection. When it has lost it, the socket's
 * watch is closed at once, for the library has closed the socket already. */
bool m4h_ssh_session_is_alive(struct m4h_ssh_session *session);
/* Each use of the library that may reach for the socket stands between these two;
 * they nest. What it has gathered is sent when the outermost is left, which finds
 * out, outside of a turn, whether the session still lives. */
struct m4h_ssh_stream *m4h_ssh_session_enter(struct m4h_ssh_session *session);
void m4h_ssh_session_leave(struct m4h_ssh_session *session, struct m4h_ssh_stream *before);
/* How many bytes of channels one turn of the session, or one write, should carry: few
 * while somebody else's small pieces would have to wait for it. */
size_t m4h_ssh_session_turn_bytes(const struct m4h_ssh_session *session);
/* A piece of so many bytes has moved through a channel. */
void m4h_ssh_session_note_piece(struct m4h_ssh_session *session, size_t len);
/* False where the kernel did not take all that was sent last. */
bool m4h_ssh_session_may_write(const struct m4h_ssh_session *session);
/* Sends what the library has gathered, as far as the kernel takes it. */
void m4h_ssh_session_flush(struct m4h_ssh_session *session);
/* Ends the session for a fault of the peer, within a turn. */
void m4h_ssh_session_fail(struct m4h_ssh_session *session, enum m4h_ssh_end end,
                          const char *detail);

/* session.c: the beginning that both sides share. `made` has its socket, `fd`, or the
 * library has it, and both are gone when this fails. */
M4H_MUST_CHECK int m4h_ssh_session_new(struct m4h_ssh_session **session,
                                       struct m4h_ssh_server *server, int fd,
                                       const struct m4h_ssh_handler *handler, void *context);
M4H_MUST_CHECK int m4h_ssh_session_begin(struct m4h_ssh_session **session,
                                         struct m4h_ssh_session *made, int fd, int error);

/* client.c: the library's next step towards a session that is up. In `begin`, what the
 * library only does where it may write. SSH_OK, SSH_AGAIN, SSH_ERROR. */
int m4h_ssh_client_exchange(struct m4h_ssh_session *session);
/* The key exchange is done: who is it, and does it take us? */
void m4h_ssh_client_act(struct m4h_ssh_session *session);
void m4h_ssh_client_free(struct m4h_ssh_client *client);

/* server.c: what can be set for each session only. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_ssh_server_dress(const struct m4h_ssh_server *server, ssh_session ssh);
/* Looks at how the client names itself, which is still unread, before our list of
 * algorithms goes out; to be tried again until something has come. */
void m4h_ssh_server_suit(struct m4h_ssh_session *session);

/* message.c: answers what the device has asked, up to the next open question. */
void m4h_ssh_messages_handle(struct m4h_ssh_session *session);

/* open.c: a direct-tcpip channel is asked for. Owns `message`. */
void m4h_ssh_opens_ask(struct m4h_ssh_session *session, ssh_message message);
/* The session ends. */
void m4h_ssh_opens_drop(struct m4h_ssh_session *session);

/* shell.c: a session channel is asked for, and something on it. False: it is to be refused;
 * `message` is the caller's in any case. */
bool m4h_ssh_shell_open(struct m4h_ssh_session *session, ssh_message message);
bool m4h_ssh_shell_request(struct m4h_ssh_session *session, ssh_message message);

/* channel.c: a channel of the session, to be opened; with it in libssh. M4H_ENOMEM,
 * M4H_ECLOSED, M4H_EFULL as m4h_ssh_channel_open. */
M4H_MUST_CHECK int m4h_ssh_channel_make(struct m4h_ssh_channel **channel,
                                        struct m4h_ssh_session *session,
                                        const struct m4h_ssh_channel_handler *handler,
                                        void *context);
/* One that the peer has never heard of. */
void m4h_ssh_channel_unmake(struct m4h_ssh_channel *channel);
/* channel.c: tells owners what has befallen; gives memory back. */
void m4h_ssh_channels_turn(struct m4h_ssh_session *session);
void m4h_ssh_channels_reap(struct m4h_ssh_session *session);
void m4h_ssh_channels_drop(struct m4h_ssh_session *session);

#endif
