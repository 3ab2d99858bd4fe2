/* Drives libcurl's multi interface by a loop: watches the descriptors that libcurl wants watched,
 * and calls it when one is ready or its time has come. Private to lib/fetch. */
#ifndef M4H_FETCH_DRIVER_H
#define M4H_FETCH_DRIVER_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"
#include "lib/net/timer.h"

#include <curl/curl.h>

struct m4h_fetch_socket;

/* Embedded by its owner. */
struct m4h_fetch_driver {
    struct m4h_loop *loop;
    CURLM *multi; /* for the owner to add transfers to, and to read which are over */
    struct m4h_timer *timer;
    struct m4h_fetch_socket *sockets;
    void (*on_progress)(void *context);
    void *context;
};

/* `on_progress` is called on the loop after libcurl was: transfers may be over. It may close the
 * driver. M4H_ENOMEM: m4h_fetch_driver_close is still to be called. */
M4H_MUST_CHECK int m4h_fetch_driver_open(struct m4h_fetch_driver *driver, struct m4h_loop *loop,
                                         void (*on_progress)(void *context), void *context);
/* Has `on_progress` called soon. */
void m4h_fetch_driver_nudge(struct m4h_fetch_driver *driver);
/* All transfers must have been removed. Accepts one of zeros. */
void m4h_fetch_driver_close(struct m4h_fetch_driver *driver);

#endif
