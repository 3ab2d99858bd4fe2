/* authorized_keys: what is taken, what is refused and why, who the device is. */
#include "services/master/core/authorized_keys.h"

#include "lib/base/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ED  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define ED2 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

static struct m4h_keys keys;
static struct m4h_key_report report;

static int end(void **state)
{
    (void)state;
    m4h_keys_free(&keys);
    return 0;
}

static void parse(const char *text)
{
    m4h_keys_free(&keys);
    assert_int_equal(m4h_authorized_keys_parse(&keys, text, strlen(text), &report), 0);
}

/* The client key of a "type base64" text, NULL where it is not known. */
static const char *find(const char *key)
{
    const char *base64 = strchr(key, ' ') + 1;
    uint8_t blob[M4H_PUBLIC_KEY_BLOB_MAX];
    size_t len;

    assert_int_equal(m4h_base64_decode(base64, strlen(base64), blob, sizeof(blob), &len), 0);
    return m4h_keys_find(&keys, blob, len);
}

static void assert_named(const char *text, const char *client_key)
{
    parse(text);
    assert_int_equal(report.fault_count, 0);
    assert_non_null(find(ED));
    assert_string_equal(find(ED), client_key);
}

static void assert_refused(const char *text, const char *why)
{
    parse(text);
    assert_int_equal(report.fault_count, 1);
    if (strstr(report.faults[0].message, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", report.faults[0].message, why);
    assert_int_equal(keys.count, 0);
}

static void the_comment_names_the_device(void **state)
{
    (void)state;
    assert_named(ED " pump-1\n", "pump-1");
    assert_named("  \t" ED "\t  pump 1 in the cellar \r\n", "pump 1 in the cellar");
    assert_named(ED " root@OpenWrt", "root@OpenWrt");
}

static void without_a_comment_the_fingerprint_does(void **state)
{
    (void)state;
    assert_named(ED "\n", "");
    assert_named("restrict " ED, "");
}

static void the_option_goes_before_the_comment(void **state)
{
    (void)state;
    assert_named("client-key=\"pump-2\" " ED " some comment\n", "pump-2");
    assert_named("restrict,Client-Key=\"a b, \\\"c\\\"\",no-pty " ED " x", "a b, \"c\"");
    assert_named("client-key=\"küche\" " ED, "küche");
}

static void empty_lines_and_comments_are_skipped(void **state)
{
    (void)state;
    assert_named("\n# a comment\n   \n   # another\n\r\n" ED " a\n\n", "a");
}

static void options_for_what_a_bouncer_never_gives_change_nothing(void **state)
{
    (void)state;
    assert_named("no-pty,no-X11-forwarding,no-agent-forwarding,no-user-rc,command=\"echo \\\"hi, "
                 "you\\\"\",environment=\"A=b c\",permitopen=\"h:1\",port-forwarding " ED " a",
                 "a");
}

static void options_that_narrow_are_refused_until_they_are_enforced(void **state)
{
    static const char *const options[] = {
        "from=\"10.0.0.0/8\"", "expiry-time=\"20300101\"", "permitlisten=\"8080\"",
        "no-port-forwarding",  "cert-authority",           "principals=\"a\"",
        "verify-required",     "restrict,FROM=\"x\"",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(options); i++) {
        char line[300];

        snprintf(line, sizeof(line), "%s %s a\n", options[i], ED);
        assert_refused(line, "is not enforced here");
    }
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    assert_refused("frobnicate " ED " a", "option frobnicate is not known");
    assert_refused("client-key=pump " ED " a", "in quotes");
    assert_refused("client-key=\"\" " ED " a", "in quotes");
    assert_refused("client-key=\" a\" " ED, "in quotes");
    assert_refused("client-key=\"a " ED " b", "a quote is not closed");
    assert_refused("restrict ssh-dss AAAAB3NzaC1kc3MAAAAA a", "not a key type");
    assert_refused("restrict", "not a key type");
    assert_refused("ssh-dss AAAAB3NzaC1kc3MAAAAA a", "is not known");
    assert_refused("ssh-ed25519", "damaged");
    assert_refused("ssh-ed25519 AAAA!", "damaged");
    assert_refused("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 a", "damaged");
    assert_refused("ssh-rsa"
                   " AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
                   "not of the type");
    assert_refused(ED " a\tb", "cannot name a device");
    assert_refused(ED " \xff\xfe", "cannot name a device");
}

static void a_bad_line_is_told_by_its_number_and_the_others_count(void **state)
{
    (void)state;
    parse("# first\n" ED " a\nnonsense\n\n" ED2 " b\n");
    assert_int_equal(report.fault_count, 1);
    assert_int_equal(report.faults[0].line, 3);
    assert_string_equal(find(ED), "a");
    assert_string_equal(find(ED2), "b");
}

static void of_two_lines_with_one_key_the_first_holds(void **state)
{
    (void)state;
    parse(ED " a\n" ED " b\n");
    assert_int_equal(report.fault_count, 1);
    assert_int_equal(report.faults[0].line, 2);
    assert_non_null(strstr(report.faults[0].message, "line 1"));
    assert_string_equal(find(ED), "a");
}

static void two_keys_of_one_name_are_counted(void **state)
{
    const char *client_key;
    uint32_t line, other_line;

    (void)state;
    parse(ED " root@OpenWrt\n" ED2 " root@OpenWrt\n");
    assert_int_equal(keys.count, 2);
    assert_int_equal(m4h_keys_count_shared(&keys, &client_key, &line, &other_line), 1);
    assert_string_equal(client_key, "root@OpenWrt");
    assert_int_equal(line, 1);
    assert_int_equal(other_line, 2);
    parse(ED "\n" ED2 "\n");
    assert_int_equal(m4h_keys_count_shared(&keys, &client_key, &line, &other_line), 0);
}

static void a_line_without_end_is_refused_and_the_next_one_counts(void **state)
{
    size_t size = 2u * 1024 * 1024;
    char *text = malloc(size + 200);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', size);
    snprintf(text + size, 200, "\n%s b\n", ED);
    parse(text);
    assert_int_equal(report.fault_count, 1);
    assert_string_equal(find(ED), "b");
    free(text);
}

static void faults_beyond_the_bound_are_only_counted(void **state)
{
    char text[1001];

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        text[i] = i % 2 ? '\n' : 'x';
    text[1000] = '\0';
    parse(text);
    assert_int_equal(report.fault_count, 500);
    assert_int_equal(report.faults[M4H_AUTHORIZED_KEYS_FAULTS_MAX - 1].line,
                     M4H_AUTHORIZED_KEYS_FAULTS_MAX);
}

static void keys_of_every_type_that_openssh_makes_are_taken(void **state)
{
    static const char text[] =
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZM"
        "y7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg= a\n"
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCww"
        "NDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDo= b\n"
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDdmKdCMm9vUxMqmM0b5ygqT8dfYH0sCVzVLuDAbDXLlMmzEBUVKT"
        "LGcVSlx0rS4rpGTJ9MX6QnCyFcwSqqy8HcWbNSTNbcEWfWpzEsr/yGGi6m2Q1x0AThqfc1W1BrOnZ0sLrBB0cNnsXU"
        "1LRqS8KFRKWsqo0p1sPjWVGZ1Ndk0Q== c\n";

    (void)state;
    parse(text);
    if (report.fault_count > 0)
        fail_msg("line %u: %s", report.faults[0].line, report.faults[0].message);
    assert_int_equal(keys.count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, end)
        TEST(the_comment_names_the_device),
        TEST(without_a_comment_the_fingerprint_does),
        TEST(the_option_goes_before_the_comment),
        TEST(empty_lines_and_comments_are_skipped),
        TEST(options_for_what_a_bouncer_never_gives_change_nothing),
        TEST(options_that_narrow_are_refused_until_they_are_enforced),
        TEST(what_is_wrong_is_told),
        TEST(a_bad_line_is_told_by_its_number_and_the_others_count),
        TEST(of_two_lines_with_one_key_the_first_holds),
        TEST(two_keys_of_one_name_are_counted),
        TEST(a_line_without_end_is_refused_and_the_next_one_counts),
        TEST(faults_beyond_the_bound_are_only_counted),
        TEST(keys_of_every_type_that_openssh_makes_are_taken),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
