/* The validator `certificates`: who has a certificate of an authority that is known may come.
 *
 * The two files are read here, and again when they change; one that cannot be read leaves what
 * was in force, and before it was read once nobody comes in. Each answer is given at once: the
 * authority's signature is checked here, the rest is core/certificates.c's. Whom this
 * master has let in is judged again when a file has changed, and who is good no more is voided. */
#include "services/master/core/certificates.h"
#include "lib/base/error.h"
#include "lib/base/file_mark.h"
#include "lib/base/file_text.h"
#include "lib/base/log.h"
#include "lib/base/walltime.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/ssh_signature.h"
#include "services/master/core/certified.h"
#include "services/master/io/service.h"
#include "services/master/io/validators.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG "certificates"

_Static_assert(M4H_SSH_SHA1_BYTES == M4H_SHA1_BYTES && M4H_SSH_SHA256_BYTES == M4H_SHA256_BYTES,
               "a digest is one");

const char *const m4h_certificate_names[] = {"principal", "key-id", NULL};

struct watched {
    const char *path; /* borrowed; "": there is none */
    bool is_loaded;   /* at least once */
    struct m4h_file_mark loaded, seen;
    uint64_t loads, failures;
};

struct certificates {
    struct m4h_master *master; /* borrowed */
    struct watched authorities_file, revoked_file;
    struct m4h_authorities authorities;
    uint32_t faults; /* bad lines of their file */
    struct m4h_ssh_revoked *revoked;
    struct m4h_certified certified; /* whom this master has let in */
};

/* ---- files -------------------------------------------------------------------- */

static void log_faults(const char *path, const struct m4h_authorities_report *report)
{
    for (uint32_t i = 0; i < report->fault_count && i < M4H_AUTHORITIES_FAULTS_MAX; i++) {
        char quoted[400];

        m4h_log(M4H_LOG_WARNING, LOG, "file=%s line=%u reason=%s line is skipped", path,
                report->faults[i].line,
                m4h_log_quote(quoted, sizeof(quoted), report->faults[i].message));
    }
}

static int take_authorities(struct certificates *certificates, const char *text, size_t len)
{
    struct m4h_authorities_report *report = calloc(1, sizeof(*report));
    struct m4h_authorities made;
    int error = report != NULL ? m4h_authorities_parse(&made, text, len, report) : M4H_ENOMEM;

    if (error == 0) {
        m4h_authorities_free(&certificates->authorities);
        certificates->authorities = made;
        certificates->faults = report->fault_count;
        log_faults(certificates->authorities_file.path, report);
        m4h_log(M4H_LOG_INFO, LOG, "file=%s authorities=%zu skipped=%u authorities are read",
                certificates->authorities_file.path, made.count, report->fault_count);
    }
    free(report);
    return error;
}

static int take_revoked(struct certificates *certificates, const char *text, size_t len)
{
    struct m4h_ssh_revoked *made;
    char wrong[128], quoted[300];
    int error = m4h_ssh_revoked_read(&made, (const uint8_t *)text, len, wrong, sizeof(wrong));

    if (error == M4H_EINVALID)
        m4h_log(M4H_LOG_ERROR, LOG, "file=%s reason=%s", certificates->revoked_file.path,
                m4h_log_quote(quoted, sizeof(quoted), wrong));
    if (error != 0)
        return error;
    m4h_ssh_revoked_destroy(certificates->revoked);
    certificates->revoked = made;
    m4h_log(M4H_LOG_INFO, LOG, "file=%s entries=%zu version=%llu revoked keys are read",
            certificates->revoked_file.path, m4h_ssh_revoked_count(made),
            (unsigned long long)m4h_ssh_revoked_version(made));
    return 0;
}

static void load(struct certificates *certificates, struct watched *file, size_t size_max,
                 int (*take)(struct certificates *, const char *, size_t))
{
    char *text = NULL;
    size_t len = 0;
    int error;

    if (file->path[0] == '\0')
        return;
    file->loaded = file->seen = m4h_file_mark_of(file->path);
    error = m4h_file_text_read(file->path, size_max, &text, &len);
    if (error == 0)
        error = take(certificates, text, len);
    free(text);
    if (error == 0) {
        file->is_loaded = true;
        file->loads++;
        return;
    }
    file->failures++;
    m4h_log(M4H_LOG_ERROR, LOG, "file=%s reason=\"%s\" cannot be read: %s", file->path,
            error == M4H_ESYSTEM ? strerror(errno) : m4h_error_text(error),
            file->is_loaded ? "what was there before holds" : "no certificate is taken");
}

