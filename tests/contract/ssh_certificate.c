/* Certificates of ssh-keygen, for each type of key and of authority. */
#include "lib/base/ssh_certificate.h"
#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/crypto/crypto.h"
#include "lib/crypto/ssh_signature.h"
#include "tests/contract/ssh_program.h"
#include "tests/unit/net_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stage {
    struct m4h_loop *loop;
    struct program tool;
    char dir[64];
    uint8_t blob[4096];
    size_t len;
    struct m4h_ssh_certificate certificate;
};

static int begin(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    *state = stage;
    assert_non_null(stage);
    snprintf(stage->dir, sizeof(stage->dir), "/tmp/m4h-certificate-XXXXXX");
    assert_non_null(mkdtemp(stage->dir));
    assert_int_equal(m4h_loop_create(&stage->loop), 0);
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;

    program_run(&stage->tool, stage->loop, (const char *[]){"rm", "-rf", stage->dir, NULL});
    m4h_loop_destroy(stage->loop);
    free(stage);
    return 0;
}

/* The key of a public file. */
static void read_blob(const struct stage *stage, const char *name, uint8_t *blob, size_t size,
                      size_t *len)
{
    char path[256], type[64] = "", base64[8192] = "";
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", stage->dir, name);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%63s %8191s", type, base64), 2);
    fclose(file);
    assert_int_equal(m4h_base64_decode(base64, strlen(base64), blob, size, len), 0);
}

static void make_key(struct stage *stage, const char *name, const char *type, const char *bits)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", stage->dir, name);
    program_run(&stage->tool, stage->loop,
                (const char *[]){"ssh-keygen", "-q", "-t", type, "-b", bits, "-N", "", "-C", "",
                                 "-f", path, NULL});
}

/* Lets `authority` sign `key`; `more` stands before the key, up to a NULL. */
static void sign(struct stage *stage, const char *authority, const char *key,
                 const char *const more[])
{
    char authority_path[256], key_path[256], name[128];
    const char *argv[PROGRAM_ARGUMENTS_MAX] = {"ssh-keygen", "-q", "-s", authority_path};
    size_t count = 4;

    snprintf(authority_path, sizeof(authority_path), "%s/%s", stage->dir, authority);
    snprintf(key_path, sizeof(key_path), "%s/%s", stage->dir, key);
    while (*more != NULL)
        argv[count++] = *more++;
    argv[count++] = key_path;
    argv[count] = NULL;
    program_run(&stage->tool, stage->loop, argv);
    snprintf(name, sizeof(name), "%s-cert.pub", key);
    read_blob(stage, name, stage->blob, sizeof(stage->blob), &stage->len);
    assert_true(m4h_ssh_certificate_is_one(stage->blob, stage->len));
    assert_int_equal(m4h_ssh_certificate_parse(stage->blob, stage->len, &stage->certificate), 0);
}

static int verify(const struct m4h_ssh_certificate *certificate)
{
    return m4h_crypto_ssh_verify(certificate->authority, certificate->signature,
                                 certificate->signed_part);
}

static void expect_plain_key_is(struct stage *stage, const char *name)
{
    uint8_t wanted[4096], plain[4096];
    size_t wanted_len, len;

    read_blob(stage, name, wanted, sizeof(wanted), &wanted_len);
    assert_int_equal(m4h_ssh_certificate_plain_key(&stage->certificate, plain, sizeof(plain), &len),
                     0);
    assert_int_equal(len, wanted_len);
    assert_memory_equal(plain, wanted, len);
    assert_int_equal(m4h_ssh_certificate_plain_key(&stage->certificate, plain, len - 1, &len),
                     M4H_ETOOBIG);
}

/* Any byte of what was signed, and any of the signature. */
static void expect_each_change_is_found(struct stage *stage)
{
    struct m4h_ssh_certificate changed;

    for (size_t i = 0; i < stage->len; i += 7) {
        stage->blob[i] ^= 0x20;
        if (m4h_ssh_certificate_parse(stage->blob, stage->len, &changed) == 0)
            assert_int_equal(verify(&changed), M4H_EINVALID);
        stage->blob[i] ^= 0x20;
    }
    assert_int_equal(verify(&stage->certificate), 0);
}

