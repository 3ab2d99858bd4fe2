/* getaddrinfo on a thread that belongs to nobody. libuv's own pool would do, but a loop
 * cannot be ended while a question in it is open, and the system may take half a minute
 * to answer one. So the thread and the loop share what was found, and whoever is done with
 * it last frees it. */
#include "lib/net/lookup.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "lib/net/lag.h"

#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct m4h_lookup {
    uv_async_t uv; /* the loop's */
    void (*on_found)(void *context, const struct m4h_lookup_address *list, size_t count);
    void *context;
    pthread_mutex_t mutex; /* of what follows */
    unsigned holders;
    bool closed; /* the loop wants nothing any more */
    size_t count;
    struct m4h_lookup_address list[M4H_LOOKUP_MAX];
    char port[8]; /* not changed after the start, as is `host` */
    char host[M4H_HOST_MAX + 1];
};

static void let_go(struct m4h_lookup *lookup)
{
    bool is_last;

    pthread_mutex_lock(&lookup->mutex);
    is_last = --lookup->holders == 0;
    pthread_mutex_unlock(&lookup->mutex);
    if (!is_last)
        return;
    pthread_mutex_destroy(&lookup->mutex);
    free(lookup);
}

static void take(struct m4h_lookup *lookup, const struct addrinfo *found)
{
    for (; found != NULL && lookup->count < M4H_LOOKUP_MAX; found = found->ai_next) {
        struct m4h_lookup_address *address = &lookup->list[lookup->count];

        if (found->ai_addrlen > sizeof(address->at))
            continue;
        memcpy(&address->at, found->ai_addr, found->ai_addrlen);
        address->len = found->ai_addrlen;
        lookup->count++;
    }
}

/* False: nothing was found. Tells the loop only what it still wants to know. */
static bool find(struct m4h_lookup *lookup, int flags)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *found = NULL;

    if (getaddrinfo(lookup->host, lookup->port, &hints, &found) != 0)
        return false;
    pthread_mutex_lock(&lookup->mutex);
    take(lookup, found);
    pthread_mutex_unlock(&lookup->mutex);
    freeaddrinfo(found);
    return true;
}

static void tell(struct m4h_lookup *lookup)
{
    pthread_mutex_lock(&lookup->mutex);
    if (!lookup->closed)
        uv_async_send(&lookup->uv);
    pthread_mutex_unlock(&lookup->mutex);
}

static void *run(void *context)
{
    struct m4h_lookup *lookup = context;

    pthread_setname_np(pthread_self(), "m4h-lookup");
    (void)find(lookup, AI_ADDRCONFIG);
    tell(lookup);
    let_go(lookup);
    return NULL;
}

static int start_thread(struct m4h_lookup *lookup)
{
    pthread_t thread;

    lookup->holders++;
    if (pthread_create(&thread, NULL, run, lookup) != 0) {
        lookup->holders--;
        return M4H_ESYSTEM;
    }
    pthread_detach(thread);
    return 0;
}

static void on_told(uv_async_t *uv)
{
    struct m4h_lookup *lookup = uv->data;

    m4h_lag_begin(uv->loop);
    /* Nobody writes to the list any more; what was written is seen from here on. */
    pthread_mutex_lock(&lookup->mutex);
    pthread_mutex_unlock(&lookup->mutex);
    lookup->on_found(lookup->context, lookup->list, lookup->count);
}

int m4h_lookup_start(struct m4h_lookup **lookup, struct m4h_loop *loop, const char *host,
                     uint16_t port,
                     void (*on_found)(void *context, const struct m4h_lookup_address *list,
                                      size_t count),
                     void *context)
{
    struct m4h_lookup *made = calloc(1, sizeof(*made));
    int error = 0;

    *lookup = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    if (uv_async_init(m4h_loop_uv(loop), &made->uv, on_told) != 0) {
        free(made);
        return M4H_ESYSTEM;
    }
    pthread_mutex_init(&made->mutex, NULL);
    made->uv.data = made;
    made->holders = 1;
    made->on_found = on_found;
    made->context = context;
    snprintf(made->host, sizeof(made->host), "%s", host);
    snprintf(made->port, sizeof(made->port), "%u", port);
    if (find(made, AI_NUMERICHOST))
        tell(made);
    else
        error = start_thread(made);
    if (error != 0) {
        m4h_lookup_close(made);
        return error;
    }
    *lookup = made;
    return 0;
}

static void on_closed(uv_handle_t *uv)
{
    let_go(uv->data);
}

void m4h_lookup_close(struct m4h_lookup *lookup)
{
    if (lookup == NULL)
        return;
    pthread_mutex_lock(&lookup->mutex);
    lookup->closed = true;
    pthread_mutex_unlock(&lookup->mutex);
    uv_close((uv_handle_t *)&lookup->uv, on_closed);
}
