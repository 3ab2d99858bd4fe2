/* Verdicts: making and checking them. */
#include "services/master/core/validator.h"

#include <string.h>

const char *m4h_verdict_kind_name(enum m4h_verdict_kind kind)
{
    static const char *const names[M4H_VERDICT_KINDS] = {"unknown", "allow", "deny", "failed"};

    return names[kind];
}

void m4h_verdict_set(struct m4h_verdict *verdict, enum m4h_verdict_kind kind, const char *detail)
{
    memset(verdict, 0, sizeof(*verdict));
    verdict->kind = kind;
    m4h_ident_text_clean(verdict->reply.detail, sizeof(verdict->reply.detail), detail);
}

static const char *fault_of(const struct m4h_authorize_reply *reply)
{
    const char *operator_name = reply->operator_.name;

    if (reply->slave_id[0] != '\0')
        return "a validator cannot say that a key is a slave's";
    if (operator_name[0] != '\0' && reply->client_key[0] != '\0')
        return "a key is either a device's or an operator's";
    if (operator_name[0] != '\0' && !m4h_ident_client_key_is_valid(operator_name))
        return "the operator's name is not valid";
    if (reply->client_key[0] != '\0' && !m4h_ident_client_key_is_valid(reply->client_key))
        return "the client key is not valid";
    return NULL;
}

void m4h_verdict_check(struct m4h_verdict *verdict)
{
    const char *fault = verdict->kind == M4H_VERDICT_ALLOW ? fault_of(&verdict->reply) : NULL;

    if (fault != NULL)
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, fault);
}