static const char *const plain_options[] = {"-I", "device 7", "-n", "berlin-1,berlin-2", NULL};

static void certified_by(struct stage *stage, const char *authority_type, const char *bits)
{
    make_key(stage, "ca", authority_type, bits);
    make_key(stage, "key", "ed25519", "256");
    sign(stage, "ca", "key", plain_options);
    assert_int_equal(verify(&stage->certificate), 0);
    expect_plain_key_is(stage, "key.pub");
    expect_each_change_is_found(stage);
}

static void the_signature_of_an_ed25519_authority_is_checked(void **state)
{
    certified_by(*state, "ed25519", "256");
}

static void the_signature_of_an_ecdsa_authority_is_checked(void **state)
{
    certified_by(*state, "ecdsa", "256");
}

static void the_signature_of_an_ecdsa_384_authority_is_checked(void **state)
{
    certified_by(*state, "ecdsa", "384");
}

static void the_signature_of_an_ecdsa_521_authority_is_checked(void **state)
{
    certified_by(*state, "ecdsa", "521");
}

static void the_signature_of_an_rsa_authority_is_checked(void **state)
{
    certified_by(*state, "rsa", "2048");
}

static void keys_of_each_type_are_read_out_of_their_certificates(void **state)
{
    static const char *const kinds[][2] = {
        {"ed25519", "256"}, {"ecdsa", "256"}, {"ecdsa", "384"}, {"ecdsa", "521"}, {"rsa", "4096"}};
    struct stage *stage = *state;

    make_key(stage, "ca", "ed25519", "256");
    for (size_t i = 0; i < M4H_COUNT(kinds); i++) {
        char name[32], file[40];

        snprintf(name, sizeof(name), "key%zu", i);
        snprintf(file, sizeof(file), "key%zu.pub", i);
        make_key(stage, name, kinds[i][0], kinds[i][1]);
        sign(stage, "ca", name, plain_options);
        assert_int_equal(verify(&stage->certificate), 0);
        expect_plain_key_is(stage, file);
    }
}

static void rsa_with_sha_1_is_no_signature(void **state)
{
    struct stage *stage = *state;

    make_key(stage, "ca", "rsa", "2048");
    make_key(stage, "key", "ed25519", "256");
    sign(stage, "ca", "key", (const char *[]){"-t", "rsa-sha2-256", "-I", "a", "-n", "b", NULL});
    assert_int_equal(verify(&stage->certificate), 0);
    sign(stage, "ca", "key", (const char *[]){"-t", "ssh-rsa", "-I", "a", "-n", "b", NULL});
    assert_int_equal(verify(&stage->certificate), M4H_EINVALID);
}

static void a_short_rsa_authority_is_refused(void **state)
{
    struct stage *stage = *state;

    make_key(stage, "ca", "rsa", "1024");
    make_key(stage, "key", "ed25519", "256");
    sign(stage, "ca", "key", plain_options);
    assert_int_equal(verify(&stage->certificate), M4H_EINVALID);
}