static void load_authorities(struct certificates *certificates)
{
    load(certificates, &certificates->authorities_file, M4H_AUTHORITIES_FILE_MAX, take_authorities);
}

static void load_revoked(struct certificates *certificates)
{
    load(certificates, &certificates->revoked_file, M4H_SSH_REVOKED_FILE_MAX, take_revoked);
}

/* ---- questions ------------------------------------------------------------------- */

static bool name_key(struct m4h_ssh_named_key *named, struct m4h_ssh_bytes key)
{
    named->key = key;
    return m4h_crypto_sha1(key.at, key.len, named->sha1) == 0 &&
           m4h_crypto_sha256(key.at, key.len, named->sha256) == 0;
}

/* The slave says which key it has checked: it must be the one inside. */
static bool is_of_key(const struct m4h_authorize_request *request, struct m4h_ssh_bytes key)
{
    char fingerprint[M4H_FINGERPRINT_MAX + 1];

    return m4h_crypto_key_fingerprint(key.at, key.len, fingerprint) == 0 &&
           strcmp(fingerprint, request->key_fingerprint) == 0;
}

static void judge(const struct certificates *certificates,
                  const struct m4h_authorize_request *request,
                  const struct m4h_ssh_certificate *certificate,
                  const struct m4h_authority *authority, bool is_verified,
                  struct m4h_verdict *verdict)
{
    uint8_t plain[M4H_PUBLIC_KEY_BLOB_MAX];
    struct m4h_ssh_named_key key, signed_by;
    size_t len = 0;

    if (m4h_ssh_certificate_plain_key(certificate, plain, sizeof(plain), &len) != 0 ||
        !is_of_key(request, (struct m4h_ssh_bytes){plain, len})) {
        m4h_verdict_set(verdict, M4H_VERDICT_DENY, "the certificate is for another key");
    } else if (!is_verified && m4h_crypto_ssh_verify(certificate->authority, certificate->signature,
                                                     certificate->signed_part) != 0) {
        m4h_verdict_set(verdict, M4H_VERDICT_DENY,
                        "the certificate is not signed by the authority that it names");
    } else if (!name_key(&key, (struct m4h_ssh_bytes){plain, len}) ||
               !name_key(&signed_by, certificate->authority)) {
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, "no digest can be made");
    } else {
        m4h_certificate_judge(
            &(struct m4h_certificate_case){
                .certificate = certificate,
                .authority = authority,
                .key = &key,
                .signed_by = &signed_by,
                .revoked = certificates->revoked,
                .name = (enum m4h_certificate_name)
                            certificates->master->config->certificates.client_key,
                .request = request,
                .wall_ms = m4h_walltime_now_ms(),
            },
            verdict);
    }
}

/* `is_verified`: its signature was found good before, which takes nearly all of the time. */
static void find(const struct certificates *certificates,
                 const struct m4h_authorize_request *request, bool is_verified,
                 struct m4h_verdict *verdict)
{
    struct m4h_ssh_certificate certificate;
    const struct m4h_authority *authority;

    if (!certificates->authorities_file.is_loaded) {
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, "ca_keys cannot be read");
        return;
    }
    if (certificates->revoked_file.path[0] != '\0' && !certificates->revoked_file.is_loaded) {
        m4h_verdict_set(verdict, M4H_VERDICT_FAILED, "revoked_keys cannot be read");
        return;
    }
    if (m4h_ssh_certificate_parse(request->public_key, request->public_key_len, &certificate) !=
        0) {
        m4h_verdict_set(verdict, M4H_VERDICT_DENY, "the certificate is damaged");
        return;
    }
    authority = m4h_authorities_find(&certificates->authorities, certificate.authority);
    if (authority != NULL)
        judge(certificates, request, &certificate, authority, is_verified, verdict);
    else
        m4h_verdict_set(verdict, M4H_VERDICT_UNKNOWN, "the certificate's authority is not known");
}

