/* Lines of authorities: options, the key, a comment. */
#include "services/master/core/authorities.h"

#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "lib/base/labels.h"
#include "lib/base/ssh_certificate.h"
#include "services/master/core/key_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OPTION_NAME_MAX  40u
#define OPTION_VALUE_MAX 2400u

/* ---- options ------------------------------------------------------------------- */

static const char *read_principals(struct m4h_authority *authority, const char *value)
{
    while (*value != '\0') {
        size_t len = strcspn(value, ",");
        char *out = authority->principals[authority->principal_count];

        if (authority->principal_count == M4H_AUTHORITY_PRINCIPALS_MAX)
            return "takes 16 patterns";
        if (len == 0 || len > M4H_CLIENT_KEY_MAX)
            return "needs patterns of 1 to 128 bytes, with commas between them";
        memcpy(out, value, len);
        out[len] = '\0';
        authority->principal_count++;
        value += len + (value[len] == ',' ? 1 : 0);
    }
    return authority->principal_count > 0 ? NULL : "needs patterns of names";
}

static const char *read_labels(struct m4h_authority *authority, const char *value)
{
    return m4h_labels_normalize(value, authority->labels) == 0 ? NULL
                                                               : "needs labels like site=berlin";
}

static const char *read_region(struct m4h_authority *authority, const char *value)
{
    return m4h_ident_id_is_valid(value) &&
                   m4h_text_copy(authority->region, sizeof(authority->region), value)
               ? NULL
               : "needs the name of a region";
}

/* NULL, or what is wrong; `value` NULL: it has none. */
static const char *read_option(struct m4h_authority *authority, const char *name, const char *value)
{
    static const struct {
        const char *name;
        const char *(*read)(struct m4h_authority *authority, const char *value);
    } options[] = {
        {"principals", read_principals}, {"labels", read_labels}, {"region", read_region}};

    if (strcasecmp(name, "cert-authority") == 0)
        return value == NULL ? NULL : "takes no value";
    for (size_t i = 0; i < M4H_COUNT(options); i++) {
        if (strcasecmp(name, options[i].name) == 0)
            return value != NULL ? options[i].read(authority, value) : "needs its value in quotes";
    }
    if (m4h_key_limits_knows(name))
        return value != NULL ? m4h_key_limits_read(&authority->limits, name, value)
                             : "needs its value in quotes";
    return "is not one for authorities";
}

/* ---- words ----------------------------------------------------------------------- */

/* Takes a quoted text off the front, \" as a quote. False: it is not closed, or too long. */
static bool take_quoted(const char **at, char *out, size_t size)
{
    const char *from = *at + 1;
    size_t made = 0;

    for (; *from != '"' && *from != '\0'; from++) {
        if (from[0] == '\\' && from[1] == '"')
            from++;
        if (made + 1 == size)
            return false;
        out[made++] = *from;
    }
    out[made] = '\0';
    *at = from + 1;
    return *from == '"';
}

static int is_wrong(char *wrong, size_t size, const char *name, const char *why)
{
    char quoted[2 * OPTION_NAME_MAX];

    snprintf(wrong, size, "option %s %s", m4h_ident_text_clean(quoted, sizeof(quoted), name), why);
    return M4H_EINVALID;
}

static int take_option(struct m4h_authority *authority, const char **at, char *wrong, size_t size)
{
    char name[OPTION_NAME_MAX + 1], value[OPTION_VALUE_MAX + 1];
    size_t len = strcspn(*at, "=, \t");
    const char *fault;
    bool has_value;

    if (len > OPTION_NAME_MAX)
        len = OPTION_NAME_MAX;
    memcpy(name, *at, len);
    name[len] = '\0';
    *at += len;
    has_value = **at == '=';
    if (has_value && (*++*at != '"' || !take_quoted(at, value, sizeof(value))))
        return is_wrong(wrong, size, name, "needs its value in quotes");
    fault = read_option(authority, name, has_value ? value : NULL);
    return fault == NULL ? 0 : is_wrong(wrong, size, name, fault);
}

static int take_options(struct m4h_authority *authority, const char **at, char *wrong, size_t size)
{
    int error = take_option(authority, at, wrong, size);

    while (error == 0 && **at == ',') {
        (*at)++;
        error = take_option(authority, at, wrong, size);
    }
    if (error == 0 && **at != ' ' && **at != '\t') {
        snprintf(wrong, size, "no key follows the options");
        error = M4H_EINVALID;
    }
    return error;
}

/* ---- keys -------------------------------------------------------------------------- */

