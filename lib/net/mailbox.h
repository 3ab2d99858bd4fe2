/* A mailbox carries letters to a loop from any thread, in order. It is how
 * loops talk; nothing else is shared between them. */
#ifndef M4H_NET_MAILBOX_H
#define M4H_NET_MAILBOX_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

struct m4h_mailbox;

/* The head of every letter; the sender embeds it in what it allocates. */
struct m4h_letter {
    struct m4h_letter *next;
};

/* Takes a letter: the reader owns it and frees what it sits in. */
typedef void (*m4h_mailbox_on_letter)(void *context, struct m4h_letter *letter);

/* M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_mailbox_create(struct m4h_mailbox **mailbox, struct m4h_loop *loop,
                                      m4h_mailbox_on_letter on_letter, void *context);
/* Hands over a letter. Any thread. Cannot fail: whoever sends keeps its own
 * count bounded (a session has at most a few letters under way). */
void m4h_mailbox_send(struct m4h_mailbox *mailbox, struct m4h_letter *letter);
/* Hands over a chain of letters at once; `end` is the `next` of the last one. */
void m4h_mailbox_send_all(struct m4h_mailbox *mailbox, struct m4h_letter *first,
                          struct m4h_letter **end);
/* Delivers what is still there, then no more; freed by the loop. Nobody may
 * send any more. Accepts NULL. */
void m4h_mailbox_close(struct m4h_mailbox *mailbox);

#endif
