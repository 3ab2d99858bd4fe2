/* The judgement: one check after the other, the first that fails says why. */
#include "services/master/core/certificates.h"

#include "lib/base/ident.h"
#include "lib/base/network.h"

#include <stdio.h>
#include <string.h>

/* Of the text of a certificate in a log. */
#define SHOWN_MAX 128

/* ---- time ------------------------------------------------------------------ */

static const char *check_time(const struct m4h_certificate_case *c)
{
    uint64_t now_s = c->wall_ms / 1000;

    if (now_s < c->certificate->valid_after_s)
        return "the certificate is not valid yet";
    return now_s < c->certificate->valid_before_s ? NULL : "the certificate has expired";
}

/* 0: never, or as good as that. */
static uint64_t end_of(const struct m4h_ssh_certificate *certificate)
{
    return certificate->valid_before_s < UINT64_MAX / 1000 ? certificate->valid_before_s * 1000 : 0;
}

/* ---- options ---------------------------------------------------------------- */

static const char *check_source(const struct m4h_ssh_certificate_option *option, const char *peer)
{
    struct m4h_networks networks;
    struct m4h_ssh_bytes value;
    struct m4h_ip ip;
    char text[2048];
    bool is_in;

    if (!m4h_ssh_certificate_option_value(option, &value) ||
        !m4h_ssh_bytes_copy_text(value, text, sizeof(text)) ||
        m4h_networks_parse(text, &networks) != 0)
        return "the certificate's source-address is no list of networks";
    is_in = m4h_ip_parse_peer(peer, &ip) == 0 && m4h_networks_contain(&networks, &ip);
    m4h_networks_free(&networks);
    return is_in ? NULL : "the certificate is not for this address";
}

static const char *check_critical(const struct m4h_certificate_case *c)
{
    struct m4h_ssh_bytes rest = c->certificate->critical_options;
    struct m4h_ssh_certificate_option option;
    const char *wrong = NULL;

    while (wrong == NULL && m4h_ssh_certificate_next_option(&rest, &option)) {
        if (m4h_ssh_bytes_are(option.name, "source-address"))
            wrong = check_source(&option, c->request->remote_address);
        else if (m4h_ssh_bytes_are(option.name, "force-command"))
            wrong = "the certificate is for one command only";
        else if (m4h_ssh_bytes_are(option.name, "verify-required"))
            wrong = "the certificate asks for a PIN, which is not checked here";
        else
            wrong = "the certificate has a critical option that is not known";
    }
    return wrong;
}

static const char *check_extensions(const struct m4h_certificate_case *c)
{
    struct m4h_ssh_bytes rest = c->certificate->extensions;
    struct m4h_ssh_certificate_option option;

    while (m4h_ssh_certificate_next_option(&rest, &option)) {
        if (m4h_ssh_bytes_are(option.name, "permit-port-forwarding"))
            return NULL;
    }
    return "the certificate does not permit port forwarding";
}

/* ---- revocations ------------------------------------------------------------- */

static const char *check_revoked(const struct m4h_certificate_case *c)
{
    if (c->revoked == NULL)
        return NULL;
    if (m4h_ssh_revoked_has_key(c->revoked, c->signed_by))
        return "the certificate's authority is revoked";
    if (m4h_ssh_revoked_has_certificate(c->revoked, c->certificate))
        return "the certificate is revoked";
    return m4h_ssh_revoked_has_key(c->revoked, c->key) ? "the key is revoked" : NULL;
}

/* ---- whose it is ---------------------------------------------------------------- */

/* A certificate without principals would be good for every name, and so it is for none. */
static const char *find_name(const struct m4h_certificate_case *c,
                             char name[M4H_CLIENT_KEY_MAX + 1])
{
    struct m4h_ssh_bytes principals = c->certificate->principals, found;

    if (!m4h_ssh_certificate_next_principal(&principals, &found))
        return "the certificate names no principal";
    if (c->name == M4H_CERTIFICATE_KEY_ID)
        found = c->certificate->key_id;
    if (!m4h_ssh_bytes_copy_text(found, name, M4H_CLIENT_KEY_MAX + 1) ||
        !m4h_ident_client_key_is_valid(name))
        return "the certificate's name is none that a device can have";
    return m4h_authority_may_name(c->authority, name)
               ? NULL
               : "the certificate's authority may not give this name";
}

/* ---- all of it -------------------------------------------------------------------- */

static const char *check_all(const struct m4h_certificate_case *c,
                             char name[M4H_CLIENT_KEY_MAX + 1])
{
    const char *wrong = NULL;

    if (c->certificate->type != M4H_SSH_CERTIFICATE_USER)
        return "the certificate is a host's";
    if ((wrong = check_revoked(c)) == NULL && (wrong = check_time(c)) == NULL &&
        (wrong = check_critical(c)) == NULL && (wrong = check_extensions(c)) == NULL)
        wrong = find_name(c, name);
    return wrong;
}

/* The reason, and which certificate it was, for who issues them. */
static void deny(const struct m4h_certificate_case *c, const char *wrong,
                 struct m4h_verdict *verdict)
{
    char detail[M4H_DETAIL_MAX + 1], key_id[SHOWN_MAX];

    if (m4h_ssh_bytes_copy_text(c->certificate->key_id, key_id, sizeof(key_id)) &&
        m4h_ident_client_key_is_valid(key_id))
        snprintf(detail, sizeof(detail), "%s (%s, serial %llu)", wrong, key_id,
                 (unsigned long long)c->certificate->serial);
    else
        snprintf(detail, sizeof(detail), "%s (serial %llu)", wrong,
                 (unsigned long long)c->certificate->serial);
    m4h_verdict_set(verdict, M4H_VERDICT_DENY, detail);
}

void m4h_certificate_judge(const struct m4h_certificate_case *c, struct m4h_verdict *verdict)
{
    char name[M4H_CLIENT_KEY_MAX + 1];
    const char *wrong = check_all(c, name);
    uint64_t end_ms = end_of(c->certificate);

    if (wrong != NULL) {
        deny(c, wrong, verdict);
        return;
    }
    m4h_authority_grant(c->authority, name, c->request, c->wall_ms, verdict);
    if (verdict->kind == M4H_VERDICT_ALLOW && end_ms != 0 &&
        (verdict->reply.expires_wall_ms == 0 || end_ms < verdict->reply.expires_wall_ms))
        verdict->reply.expires_wall_ms = end_ms;
}
