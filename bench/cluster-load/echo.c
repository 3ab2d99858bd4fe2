/* One connection, one subscription, its callback on a thread of the library. */
#include "echo.h"

#include <nats/nats.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *closure)
{
    const struct m4h_buffer *answer = closure;
    const void *data = answer != NULL ? (const void *)answer->data : natsMsg_GetData(message);
    int len = answer != NULL ? (int)answer->len : natsMsg_GetDataLength(message);

    (void)subscription;
    if (natsMsg_GetReply(message) != NULL)
        natsConnection_Publish(connection, natsMsg_GetReply(message), data, len);
    natsMsg_Destroy(message);
}

int echo_run(const char *url, const char *subject, const struct m4h_buffer *answer)
{
    natsOptions *options = NULL;
    natsConnection *connection = NULL;
    natsSubscription *subscription = NULL;
    natsStatus status = natsOptions_Create(&options);
    char byte;

    if (status == NATS_OK)
        status = natsOptions_SetURL(options, url);
    if (status == NATS_OK)
        status = natsOptions_SetSendAsap(options, true);
    if (status == NATS_OK)
        status = natsConnection_Connect(&connection, options);
    if (status == NATS_OK)
        status = natsConnection_QueueSubscribe(&subscription, connection, subject, "echo",
                                               on_message, (void *)(uintptr_t)answer);
    if (status == NATS_OK)
        status = natsConnection_Flush(connection);
    if (status == NATS_OK) {
        printf("ready\n");
        fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) > 0)
            ;
    } else {
        fprintf(stderr, "cluster-load: echo: %s\n", natsStatus_GetText(status));
    }
    natsConnection_Close(connection);
    natsSubscription_Destroy(subscription);
    natsConnection_Destroy(connection);
    natsOptions_Destroy(options);
    return status == NATS_OK ? 0 : 1;
}
