/* The requests of a device, from libssh's message queue: nothing else lets an
 * answer come later. Only what a bouncer gives is granted. */
#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/base/ssh_certificate.h"
#include "lib/ssh/internal.h"

#include <string.h>

/* A device tries a handful of keys; more is guessing. */
#define AUTH_REQUESTS_MAX 24u
/* Requests that are refused, and ports asked for and given up, before the session is
 * ended; one more in each second of its age, so that a long life is no fault. */
#define REFUSALS_MAX 64u
#define CHANGES_MAX  64u
/* Of the address of a forward; a host name has no more (RFC 1035). */
#define ADDRESS_MAX 255u
/* Requests that are handled in one turn: the library reads on while it is asked
 * for the next one, so a peer could hold the loop for ever. */
#define MESSAGES_PER_TURN 32

static void refuse_auth(ssh_message message)
{
    ssh_message_auth_set_methods(message, SSH_AUTH_METHOD_PUBLICKEY);
    ssh_message_reply_default(message);
}

/* A signature that libssh does not take is left without any answer, so that such a key
 * must be refused before the device signs. */
static bool key_is_taken(const struct m4h_ssh_server *server, ssh_key key)
{
    enum ssh_keytypes_e type = ssh_key_type(key);

    return type > SSH_KEYTYPE_UNKNOWN && type < KEY_TYPES_MAX &&
           (server->taken_keys & 1u << (unsigned)type) != 0;
}

static int export_blob(ssh_key key, uint8_t *blob, size_t size, size_t *len)
{
    char *base64 = NULL;
    int error;

    if (ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK)
        return M4H_EINVALID;
    error = m4h_base64_decode(base64, strlen(base64), blob, size, len);
    ssh_string_free_char(base64);
    return error;
}

static char *fingerprint_of(ssh_key key)
{
    unsigned char *hash = NULL;
    size_t len;
    char *text;

    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) != SSH_OK)
        return NULL;
    text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
    ssh_clean_pubkey_hash(&hash);
    return text;
}

/* Of the key itself, whatever certificate is around it. What stands in the certificate for the
 * key must be as the library writes that key: then nobody reads another one out of the same
 * bytes than the library has, which checked the signature. */
static char *fingerprint_inside(const uint8_t *blob, size_t len)
{
    struct m4h_ssh_certificate certificate;
    uint8_t plain[M4H_PUBLIC_KEY_BLOB_MAX];
    char base64[M4H_BASE64_SIZE(sizeof(plain))];
    ssh_key key = NULL;
    char *again = NULL, *fingerprint = NULL;
    size_t plain_len;

    if (m4h_ssh_certificate_parse(blob, len, &certificate) != 0 ||
        m4h_ssh_certificate_plain_key(&certificate, plain, sizeof(plain), &plain_len) != 0)
        return NULL;
    m4h_base64_encode(plain, plain_len, base64);
    if (ssh_pki_import_pubkey_base64(base64, ssh_key_type_from_name(certificate.key_type), &key) ==
            SSH_OK &&
        ssh_pki_export_pubkey_base64(key, &again) == SSH_OK && strcmp(again, base64) == 0)
        fingerprint = fingerprint_of(key);
    ssh_string_free_char(again);
    ssh_key_free(key);
    return fingerprint;
}

/* Holds the message and asks the owner; refuses at once what cannot be asked. */
static void offer_key(struct m4h_ssh_session *session, ssh_message message, ssh_key key)
{
    uint8_t blob[M4H_PUBLIC_KEY_BLOB_MAX];
    char *fingerprint = NULL;
    struct m4h_ssh_key_offer offer = {
        .username = ssh_message_auth_user(message),
        .algorithm = ssh_key_type_to_char(ssh_key_type(key)),
        .blob = blob,
    };

    if (export_blob(key, blob, sizeof(blob), &offer.blob_len) == 0)
        fingerprint = m4h_ssh_certificate_is_one(blob, offer.blob_len)
                          ? fingerprint_inside(blob, offer.blob_len)
                          : fingerprint_of(key);
    if (fingerprint == NULL) {
        refuse_auth(message);
        ssh_message_free(message);
    } else {
        offer.fingerprint = fingerprint;
        session->held = message;
        session->handler->on_key(session->context, &offer);
    }
    ssh_string_free_char(fingerprint);
}