static void ask(void *self, struct m4h_validation *validation)
{
    struct certificates *certificates = self;
    const struct m4h_authorize_request *request = validation->request;
    struct m4h_verdict verdict;

    m4h_verdict_set(&verdict, M4H_VERDICT_UNKNOWN, "");
    if (m4h_ssh_certificate_is_one(request->public_key, request->public_key_len))
        find(certificates, request, false, &verdict);
    if (verdict.kind == M4H_VERDICT_ALLOW)
        m4h_certified_note(&certificates->certified, request);
    m4h_validation_answer(validation, &verdict);
}

/* ---- changes ----------------------------------------------------------------------- */

static bool is_good(void *context, const struct m4h_authorize_request *request)
{
    struct certificates *certificates = context;
    struct m4h_verdict verdict;

    find(certificates, request, true, &verdict);
    if (verdict.kind != M4H_VERDICT_DENY && verdict.kind != M4H_VERDICT_UNKNOWN)
        return true;
    m4h_master_void(certificates->master, request->key_fingerprint, "", verdict.reply.detail);
    return false;
}

static void review(struct certificates *certificates)
{
    m4h_certified_review(&certificates->certified, is_good, certificates);
}

static void reload(void *self)
{
    load_authorities(self);
    load_revoked(self);
    review(self);
}

static bool has_changed(struct watched *file)
{
    return file->path[0] != '\0' &&
           m4h_file_mark_has_settled(file->path, &file->loaded, &file->seen);
}

static void look(void *self)
{
    struct certificates *certificates = self;
    bool is_new = has_changed(&certificates->authorities_file);

    if (is_new)
        load_authorities(certificates);
    if (has_changed(&certificates->revoked_file)) {
        load_revoked(certificates);
        is_new = true;
    }
    if (is_new)
        review(certificates);
}

/* ---- life -------------------------------------------------------------------------- */

static int create(void **self, struct m4h_master *master)
{
    const struct m4h_certificates_settings *settings = &master->config->certificates;
    struct certificates *certificates;

    *self = NULL;
    if (settings->ca_keys[0] == '\0') {
        m4h_log(M4H_LOG_ERROR, LOG, "[certificates] ca_keys is not set");
        return M4H_EINVALID;
    }
    certificates = calloc(1, sizeof(*certificates));
    if (certificates == NULL)
        return M4H_ENOMEM;
    certificates->master = master;
    certificates->authorities_file.path = settings->ca_keys;
    certificates->revoked_file.path = settings->revoked_keys;
    *self = certificates;
    reload(certificates);
    return 0;
}

static void destroy(void *self)
{
    struct certificates *certificates = self;

    if (certificates == NULL)
        return;
    m4h_authorities_free(&certificates->authorities);
    m4h_ssh_revoked_destroy(certificates->revoked);
    m4h_certified_free(&certificates->certified);
    free(certificates);
}

static void write_reads(struct m4h_metrics *metrics, const char *name, const char *file,
                        const struct watched *watched)
{
    const struct m4h_metric_label ok[] = {{"file", file}, {"result", "ok"}};
    const struct m4h_metric_label failed[] = {{"file", file}, {"result", "failed"}};

    m4h_metrics_value(metrics, name, ok, M4H_COUNT(ok), (double)watched->loads);
    m4h_metrics_value(metrics, name, failed, M4H_COUNT(failed), (double)watched->failures);
}

static void write_metrics(const void *self, struct m4h_metrics *metrics)
{
    static const char reads[] = "mas4h_master_certificates_reads_total";
    const struct certificates *certificates = self;

    m4h_metrics_single(metrics, "mas4h_master_certificates_authorities", "gauge",
                       "Authorities whose certificates are taken.",
                       (double)certificates->authorities.count);
    m4h_metrics_single(metrics, "mas4h_master_certificates_skipped", "gauge",
                       "Lines of authorities that are skipped.", (double)certificates->faults);
    m4h_metrics_single(
        metrics, "mas4h_master_certificates_revoked", "gauge",
        "Entries of the list of revoked keys.",
        certificates->revoked != NULL ? (double)m4h_ssh_revoked_count(certificates->revoked) : 0.0);
    m4h_metrics_describe(metrics, reads, "counter", "Times that a file was read.");
    write_reads(metrics, reads, "ca_keys", &certificates->authorities_file);
    write_reads(metrics, reads, "revoked_keys", &certificates->revoked_file);
}

const struct m4h_validator_type m4h_validator_certificates = {
    .name = "certificates",
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .reload = reload,
    .look = look,
    .write_metrics = write_metrics,
};
