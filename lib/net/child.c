/* Child processes, by posix_spawn and a pidfd: no signal handler, and so no rule about which
 * thread may start one. Its input is a file in memory, which is there whole before it starts.
 *
 * It has ended when its pidfd says so. Where this process was started with SIGCHLD ignored, the
 * system keeps no exit code: then it has ended by the signal 0. What is left of its group is killed
 * then, and its output is what the pipes hold at that moment: a grandchild that keeps them open
 * holds nothing up. */
#include "lib/net/child.h"

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES 4096u

struct stream {
    int fd; /* -1: closed */
    struct m4h_watch *watch;
};

struct m4h_child {
    struct m4h_loop *loop;
    pid_t pid;
    int pidfd;
    struct m4h_watch *watch; /* on the pidfd */
    struct stream out, err;
    struct m4h_buffer output;
    char errors[M4H_CHILD_ERRORS_MAX + 1];
    size_t errors_len;
    bool has_overflowed;
    void (*on_end)(void *context, const struct m4h_child_end *end);
    void *context;
};

/* ---- what it writes ---------------------------------------------------------------- */

static void close_stream(struct stream *stream)
{
    m4h_watch_close(stream->watch);
    stream->watch = NULL;
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

void m4h_child_kill(struct m4h_child *child)
{
    kill(-child->pid, SIGKILL);
    kill(child->pid, SIGKILL); /* also where it has left its group */
}

static void keep_output(struct m4h_child *child, const uint8_t *data, size_t len)
{
    if (child->has_overflowed || m4h_buffer_add(&child->output, data, len) == 0)
        return;
    child->has_overflowed = true;
    m4h_child_kill(child);
}

static void keep_errors(struct m4h_child *child, const uint8_t *data, size_t len)
{
    size_t room = M4H_CHILD_ERRORS_MAX - child->errors_len;

    if (len > room)
        len = room;
    memcpy(child->errors + child->errors_len, data, len);
    child->errors_len += len;
}

/* One read; false: there is nothing now, or no more at all. */
static bool read_stream(struct m4h_child *child, struct stream *stream)
{
    uint8_t data[READ_BYTES];
    ssize_t len;

    if (stream->fd < 0)
        return false;
    len = read(stream->fd, data, sizeof(data));
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (len <= 0)
        close_stream(stream);
    else if (stream == &child->out)
        keep_output(child, data, (size_t)len);
    else
        keep_errors(child, data, (size_t)len);
    return len > 0;
}

static void on_output(void *context, unsigned events)
{
    struct m4h_child *child = context;

    (void)events;
    read_stream(child, &child->out);
}

static void on_errors(void *context, unsigned events)
{
    struct m4h_child *child = context;

    (void)events;
    read_stream(child, &child->err);
}

/* What the pipes still hold: a pipe has no more than its size, whoever writes on. */
static void read_rest(struct m4h_child *child, struct stream *stream)
{
    size_t left = (child->output.cap + READ_BYTES) / READ_BYTES + 1;

    while (left-- > 0 && !child->has_overflowed && read_stream(child, stream)) {
    }
}

/* ---- its end ------------------------------------------------------------------------ */

static void destroy(struct m4h_child *child)
{
    close_stream(&child->out);
    close_stream(&child->err);
    m4h_watch_close(child->watch);
    if (child->pidfd >= 0)
        close(child->pidfd);
    m4h_buffer_free(&child->output);
    free(child);
}

static void on_exit_of(void *context, unsigned events)
{
    struct m4h_child *child = context;
    siginfo_t info = {0};
    struct m4h_child_end end;
    char errors[M4H_CHILD_ERRORS_MAX + 1];
    bool is_there = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;

    (void)events;
    if (is_there && info.si_pid == 0)
        return;
    if (is_there) {
        /* Its group first: the number is its own as long as it has not been waited for. */
        kill(-child->pid, SIGKILL);
        waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG);
    }
    read_rest(child, &child->out);
    read_rest(child, &child->err);
    end = (struct m4h_child_end){
        .has_exited = info.si_code == CLD_EXITED,
        .code = info.si_status,
        .has_overflowed = child->has_overflowed,
        .output = child->output.data,
        .output_len = child->output.len,
        .errors = m4h_ident_text_clean(errors, sizeof(errors), child->errors),
    };
    child->on_end(child->context, &end);
    destroy(child);
}

void m4h_child_close(struct m4h_child *child)
{
    siginfo_t info;

    if (child == NULL)
        return;
    m4h_child_kill(child);
    waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG);
    destroy(child);
}

/* ---- its start ----------------------------------------------------------------------- */