/* Remembers it for the log, should the device get in by nothing else. */
static void note_refused(struct m4h_ssh_session *session, ssh_message message)
{
    ssh_key key;

    switch (ssh_message_subtype(message)) {
    case SSH_AUTH_METHOD_PUBLICKEY:
        key = ssh_message_auth_pubkey(message);
        if (key != NULL && !key_is_taken(session->server, key))
            session->refused_auth = ssh_key_type_to_char(ssh_key_type(key));
        break;
    case SSH_AUTH_METHOD_PASSWORD:
        session->refused_auth = "password";
        break;
    default:
        break; /* "none" is how a client asks what is taken */
    }
}

static void handle_auth(struct m4h_ssh_session *session, ssh_message message)
{
    ssh_key key;

    if (++session->auth_requests > AUTH_REQUESTS_MAX) {
        ssh_message_free(message);
        m4h_ssh_session_fail(session, M4H_SSH_END_PROTOCOL, "too many authentication attempts");
        return;
    }
    if (!session->authenticated && ssh_message_subtype(message) == SSH_AUTH_METHOD_PUBLICKEY) {
        key = ssh_message_auth_pubkey(message);
        switch (key != NULL && key_is_taken(session->server, key)
                    ? ssh_message_auth_publickey_state(message)
                    : SSH_PUBLICKEY_STATE_ERROR) {
        case SSH_PUBLICKEY_STATE_VALID:
            offer_key(session, message, key);
            return;
        case SSH_PUBLICKEY_STATE_NONE:
            ssh_message_auth_reply_pk_ok_simple(message);
            ssh_message_free(message);
            return;
        default:
            break;
        }
    }
    note_refused(session, message);
    refuse_auth(message);
    ssh_message_free(message);
}

/* Says no, frees the message, and tells the owner what it was. */
static void refuse(struct m4h_ssh_session *session, ssh_message message, const char *what)
{
    ssh_message_reply_default(message);
    ssh_message_free(message);
    session->refusals++;
    session->handler->on_refused(session->context, what);
}

static void handle_session(struct m4h_ssh_session *session, ssh_message message)
{
    static const char what[] = "session channel (shell, command or subsystem)";

    if (!m4h_ssh_shell_open(session, message)) {
        refuse(session, message, what);
        return;
    }
    ssh_message_free(message);
    session->refusals++;
    session->handler->on_refused(session->context, what);
}

static void handle_channel_request(struct m4h_ssh_session *session, ssh_message message)
{
    if (!m4h_ssh_shell_request(session, message)) {
        refuse(session, message, "channel request");
        return;
    }
    ssh_message_free(message);
    session->refusals++;
}

static void handle_channel_open(struct m4h_ssh_session *session, ssh_message message)
{
    switch (ssh_message_subtype(message)) {
    case SSH_CHANNEL_SESSION:
        handle_session(session, message);
        break;
    case SSH_CHANNEL_DIRECT_TCPIP:
        m4h_ssh_opens_ask(session, message);
        break;
    case SSH_CHANNEL_X11:
        refuse(session, message, "x11 channel");
        break;
    default:
        refuse(session, message, "channel of an unknown type");
        break;
    }
}

static bool is_too_much(const struct m4h_ssh_session *session, unsigned count, unsigned max)
{
    uint64_t age_ms = m4h_loop_now_ms(session->server->loop) - session->begun_ms;

    return count > max + age_ms / 1000;
}

