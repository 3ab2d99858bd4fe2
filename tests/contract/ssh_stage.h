/* A server of lib/ssh on a loop in this process, the way a slave has one, and
 * what it was told. Clients are real programs. One thread. */
#ifndef M4H_TESTS_SSH_STAGE_H
#define M4H_TESTS_SSH_STAGE_H

#include "lib/net/listener.h"
#include "lib/net/timer.h"
#include "lib/ssh/open.h"
#include "lib/ssh/session.h"
#include "tests/contract/ssh_program.h"
#include "tests/unit/net_stage.h"

/* The port that an accepted forward is answered with; nothing listens there. */
#define STAGE_PORT 4242

/* Where the session's owner ends it. */
enum stage_close {
    CLOSE_AT_END, /* only when it is over */
    CLOSE_WHEN_EXCHANGED,
    CLOSE_ON_KEY,
    CLOSE_ON_FORWARD,
    CLOSE_ON_REFUSED,
};

struct stage {
    struct m4h_loop *loop;
    struct m4h_ssh_server *server;
    struct m4h_listener *listener;
    struct m4h_timer *key_timer, *forward_timer;
    char dir[64];
    char port[8]; /* as arguments need it */
    struct m4h_ssh_host_keys host_keys;
    struct m4h_ssh_session *session; /* of the device that came last, NULL when it is over */
    struct program client, tool;

    /* What its owner does. */
    unsigned keys_refused; /* the first so many */
    uint64_t key_held_ms;
    uint16_t forward_answer; /* 0: refused */
    uint64_t forward_held_ms;
    enum stage_close close_at;
    /* NULL: every channel is refused. */
    void (*on_open)(struct stage *stage, struct m4h_ssh_open *open,
                    const struct m4h_ssh_open_request *request);
    const char *shell_text; /* NULL: no channel is given for a shell */
    int send_bytes;         /* SO_SNDBUF of the server's side; 0: the kernel's */

    /* What it was told. */
    unsigned accepted, words, exchanged, keys, forwards, cancels, refusals, ends;
    uint64_t key_at_ms, forward_at_ms, end_at_ms;
    char username[128], algorithm[64], fingerprint[64], version[64];
    uint8_t blob[4096];
    size_t blob_len;
    char address[256];
    uint32_t port_asked;
    char refused[256];
    enum m4h_ssh_end end;
    char detail[512];
};

int ssh_stage_begin(void **state);
/* Its server takes no certificates. */
int ssh_stage_begin_without_certificates(void **state);
int ssh_stage_end(void **state);

/* A key of OpenSSH (dropbear: of Dropbear) in the stage's folder: its path. */
const char *stage_key(struct stage *stage, const char *type);
const char *stage_dropbear_key(struct stage *stage, const char *type);

/* Starts a client with the key and `arguments` (up to a NULL) before its host. */
void stage_ssh(struct stage *stage, const char *key, const char *const arguments[]);
void stage_dbclient(struct stage *stage, const char *key, const char *const arguments[]);
/* ssh with a new ed25519 key and -R `forward`, until its forward is answered. */
void stage_device(struct stage *stage, const char *forward);

/* A plain connection to the server. */
int stage_connect(struct stage *stage);

/* Conditions for run_until, on a stage. */
bool stage_forwarded(void *stage);
bool stage_ended(void *stage);
bool stage_client_ended(void *stage);

#endif
