/* A durable subscriber in C: writes a line for each tunnel that comes up or goes, and
 * confirms it to JetStream when it is written. What happens while this program is away
 * waits in the stream; what was written but not confirmed comes once more, with the same
 * event_id.
 *
 *     mas4h-example-consumer nats://127.0.0.1:4222 DURABLE [STREAM]
 *
 * Messages come by push, one after the other: natsSubscription_Fetch of nats.c before 3.9
 * can write past its memory. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include <nats/nats.h>

#include "mas4h/v1/event.pb-c.h"

#define EVENT_MAX 8192 /* proto/README.md, "Sizes" */

static volatile sig_atomic_t ending;

static void on_signal(int number)
{
    (void)number;
    ending = 1;
}

static void write_event(const Mas4h__V1__Event *event)
{
    switch (event->payload_case) {
    case MAS4H__V1__EVENT__PAYLOAD_CONNECT:
        if (event->connect->tunnel == NULL)
            break;
        printf("%s connect %s %s port=%" PRIu32 "\n", event->event_id, event->slave_id,
               event->connect->tunnel->client_key, event->connect->tunnel->port);
        break;
    case MAS4H__V1__EVENT__PAYLOAD_DISCONNECT:
        printf("%s disconnect %s %s reason=%d\n", event->event_id, event->slave_id,
               event->disconnect->client_key, (int)event->disconnect->reason);
        break;
    default: /* also what a later version adds */
        printf("%s other %s\n", event->event_id, event->slave_id);
        break;
    }
    fflush(stdout);
}

static void take(natsMsg *message)
{
    int size = natsMsg_GetDataLength(message);
    Mas4h__V1__Event *event = NULL;

    if (size >= 0 && size <= EVENT_MAX)
        event =
            mas4h__v1__event__unpack(NULL, (size_t)size, (const uint8_t *)natsMsg_GetData(message));
    if (event == NULL) {
        fprintf(stderr, "%s: not an event\n", natsMsg_GetSubject(message));
        natsMsg_Term(message, NULL); /* it would never become one */
        return;
    }
    write_event(event);
    natsMsg_Ack(message, NULL);
    mas4h__v1__event__free_unpacked(event, NULL);
}

/* The consumer is a thing in the server: made by the first run, found by the next ones. */
static natsStatus subscribe(jsCtx *jetstream, const char *stream, const char *durable,
                            natsSubscription **subscription)
{
    jsSubOptions options;
    jsErrCode code = 0;
    natsStatus status;

    jsSubOptions_Init(&options);
    options.Stream = stream;
    options.ManualAck = true;
    options.Config.Durable = durable;
    options.Config.AckPolicy = js_AckExplicit;
    options.Config.DeliverPolicy = js_DeliverAll;
    options.Config.MaxAckPending = 1000;
    status = js_SubscribeSync(subscription, jetstream, "mas4h.v1.events.>", NULL, &options, &code);
    if (status != NATS_OK)
        fprintf(stderr, "%s: %s (JetStream error %d)\n", stream, natsStatus_GetText(status),
                (int)code);
    return status;
}

static natsStatus consume(natsSubscription *subscription)
{
    natsStatus status = NATS_OK;

    while (!ending && (status == NATS_OK || status == NATS_TIMEOUT)) {
        natsMsg *message = NULL;

        status = natsSubscription_NextMsg(&message, subscription, 500);
        if (status == NATS_OK)
            take(message);
        natsMsg_Destroy(message);
    }
    return ending ? NATS_OK : status;
}

int main(int argc, char **argv)
{
    natsOptions *options = NULL;
    natsConnection *connection = NULL;
    jsCtx *jetstream = NULL;
    natsSubscription *subscription = NULL;
    natsStatus status;

    if (argc < 3) {
        fprintf(stderr, "usage: %s URL DURABLE [STREAM]\n", argv[0]);
        return 2;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    status = natsOptions_Create(&options);
    if (status == NATS_OK)
        status = natsOptions_SetURL(options, argv[1]);
    if (status == NATS_OK)
        status = natsOptions_SetMaxReconnect(options, -1);
    if (status == NATS_OK)
        status = natsConnection_Connect(&connection, options);
    if (status == NATS_OK)
        status = natsConnection_JetStream(&jetstream, connection, NULL);
    if (status == NATS_OK)
        status = subscribe(jetstream, argc > 3 ? argv[3] : "MAS4H_EVENTS", argv[2], &subscription);
    if (status == NATS_OK)
        status = consume(subscription);
    if (status != NATS_OK)
        fprintf(stderr, "%s\n", natsStatus_GetText(status));
    /* The consumer stays: js_SubscribeSync deletes one that it made when it is unsubscribed,
     * so the connection is closed instead. */
    natsConnection_Close(connection);
    natsSubscription_Destroy(subscription);
    jsCtx_Destroy(jetstream);
    natsConnection_Destroy(connection);
    natsOptions_Destroy(options);
    nats_Close();
    return status == NATS_OK ? 0 : 1;
}
