/* Ed25519 keys that are 32 bytes of a counter, or lines of a file. */
#include "keys.h"

#include "echo.h"
#include "lib/base/base64.h"
#include "lib/base/ssh_certificate.h"
#include "lib/crypto/crypto.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE         "ssh-ed25519"
#define TYPE_BYTES   (sizeof(TYPE) - 1)
#define KEY_BYTES    32u
#define BLOB_BYTES   (4 + TYPE_BYTES + 4 + KEY_BYTES)
#define TAG_OF_ALLOW 0x0a /* AuthorizeReply.allow, DeviceReply.device: length-delimited */
#define LINE_MAX     8192
#define FILE_MAX     4096

struct blob {
    uint8_t bytes[M4H_PUBLIC_KEY_BLOB_MAX];
    size_t len;
};

struct keys {
    const struct keys_options *options;
    unsigned next;
    struct blob *from_file; /* owned; NULL: none */
    unsigned file_count;
};

static void make_blob(unsigned number, struct blob *blob)
{
    uint64_t random = number;
    uint8_t *key = blob->bytes + BLOB_BYTES - KEY_BYTES;

    memset(blob->bytes, 0, BLOB_BYTES);
    blob->bytes[3] = TYPE_BYTES;
    memcpy(blob->bytes + 4, TYPE, TYPE_BYTES);
    blob->bytes[4 + TYPE_BYTES + 3] = KEY_BYTES;
    for (size_t i = 0; i < KEY_BYTES; i += sizeof(random)) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        memcpy(key + i, &random, sizeof(random));
    }
    blob->len = BLOB_BYTES;
}

static struct blob next_blob(struct keys *keys)
{
    struct blob blob;
    unsigned index = keys->next++;

    if (keys->from_file != NULL)
        return keys->from_file[index % keys->file_count];
    make_blob(keys->options->first + index % keys->options->keys, &blob);
    return blob;
}

/* Of a certificate: that of the key inside. */
static void fingerprint(const struct blob *blob, char out[M4H_FINGERPRINT_MAX + 1])
{
    struct m4h_ssh_certificate certificate;
    struct blob key = *blob;

    if (m4h_ssh_certificate_is_one(blob->bytes, blob->len) &&
        (m4h_ssh_certificate_parse(blob->bytes, blob->len, &certificate) != 0 ||
         m4h_ssh_certificate_plain_key(&certificate, key.bytes, sizeof(key.bytes), &key.len) != 0))
        abort();
    if (m4h_crypto_key_fingerprint(key.bytes, key.len, out) != 0)
        abort();
}

/* ---- the file ------------------------------------------------------------------------- */

static bool read_line(char *line, struct blob *blob)
{
    char *base64 = strchr(line, ' ');

    if (base64 == NULL)
        return false;
    base64++;
    base64[strcspn(base64, " \n")] = '\0';
    return m4h_base64_decode(base64, strlen(base64), blob->bytes, sizeof(blob->bytes),
                             &blob->len) == 0;
}

static void read_file(struct keys *keys, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[LINE_MAX];

    keys->from_file = calloc(FILE_MAX, sizeof(*keys->from_file));
    if (file == NULL || keys->from_file == NULL) {
        perror(path);
        exit(2);
    }
    while (keys->file_count < FILE_MAX && fgets(line, sizeof(line), file) != NULL)
        keys->file_count += read_line(line, &keys->from_file[keys->file_count]);
    fclose(file);
    if (keys->file_count > 0)
        return;
    fprintf(stderr, "cluster-load: %s holds no key\n", path);
    exit(2);
}

/* ---- what is asked ---------------------------------------------------------------------- */

static void make_question(void *context, struct m4h_buffer *out)
{
    struct m4h_authorize_request request = {.slave_id = "slave-1",
                                            .region = "local",
                                            .username = "device",
                                            .remote_address = "192.0.2.1:50022"};
    struct blob blob = next_blob(context);

    memcpy(request.public_key, blob.bytes, blob.len);
    request.public_key_len = blob.len;
    fingerprint(&blob, request.key_fingerprint);
    if (m4h_wire_authorize_request_encode(&request, out) != 0)
        abort();
}

static void make_record(void *context, struct m4h_buffer *out)
{
    struct m4h_device_put put = {.actor = "bench", .device.state = M4H_DEVICE_ENABLED};
    struct blob blob = next_blob(context);

    memcpy(put.device.public_key, blob.bytes, blob.len);
    put.device.public_key_len = blob.len;
    fingerprint(&blob, put.device.key_fingerprint);
    snprintf(put.device.client_key, sizeof(put.device.client_key), "device-%u",
             ((struct keys *)context)->next);
    if (m4h_wire_device_put_encode(&put, out) != 0)
        abort();
}

static bool is_good(const uint8_t *data, size_t len)
{
    (void)len;
    return data[0] == TAG_OF_ALLOW;
}

static int run(const struct keys_options *options, struct requests_options *requests,
               void (*make)(void *context, struct m4h_buffer *out))
{
    struct keys keys = {.options = options};
    int code;

    if (options->file != NULL)
        read_file(&keys, options->file);
    requests->make = make;
    requests->is_good = is_good;
    requests->context = &keys;
    code = requests_run(requests);
    free(keys.from_file);
    return code;
}

int keys_ask(const struct keys_options *options, struct requests_options *requests)
{
    return run(options, requests, make_question);
}

int keys_record(const struct keys_options *options, struct requests_options *requests)
{
    requests->count = options->keys;
    return run(options, requests, make_record);
}

int keys_print(const struct keys_options *options)
{
    char base64[M4H_BASE64_SIZE(BLOB_BYTES)];
    struct blob blob;

    for (unsigned i = 0; i < options->keys; i++) {
        make_blob(options->first + i, &blob);
        m4h_base64_encode(blob.bytes, blob.len, base64);
        printf("%s %s device-%u\n", TYPE, base64, options->first + i);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

int keys_validate(const char *url, const char *subject)
{
    struct m4h_authorize_reply reply = {
        .allowed = true, .client_key = "device", .valid_for_ms = 60000};
    const struct m4h_problem no_problem = {0};
    struct m4h_buffer answer = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);
    int code;

    if (m4h_wire_authorize_reply_encode(&reply, &no_problem, &answer) != 0)
        abort();
    code = echo_run(url, subject, &answer);
    m4h_buffer_free(&answer);
    return code;
}
