/* Revocations: the command, the request for one, and pages of all that there are. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/command.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* ---- Revoke ------------------------------------------------------------------ */

static void write_revoke(Mas4h__V1__Revoke *message, const struct m4h_revoke *revoke)
{
    mas4h__v1__revoke__init(message);
    message->client_key = m4h_wire_borrow(revoke->client_key);
    message->key_fingerprint = m4h_wire_borrow(revoke->key_fingerprint);
    message->stamp = revoke->stamp;
    message->banned = revoke->banned;
    message->actor = m4h_wire_borrow(revoke->actor);
    message->reason = m4h_wire_borrow(revoke->reason);
}

/* One of the two is set, and not the other. */
static bool read_names(const char *client_key, const char *key_fingerprint,
                       char client_key_out[M4H_CLIENT_KEY_MAX + 1],
                       char key_fingerprint_out[M4H_FINGERPRINT_MAX + 1])
{
    return (client_key[0] != '\0') != (key_fingerprint[0] != '\0') &&
           m4h_wire_read_client_key_maybe(client_key, client_key_out) &&
           m4h_wire_read_text(key_fingerprint, key_fingerprint_out, M4H_FINGERPRINT_MAX + 1);
}

static bool read_revoke(const Mas4h__V1__Revoke *message, struct m4h_revoke *out)
{
    out->banned = message->banned;
    return read_names(message->client_key, message->key_fingerprint, out->client_key,
                      out->key_fingerprint) &&
           m4h_wire_read_stamp(message->stamp, &out->stamp) &&
           m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor)) &&
           m4h_wire_read_text(message->reason, out->reason, sizeof(out->reason));
}

int m4h_wire_revoke_encode(const struct m4h_revoke *revoke, struct m4h_buffer *out)
{
    Mas4h__V1__Revoke message;

    write_revoke(&message, revoke);
    return m4h_wire_pack(&message.base, out);
}

