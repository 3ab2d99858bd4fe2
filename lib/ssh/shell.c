/* Who asks for a shell, a command or a subsystem gets a channel for it and, where the
 * owner has words for that, reads them there: a refusal of the channel could not say what
 * to do instead. Then the channel ends, as a command does that has failed. */
#include "lib/ssh/internal.h"

#include <string.h>

/* Of one session at once; a client has one. */
#define SHELLS_MAX 4u

static size_t on_data(void *context, const void *data, size_t len)
{
    (void)context;
    (void)data;
    return len;
}

static void on_nothing(void *context)
{
    (void)context;
}

static void on_closed(void *context)
{
    m4h_ssh_channel_close(context);
}

static const struct m4h_ssh_channel_handler handler = {
    .on_open = on_nothing,
    .on_data = on_data,
    .on_writable = on_nothing,
    .on_eof = on_nothing,
    .on_closed = on_closed,
};

static unsigned count_shells(const struct m4h_ssh_session *session)
{
    unsigned count = 0;

    for (const struct m4h_ssh_channel *at = session->channels; at != NULL; at = at->next)
        count += at->handler == &handler;
    return count;
}

static const char *words_of(const struct m4h_ssh_session *session)
{
    const struct m4h_ssh_handler *owner = session->handler;

    return owner->on_shell != NULL ? owner->on_shell(session->context) : NULL;
}

bool m4h_ssh_shell_open(struct m4h_ssh_session *session, ssh_message message)
{
    struct m4h_ssh_channel *channel;

    if (words_of(session) == NULL || count_shells(session) >= SHELLS_MAX ||
        m4h_ssh_channel_make(&channel, session, &handler, NULL) != 0)
        return false;
    channel->context = channel;
    if (ssh_message_channel_request_open_reply_accept_channel(message, channel->ssh) != SSH_OK) {
        m4h_ssh_channel_unmake(channel);
        return false;
    }
    channel->state = CHANNEL_OPEN;
    return true;
}

static struct m4h_ssh_channel *find(const struct m4h_ssh_session *session, ssh_channel ssh)
{
    struct m4h_ssh_channel *channel = session->channels;

    while (channel != NULL && (channel->ssh != ssh || channel->handler != &handler))
        channel = channel->next;
    return channel;
}

static void say(struct m4h_ssh_channel *channel, const char *text)
{
    ssh_channel_write_stderr(channel->ssh, text, (uint32_t)strlen(text));
    ssh_channel_request_send_exit_status(channel->ssh, 1);
    m4h_ssh_channel_finish(channel);
    m4h_ssh_channel_close(channel);
}

bool m4h_ssh_shell_request(struct m4h_ssh_session *session, ssh_message message)
{
    struct m4h_ssh_channel *channel = find(session, ssh_message_channel_request_channel(message));

    if (channel == NULL)
        return false;
    switch (ssh_message_subtype(message)) {
    case SSH_CHANNEL_REQUEST_PTY:
    case SSH_CHANNEL_REQUEST_ENV:
        ssh_message_channel_request_reply_success(message);
        return true;
    case SSH_CHANNEL_REQUEST_SHELL:
    case SSH_CHANNEL_REQUEST_EXEC:
    case SSH_CHANNEL_REQUEST_SUBSYSTEM:
        ssh_message_channel_request_reply_success(message);
        say(channel, words_of(session));
        return true;
    default:
        return false;
    }
}