static int make_input(const struct m4h_child_config *config, int *fd)
{
    size_t done = 0;

    *fd = memfd_create("input", MFD_CLOEXEC);
    if (*fd < 0)
        return M4H_ESYSTEM;
    while (done < config->input_len) {
        ssize_t len = write(*fd, config->input + done, config->input_len - done);

        if (len <= 0)
            return M4H_ESYSTEM;
        done += (size_t)len;
    }
    return lseek(*fd, 0, SEEK_SET) == 0 ? 0 : M4H_ESYSTEM;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                 POSIX_SPAWN_SETSIGDEF) != 0 ||
        posix_spawnattr_setpgroup(attributes, 0) != 0 ||
        posix_spawnattr_setsigmask(attributes, &none) != 0 ||
        posix_spawnattr_setsigdefault(attributes, &all) != 0)
        return M4H_ENOMEM;
    return 0;
}

static int set_files(posix_spawn_file_actions_t *actions, const int fds[3])
{
    for (int i = 0; i < 3; i++) {
        if (posix_spawn_file_actions_adddup2(actions, fds[i], i) != 0)
            return M4H_ENOMEM;
    }
    return posix_spawn_file_actions_addclosefrom_np(actions, 3) == 0 &&
                   posix_spawn_file_actions_addchdir_np(actions, "/") == 0
               ? 0
               : M4H_ENOMEM;
}

/* With these three as its standard descriptors. */
static int spawn(pid_t *pid, const struct m4h_child_config *config, const int fds[3])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return M4H_ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return M4H_ENOMEM;
    }
    error = set_attributes(&attributes);
    if (error == 0)
        error = set_files(&actions, fds);
    if (error == 0) {
        errno = posix_spawn(pid, config->argv[0], &actions, &attributes,
                            (char *const *)config->argv, (char *const *)config->environment);
        error = errno == 0 ? 0 : M4H_ESYSTEM;
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void limit(pid_t pid, enum __rlimit_resource resource, uint64_t value)
{
    struct rlimit limits = {(rlim_t)value, (rlim_t)value};

    if (value != 0)
        prlimit(pid, resource, &limits, NULL);
}

static void set_limits(pid_t pid, const struct m4h_child_config *config)
{
    const struct rlimit no_core = {0, 0};

    limit(pid, RLIMIT_AS, config->memory_bytes);
    limit(pid, RLIMIT_CPU, config->cpu_s);
    limit(pid, RLIMIT_NOFILE, config->open_files);
    prlimit(pid, RLIMIT_CORE, &no_core, NULL);
}

/* Starts it with a pipe each for what it writes; our ends are in the child's streams. */
static int begin(struct m4h_child *child, const struct m4h_child_config *config)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, input = -1;
    int error = make_input(config, &input), kept;

    if (error == 0 && (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0))
        error = M4H_ESYSTEM;
    child->out.fd = out[0];
    child->err.fd = err[0];
    if (error == 0)
        error = spawn(&child->pid, config, (const int[3]){input, out[1], err[1]});
    kept = errno;
    for (size_t i = 0; i < 3; i++) {
        int fd = (const int[3]){input, out[1], err[1]}[i];

        if (fd >= 0)
            close(fd);
    }
    errno = kept;
    return error;
}

static int watch(struct m4h_child *child)
{
    int error;

    child->pidfd = pidfd_open(child->pid, 0);
    if (child->pidfd < 0)
        return M4H_ESYSTEM;
    error = m4h_watch_start(&child->watch, child->loop, child->pidfd, M4H_WATCH_READ, on_exit_of,
                            child);
    if (error == 0)
        error = m4h_watch_start(&child->out.watch, child->loop, child->out.fd, M4H_WATCH_READ,
                                on_output, child);
    if (error == 0)
        error = m4h_watch_start(&child->err.watch, child->loop, child->err.fd, M4H_WATCH_READ,
                                on_errors, child);
    return error;
}

int m4h_child_start(struct m4h_child **child, struct m4h_loop *loop,
                    const struct m4h_child_config *config,
                    void (*on_end)(void *context, const struct m4h_child_end *end), void *context)
{
    struct m4h_child *made = calloc(1, sizeof(*made));
    int error;

    *child = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->loop = loop;
    made->pidfd = -1;
    made->output = (struct m4h_buffer)M4H_BUFFER_INIT(config->output_max);
    made->on_end = on_end;
    made->context = context;
    error = begin(made, config);
    if (error != 0) {
        destroy(made);
        return error;
    }
    set_limits(made->pid, config);
    error = watch(made);
    if (error != 0) {
        m4h_child_kill(made);
        waitpid(made->pid, NULL, 0);
        destroy(made);
        return error;
    }
    *child = made;
    return 0;
}
