/* A task: a thread, and the letter that it sends when it is done. */
#include "lib/net/task.h"

#include "lib/base/error.h"
#include "lib/net/mailbox.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct m4h_task {
    struct m4h_letter letter;
    struct m4h_mailbox *mailbox;
    pthread_t thread;
    void (*run)(void *context);
    void (*on_done)(void *context);
    void *context;
    bool is_closed;
};

static void *on_thread(void *argument)
{
    struct m4h_task *task = argument;

    task->run(task->context);
    m4h_mailbox_send(task->mailbox, &task->letter);
    return NULL;
}

/* Signals are for the main thread. */
static bool start_thread(struct m4h_task *task)
{
    sigset_t all, before;
    bool failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&task->thread, NULL, on_thread, task) != 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

static void on_letter(void *context, struct m4h_letter *letter)
{
    struct m4h_task *task = context;

    (void)letter;
    if (!task->is_closed)
        task->on_done(task->context);
}

int m4h_task_start(struct m4h_task **task, struct m4h_loop *loop, void (*run)(void *context),
                   void (*on_done)(void *context), void *context)
{
    int error;

    *task = calloc(1, sizeof(**task));
    if (*task == NULL)
        return M4H_ENOMEM;
    (*task)->run = run;
    (*task)->on_done = on_done;
    (*task)->context = context;
    error = m4h_mailbox_create(&(*task)->mailbox, loop, on_letter, *task);
    if (error == 0 && !start_thread(*task)) {
        m4h_mailbox_close((*task)->mailbox);
        error = M4H_ESYSTEM;
    }
    if (error != 0) {
        free(*task);
        *task = NULL;
    }
    return error;
}

void m4h_task_close(struct m4h_task *task)
{
    if (task == NULL)
        return;
    task->is_closed = true;
    pthread_join(task->thread, NULL);
    m4h_mailbox_close(task->mailbox);
    free(task);
}
