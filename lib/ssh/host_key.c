/* Finding or making the host key. A new key is written beside its place and
 * renamed, so a crash or a full disk never leaves half a key behind. */
#include "lib/ssh/host_key.h"

#include "lib/base/error.h"
#include "lib/base/log.h"

#include <errno.h>
#include <libssh/libssh.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int m4h_ssh_start(void)
{
    ssh_set_log_level(SSH_LOG_NOLOG);
    return ssh_init() == SSH_OK ? 0 : M4H_ESYSTEM;
}

static int report(const char *path, const char *what)
{
    m4h_log(M4H_LOG_ERROR, "ssh", "host_key=\"%s\" error=\"%s\" %s", path, strerror(errno), what);
    return M4H_ESYSTEM;
}

static int make(const char *path)
{
    char fresh[PATH_MAX];
    ssh_key key = NULL;
    mode_t mask;
    int rc;

    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
        return M4H_EINVALID;
    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK)
        return M4H_ENOMEM;
    unlink(fresh);
    mask = umask(0077);
    rc = ssh_pki_export_privkey_file(key, NULL, NULL, NULL, fresh);
    umask(mask);
    ssh_key_free(key);
    if (rc != SSH_OK)
        return report(fresh, "cannot write a new host key");
    if (rename(fresh, path) != 0) {
        report(path, "cannot put the new host key in place");
        unlink(fresh);
        return M4H_ESYSTEM;
    }
    m4h_log(M4H_LOG_INFO, "ssh", "host_key=\"%s\" made a new host key", path);
    return 0;
}

static int read_public_line(struct m4h_ssh_host_key *key)
{
    ssh_key private_key = NULL;
    char *base64 = NULL;
    int error = M4H_EINVALID;

    if (ssh_pki_import_privkey_file(key->path, NULL, NULL, NULL, &private_key) == SSH_OK &&
        ssh_pki_export_pubkey_base64(private_key, &base64) == SSH_OK) {
        int len = snprintf(key->public_line, sizeof(key->public_line), "%s %s",
                           ssh_key_type_to_char(ssh_key_type(private_key)), base64);

        error = len < (int)sizeof(key->public_line) ? 0 : M4H_ETOOBIG;
    }
    if (error != 0)
        m4h_log(M4H_LOG_ERROR, "ssh", "host_key=\"%s\" not a private key that can be used",
                key->path);
    ssh_string_free_char(base64);
    ssh_key_free(private_key);
    return error;
}

int m4h_ssh_host_key_ensure(const char *dir, struct m4h_ssh_host_key *key)
{
    struct stat found;
    int error;

    if (snprintf(key->path, sizeof(key->path), "%s/ssh_host_ed25519_key", dir) >=
        (int)sizeof(key->path))
        return M4H_EINVALID;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return report(dir, "cannot make the folder of the host key");
    if (stat(key->path, &found) != 0) {
        error = errno == ENOENT ? make(key->path) : report(key->path, "cannot read the host key");
        if (error != 0)
            return error;
    } else if (found.st_mode & 0077) {
        m4h_log(M4H_LOG_ERROR, "ssh", "host_key=\"%s\" mode=%03o others may read it: chmod 600",
                key->path, found.st_mode & 0777);
        return M4H_EINVALID;
    }
    return read_public_line(key);
}
