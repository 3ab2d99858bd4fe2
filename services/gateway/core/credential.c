/* Authorization and Cookie. */
#include "services/gateway/core/credential.h"

#include <string.h>
#include <strings.h>

#define SCHEME "Bearer"
/* b64token of RFC 6750 section 2.1. */
#define TOKEN_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

static void take(struct m4h_credential *credential, enum m4h_credential_kind kind,
                 const char *token, size_t len)
{
    credential->kind = kind;
    if (len > M4H_CREDENTIAL_MAX || strspn(token, TOKEN_BYTES) < len)
        return;
    memcpy(credential->token, token, len);
    credential->token[len] = '\0';
}

static bool read_bearer(const char *text, struct m4h_credential *credential)
{
    size_t scheme = strlen(SCHEME);

    if (text == NULL || strncasecmp(text, SCHEME, scheme) != 0 ||
        (text[scheme] != ' ' && text[scheme] != '\0'))
        return false;
    text += scheme;
    text += strspn(text, " ");
    take(credential, M4H_CREDENTIAL_BEARER, text, strcspn(text, " \t"));
    return true;
}

/* "a=1; mas4h_token=...; b=2" (RFC 6265 section 4.2.1). */
static void read_cookie(const char *text, struct m4h_credential *credential)
{
    size_t name = strlen(M4H_GATEWAY_COOKIE);

    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, ";");

        if (len > name && strncmp(text, M4H_GATEWAY_COOKIE, name) == 0 && text[name] == '=') {
            take(credential, M4H_CREDENTIAL_COOKIE, text + name + 1, len - name - 1);
            return;
        }
        text += len;
        text += strspn(text, "; ");
    }
}

void m4h_credential_read(const char *authorization, const char *cookie,
                         struct m4h_credential *credential)
{
    credential->kind = M4H_CREDENTIAL_NONE;
    credential->token[0] = '\0';
    if (!read_bearer(authorization, credential))
        read_cookie(cookie, credential);
}