static void handle_global(struct m4h_ssh_session *session, ssh_message message)
{
    const char *address = ssh_message_global_request_address(message);
    int port = ssh_message_global_request_port(message);
    bool found;

    switch (ssh_message_subtype(message)) {
    case SSH_GLOBAL_REQUEST_TCPIP_FORWARD:
        if (address == NULL || strlen(address) > ADDRESS_MAX || port < 0 || port > UINT16_MAX ||
            !session->authenticated) {
            refuse(session, message, "tcpip-forward of an impossible address");
            return;
        }
        session->changes++;
        session->held = message;
        session->handler->on_forward(session->context, address, (uint32_t)port);
        return;
    case SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD:
        found = address != NULL && session->authenticated &&
                session->handler->on_cancel(session->context, address, (uint32_t)port);
        if (found)
            ssh_message_global_request_reply_success(message, 0);
        else
            ssh_message_reply_default(message);
        session->refusals += !found;
        session->changes += found;
        ssh_message_free(message);
        return;
    default:
        refuse(session, message, "global request of an unknown type");
        return;
    }
}

static void handle(struct m4h_ssh_session *session, ssh_message message)
{
    if (session->client != NULL) {
        refuse(session, message, "request of a server");
        return;
    }
    switch (ssh_message_type(message)) {
    case SSH_REQUEST_AUTH:
        handle_auth(session, message);
        break;
    case SSH_REQUEST_SERVICE:
        session->refusals++; /* one is normal */
        ssh_message_service_reply_success(message);
        ssh_message_free(message);
        break;
    case SSH_REQUEST_CHANNEL_OPEN:
        handle_channel_open(session, message);
        break;
    case SSH_REQUEST_GLOBAL:
        handle_global(session, message);
        break;
    case SSH_REQUEST_CHANNEL:
        handle_channel_request(session, message);
        break;
    default:
        refuse(session, message, "request of an unknown type");
        break;
    }
}

void m4h_ssh_messages_handle(struct m4h_ssh_session *session)
{
    ssh_message message;

    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        if (session->held != NULL || session->closing || session->ended ||
            !m4h_ssh_session_is_alive(session) || (message = ssh_message_get(session->ssh)) == NULL)
            return;
        session->messages++;
        handle(session, message);
        if (is_too_much(session, session->changes, CHANGES_MAX))
            m4h_ssh_session_fail(session, M4H_SSH_END_PROTOCOL,
                                 "too many ports asked for and given up");
        if (is_too_much(session, session->refusals, REFUSALS_MAX))
            m4h_ssh_session_fail(session, M4H_SSH_END_PROTOCOL, "too many refused requests");
    }
    m4h_ssh_session_schedule(session);
}

/* Takes the held message out, or NULL where the connection has gone meanwhile:
 * answering then would mark a dead session as authenticated. */
static ssh_message take_held(struct m4h_ssh_session *session)
{
    ssh_message message = session->held;

    session->held = NULL;
    m4h_ssh_session_schedule(session);
    if (message != NULL && !m4h_ssh_session_is_alive(session)) {
        ssh_message_free(message);
        return NULL;
    }
    return message;
}

void m4h_ssh_session_answer_key(struct m4h_ssh_session *session, bool allowed)
{
    ssh_message message = take_held(session);
    struct m4h_ssh_stream *before;

    if (message == NULL)
        return;
    before = m4h_ssh_session_enter(session);
    if (allowed) {
        session->authenticated = true;
        ssh_message_auth_reply_success(message, 0);
    } else {
        refuse_auth(message);
    }
    m4h_ssh_session_leave(session, before);
    ssh_message_free(message);
}

void m4h_ssh_session_answer_forward(struct m4h_ssh_session *session, uint16_t port)
{
    ssh_message message = take_held(session);
    struct m4h_ssh_stream *before;

    if (message == NULL)
        return;
    before = m4h_ssh_session_enter(session);
    if (port != 0)
        ssh_message_global_request_reply_success(message, port);
    else
        ssh_message_reply_default(message);
    m4h_ssh_session_leave(session, before);
    session->refusals += port == 0;
    ssh_message_free(message);
}
