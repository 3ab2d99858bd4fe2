/* A durable subscriber in C: writes a line for each tunnel that comes up or goes, and
 * confirms it to JetStream when it is written. What happens while this program is away
 * waits in the stream; what was written but not confirmed comes once more, with the same
 * event_id.
 *
 *     mas4h-example-consumer [--user NAME --password-file FILE] [--inbox-prefix PREFIX]
 *                            nats://127.0.0.1:4222 DURABLE [STREAM]
 *
 * Messages come by push, one after the other: natsSubscription_Fetch of nats.c before 3.9
 * can write past its memory. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <nats/nats.h>

#include "mas4h/v1/event.pb-c.h"

#define EVENT_MAX    8192 /* proto/README.md, "Sizes" */
#define PASSWORD_MAX 1024

struct command_line {
    const char *url, *durable, *stream;
    const char *user, *password_file, *inbox_prefix; /* NULL: not given */
};

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

static void usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--user NAME --password-file FILE] [--inbox-prefix PREFIX] URL DURABLE "
            "[STREAM]\n",
            program);
}

/* -1: it is none. */
static int parse(struct command_line *line, int argc, char **argv)
{
    static const struct option names[] = {{"user", required_argument, NULL, 'u'},
                                          {"password-file", required_argument, NULL, 'p'},
                                          {"inbox-prefix", required_argument, NULL, 'i'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'u')
            line->user = optarg;
        else if (option == 'p')
            line->password_file = optarg;
        else if (option == 'i')
            line->inbox_prefix = optarg;
        else
            return -1;
    }
    if (argc - optind < 2 || argc - optind > 3 ||
        (line->user == NULL) != (line->password_file == NULL))
        return -1;
    line->url = argv[optind];
    line->durable = argv[optind + 1];
    line->stream = argc - optind > 2 ? argv[optind + 2] : "MAS4H_EVENTS";
    return 0;
}

static natsStatus set_user(natsOptions *options, const struct command_line *line)
{
    char password[PASSWORD_MAX];
    FILE *file = fopen(line->password_file, "r");
    char *read = file != NULL ? fgets(password, sizeof(password), file) : NULL;

    if (file != NULL)
        fclose(file);
    if (read == NULL) {
        fprintf(stderr, "%s: no password can be read\n", line->password_file);
        return NATS_INVALID_ARG;
    }
    password[strcspn(password, "\r\n")] = '\0';
    return natsOptions_SetUserInfo(options, line->user, password);
}

static natsStatus connect_as(natsConnection **connection, natsOptions *options,
                             const struct command_line *line)
{
    natsStatus status = natsOptions_SetURL(options, line->url);

    if (status == NATS_OK)
        status = natsOptions_SetMaxReconnect(options, -1);
    if (status == NATS_OK && line->user != NULL)
        status = set_user(options, line);
    if (status == NATS_OK && line->inbox_prefix != NULL)
        status = natsOptions_SetCustomInboxPrefix(options, line->inbox_prefix);
    return status == NATS_OK ? natsConnection_Connect(connection, options) : status;
}

int main(int argc, char **argv)
{
    struct command_line line = {0};
    natsOptions *options = NULL;
    natsConnection *connection = NULL;
    jsCtx *jetstream = NULL;
    natsSubscription *subscription = NULL;
    natsStatus status;

    if (parse(&line, argc, argv) != 0) {
        usage(argv[0]);
        return 2;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    status = natsOptions_Create(&options);
    if (status == NATS_OK)
        status = connect_as(&connection, options, &line);
    if (status == NATS_OK)
        status = natsConnection_JetStream(&jetstream, connection, NULL);
    if (status == NATS_OK)
        status = subscribe(jetstream, line.stream, line.durable, &subscription);
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