static void what_a_certificate_says_is_read(void **state)
{
    struct stage *stage = *state;
    struct m4h_ssh_bytes principals, principal, options, value;
    struct m4h_ssh_certificate_option option;
    char text[64];

    make_key(stage, "ca", "ed25519", "256");
    make_key(stage, "key", "ed25519", "256");
    sign(stage, "ca", "key",
         (const char *[]){"-I", "device 7", "-n", "berlin-1,berlin-2", "-z", "4711", "-V",
                          "20200101000000Z:20400101000000Z", "-O", "clear", "-O",
                          "permit-port-forwarding", "-O", "source-address=10.0.0.0/8", NULL});
    assert_int_equal(stage->certificate.type, M4H_SSH_CERTIFICATE_USER);
    assert_int_equal(stage->certificate.serial, 4711);
    assert_int_equal(stage->certificate.valid_after_s, 1577836800);
    assert_int_equal(stage->certificate.valid_before_s, 2208988800);
    assert_true(m4h_ssh_bytes_copy_text(stage->certificate.key_id, text, sizeof(text)));
    assert_string_equal(text, "device 7");
    principals = stage->certificate.principals;
    assert_true(m4h_ssh_certificate_next_principal(&principals, &principal));
    assert_true(m4h_ssh_bytes_are(principal, "berlin-1"));
    assert_true(m4h_ssh_certificate_next_principal(&principals, &principal));
    assert_true(m4h_ssh_bytes_are(principal, "berlin-2"));
    assert_false(m4h_ssh_certificate_next_principal(&principals, &principal));
    options = stage->certificate.critical_options;
    assert_true(m4h_ssh_certificate_next_option(&options, &option));
    assert_true(m4h_ssh_bytes_are(option.name, "source-address"));
    assert_true(m4h_ssh_certificate_option_value(&option, &value));
    assert_true(m4h_ssh_bytes_are(value, "10.0.0.0/8"));
    assert_false(m4h_ssh_certificate_next_option(&options, &option));
    options = stage->certificate.extensions;
    assert_true(m4h_ssh_certificate_next_option(&options, &option));
    assert_true(m4h_ssh_bytes_are(option.name, "permit-port-forwarding"));
    assert_false(m4h_ssh_certificate_option_value(&option, &value));
    assert_false(m4h_ssh_certificate_next_option(&options, &option));
}

static void a_certificate_of_a_host_says_so(void **state)
{
    struct stage *stage = *state;

    make_key(stage, "ca", "ed25519", "256");
    make_key(stage, "key", "ed25519", "256");
    sign(stage, "ca", "key", (const char *[]){"-h", "-I", "a", NULL});
    assert_int_equal(stage->certificate.type, M4H_SSH_CERTIFICATE_HOST);
    assert_int_equal(stage->certificate.principals.len, 0);
    assert_int_equal(stage->certificate.valid_before_s, UINT64_MAX);
}

static void whatever_is_cut_off_or_added_makes_it_none(void **state)
{
    struct stage *stage = *state;
    struct m4h_ssh_certificate certificate;

    make_key(stage, "ca", "ecdsa", "256");
    make_key(stage, "key", "ecdsa", "256");
    sign(stage, "ca", "key", plain_options);
    for (size_t len = 0; len < stage->len; len++)
        assert_int_equal(m4h_ssh_certificate_parse(stage->blob, len, &certificate), M4H_EINVALID);
    stage->blob[stage->len] = 0;
    assert_int_equal(m4h_ssh_certificate_parse(stage->blob, stage->len + 1, &certificate),
                     M4H_EINVALID);
}

static void a_fingerprint_is_the_one_that_ssh_keygen_prints(void **state)
{
    struct stage *stage = *state;
    char path[256], fingerprint[M4H_FINGERPRINT_MAX + 1];

    make_key(stage, "key", "ed25519", "256");
    read_blob(stage, "key.pub", stage->blob, sizeof(stage->blob), &stage->len);
    assert_int_equal(m4h_crypto_key_fingerprint(stage->blob, stage->len, fingerprint), 0);
    snprintf(path, sizeof(path), "%s/key", stage->dir);
    program_run(&stage->tool, stage->loop, (const char *[]){"ssh-keygen", "-lf", path, NULL});
    assert_non_null(strstr(stage->tool.output, fingerprint));
    assert_int_equal(strlen(fingerprint), strlen("SHA256:") + 43);
}

#define stage_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(the_signature_of_an_ed25519_authority_is_checked),
        stage_test(the_signature_of_an_ecdsa_authority_is_checked),
        stage_test(the_signature_of_an_ecdsa_384_authority_is_checked),
        stage_test(the_signature_of_an_ecdsa_521_authority_is_checked),
        stage_test(the_signature_of_an_rsa_authority_is_checked),
        stage_test(keys_of_each_type_are_read_out_of_their_certificates),
        stage_test(rsa_with_sha_1_is_no_signature),
        stage_test(a_short_rsa_authority_is_refused),
        stage_test(what_a_certificate_says_is_read),
        stage_test(a_certificate_of_a_host_says_so),
        stage_test(whatever_is_cut_off_or_added_makes_it_none),
        stage_test(a_fingerprint_is_the_one_that_ssh_keygen_prints),
    };

    return cmocka_run_group_tests_name("ssh: certificates", tests, NULL, NULL);
}
