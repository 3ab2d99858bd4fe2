/*
 * The keys of the devices, on disk. DIR/keys holds the private keys as OpenSSH
 * writes them, one PEM block after another, so that a run reads one file and
 * ssh-keygen still understands each block.
 */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM_END       "-----END OPENSSH PRIVATE KEY-----"
#define PEM_MAX_BYTES 1024

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("tunnel-load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return -1;
}

void keys_device_name(unsigned index, char name[KEYS_NAME_BYTES])
{
    snprintf(name, KEYS_NAME_BYTES, "bench-%05u", index + 1);
}

static FILE *open_in(const char *dir, const char *name, int flags, mode_t mode)
{
    char path[4096];
    int fd;

    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path)) {
        complain("%s: path too long", dir);
        return NULL;
    }
    fd = open(path, flags | O_CLOEXEC, mode);
    if (fd < 0) {
        complain("%s: %s", path, strerror(errno));
        return NULL;
    }
    return fdopen(fd, flags == O_RDONLY ? "r" : "w");
}

static bool write_key(unsigned index, FILE *public_file, FILE *private_file)
{
    ssh_key key = NULL;
    char *public_text = NULL;
    char *private_text = NULL;
    char name[KEYS_NAME_BYTES];
    bool written = false;

    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) == SSH_OK &&
        ssh_pki_export_pubkey_base64(key, &public_text) == SSH_OK &&
        ssh_pki_export_privkey_base64(key, NULL, NULL, NULL, &private_text) == SSH_OK) {
        keys_device_name(index, name);
        written = fprintf(public_file, "ssh-ed25519 %s %s\n", public_text, name) > 0 &&
                  fputs(private_text, private_file) >= 0;
    }
    ssh_string_free_char(private_text);
    ssh_string_free_char(public_text);
    ssh_key_free(key);
    return written;
}

int keys_write(const char *dir, unsigned count)
{
    FILE *public_file = NULL;
    FILE *private_file = NULL;
    bool written = false;

    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return complain("%s: %s", dir, strerror(errno));

    public_file = open_in(dir, "authorized_keys", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    private_file = open_in(dir, "keys", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (public_file && private_file) {
        written = true;
        for (unsigned i = 0; i < count && written; i++)
            written = write_key(i, public_file, private_file);
    }
    if (public_file && fclose(public_file) != 0)
        written = false;
    if (private_file && fclose(private_file) != 0)
        written = false;
    return written ? 0 : complain("%s: the keys could not be written", dir);
}

/* The next PEM block of `file`, or false at its end or where there is no key. */
static bool read_pem(FILE *file, char pem[PEM_MAX_BYTES])
{
    size_t used = 0;

    while (fgets(pem + used, (int)(PEM_MAX_BYTES - used), file)) {
        bool last = strncmp(pem + used, PEM_END, strlen(PEM_END)) == 0;

        used += strlen(pem + used);
        if (last)
            return true;
    }
    return false;
}

int keys_read(const char *dir, unsigned count, ssh_key **keys)
{
    FILE *file = open_in(dir, "keys", O_RDONLY, 0);
    char pem[PEM_MAX_BYTES];
    unsigned have = 0;

    *keys = NULL;
    if (!file)
        return -1;

    *keys = calloc(count, sizeof(**keys));
    if (*keys) {
        while (have < count && read_pem(file, pem) &&
               ssh_pki_import_privkey_base64(pem, NULL, NULL, NULL, &(*keys)[have]) == SSH_OK)
            have++;
    }
    fclose(file);
    if (have == count)
        return 0;

    keys_free(*keys, have);
    *keys = NULL;
    return complain("%s/keys has %u keys that can be read, not %u: run `tunnel-load keys`", dir,
                    have, count);
}

void keys_free(ssh_key *keys, unsigned count)
{
    if (!keys)
        return;
    for (unsigned i = 0; i < count; i++)
        ssh_key_free(keys[i]);
    free(keys);
}
