/* A list of letters that goes out at the turn's end. */
#include "lib/net/tray.h"

#include "lib/base/error.h"
#include "lib/net/turn_end.h"

#include <stdlib.h>

struct m4h_tray {
    struct m4h_mailbox *mailbox;
    struct m4h_turn_end *turn_end;
    struct m4h_letter *first;
    struct m4h_letter **end;
};

static void hand_over(void *context)
{
    m4h_tray_flush(context);
}

int m4h_tray_create(struct m4h_tray **tray, struct m4h_loop *loop, struct m4h_mailbox *mailbox)
{
    struct m4h_tray *made = calloc(1, sizeof(*made));
    int error = M4H_ENOMEM;

    *tray = NULL;
    if (made != NULL)
        error = m4h_turn_end_create(&made->turn_end, loop, hand_over, made);
    if (error != 0) {
        free(made);
        return error;
    }
    made->mailbox = mailbox;
    made->end = &made->first;
    *tray = made;
    return 0;
}

void m4h_tray_put(struct m4h_tray *tray, struct m4h_letter *letter)
{
    letter->next = NULL;
    *tray->end = letter;
    tray->end = &letter->next;
    m4h_turn_end_ask(tray->turn_end);
}

void m4h_tray_flush(struct m4h_tray *tray)
{
    struct m4h_letter *first = tray->first;
    struct m4h_letter **end = tray->end;

    if (first == NULL)
        return;
    tray->first = NULL;
    tray->end = &tray->first;
    m4h_mailbox_send_all(tray->mailbox, first, end);
}

void m4h_tray_close(struct m4h_tray *tray)
{
    if (tray == NULL)
        return;
    m4h_tray_flush(tray);
    m4h_turn_end_close(tray->turn_end);
    free(tray);
}
