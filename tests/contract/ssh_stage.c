/* The owner of sessions that the tests of lib/ssh share. */
#include "tests/contract/ssh_stage.h"

#include "lib/base/error.h"
#include "lib/net/socket.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

/* ---- the owner of the session ----------------------------------------------------- */

static void close_session(struct stage *stage)
{
    m4h_timer_stop(stage->key_timer);
    m4h_timer_stop(stage->forward_timer);
    m4h_ssh_session_close(stage->session, "closed by the test");
    stage->session = NULL;
}

static void on_word(void *context)
{
    struct stage *stage = context;

    stage->words++;
}

static void on_exchanged(void *context)
{
    struct stage *stage = context;

    stage->exchanged++;
    copy(stage->version, sizeof(stage->version), m4h_ssh_session_client_version(stage->session));
    if (stage->close_at == CLOSE_WHEN_EXCHANGED)
        close_session(stage);
}

static void answer_key(void *context)
{
    struct stage *stage = context;

    m4h_ssh_session_answer_key(stage->session, stage->keys > stage->keys_refused);
}

static void on_key(void *context, const struct m4h_ssh_key_offer *offer)
{
    struct stage *stage = context;

    stage->keys++;
    stage->key_at_ms = m4h_loop_now_ms(stage->loop);
    copy(stage->username, sizeof(stage->username), offer->username);
    copy(stage->algorithm, sizeof(stage->algorithm), offer->algorithm);
    copy(stage->fingerprint, sizeof(stage->fingerprint), offer->fingerprint);
    assert_true(offer->blob_len <= sizeof(stage->blob));
    memcpy(stage->blob, offer->blob, offer->blob_len);
    stage->blob_len = offer->blob_len;
    if (stage->close_at == CLOSE_ON_KEY)
        close_session(stage);
    else if (stage->key_held_ms > 0)
        m4h_timer_start(stage->key_timer, stage->key_held_ms, 0);
    else
        answer_key(stage);
}

static void answer_forward(void *context)
{
    struct stage *stage = context;

    m4h_ssh_session_answer_forward(stage->session, stage->forward_answer);
}

static void on_forward(void *context, const char *address, uint32_t port)
{
    struct stage *stage = context;

    stage->forwards++;
    stage->forward_at_ms = m4h_loop_now_ms(stage->loop);
    copy(stage->address, sizeof(stage->address), address);
    stage->port_asked = port;
    if (stage->close_at == CLOSE_ON_FORWARD)
        close_session(stage);
    else if (stage->forward_held_ms > 0)
        m4h_timer_start(stage->forward_timer, stage->forward_held_ms, 0);
    else
        answer_forward(stage);
}

static bool on_cancel(void *context, const char *address, uint32_t port)
{
    struct stage *stage = context;

    stage->cancels++;
    return strcmp(address, stage->address) == 0 && port == stage->forward_answer;
}

static void on_open(void *context, struct m4h_ssh_open *open,
                    const struct m4h_ssh_open_request *request)
{
    struct stage *stage = context;

    if (stage->on_open != NULL) {
        stage->on_open(stage, open, request);
        return;
    }
    snprintf(stage->refused, sizeof(stage->refused), "direct-tcpip to %.128s:%u", request->host,
             request->port);
    m4h_ssh_open_refuse(open, M4H_SSH_OPEN_PROHIBITED, "not here");
    stage->refusals++;
}

static const char *on_shell(void *context)
{
    return ((struct stage *)context)->shell_text;
}

static void on_refused(void *context, const char *what)
{
    struct stage *stage = context;

    stage->refusals++;
    copy(stage->refused, sizeof(stage->refused), what);
    if (stage->close_at == CLOSE_ON_REFUSED)
        close_session(stage);
}

static void on_end(void *context, enum m4h_ssh_end end, const char *detail)
{
    struct stage *stage = context;

    stage->ends++;
    stage->end_at_ms = m4h_loop_now_ms(stage->loop);
    stage->end = end;
    copy(stage->detail, sizeof(stage->detail), detail);
    close_session(stage);
}

static const struct m4h_ssh_handler handler = {
    .on_word = on_word,
    .on_exchanged = on_exchanged,
    .on_key = on_key,
    .on_forward = on_forward,
    .on_cancel = on_cancel,
    .on_open = on_open,
    .on_shell = on_shell,
    .on_refused = on_refused,
    .on_end = on_end,
};

static void on_accept(void *context, int fd, const char *peer)
{
    struct stage *stage = context;

    (void)peer;
    m4h_socket_tune(fd, 0);
    if (stage->send_bytes > 0)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &stage->send_bytes, sizeof(int)), 0);
    assert_null(stage->session);
    stage->accepted++;
    assert_int_equal(m4h_ssh_session_accept(&stage->session, stage->server, fd, &handler, stage),
                     0);
}

/* ---- the stage ---------------------------------------------------------------------- */