int m4h_wire_revoke_decode(const uint8_t *data, size_t len, struct m4h_revoke *out)
{
    struct m4h_wire_arena arena;
    int error =
        m4h_wire_unpack(&arena, &mas4h__v1__revoke__descriptor, M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_revoke(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

/* ---- the request for one ------------------------------------------------------- */

int m4h_wire_revoke_request_encode(const struct m4h_revoke_request *request, struct m4h_buffer *out)
{
    Mas4h__V1__RevokeRequest message = MAS4H__V1__REVOKE_REQUEST__INIT;

    message.client_key = m4h_wire_borrow(request->client_key);
    message.key_fingerprint = m4h_wire_borrow(request->key_fingerprint);
    message.banned = request->banned;
    message.actor = m4h_wire_borrow(request->actor);
    message.reason = m4h_wire_borrow(request->reason);
    message.request_id = m4h_wire_borrow(request->request_id);
    message.lifts_only = request->lifts_only;
    return m4h_wire_pack(&message.base, out);
}

static bool read_request(const Mas4h__V1__RevokeRequest *message, struct m4h_revoke_request *out)
{
    out->banned = message->banned;
    out->lifts_only = message->lifts_only;
    return read_names(message->client_key, message->key_fingerprint, out->client_key,
                      out->key_fingerprint) &&
           m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor)) &&
           m4h_wire_read_text(message->reason, out->reason, sizeof(out->reason)) &&
           m4h_wire_read_text(message->request_id, out->request_id, sizeof(out->request_id));
}

int m4h_wire_revoke_request_decode(const uint8_t *data, size_t len, struct m4h_revoke_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__revoke_request__descriptor, M4H_WIRE_SMALL_MAX,
                                data, len);

    if (error == 0 && !read_request(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

int m4h_wire_revoke_reply_encode(const struct m4h_revoke *revoked,
                                 const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__RevokeReply message = MAS4H__V1__REVOKE_REPLY__INIT;
    Mas4h__V1__Revoke revoked_message;
    Mas4h__V1__Problem problem_message;

    if (m4h_wire_is_problem(problem)) {
        m4h_wire_write_problem(&problem_message, problem);
        message.result_case = MAS4H__V1__REVOKE_REPLY__RESULT_PROBLEM;
        message.problem = &problem_message;
    } else {
        write_revoke(&revoked_message, revoked);
        message.result_case = MAS4H__V1__REVOKE_REPLY__RESULT_REVOKED;
        message.revoked = &revoked_message;
    }
    return m4h_wire_pack(&message.base, out);
}

static bool read_reply(const Mas4h__V1__RevokeReply *message, struct m4h_revoke *revoked,
                       struct m4h_problem *problem)
{
    memset(revoked, 0, sizeof(*revoked));
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__REVOKE_REPLY__RESULT_REVOKED:
        return read_revoke(message->revoked, revoked);
    case MAS4H__V1__REVOKE_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem);
    default:
        return false;
    }
}

int m4h_wire_revoke_reply_decode(const uint8_t *data, size_t len, struct m4h_revoke *revoked,
                                 struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__revoke_reply__descriptor, M4H_WIRE_SMALL_MAX,
                                data, len);

    if (error == 0 && !read_reply(arena.message, revoked, problem))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

/* ---- all that there are -------------------------------------------------------- */

int m4h_wire_revocations_request_encode(const struct m4h_revocations_request *request,
                                        struct m4h_buffer *out)
{
    Mas4h__V1__RevocationsRequest message = MAS4H__V1__REVOCATIONS_REQUEST__INIT;

    message.page_size = request->page_size;
    message.page_token = m4h_wire_borrow(request->page_token);
    message.banned_only = request->banned_only;
    message.request_id = m4h_wire_borrow(request->request_id);
    return m4h_wire_pack(&message.base, out);
}

static bool read_page_request(const Mas4h__V1__RevocationsRequest *message,
                              struct m4h_revocations_request *out)
{
    bool sized = message->page_size >= 1 && message->page_size <= M4H_REVOCATIONS_PAGE_MAX;

    out->page_size = sized ? message->page_size : M4H_REVOCATIONS_PAGE_MAX;
    out->banned_only = message->banned_only;
    return m4h_wire_read_text(message->page_token, out->page_token, sizeof(out->page_token)) &&
           m4h_wire_read_text(message->request_id, out->request_id, sizeof(out->request_id));
}

int m4h_wire_revocations_request_decode(const uint8_t *data, size_t len,
                                        struct m4h_revocations_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__revocations_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_page_request(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

static int pack_page(const struct m4h_revoke *revocations, size_t count,
                     const char *next_page_token, uint64_t digest, struct m4h_buffer *out)
{
    Mas4h__V1__RevocationsReply reply = MAS4H__V1__REVOCATIONS_REPLY__INIT;
    Mas4h__V1__RevocationsPage page = MAS4H__V1__REVOCATIONS_PAGE__INIT;
    Mas4h__V1__Revoke messages[M4H_REVOCATIONS_PAGE_MAX];
    Mas4h__V1__Revoke *pointers[M4H_REVOCATIONS_PAGE_MAX];

    if (count > M4H_REVOCATIONS_PAGE_MAX)
        return M4H_ETOOBIG;
    for (size_t i = 0; i < count; i++) {
        write_revoke(&messages[i], &revocations[i]);
        pointers[i] = &messages[i];
    }
    page.n_revocations = count;
    page.revocations = pointers;
    page.next_page_token = m4h_wire_borrow(next_page_token);
    page.digest = digest;
    reply.result_case = MAS4H__V1__REVOCATIONS_REPLY__RESULT_PAGE;
    reply.page = &page;
    return m4h_wire_pack(&reply.base, out);
}

int m4h_wire_revocations_reply_encode(const struct m4h_revoke *revocations, size_t count,
                                      const char *next_page_token, uint64_t digest,
                                      const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__RevocationsReply message = MAS4H__V1__REVOCATIONS_REPLY__INIT;
    Mas4h__V1__Problem problem_message;

    if (!m4h_wire_is_problem(problem))
        return pack_page(revocations, count, next_page_token, digest, out);
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__REVOCATIONS_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

static int read_page(const Mas4h__V1__RevocationsPage *message, struct m4h_revoke **revocations,
                     size_t *count, char token[M4H_REVOCATION_NAME_MAX + 1])
{
    struct m4h_revoke *read;

    if (message->n_revocations > M4H_REVOCATIONS_PAGE_MAX ||
        !m4h_wire_read_text(message->next_page_token, token, M4H_REVOCATION_NAME_MAX + 1))
        return M4H_EPROTOCOL;
    if (message->n_revocations == 0)
        return 0;
    read = calloc(message->n_revocations, sizeof(*read));
    if (read == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < message->n_revocations; i++) {
        if (!read_revoke(message->revocations[i], &read[i])) {
            free(read);
            return M4H_EPROTOCOL;
        }
    }
    *revocations = read;
    *count = message->n_revocations;
    return 0;
}

static int read_page_reply(const Mas4h__V1__RevocationsReply *message,
                           struct m4h_revoke **revocations, size_t *count,
                           char token[M4H_REVOCATION_NAME_MAX + 1], uint64_t *digest,
                           struct m4h_problem *problem)
{
    switch (message->result_case) {
    case MAS4H__V1__REVOCATIONS_REPLY__RESULT_PAGE:
        *digest = message->page->digest;
        return read_page(message->page, revocations, count, token);
    case MAS4H__V1__REVOCATIONS_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem) ? 0 : M4H_EPROTOCOL;
    default:
        return M4H_EPROTOCOL;
    }
}

int m4h_wire_revocations_reply_decode(const uint8_t *data, size_t len,
                                      struct m4h_revoke **revocations, size_t *count,
                                      char next_page_token[M4H_REVOCATION_NAME_MAX + 1],
                                      uint64_t *digest, struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__revocations_reply__descriptor,
                                M4H_WIRE_MESSAGE_MAX, data, len);

    *revocations = NULL;
    *count = 0;
    *digest = 0;
    next_page_token[0] = '\0';
    memset(problem, 0, sizeof(*problem));
    if (error == 0)
        error =
            read_page_reply(arena.message, revocations, count, next_page_token, digest, problem);
    m4h_wire_release(&arena);
    return error;
}