/* Of what an authority may have, as a certificate names it. */
static size_t type_len_at(const char *at)
{
    static const char *const types[] = {"ssh-ed25519",
                                        "ecdsa-sha2-nistp256",
                                        "ecdsa-sha2-nistp384",
                                        "ecdsa-sha2-nistp521",
                                        "ssh-rsa",
                                        "sk-ssh-ed25519@openssh.com",
                                        "sk-ecdsa-sha2-nistp256@openssh.com"};
    size_t len = strcspn(at, " \t");

    for (size_t i = 0; i < M4H_COUNT(types); i++) {
        if (strlen(types[i]) == len && memcmp(types[i], at, len) == 0)
            return len;
    }
    return 0;
}

static int take_key(struct m4h_authority *authority, const char *at, char *wrong, size_t size)
{
    size_t type_len = type_len_at(at);
    const char *base64 = at + type_len + strspn(at + type_len, " \t");
    struct m4h_ssh_bytes rest, type;
    int error = type_len > 0 ? m4h_base64_decode(base64, strcspn(base64, " \t"), authority->key,
                                                 sizeof(authority->key), &authority->key_len)
                             : M4H_EINVALID;

    rest = (struct m4h_ssh_bytes){authority->key, authority->key_len};
    if (error == 0 && m4h_ssh_take_string(&rest, &type) && rest.len > 0 &&
        m4h_ssh_bytes_equal(type, (struct m4h_ssh_bytes){(const uint8_t *)at, type_len}))
        return 0;
    snprintf(wrong, size,
             type_len > 0 ? "the key is damaged, or not of the type that is named"
                          : "not a key type that is taken here");
    return M4H_EINVALID;
}

/* ---- the file ------------------------------------------------------------------------ */

static int read_line(struct m4h_authority *authority, const char *line, char *wrong, size_t size)
{
    int error = 0;

    if (type_len_at(line) == 0)
        error = take_options(authority, &line, wrong, size);
    line += strspn(line, " \t");
    return error == 0 ? take_key(authority, line, wrong, size) : error;
}

static int add(struct m4h_authorities *authorities, const struct m4h_authority *authority,
               char *wrong, size_t size)
{
    const struct m4h_authority *other = m4h_authorities_find(
        authorities, (struct m4h_ssh_bytes){authority->key, authority->key_len});
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

/* Of one line, NUL terminated; empty ones and comments say nothing. */
static int take_line(struct m4h_authorities *authorities, char *line,
                     struct m4h_authority_fault *fault)
{
    struct m4h_authority *authority;
    int error;

    line += strspn(line, " \t\r");
    for (size_t len = strlen(line); len > 0 && strchr(" \t\r", line[len - 1]) != NULL; len--)
        line[len - 1] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    authority = calloc(1, sizeof(*authority));
    if (authority == NULL)
        return M4H_ENOMEM;
    authority->line = fault->line;
    error = read_line(authority, line, fault->message, sizeof(fault->message));
    if (error == 0)
        error = add(authorities, authority, fault->message, sizeof(fault->message));
    free(authority);
    return error;
}

static int take_lines(struct m4h_authorities *authorities, char *text,
                      struct m4h_authorities_report *report)
{
    uint32_t number = 0;

    for (char *next; text != NULL; text = next) {
        struct m4h_authority_fault fault = {.line = ++number};
        int error;

        next = strchr(text, '\n');
        if (next != NULL)
            *next++ = '\0';
        error = take_line(authorities, text, &fault);
        if (error == M4H_ENOMEM || error == M4H_EFULL)
            return error;
        if (error != 0 && report->fault_count++ < M4H_AUTHORITIES_FAULTS_MAX)
            report->faults[report->fault_count - 1] = fault;
    }
    return 0;
}

int m4h_authorities_parse(struct m4h_authorities *authorities, const char *text, size_t len,
                          struct m4h_authorities_report *report)
{
    char *copy = malloc(len + 1);
    int error;

    *authorities = (struct m4h_authorities){0};
    report->fault_count = 0;
    if (copy == NULL)
        return M4H_ENOMEM;
    memcpy(copy, text, len);
    copy[len] = '\0';
    error = take_lines(authorities, copy, report);
    free(copy);
    if (error != 0)
        m4h_authorities_free(authorities);
    return error;
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
        const struct m4h_authority *authority = &authorities->list[i];

        if (m4h_ssh_bytes_equal((struct m4h_ssh_bytes){authority->key, authority->key_len}, key))
            return authority;
    }
    return NULL;
}

void m4h_authority_grant(const struct m4h_authority *authority, const char *name,
                         struct m4h_verdict *verdict)
{
    m4h_verdict_set(verdict, M4H_VERDICT_ALLOW, "");
    m4h_text_copy(verdict->reply.client_key, sizeof(verdict->reply.client_key), name);
    memcpy(verdict->reply.labels, authority->labels, sizeof(authority->labels));
    memcpy(verdict->reply.preferred_region, authority->region, sizeof(authority->region));
    verdict->reply.limits = authority->limits;
}