static void open_server(struct stage *stage, bool certificates)
{
    const struct m4h_ssh_server_config config = {.host_keys = &stage->host_keys,
                                                 .ciphers = "",
                                                 .key_exchanges = "",
                                                 .macs = "",
                                                 .dropbear_macs = "",
                                                 .key_types = "",
                                                 .certificates = certificates};
    const struct m4h_address loopback = {.host = "127.0.0.1"};
    uint16_t port;
    int fd;

    assert_int_equal(m4h_ssh_host_keys_ensure(stage->dir, "ed25519", &stage->host_keys), 0);
    assert_int_equal(m4h_ssh_server_create(&stage->server, stage->loop, &config), 0);
    assert_int_equal(m4h_socket_listen(&loopback, false, 64, &fd, &port), 0);
    assert_int_equal(m4h_listener_start(&stage->listener, stage->loop, fd, on_accept, stage), 0);
    snprintf(stage->port, sizeof(stage->port), "%u", port);
}

static int begin(void **state, bool certificates)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    if (stage == NULL || m4h_ssh_start() != 0)
        return -1;
    *state = stage;
    stage->forward_answer = STAGE_PORT;
    copy(stage->dir, sizeof(stage->dir), "/tmp/m4h-ssh-XXXXXX");
    assert_non_null(mkdtemp(stage->dir));
    assert_int_equal(m4h_loop_create(&stage->loop), 0);
    assert_int_equal(m4h_timer_create(&stage->key_timer, stage->loop, answer_key, stage), 0);
    assert_int_equal(m4h_timer_create(&stage->forward_timer, stage->loop, answer_forward, stage),
                     0);
    open_server(stage, certificates);
    return 0;
}

int ssh_stage_begin(void **state)
{
    return begin(state, true);
}

int ssh_stage_begin_without_certificates(void **state)
{
    return begin(state, false);
}

int ssh_stage_end(void **state)
{
    struct stage *stage = *state;

    program_stop(&stage->client);
    close_session(stage);
    m4h_listener_close(stage->listener);
    program_run(&stage->tool, stage->loop, (const char *[]){"rm", "-rf", stage->dir, NULL});
    m4h_timer_close(stage->key_timer);
    m4h_timer_close(stage->forward_timer);
    m4h_ssh_server_destroy(stage->server);
    m4h_loop_destroy(stage->loop);
    free(stage);
    return 0;
}

/* ---- clients ------------------------------------------------------------------------- */

const char *stage_key(struct stage *stage, const char *type)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/key-%s", stage->dir, type);
    program_run(
        &stage->tool, stage->loop,
        (const char *[]){"ssh-keygen", "-q", "-t", type, "-N", "", "-C", "", "-f", path, NULL});
    return path;
}

const char *stage_dropbear_key(struct stage *stage, const char *type)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/dropbear-%s", stage->dir, type);
    program_run(&stage->tool, stage->loop,
                (const char *[]){"dropbearkey", "-t", type, "-f", path, NULL});
    return path;
}

static void start_client(struct stage *stage, const char *const before[],
                         const char *const arguments[])
{
    const char *argv[PROGRAM_ARGUMENTS_MAX + 2];
    size_t count = 0;

    for (; *before != NULL; before++)
        argv[count++] = *before;
    for (; *arguments != NULL; arguments++)
        argv[count++] = *arguments;
    assert_true(count < PROGRAM_ARGUMENTS_MAX);
    argv[count] = NULL;
    program_start(&stage->client, stage->loop, argv);
}

void stage_ssh(struct stage *stage, const char *key, const char *const arguments[])
{
    static const char *const options[] = {
        "IdentitiesOnly=yes",           "IdentityAgent=none",        "BatchMode=yes",
        "StrictHostKeyChecking=no",     "ExitOnForwardFailure=yes",  "ConnectTimeout=10",
        "UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=none",
    };
    const char *before[PROGRAM_ARGUMENTS_MAX] = {"ssh", "-F", "/dev/null", "-T",
                                                 "-i",  key,  "-p",        stage->port};
    size_t count = 8;

    for (size_t i = 0; i < M4H_COUNT(options); i++) {
        before[count++] = "-o";
        before[count++] = options[i];
    }
    before[count++] = "device@127.0.0.1";
    start_client(stage, before, arguments);
}

void stage_dbclient(struct stage *stage, const char *key, const char *const arguments[])
{
    const char *before[] = {"dbclient", "-y", "-y", "-T", "-i", key, "-p", stage->port, NULL};
    const char *after[PROGRAM_ARGUMENTS_MAX];
    size_t count = 0;

    for (; *arguments != NULL; arguments++)
        after[count++] = *arguments;
    after[count++] = "device@127.0.0.1";
    after[count] = NULL;
    start_client(stage, before, after);
}

bool stage_forwarded(void *context)
{
    const struct stage *stage = context;

    return strstr(stage->client.output, "Allocated port 4242") != NULL;
}

bool stage_ended(void *context)
{
    return ((struct stage *)context)->ends > 0;
}

bool stage_client_ended(void *context)
{
    return ((struct stage *)context)->client.ended;
}

void stage_device(struct stage *stage, const char *forward)
{
    stage_ssh(stage, stage_key(stage, "ed25519"), (const char *[]){"-N", "-R", forward, NULL});
    run_until(stage->loop, stage_forwarded, stage);
}

int stage_connect(struct stage *stage)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(stage->port, NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}
