/* Lists of ssh-keygen -k, and texts, against what ssh-keygen -Q says of them. */
#include "lib/base/ssh_revoked.h"
#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/crypto/crypto.h"
#include "tests/contract/ssh_program.h"
#include "tests/unit/net_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stage {
    struct m4h_loop *loop;
    struct program tool;
    char dir[64];
    struct m4h_ssh_revoked *revoked;
    char wrong[128];
};

static void run_tool(struct stage *stage, const char *command)
{
    char line[1024];

    snprintf(line, sizeof(line), "cd %s && %s", stage->dir, command);
    program_run(&stage->tool, stage->loop, (const char *[]){"sh", "-ec", line, NULL});
}

/* An authority, another one, and certificates with the serial numbers 1, 7, 8, 300 and none. */
static int begin(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    *state = stage;
    assert_non_null(stage);
    snprintf(stage->dir, sizeof(stage->dir), "/tmp/m4h-revoked-XXXXXX");
    assert_non_null(mkdtemp(stage->dir));
    assert_int_equal(m4h_loop_create(&stage->loop), 0);
    run_tool(stage, "for k in ca other k0 k1 k7 k8 k300; do "
                    "ssh-keygen -q -t ed25519 -N '' -C $k -f $k; done; "
                    "for n in 0 1 7 8 300; do ssh-keygen -q -s ca -I id-$n -n x -z $n k$n; done");
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;

    m4h_ssh_revoked_destroy(stage->revoked);
    program_run(&stage->tool, stage->loop, (const char *[]){"rm", "-rf", stage->dir, NULL});
    m4h_loop_destroy(stage->loop);
    free(stage);
    return 0;
}

