/* A list under a mutex, and a libuv async handle that says there is something. */
#include "lib/net/mailbox.h"

#include "lib/base/error.h"
#include "lib/net/lag.h"

#include <stdlib.h>
#include <uv.h>

struct m4h_mailbox {
    uv_async_t uv;
    uv_mutex_t mutex;
    struct m4h_letter *first; /* under the mutex */
    struct m4h_letter **end;  /* under the mutex */
    m4h_mailbox_on_letter on_letter;
    void *context;
};

static void deliver(struct m4h_mailbox *mailbox)
{
    struct m4h_letter *letter, *next;

    uv_mutex_lock(&mailbox->mutex);
    letter = mailbox->first;
    mailbox->first = NULL;
    mailbox->end = &mailbox->first;
    uv_mutex_unlock(&mailbox->mutex);
    for (; letter != NULL; letter = next) {
        next = letter->next;
        mailbox->on_letter(mailbox->context, letter);
    }
}

static void on_wake(uv_async_t *uv)
{
    m4h_lag_begin(uv->loop);
    deliver(uv->data);
}

int m4h_mailbox_create(struct m4h_mailbox **mailbox, struct m4h_loop *loop,
                       m4h_mailbox_on_letter on_letter, void *context)
{
    struct m4h_mailbox *box = calloc(1, sizeof(*box));

    *mailbox = NULL;
    if (box == NULL)
        return M4H_ENOMEM;
    if (uv_mutex_init(&box->mutex) != 0) {
        free(box);
        return M4H_ESYSTEM;
    }
    if (uv_async_init(m4h_loop_uv(loop), &box->uv, on_wake) != 0) {
        uv_mutex_destroy(&box->mutex);
        free(box);
        return M4H_ESYSTEM;
    }
    box->uv.data = box;
    box->end = &box->first;
    box->on_letter = on_letter;
    box->context = context;
    *mailbox = box;
    return 0;
}

void m4h_mailbox_send(struct m4h_mailbox *mailbox, struct m4h_letter *letter)
{
    letter->next = NULL;
    m4h_mailbox_send_all(mailbox, letter, &letter->next);
}

void m4h_mailbox_send_all(struct m4h_mailbox *mailbox, struct m4h_letter *first,
                          struct m4h_letter **end)
{
    uv_mutex_lock(&mailbox->mutex);
    *mailbox->end = first;
    mailbox->end = end;
    uv_mutex_unlock(&mailbox->mutex);
    uv_async_send(&mailbox->uv);
}

static void on_closed(uv_handle_t *uv)
{
    struct m4h_mailbox *mailbox = uv->data;

    uv_mutex_destroy(&mailbox->mutex);
    free(mailbox);
}

void m4h_mailbox_close(struct m4h_mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    deliver(mailbox);
    uv_close((uv_handle_t *)&mailbox->uv, on_closed);
}
