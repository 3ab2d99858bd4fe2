/* Lines of authorities, as the reader of authorized_keys takes them apart. */
#include "services/master/core/authorities.h"

#include "lib/base/error.h"
#include "lib/base/pattern.h"
#include "services/master/core/authorized_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Operators are named by their certificates. */
#define ANY_NAME "*"

/* ---- the file ------------------------------------------------------------------------ */

static int add(struct m4h_authorities *authorities, const struct m4h_authority *authority,
               char *wrong, size_t size)
{
    const struct m4h_authority *other = m4h_authorities_find(
        authorities, (struct m4h_ssh_bytes){authority->says.blob, authority->says.blob_len});
    struct m4h_authority *grown;

    if (other != NULL) {
        snprintf(wrong, size, "the same key as in line %u, which holds", other->line);
        return M4H_EEXIST;
    }
    if (authorities->count == M4H_AUTHORITIES_MAX)
        return M4H_EFULL;
    grown = reallocarray(authorities->list, authorities->count + 1, sizeof(*authorities->list));
    if (grown == NULL)
        return M4H_ENOMEM;
    authorities->list = grown;
    authorities->list[authorities->count++] = *authority;
    return 0;
}

/* What a line of one key may say, and that of many may not. */
static int check(const struct m4h_key_line *says, char *wrong, size_t size)
{
    if (says->is_authority && says->grant.client_key[0] != '\0')
        snprintf(wrong, size, "option client-key is for one key, not for an authority");
    else if (says->grant.fixed_port != 0)
        snprintf(wrong, size, "option port is for one key, not for an authority");
    else
        return 0;
    return M4H_EINVALID;
}

static int take_line(struct m4h_authorities *authorities, const char *text, size_t len,
                     struct m4h_authority_fault *fault)
{
    struct m4h_authority *authority = calloc(1, sizeof(*authority));
    int error;

    if (authority == NULL)
        return M4H_ENOMEM;
    authority->line = fault->line;
    error = m4h_authorized_keys_read_line(&authority->says, text, len, fault->message,
                                          sizeof(fault->message));
    if (error == 0)
        error = check(&authority->says, fault->message, sizeof(fault->message));
    if (error == 0)
        error = add(authorities, authority, fault->message, sizeof(fault->message));
    free(authority);
    return error == M4H_ENOTFOUND ? 0 : error;
}

int m4h_authorities_parse(struct m4h_authorities *authorities, const char *text, size_t len,
                          struct m4h_authorities_report *report)
{
    const char *end = text + len;
    uint32_t number = 0;

    *authorities = (struct m4h_authorities){0};
    report->fault_count = 0;
    for (const char *next; text < end; text = next) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        struct m4h_authority_fault fault = {.line = ++number};
        int error;

        next = newline != NULL ? newline + 1 : end;
        error = take_line(authorities, text, (size_t)((newline != NULL ? newline : end) - text),
                          &fault);
        if (error == M4H_ENOMEM || error == M4H_EFULL) {
            m4h_authorities_free(authorities);
            return error;
        }
        if (error != 0 && report->fault_count++ < M4H_AUTHORITIES_FAULTS_MAX)
            report->faults[report->fault_count - 1] = fault;
    }
    return 0;
}

void m4h_authorities_free(struct m4h_authorities *authorities)
{
    free(authorities->list);
    *authorities = (struct m4h_authorities){0};
}

/* ---- questions --------------------------------------------------------------------------- */

const struct m4h_authority *m4h_authorities_find(const struct m4h_authorities *authorities,
                                                 struct m4h_ssh_bytes key)
{
    for (size_t i = 0; i < authorities->count; i++) {
        const struct m4h_key_line *says = &authorities->list[i].says;

        if (m4h_ssh_bytes_equal((struct m4h_ssh_bytes){says->blob, says->blob_len}, key))
            return &authorities->list[i];
    }
    return NULL;
}

bool m4h_authority_may_name(const struct m4h_authority *authority, const char *name)
{
    const char *patterns = authority->says.principals;
    char pattern[M4H_KEY_PRINCIPALS_MAX + 1];

    for (size_t len; *patterns != '\0'; patterns += len + (patterns[len] == ',' ? 1 : 0)) {
        len = strcspn(patterns, ",");
        memcpy(pattern, patterns, len);
        pattern[len] = '\0';
        if (m4h_pattern_matches(pattern, name))
            return true;
    }
    return authority->says.principals[0] == '\0';
}

void m4h_authority_grant(const struct m4h_authority *authority, const char *name,
                         const struct m4h_authorize_request *request, uint64_t wall_ms,
                         struct m4h_verdict *verdict)
{
    struct m4h_authorize_reply *reply = &verdict->reply;

    m4h_key_grant_judge(&authority->says.grant, request, wall_ms, verdict);
    if (verdict->kind != M4H_VERDICT_ALLOW)
        return;
    if (reply->operator_.name[0] == '\0')
        m4h_text_copy(reply->client_key, sizeof(reply->client_key), name);
    else if (strcmp(reply->operator_.name, ANY_NAME) == 0)
        m4h_text_copy(reply->operator_.name, sizeof(reply->operator_.name), name);
}
