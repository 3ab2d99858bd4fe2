/* A nats-server as a child process. Its port is learnt from the file that
 * --ports_file_dir makes it write once it listens. */
#include "tests/support/nats_server.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS    15000
#define POLL_MS     10
#define ARGUMENTS   16
#define URL_MAX     64
#define NOT_FOUND   127
#define FOLDER      "/tmp/m4h-nats-XXXXXX"
#define OPEN_FD_MAX 16

struct m4h_nats_server {
    pid_t pid; /* 0: does not run */
    char folder[sizeof(FOLDER)];
    char url[URL_MAX];
    uint16_t port; /* 0: any */
    bool jetstream;
};

/* In the child. Debian installs it in /usr/sbin, which is not in every PATH. */
static void execute(const struct m4h_nats_server *server)
{
    char port[16];
    char log[128];
    char store[128];
    char *argv[ARGUMENTS] = {
        "nats-server",          "-a", "127.0.0.1", "-p", port, "--ports_file_dir",
        (char *)server->folder, "-l", log};

    snprintf(port, sizeof(port), "%d", server->port != 0 ? server->port : -1);
    snprintf(log, sizeof(log), "%s/log", server->folder);
    snprintf(store, sizeof(store), "%s/store", server->folder);
    if (server->jetstream) {
        argv[9] = "-js";
        argv[10] = "-sd";
        argv[11] = store;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp("nats-server", argv);
    execv("/usr/sbin/nats-server", argv);
    _exit(NOT_FOUND);
}

static bool has_died(struct m4h_nats_server *server)
{
    int status;

    if (waitpid(server->pid, &status, WNOHANG) != server->pid)
        return false;
    server->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
        fprintf(stderr, "nats-server is not installed: apt-get install nats-server\n");
    else
        fprintf(stderr, "nats-server did not start: see %s/log\n", server->folder);
    return true;
}

static void ports_file(const struct m4h_nats_server *server, char *path, size_t size)
{
    snprintf(path, size, "%s/nats-server_%d.ports", server->folder, (int)server->pid);
}

/* True: it listens, and the port is known. */
static bool read_port(struct m4h_nats_server *server)
{
    char content[512] = "";
    char path[128];
    const char *at;
    unsigned port;
    FILE *file;

    ports_file(server, path, sizeof(path));
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    content[fread(content, 1, sizeof(content) - 1, file)] = '\0';
    fclose(file);
    at = strstr(content, "nats://127.0.0.1:");
    if (at == NULL || strchr(content, '}') == NULL || sscanf(at, "nats://127.0.0.1:%u", &port) != 1)
        return false;
    server->port = (uint16_t)port;
    snprintf(server->url, sizeof(server->url), "nats://127.0.0.1:%u", port);
    return true;
}

static bool start(struct m4h_nats_server *server)
{
    server->pid = fork();
    if (server->pid == 0)
        execute(server);
    if (server->pid < 0) {
        server->pid = 0;
        perror("fork");
        return false;
    }
    for (int waited_ms = 0; waited_ms < START_MS; waited_ms += POLL_MS) {
        if (read_port(server))
            return true;
        if (has_died(server))
            return false;
        poll(NULL, 0, POLL_MS);
    }
    fprintf(stderr, "nats-server did not listen within %d ms: see %s/log\n", START_MS,
            server->folder);
    m4h_nats_server_kill(server);
    return false;
}

struct m4h_nats_server *m4h_nats_server_create(bool jetstream)
{
    struct m4h_nats_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return NULL;
    server->jetstream = jetstream;
    memcpy(server->folder, FOLDER, sizeof(FOLDER));
    if (mkdtemp(server->folder) == NULL) {
        perror(server->folder);
        free(server);
        return NULL;
    }
    if (!start(server)) {
        m4h_nats_server_destroy(server);
        return NULL;
    }
    return server;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void m4h_nats_server_destroy(struct m4h_nats_server *server)
{
    if (server == NULL)
        return;
    m4h_nats_server_kill(server);
    nftw(server->folder, remove_entry, OPEN_FD_MAX, FTW_DEPTH | FTW_PHYS);
    free(server);
}

const char *m4h_nats_server_url(const struct m4h_nats_server *server)
{
    return server->url;
}

uint16_t m4h_nats_server_port(const struct m4h_nats_server *server)
{
    return server->port;
}

static void end_with(struct m4h_nats_server *server, int signal_number)
{
    char path[128];

    if (server->pid == 0)
        return;
    ports_file(server, path, sizeof(path));
    kill(server->pid, signal_number);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    unlink(path);
    server->pid = 0;
}

void m4h_nats_server_stop(struct m4h_nats_server *server)
{
    end_with(server, SIGTERM);
}

void m4h_nats_server_kill(struct m4h_nats_server *server)
{
    end_with(server, SIGKILL);
}

bool m4h_nats_server_restart(struct m4h_nats_server *server)
{
    return start(server);
}

void m4h_nats_server_pause(struct m4h_nats_server *server)
{
    kill(server->pid, SIGSTOP);
}

void m4h_nats_server_resume(struct m4h_nats_server *server)
{
    kill(server->pid, SIGCONT);
}
