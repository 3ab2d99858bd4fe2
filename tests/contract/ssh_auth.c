/* Who comes in, with which client and which key; questions that are answered
 * later; and who does not come in. */
#include "lib/base/base64.h"
#include "tests/contract/ssh_stage.h"

#include <stdio.h>
#include <string.h>

static const char *const forwarding[] = {"-N", "-R", "0:127.0.0.1:9", NULL};

static bool forward_was_asked_for(void *context)
{
    return ((struct stage *)context)->forwards > 0;
}

/* The public key as OpenSSH wrote it beside the private one. */
static void expect_offer_is(const struct stage *stage, const char *key)
{
    char path[256], type[64] = "", base64[2048] = "";
    uint8_t blob[4096];
    size_t len;
    FILE *file;

    snprintf(path, sizeof(path), "%s.pub", key);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%63s %2047s", type, base64), 2);
    fclose(file);
    assert_string_equal(stage->algorithm, type);
    assert_int_equal(m4h_base64_decode(base64, strlen(base64), blob, sizeof(blob), &len), 0);
    assert_int_equal(stage->blob_len, len);
    assert_memory_equal(stage->blob, blob, len);
}

static void expect_fingerprint_is_that_of(struct stage *stage, const char *key)
{
    program_run(&stage->tool, stage->loop, (const char *[]){"ssh-keygen", "-lf", key, NULL});
    assert_non_null(strstr(stage->tool.output, stage->fingerprint));
    assert_int_equal(strncmp(stage->fingerprint, "SHA256:", 7), 0);
}

static void openssh_comes_in(struct stage *stage, const char *type)
{
    const char *key = stage_key(stage, type);

    stage_ssh(stage, key, forwarding);
    run_until(stage->loop, stage_forwarded, stage);
    assert_int_equal(stage->keys, 1);
    assert_int_equal(stage->exchanged, 1);
    assert_string_equal(stage->username, "device");
    assert_non_null(strstr(stage->version, "OpenSSH_"));
    expect_offer_is(stage, key);
    expect_fingerprint_is_that_of(stage, key);
}

static void openssh_comes_in_with_an_ed25519_key(void **state)
{
    openssh_comes_in(*state, "ed25519");
}

static void openssh_comes_in_with_an_ecdsa_key(void **state)
{
    openssh_comes_in(*state, "ecdsa");
}

static void openssh_comes_in_with_an_rsa_key(void **state)
{
    openssh_comes_in(*state, "rsa");
}

static void dropbear_comes_in(struct stage *stage, const char *type, const char *algorithm)
{
    stage_dbclient(stage, stage_dropbear_key(stage, type), forwarding);
    run_until(stage->loop, forward_was_asked_for, stage);
    assert_int_equal(stage->keys, 1);
    assert_string_equal(stage->username, "device");
    assert_string_equal(stage->algorithm, algorithm);
    assert_non_null(strstr(stage->version, "dropbear"));
    assert_int_equal(stage->ends, 0);
}

static void dropbear_comes_in_with_an_ed25519_key(void **state)
{
    dropbear_comes_in(*state, "ed25519", "ssh-ed25519");
}

static void dropbear_comes_in_with_an_ecdsa_key(void **state)
{
    dropbear_comes_in(*state, "ecdsa", "ecdsa-sha2-nistp256");
}

static void dropbear_comes_in_with_an_rsa_key(void **state)
{
    dropbear_comes_in(*state, "rsa", "ssh-rsa");
}

static void a_key_may_be_judged_later(void **state)
{
    struct stage *stage = *state;

    stage->key_held_ms = 300;
    stage_ssh(stage, stage_key(stage, "ed25519"), forwarding);
    run_until(stage->loop, stage_forwarded, stage);
    assert_int_equal(stage->keys, 1);
    assert_true(stage->forward_at_ms >= stage->key_at_ms + 300);
}

static void a_client_that_goes_while_its_key_is_judged_is_told_as_lost(void **state)
{
    struct stage *stage = *state;

    stage->key_held_ms = 500;
    stage_ssh(stage, stage_key(stage, "ed25519"), forwarding);
    while (stage->keys == 0)
        run_for(stage->loop, 1);
    program_stop(&stage->client);
    run_until(stage->loop, stage_ended, stage);
    assert_int_equal(stage->end, M4H_SSH_END_LOST);
    assert_int_equal(stage->forwards, 0);
}

static void a_refused_key_ends_with_permission_denied(void **state)
{
    struct stage *stage = *state;

    stage->keys_refused = 1;
    stage_ssh(stage, stage_key(stage, "ed25519"), forwarding);
    run_until(stage->loop, stage_client_ended, stage);
    assert_int_not_equal(stage->client.status, 0);
    assert_non_null(strstr(stage->client.output, "Permission denied (publickey)"));
    run_until(stage->loop, stage_ended, stage);
    assert_int_not_equal(stage->end, M4H_SSH_END_PROTOCOL);
    assert_int_equal(stage->keys, 1);
    assert_int_equal(stage->forwards, 0);
}