static size_t read_file(const struct stage *stage, const char *name, uint8_t *data, size_t size)
{
    char path[256];
    FILE *file;
    size_t len;

    snprintf(path, sizeof(path), "%s/%s", stage->dir, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    len = fread(data, 1, size, file);
    fclose(file);
    return len;
}

static int read_list(struct stage *stage, const char *name)
{
    uint8_t data[65536];
    size_t len = read_file(stage, name, data, sizeof(data));

    m4h_ssh_revoked_destroy(stage->revoked);
    return m4h_ssh_revoked_read(&stage->revoked, data, len, stage->wrong, sizeof(stage->wrong));
}

static bool has_plain_key(const struct stage *stage, struct m4h_ssh_bytes key)
{
    struct m4h_ssh_named_key named = {.key = key};

    assert_int_equal(m4h_crypto_sha1(key.at, key.len, named.sha1), 0);
    assert_int_equal(m4h_crypto_sha256(key.at, key.len, named.sha256), 0);
    return m4h_ssh_revoked_has_key(stage->revoked, &named);
}

/* As sshd asks. */
static bool is_revoked(const struct stage *stage, const char *name)
{
    uint8_t text[4096], blob[4096], plain[4096];
    struct m4h_ssh_certificate certificate;
    char *base64;
    size_t len = read_file(stage, name, text, sizeof(text) - 1), plain_len;

    text[len] = '\0';
    base64 = strchr((char *)text, ' ') + 1;
    assert_int_equal(m4h_base64_decode(base64, strcspn(base64, " \n"), blob, sizeof(blob), &len),
                     0);
    if (!m4h_ssh_certificate_is_one(blob, len))
        return has_plain_key(stage, (struct m4h_ssh_bytes){blob, len});
    assert_int_equal(m4h_ssh_certificate_parse(blob, len, &certificate), 0);
    assert_int_equal(m4h_ssh_certificate_plain_key(&certificate, plain, sizeof(plain), &plain_len),
                     0);
    return m4h_ssh_revoked_has_certificate(stage->revoked, &certificate) ||
           has_plain_key(stage, (struct m4h_ssh_bytes){plain, plain_len}) ||
           has_plain_key(stage, certificate.authority);
}

/* Makes a list of the specification and expects of all keys and certificates what
 * ssh-keygen says; `revoked` names those that it should say it of. */
static void agree(struct stage *stage, const char *options, const char *specification,
                  const char *revoked)
{
    static const char *const names[] = {"k0",      "k1",        "k7",      "k8",
                                        "k300",    "k0-cert",   "k1-cert", "k7-cert",
                                        "k8-cert", "k300-cert", "ca",      "other"};
    char command[512];

    snprintf(command, sizeof(command), "printf '%s' > spec && ssh-keygen -q -k -f krl %s spec",
             specification, options);
    run_tool(stage, command);
    assert_int_equal(read_list(stage, "krl"), 0);
    for (size_t i = 0; i < M4H_COUNT(names); i++) {
        char file[64], wanted[64];
        bool is_wanted;

        snprintf(file, sizeof(file), "%s.pub", names[i]);
        snprintf(wanted, sizeof(wanted), " %s ", names[i]);
        is_wanted = strstr(revoked, wanted) != NULL;
        snprintf(command, sizeof(command), "%s ssh-keygen -Q -f krl %s > /dev/null",
                 is_wanted ? "!" : "", file);
        run_tool(stage, command);
        if (is_revoked(stage, file) != is_wanted)
            fail_msg("%s: %s", specification, names[i]);
    }
}

static void serial_numbers_and_ranges_of_an_authority_are_revoked(void **state)
{
    agree(*state, "-s ca.pub", "serial: 7\\n", " k7-cert ");
    agree(*state, "-s ca.pub", "serial: 7-299\\n", " k7-cert k8-cert ");
    /* Enough of them, close by, become a bitmap. */
    agree(*state, "-s ca.pub",
          "serial: 1\\nserial: 3\\nserial: 5\\nserial: 7\\nserial: 9\\nserial: 11\\nserial: 13\\n"
          "serial: 15\\nserial: 300\\nserial: 302\\n",
          " k1-cert k7-cert k300-cert ");
    agree(*state, "-s other.pub", "serial: 1-1000\\n", " ");
    agree(*state, "-s none", "serial: 8\\n", " k8-cert ");
}

static void a_key_id_is_revoked(void **state)
{
    agree(*state, "-s ca.pub", "id: id-0\\nid: id-300\\n", " k0-cert k300-cert ");
    agree(*state, "-s other.pub", "id: id-0\\n", " ");
}

static void a_key_is_revoked_with_its_certificates(void **state)
{
    struct stage *stage = *state;

    run_tool(stage, "ssh-keygen -q -k -f krl k7.pub");
    assert_int_equal(read_list(stage, "krl"), 0);
    assert_int_equal(m4h_ssh_revoked_count(stage->revoked), 1);
    assert_true(is_revoked(stage, "k7.pub"));
    assert_true(is_revoked(stage, "k7-cert.pub"));
    assert_false(is_revoked(stage, "k8.pub"));
    assert_false(is_revoked(stage, "k8-cert.pub"));
}

static void an_authority_is_revoked_with_all_that_it_signed(void **state)
{
    struct stage *stage = *state;

    run_tool(stage, "printf 'sha1: ' > spec && cat ca.pub >> spec && ssh-keygen -q -k -f krl spec");
    assert_int_equal(read_list(stage, "krl"), 0);
    assert_true(is_revoked(stage, "k1-cert.pub"));
    assert_false(is_revoked(stage, "k1.pub"));
    run_tool(stage, "printf 'sha256: ' > spec && cat ca.pub >> spec && "
                    "ssh-keygen -q -k -z 12 -f krl spec");
    assert_int_equal(read_list(stage, "krl"), 0);
    assert_int_equal(m4h_ssh_revoked_version(stage->revoked), 12);
    assert_true(is_revoked(stage, "k1-cert.pub"));
    assert_false(is_revoked(stage, "k1.pub"));
}

static void a_certificate_is_revoked_by_the_file_of_it(void **state)
{
    struct stage *stage = *state;

    run_tool(stage, "ssh-keygen -q -k -f krl k7-cert.pub && ssh-keygen -q -k -u -f krl k300.pub");
    assert_int_equal(read_list(stage, "krl"), 0);
    assert_true(is_revoked(stage, "k7-cert.pub"));
    assert_false(is_revoked(stage, "k7.pub"));
    assert_true(is_revoked(stage, "k300.pub"));
    assert_false(is_revoked(stage, "k8-cert.pub"));
}

static void a_text_of_keys_and_fingerprints_is_a_list(void **state)
{
    struct stage *stage = *state;

    run_tool(stage, "{ echo '# gone'; echo; cat k1.pub; ssh-keygen -lf k7.pub | cut -d' ' -f2; "
                    "printf 'ssh-ed25519 %s' $(cut -d' ' -f2 other.pub); } > list");
    assert_int_equal(read_list(stage, "list"), 0);
    assert_int_equal(m4h_ssh_revoked_count(stage->revoked), 3);
    assert_true(is_revoked(stage, "k1.pub"));
    assert_true(is_revoked(stage, "k7-cert.pub"));
    assert_true(is_revoked(stage, "other.pub"));
    assert_false(is_revoked(stage, "ca.pub"));
    assert_false(is_revoked(stage, "k8-cert.pub"));
}

static void a_bad_line_makes_the_text_a_bad_list(void **state)
{
    static const char *const lines[] = {"ssh-ed25519 AAAA", "ssh-rsa $(cut -d\\  -f2 k1.pub)",
                                        "SHA256:abc", "hello", "$(cat k1-cert.pub)"};
    struct stage *stage = *state;

    for (size_t i = 0; i < M4H_COUNT(lines); i++) {
        char command[256];

        snprintf(command, sizeof(command), "{ cat k1.pub; echo %s; } > list", lines[i]);
        run_tool(stage, command);
        assert_int_equal(read_list(stage, "list"), M4H_EINVALID);
        assert_non_null(strstr(stage->wrong, "line 2 "));
        assert_null(stage->revoked);
    }
}

static void a_list_that_is_cut_off_is_refused_unless_a_section_ends_there(void **state)
{
    struct stage *stage = *state;
    uint8_t data[4096];
    size_t len, good = 0;

    run_tool(stage, "printf 'serial: 7\\nserial: 9-12\\nid: a\\n' > spec && "
                    "ssh-keygen -q -k -s ca.pub -f krl spec k1.pub");
    len = read_file(stage, "krl", data, sizeof(data));
    for (size_t cut = 8; cut < len; cut++) {
        struct m4h_ssh_revoked *revoked;

        if (m4h_ssh_revoked_read(&revoked, data, cut, stage->wrong, sizeof(stage->wrong)) == 0)
            good++;
        m4h_ssh_revoked_destroy(revoked);
    }
    /* Behind the header, and behind each section but the last. */
    assert_true(good <= 2);
    data[8 + 3] = 2; /* a later version of the format */
    assert_int_equal(
        m4h_ssh_revoked_read(&stage->revoked, data, len, stage->wrong, sizeof(stage->wrong)),
        M4H_EINVALID);
}

#define stage_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(serial_numbers_and_ranges_of_an_authority_are_revoked),
        stage_test(a_key_id_is_revoked),
        stage_test(a_key_is_revoked_with_its_certificates),
        stage_test(an_authority_is_revoked_with_all_that_it_signed),
        stage_test(a_certificate_is_revoked_by_the_file_of_it),
        stage_test(a_text_of_keys_and_fingerprints_is_a_list),
        stage_test(a_bad_line_makes_the_text_a_bad_list),
        stage_test(a_list_that_is_cut_off_is_refused_unless_a_section_ends_there),
    };

    return cmocka_run_group_tests_name("ssh: revoked keys", tests, NULL, NULL);
}
