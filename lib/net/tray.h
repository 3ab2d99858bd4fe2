/* A tray collects the letters that one loop writes to one mailbox, and hands them
 * over together when the loop's turn ends: one lock and one wake-up for all. The
 * sending loop's thread only. */
#ifndef M4H_NET_TRAY_H
#define M4H_NET_TRAY_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"
#include "lib/net/mailbox.h"

struct m4h_tray;

/* `loop` is the sender's; the mailbox must live as long as the tray. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_tray_create(struct m4h_tray **tray, struct m4h_loop *loop,
                                   struct m4h_mailbox *mailbox);
/* Puts a letter on the tray, which arrives as with m4h_mailbox_send, behind those
 * that were put there before. */
void m4h_tray_put(struct m4h_tray *tray, struct m4h_letter *letter);
/* Hands over now what is on the tray; for a loop that runs no more. */
void m4h_tray_flush(struct m4h_tray *tray);
/* Hands over what is on it. Freed by the loop. Accepts NULL. */
void m4h_tray_close(struct m4h_tray *tray);

#endif