static void after_a_refused_key_another_may_be_tried(void **state)
{
    struct stage *stage = *state;
    char first[128];

    stage->keys_refused = 1;
    snprintf(first, sizeof(first), "%s", stage_key(stage, "ecdsa"));
    stage_ssh(
        stage, first,
        (const char *[]){"-i", stage_key(stage, "ed25519"), "-N", "-R", "0:127.0.0.1:9", NULL});
    run_until(stage->loop, stage_forwarded, stage);
    assert_int_equal(stage->keys, 2);
    assert_string_equal(stage->algorithm, "ssh-ed25519");
}

static void a_client_without_a_key_is_asked_for_one(void **state)
{
    struct stage *stage = *state;

    stage_ssh(stage, "/dev/null", forwarding);
    run_until(stage->loop, stage_client_ended, stage);
    assert_non_null(strstr(stage->client.output, "Permission denied (publickey)"));
    assert_int_equal(stage->keys, 0);
}

/* Signs the key's public half; `more` stands before it, up to a NULL. Its option for ssh. */
static const char *certify(struct stage *stage, const char *key, const char *const more[])
{
    static char option[160];
    char authority[128];
    const char *argv[PROGRAM_ARGUMENTS_MAX] = {"ssh-keygen", "-q", "-s", authority};
    size_t count = 4;

    snprintf(authority, sizeof(authority), "%s/authority", stage->dir);
    program_run(
        &stage->tool, stage->loop,
        (const char *[]){"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", authority, NULL});
    while (*more != NULL)
        argv[count++] = *more++;
    argv[count++] = key;
    argv[count] = NULL;
    program_run(&stage->tool, stage->loop, argv);
    snprintf(option, sizeof(option), "CertificateFile=%s-cert.pub", key);
    return option;
}

static void openssh_comes_in_with_a_certificate(struct stage *stage, const char *type)
{
    const char *key = stage_key(stage, type), *option;
    char certificate[160];

    option = certify(stage, key, (const char *[]){"-I", "device", "-n", "device", NULL});
    stage_ssh(stage, key, (const char *[]){"-o", option, "-N", "-R", "0:127.0.0.1:9", NULL});
    run_until(stage->loop, stage_forwarded, stage);
    assert_int_equal(stage->keys, 1);
    /* All of the certificate, and the fingerprint of the key. */
    snprintf(certificate, sizeof(certificate), "%s-cert", key);
    expect_offer_is(stage, certificate);
    expect_fingerprint_is_that_of(stage, key);
}

static void a_certificate_of_an_ed25519_key_comes_in_whole(void **state)
{
    openssh_comes_in_with_a_certificate(*state, "ed25519");
}

static void a_certificate_of_an_ecdsa_key_comes_in_whole(void **state)
{
    openssh_comes_in_with_a_certificate(*state, "ecdsa");
}

static void a_certificate_of_an_rsa_key_comes_in_whole(void **state)
{
    openssh_comes_in_with_a_certificate(*state, "rsa");
}

static void where_none_are_taken_a_certificate_is_refused_without_a_question(void **state)
{
    struct stage *stage = *state;
    const char *key = stage_key(stage, "ed25519"), *option;

    option = certify(stage, key, (const char *[]){"-I", "device", "-n", "device", NULL});
    stage->keys_refused = 1;
    stage_ssh(stage, key, (const char *[]){"-o", option, "-N", "-R", "0:127.0.0.1:9", NULL});
    run_until(stage->loop, stage_client_ended, stage);
    assert_non_null(strstr(stage->client.output, "Permission denied (publickey)"));
    /* Only the plain key came to be judged. */
    assert_int_equal(stage->keys, 1);
    assert_string_equal(stage->algorithm, "ssh-ed25519");
}

#define stage_test(test) cmocka_unit_test_setup_teardown(test, ssh_stage_begin, ssh_stage_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(openssh_comes_in_with_an_ed25519_key),
        stage_test(openssh_comes_in_with_an_ecdsa_key),
        stage_test(openssh_comes_in_with_an_rsa_key),
        stage_test(dropbear_comes_in_with_an_ed25519_key),
        stage_test(dropbear_comes_in_with_an_ecdsa_key),
        stage_test(dropbear_comes_in_with_an_rsa_key),
        stage_test(a_key_may_be_judged_later),
        stage_test(a_client_that_goes_while_its_key_is_judged_is_told_as_lost),
        stage_test(a_refused_key_ends_with_permission_denied),
        stage_test(after_a_refused_key_another_may_be_tried),
        stage_test(a_client_without_a_key_is_asked_for_one),
        stage_test(a_certificate_of_an_ed25519_key_comes_in_whole),
        stage_test(a_certificate_of_an_ecdsa_key_comes_in_whole),
        stage_test(a_certificate_of_an_rsa_key_comes_in_whole),
        cmocka_unit_test_setup_teardown(
            where_none_are_taken_a_certificate_is_refused_without_a_question,
            ssh_stage_begin_without_certificates, ssh_stage_end),
    };

    return cmocka_run_group_tests_name("ssh: authentication", tests, NULL, NULL);
}
