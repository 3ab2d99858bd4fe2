/* Happy path: a change starts the timer; when it is over, a copy of the leases
 * goes to a thread that is made for it, which writes the file. The thread is
 * joined when the next one is to be made, or at the end; nothing is shared with
 * it but that copy and a flag. Where a write fails, one line says so, and the next
 * change tries again. */
#include "services/slave/io/leases.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/walltime.h"
#include "lib/net/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A change is written so much later, together with those that came meanwhile. */
#define WRITE_AFTER_MS 1000u

struct m4h_lease_file {
    struct m4h_loop *loop;
    struct m4h_leases *leases; /* borrowed */
    struct m4h_timer *timer;
    bool used;        /* by a device, since it was opened */
    bool waiting;     /* the timer runs */
    bool failed;      /* the last write did; said once */
    uint64_t version; /* of the leases when they were copied last */

    /* The thread's, from `busy` until it is joined. */
    bool busy;
    pthread_t thread;
    atomic_bool done;
    int error; /* errno of the write, 0: written */
    struct m4h_leases *copy;
    uint64_t now_ms, wall_ms; /* of the copy */

    char path[PATH_MAX];
    char fresh[PATH_MAX];
};

/* ---- writing -------------------------------------------------------------------- */

static int write_bytes(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

/* Returns 0 or an errno. */
static int replace(const struct m4h_lease_file *file, const struct m4h_buffer *text)
{
    int fd = open(file->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int error;

    if (fd < 0)
        return errno;
    error = write_bytes(fd, text->data, text->len);
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(file->fresh, file->path) != 0)
        error = errno;
    if (error != 0)
        unlink(file->fresh);
    return error;
}

static int write_leases(const struct m4h_lease_file *file, const struct m4h_leases *leases,
                        uint64_t now_ms, uint64_t wall_ms)
{
    struct m4h_buffer text = M4H_BUFFER_INIT(M4H_LEASES_TEXT_MAX);
    int error = ENOMEM;

    if (m4h_leases_write(leases, now_ms, wall_ms, &text) == 0)
        error = replace(file, &text);
    m4h_buffer_free(&text);
    return error;
}

static void report(struct m4h_lease_file *file, int error)
{
    if (error != 0 && !file->failed)
        m4h_log(M4H_LOG_WARNING, "slave",
                "file=\"%s\" error=\"%s\" leases of ports are not kept over a restart", file->path,
                strerror(error));
    file->failed = error != 0;
}

/* ---- the thread ------------------------------------------------------------------ */

static void *run(void *context)
{
    struct m4h_lease_file *file = context;

    file->error = write_leases(file, file->copy, file->now_ms, file->wall_ms);
    atomic_store(&file->done, true);
    return NULL;
}

static void join(struct m4h_lease_file *file)
{
    if (!file->busy)
        return;
    pthread_join(file->thread, NULL);
    file->busy = false;
    m4h_leases_destroy(file->copy);
    report(file, file->error);
}

/* Signals are the main thread's. */
static int start_thread(struct m4h_lease_file *file)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&file->thread, NULL, run, file);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void start_writing(struct m4h_lease_file *file)
{
    int error;

    if (m4h_leases_copy(&file->copy, file->leases) != 0) {
        report(file, ENOMEM);
        return;
    }
    file->now_ms = m4h_loop_now_ms(file->loop);
    file->wall_ms = m4h_walltime_now_ms();
    atomic_store(&file->done, false);
    error = start_thread(file);
    if (error != 0) {
        m4h_leases_destroy(file->copy);
        report(file, error);
        return;
    }
    file->version = m4h_leases_version(file->copy);
    file->busy = true;
}

static void on_time(void *context)
{
    struct m4h_lease_file *file = context;

    file->waiting = false;
    if (file->busy && !atomic_load(&file->done)) {
        m4h_lease_file_changed(file); /* a slow disk: later */
        return;
    }
    join(file);
    start_writing(file);
}

/* ---- from outside ---------------------------------------------------------------- */

/* Returns the length, or -1 with errno. */
static ssize_t read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t len = 0;
    ssize_t n;

    if (fd < 0)
        return -1;
    while ((n = read(fd, text + len, size - len)) > 0)
        len += (size_t)n;
    close(fd);
    return n < 0 ? -1 : (ssize_t)len;
}

static void read_in(struct m4h_lease_file *file)
{
    char *text = malloc(M4H_LEASES_TEXT_MAX);
    ssize_t len;

    if (text == NULL)
        return;
    len = read_text(file->path, text, M4H_LEASES_TEXT_MAX);
    if (len < 0)
        m4h_log(errno == ENOENT ? M4H_LOG_INFO : M4H_LOG_WARNING, "slave",
                "file=\"%s\" error=\"%s\" no leases of ports are known", file->path,
                strerror(errno));
    else if (m4h_leases_read(file->leases, text, (size_t)len, m4h_loop_now_ms(file->loop),
                             m4h_walltime_now_ms()) != 0)
        m4h_log(M4H_LOG_WARNING, "slave",
                "file=\"%s\" error=\"it is broken\" no leases of ports are known", file->path);
    file->version = m4h_leases_version(file->leases);
    free(text);
}

int m4h_lease_file_open(struct m4h_lease_file **file, struct m4h_loop *loop, const char *dir,
                        struct m4h_leases *leases)
{
    struct m4h_lease_file *made = calloc(1, sizeof(*made));
    int error = 0;

    *file = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->loop = loop;
    made->leases = leases;
    if (snprintf(made->path, sizeof(made->path), "%s/leases", dir) >= (int)sizeof(made->path) ||
        snprintf(made->fresh, sizeof(made->fresh), "%s/leases.new", dir) >=
            (int)sizeof(made->fresh))
        error = M4H_EINVALID;
    if (error == 0)
        error = m4h_timer_create(&made->timer, loop, on_time, made);
    if (error != 0) {
        free(made);
        return error;
    }
    read_in(made);
    *file = made;
    return 0;
}

void m4h_lease_file_changed(struct m4h_lease_file *file)
{
    file->used = true;
    if (file->waiting || m4h_leases_version(file->leases) == file->version)
        return;
    file->waiting = true;
    m4h_timer_start(file->timer, WRITE_AFTER_MS, 0);
}

void m4h_lease_file_close(struct m4h_lease_file *file)
{
    if (file == NULL)
        return;
    join(file);
    if (file->used)
        report(file, write_leases(file, file->leases, m4h_loop_now_ms(file->loop),
                                  m4h_walltime_now_ms()));
    m4h_timer_close(file->timer);
    free(file);
}
