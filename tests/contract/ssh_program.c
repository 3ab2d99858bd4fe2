/* Child processes whose output comes through a pipe on the loop. */
#include "tests/contract/ssh_program.h"

#include "tests/unit/net_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void finish(struct program *program)
{
    m4h_watch_close(program->watch);
    program->watch = NULL;
    close(program->output_fd);
    assert_int_equal(waitpid(program->pid, &program->status, 0), program->pid);
    program->pid = 0;
    program->ended = true;
}

static void on_output(void *context, unsigned events)
{
    struct program *program = context;
    char text[4096];
    ssize_t n = read(program->output_fd, text, sizeof(text));
    size_t room = sizeof(program->output) - 1 - program->len;

    (void)events;
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        finish(program);
        return;
    }
    if ((size_t)n < room)
        room = (size_t)n;
    memcpy(program->output + program->len, text, room);
    program->len += room;
    program->output[program->len] = '\0';
}

/* `input` becomes its standard input; `output` its standard output, -1: as its errors. */
static void start(struct program *program, struct m4h_loop *loop, int input, int output,
                  const char *const argv[])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int fds[2];

    memset(program, 0, sizeof(*program));
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawn_file_actions_adddup2(&actions, output >= 0 ? output : fds[1], 1);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    assert_int_equal(
        posix_spawnp(&program->pid, argv[0], &actions, &attributes, (char *const *)argv, environ),
        0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    program->output_fd = fds[0];
    assert_int_equal(
        m4h_watch_start(&program->watch, loop, fds[0], M4H_WATCH_READ, on_output, program), 0);
}

void program_start(struct program *program, struct m4h_loop *loop, const char *const argv[])
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(nothing >= 0);
    start(program, loop, nothing, -1, argv);
    close(nothing);
}

void program_start_on(struct program *program, struct m4h_loop *loop, int socket,
                      const char *const argv[])
{
    start(program, loop, socket, socket, argv);
}

bool program_has_ended(void *program)
{
    return ((struct program *)program)->ended;
}

void program_run(struct program *program, struct m4h_loop *loop, const char *const argv[])
{
    program_start(program, loop, argv);
    run_until(loop, program_has_ended, program);
    if (program->status != 0)
        fail_msg("%s: %s", argv[0], program->output);
}

void program_signal(const struct program *program, int number)
{
    assert_int_equal(kill(program->pid, number), 0);
}

void program_stop(struct program *program)
{
    if (program->pid == 0)
        return;
    kill(-program->pid, SIGKILL); /* sshd has children that hold its connection */
    finish(program);
}
