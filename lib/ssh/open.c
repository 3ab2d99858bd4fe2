/* Channels that the peer asks for, from question to answer. */
#include "lib/ssh/open.h"

#include "lib/base/error.h"
#include "lib/ssh/internal.h"
#include "lib/ssh/wording.h"

#include <stdio.h>
#include <stdlib.h>

struct m4h_ssh_open {
    struct m4h_ssh_open *next;
    struct m4h_ssh_session *session;
    ssh_message message; /* owned */
};

static void refuse_message(struct m4h_ssh_session *session, ssh_message message,
                           enum m4h_ssh_open_refusal reason, const char *text)
{
    session->refusals += reason == M4H_SSH_OPEN_PROHIBITED;
    m4h_ssh_wording_begin((uint32_t)reason, text);
    ssh_message_reply_default(message);
    m4h_ssh_wording_end();
}

/* Takes it off the list and frees it; the message is the caller's. */
static ssh_message take(struct m4h_ssh_open *open)
{
    struct m4h_ssh_open **at = &open->session->opens;
    ssh_message message = open->message;

    while (*at != open)
        at = &(*at)->next;
    *at = open->next;
    open->session->open_count--;
    free(open);
    return message;
}

void m4h_ssh_open_refuse(struct m4h_ssh_open *open, enum m4h_ssh_open_refusal reason,
                         const char *text)
{
    struct m4h_ssh_session *session = open->session;
    ssh_message message = take(open);
    struct m4h_ssh_stream *before;

    if (m4h_ssh_session_is_alive(session)) {
        before = m4h_ssh_session_enter(session);
        refuse_message(session, message, reason, text);
        m4h_ssh_session_leave(session, before);
    }
    ssh_message_free(message);
}

static int accept_as(struct m4h_ssh_open *open, struct m4h_ssh_channel *channel)
{
    struct m4h_ssh_session *session = open->session;
    struct m4h_ssh_stream *before = m4h_ssh_session_enter(session);
    int rc = ssh_message_channel_request_open_reply_accept_channel(open->message, channel->ssh);

    m4h_ssh_session_leave(session, before);
    if (rc != SSH_OK)
        return M4H_ECLOSED;
    channel->state = CHANNEL_OPEN;
    ssh_message_free(take(open));
    return 0;
}

int m4h_ssh_open_accept(struct m4h_ssh_open *open, struct m4h_ssh_channel **channel,
                        const struct m4h_ssh_channel_handler *handler, void *context)
{
    int error = m4h_ssh_channel_make(channel, open->session, handler, context);

    if (error == 0) {
        error = accept_as(open, *channel);
        if (error == 0)
            return 0;
        m4h_ssh_channel_unmake(*channel);
        *channel = NULL;
    }
    m4h_ssh_open_refuse(open, M4H_SSH_OPEN_SHORTAGE, "out of resources");
    return error;
}

static void tell_refused(struct m4h_ssh_session *session, ssh_message message)
{
    char what[M4H_DETAIL_MAX + 1];

    snprintf(what, sizeof(what), "direct-tcpip to %.128s:%d",
             ssh_message_channel_request_open_destination(message),
             ssh_message_channel_request_open_destination_port(message));
    refuse_message(session, message, M4H_SSH_OPEN_PROHIBITED, "nothing is forwarded from here");
    ssh_message_free(message);
    session->handler->on_refused(session->context, what);
}

static void refuse_surplus(struct m4h_ssh_session *session, ssh_message message)
{
    refuse_message(session, message, M4H_SSH_OPEN_SHORTAGE, "too many connections at once");
    ssh_message_free(message);
}

void m4h_ssh_opens_ask(struct m4h_ssh_session *session, ssh_message message)
{
    struct m4h_ssh_open *open;
    struct m4h_ssh_open_request request = {
        .host = ssh_message_channel_request_open_destination(message),
        .port = (uint32_t)ssh_message_channel_request_open_destination_port(message),
        .originator = ssh_message_channel_request_open_originator(message),
        .originator_port = (uint32_t)ssh_message_channel_request_open_originator_port(message),
    };

    if (session->handler->on_open == NULL || request.host == NULL || request.originator == NULL) {
        tell_refused(session, message);
        return;
    }
    open = session->open_count < M4H_SSH_OPENS_MAX ? calloc(1, sizeof(*open)) : NULL;
    if (open == NULL) {
        refuse_surplus(session, message);
        return;
    }
    open->session = session;
    open->message = message;
    open->next = session->opens;
    session->opens = open;
    session->open_count++;
    session->handler->on_open(session->context, open, &request);
}

void m4h_ssh_opens_drop(struct m4h_ssh_session *session)
{
    while (session->opens != NULL)
        ssh_message_free(take(session->opens));
}
