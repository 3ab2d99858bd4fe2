/* Who may be let near a gateway. */
#include "services/gateway/core/access.h"

#include "services/gateway/core/scope.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

bool m4h_gateway_host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Length of a host without its port. */
static size_t name_len(const char *host)
{
    return *host == '[' ? strcspn(host, "]") + (strchr(host, ']') != NULL) : strcspn(host, ":");
}

static bool is_address(const char *name, size_t len)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    bool is_v6 = len > 2 && name[0] == '[' && name[len - 1] == ']';

    if (is_v6) {
        name++;
        len -= 2;
    }
    if (len >= sizeof(text))
        return false;
    memcpy(text, name, len);
    text[len] = '\0';
    return is_v6 ? inet_pton(AF_INET6, text, &v6) == 1 : inet_pton(AF_INET, text, &v4) == 1;
}

static bool is_named(const char *names, const char *name, size_t len)
{
    for (; *names != '\0'; names += strcspn(names, ",")) {
        size_t one;

        names += strspn(names, ", ");
        one = strcspn(names, ", ");
        if (one > 0 && one == len && strncasecmp(names, name, len) == 0)
            return true;
    }
    return false;
}

bool m4h_gateway_host_is_own(const char *host, const char *names)
{
    size_t len = name_len(host);

    if (host[len] != '\0' && host[len] != ':')
        return false;
    return is_named("localhost", host, len) || is_address(host, len) || is_named(names, host, len);
}

bool m4h_gateway_host_names_are_valid(const char *names)
{
    return names[strspn(names, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "-._, ")] == '\0';
}

/* ---- pages of other sites ------------------------------------------------------ */

/* Length of a host without the port that the scheme has anyway. */
static size_t host_len(const char *host, const char *default_port)
{
    size_t len = strlen(host), port = strlen(default_port);

    return len > port && strcmp(host + len - port, default_port) == 0 ? len - port : len;
}

/* The origin names the host that was asked. Which scheme it names is the business of
 * the proxy in front, if there is one. */
static bool is_own(const char *origin, const char *host)
{
    static const struct {
        const char *scheme, *port;
    } schemes[] = {{"http://", ":80"}, {"https://", ":443"}};

    for (size_t i = 0; i < M4H_COUNT(schemes) && host != NULL; i++) {
        size_t scheme = strlen(schemes[i].scheme), len;

        if (strncasecmp(origin, schemes[i].scheme, scheme) != 0)
            continue;
        len = host_len(origin + scheme, schemes[i].port);
        return len == host_len(host, schemes[i].port) &&
               strncasecmp(origin + scheme, host, len) == 0;
    }
    return false;
}

static bool may_be_foreign(const struct m4h_access_question *question)
{
    if (question->credential == M4H_CREDENTIAL_BEARER)
        return false;
    if (question->scope == M4H_GATEWAY_SCOPE_PUBLIC && question->is_safe)
        return false;
    if (question->origin != NULL && !is_own(question->origin, question->host))
        return true;
    if (question->credential != M4H_CREDENTIAL_COOKIE)
        return false;
    return (!question->is_safe && !question->is_by_script) ||
           (question->is_upgrade && question->origin == NULL);
}

/* ---- tokens ---------------------------------------------------------------------- */

enum m4h_access_verdict m4h_gateway_access_judge(const struct m4h_access_question *question)
{
    const struct m4h_token *token = question->token;

    if (question->needs_host && question->host != NULL &&
        !m4h_gateway_host_is_own(question->host, question->host_names))
        return M4H_ACCESS_HOST;
    if (may_be_foreign(question))
        return M4H_ACCESS_FOREIGN;
    if (question->scope == M4H_GATEWAY_SCOPE_PUBLIC || !question->needs_token)
        return M4H_ACCESS_GRANTED;
    if (question->credential == M4H_CREDENTIAL_NONE)
        return M4H_ACCESS_NO_TOKEN;
    if (token == NULL)
        return M4H_ACCESS_UNKNOWN;
    if (token->expires_wall_ms <= question->wall_ms)
        return M4H_ACCESS_EXPIRED;
    if (!m4h_token_scopes_allow(token->scopes, question->scope))
        return M4H_ACCESS_NO_SCOPE;
    return M4H_ACCESS_GRANTED;
}

const char *m4h_access_verdict_name(enum m4h_access_verdict verdict)
{
    static const char *const names[M4H_ACCESS_VERDICTS] = {
        [M4H_ACCESS_GRANTED] = "granted",   [M4H_ACCESS_NO_TOKEN] = "no_token",
        [M4H_ACCESS_UNKNOWN] = "unknown",   [M4H_ACCESS_EXPIRED] = "expired",
        [M4H_ACCESS_NO_SCOPE] = "no_scope", [M4H_ACCESS_FOREIGN] = "foreign",
        [M4H_ACCESS_HOST] = "host",         [M4H_ACCESS_TOO_FAST] = "too_fast",
    };

    return names[verdict];
}
