/* authorized_keys: what is taken, what is refused and why, who the device is. */
#include "services/master/core/authorized_keys.h"

#include "lib/base/base64.h"

#include <malloc.h>
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
static struct m4h_key_grant grant; /* of the key that was found last */

static int end(void **state)
{
    (void)state;
    m4h_keys_free(&keys);
    return 0;
}

static void parse(const char *text)
{
    m4h_keys_free(&keys);
    report.fault_count = 0;
    assert_int_equal(m4h_authorized_keys_parse(&keys, text, strlen(text), 0, &report), 0);
}

/* The client key of a "type base64" text, NULL where it is not known. */
static const char *find(const char *key)
{
    const char *base64 = strchr(key, ' ') + 1;
    uint8_t blob[M4H_PUBLIC_KEY_BLOB_MAX];
    size_t len;

    assert_int_equal(m4h_base64_decode(base64, strlen(base64), blob, sizeof(blob), &len), 0);
    return m4h_keys_find(&keys, blob, len, &grant) ? grant.client_key : NULL;
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

static void what_is_not_enforced_refuses_the_line(void **state)
{
    (void)state;
    assert_refused("verify-required " ED " a\n", "is not enforced here");
    assert_refused("cert-authority " ED " a\n", "[certificates] ca_keys");
    assert_refused("principals=\"a\" " ED " a\n", "for a cert-authority");
}

static void assert_limited(const char *options)
{
    char text[4096];

    snprintf(text, sizeof(text), "%s " ED " pump-1\n", options);
    assert_named(text, "pump-1");
}

static void what_limits_a_device_is_kept_with_its_key(void **state)
{
    (void)state;
    assert_limited("permitlisten=\"8080\",permitlisten=\"localhost:8000-8015\","
                   "operators-from=\"10.0.0.0/8, 2001:db8::/32\",max-forwards=\"2\","
                   "max-channels=\"50\",idle-timeout=\"10m\",bandwidth=\"64k\"");
    assert_int_equal(grant.limits.port_range_count, 2);
    assert_int_equal(grant.limits.ports[0].first, 8080);
    assert_int_equal(grant.limits.ports[0].last, 8080);
    assert_int_equal(grant.limits.ports[1].first, 8000);
    assert_int_equal(grant.limits.ports[1].last, 8015);
    assert_int_equal(grant.limits.operator_network_count, 2);
    assert_string_equal(grant.limits.operator_networks[0], "10.0.0.0/8");
    assert_string_equal(grant.limits.operator_networks[1], "2001:db8::/32");
    assert_int_equal(grant.limits.forwards_max, 2);
    assert_int_equal(grant.limits.channels_max, 50);
    assert_int_equal(grant.limits.idle_ms, 600000);
    assert_int_equal(grant.limits.bytes_per_second, 65536);
}

static void a_key_without_limits_has_none_even_after_one_that_has(void **state)
{
    (void)state;
    parse("Max-Channels=\"1\" " ED " a\n" ED2 " b\n");
    assert_int_equal(report.fault_count, 0);
    assert_string_equal(find(ED), "a");
    assert_int_equal(grant.limits.channels_max, 1);
    assert_string_equal(find(ED2), "b");
    assert_false(m4h_device_limits_are_any(&grant.limits));
}

static void ports_may_be_written_as_openssh_takes_them(void **state)
{
    static const struct {
        const char *text;
        uint16_t first, last;
    } cases[] = {
        {"1", 1, 1},
        {"65535", 65535, 65535},
        {"*", 1, 65535},
        {"localhost:*", 1, 65535},
        {"*:22", 22, 22},
        {"[::1]:8080", 8080, 8080},
        {"127.0.0.1:80-80", 80, 80},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        char option[64];

        snprintf(option, sizeof(option), "permitlisten=\"%s\"", cases[i].text);
        assert_limited(option);
        assert_int_equal(grant.limits.port_range_count, 1);
        assert_int_equal(grant.limits.ports[0].first, cases[i].first);
        assert_int_equal(grant.limits.ports[0].last, cases[i].last);
    }
}

/* Adds `addition` to a text of 4096 bytes. */
static void append(char *text, const char *addition)
{
    snprintf(text + strlen(text), 4096 - strlen(text), "%s", addition);
}

static void the_most_of_every_limit_is_kept(void **state)
{
    char options[4096] = "max-forwards=\"8\",max-channels=\"65535\",idle-timeout=\"4294967295\","
                         "bandwidth=\"1024g\",operators-from=\"";

    (void)state;
    for (unsigned i = 0; i < M4H_OPERATOR_NETWORKS_MAX; i++)
        snprintf(options + strlen(options), sizeof(options) - strlen(options),
                 "%sffff:ffff:ffff:ffff:ffff:ffff:ffff:fff%x/128", i > 0 ? " , " : "", i);
    append(options, "\"");
    for (unsigned i = 0; i < M4H_PORT_RANGES_MAX; i++)
        snprintf(options + strlen(options), sizeof(options) - strlen(options),
                 ",permitlisten=\"%u\"", i + 1);
    assert_limited(options);
    assert_int_equal(grant.limits.operator_network_count, M4H_OPERATOR_NETWORKS_MAX);
    assert_string_equal(grant.limits.operator_networks[15],
                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
    assert_int_equal(grant.limits.port_range_count, M4H_PORT_RANGES_MAX);
    assert_int_equal(grant.limits.ports[7].last, 8);
    assert_int_equal(grant.limits.idle_ms, UINT32_MAX);
    assert_true(grant.limits.bytes_per_second == (uint64_t)1 << 40);
}

/* Bytes that each of 10000 keys takes with these limits. */
static size_t bytes_per_key(const struct m4h_device_limits *given)
{
    size_t before = mallinfo2().uordblks, used;
    struct m4h_key_grant all = {.client_key = "pump", .limits = *given};
    struct m4h_key_place other;

    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(m4h_keys_add(&keys, (const uint8_t *)&i, sizeof(i), &all,
                                      (struct m4h_key_place){0, i}, &other),
                         0);
    used = mallinfo2().uordblks - before;
    m4h_keys_free(&keys);
    return used / 10000;
}

static void limits_take_as_much_memory_as_they_need(void **state)
{
    struct m4h_device_limits none = {0}, one = {.port_range_count = 1, .ports = {{80, 80}}};
    size_t bare = bytes_per_key(&none), limited = bytes_per_key(&one);

    (void)state;
    assert_true(bare <= 160);
    assert_true(limited <= bare + 48);
}

/* A limit that is not understood must not become none at all. */
static void bad_limits_refuse_the_line(void **state)
{
    static const char *const options[] = {
        "permitlisten",
        "permitlisten=8080",
        "permitlisten=\"\"",
        "permitlisten=\"0\"",
        "permitlisten=\"65536\"",
        "permitlisten=\"80-79\"",
        "permitlisten=\"80-\"",
        "permitlisten=\"http\"",
        "permitlisten=\"80,81\"",
        "permitlisten=\":80\"",
        "permitlisten=\"::1:80\"",
        "permitlisten=\"[::1]80\"",
        "permitlisten=\"[]:80\"",
        "permitlisten=\"99999999999999999999999\"",
        "operators-from=\"10.0.0.0/33\"",
        "operators-from=\"10.0.0.1/8\"",
        "operators-from=\"10.0.0.0/8,\"",
        "operators-from=\",10.0.0.0/8\"",
        "operators-from=\"10.0.0.0/8 10.0.0.0/8\"",
        "operators-from=\"example.com\"",
        "operators-from=\"fe80::1%eth0\"",
        "max-forwards=\"0\"",
        "max-forwards=\"9\"",
        "max-forwards=\"2k\"",
        "max-forwards=\"1\",max-forwards=\"2\"",
        "max-channels=\"65536\"",
        "max-channels=\"-1\"",
        "idle-timeout=\"0\"",
        "idle-timeout=\"10d\"",
        "idle-timeout=\"1193h \"",
        "idle-timeout=\"4294967296\"",
        "idle-timeout=\"99999999999999999h\"",
        "bandwidth=\"1.5m\"",
        "bandwidth=\"0k\"",
        "bandwidth=\"4095\"",
        "bandwidth=\"1025g\"",
        "bandwidth=\"17179869184g\"",
        "bandwidth=\"1m\",bandwidth=\"1m\"",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(options); i++) {
        char text[4096];

        snprintf(text, sizeof(text), "\n%s " ED " pump-1\n", options[i]);
        parse(text);
        if (report.fault_count != 1 || keys.count != 0)
            fail_msg("%s was taken", options[i]);
        assert_int_equal(report.faults[0].place.line, 2);
    }
    assert_refused("max-channels=\"many\" " ED, "option max-channels needs a number");
}

static void more_than_the_most_is_refused(void **state)
{
    char text[4096] = "operators-from=\"::1", ports[4096] = "";

    (void)state;
    for (unsigned i = 0; i < M4H_OPERATOR_NETWORKS_MAX; i++)
        append(text, ",::1");
    append(text, "\" " ED);
    assert_refused(text, "option operators-from takes 16 networks");
    for (unsigned i = 0; i <= M4H_PORT_RANGES_MAX; i++)
        append(ports, i > 0 ? ",permitlisten=\"1\"" : "permitlisten=\"1\"");
    append(ports, " " ED);
    assert_refused(ports, "option permitlisten may be given 8 times");
}

/* ---- who may use a key, and for what ---------------------------------------------- */

#define NOW_MS 1800000000000u /* in 2027 */

/* What the file says of a request with the key from that address. */
static const struct m4h_verdict *judge(const char *options, const char *peer)
{
    static struct m4h_verdict verdict;
    struct m4h_authorize_request request = {.username = "root"};
    char text[4096];

    snprintf(text, sizeof(text), "%s " ED " pump-1\n", options);
    parse(text);
    if (report.fault_count > 0)
        fail_msg("%s: %s", options, report.faults[0].message);
    assert_non_null(find(ED));
    m4h_text_copy(request.remote_address, sizeof(request.remote_address), peer);
    m4h_key_grant_judge(&grant, &request, NOW_MS, &verdict);
    return &verdict;
}

static void a_key_may_be_used_from_where_its_line_says(void **state)
{
    static const struct {
        const char *from, *peer;
        bool fits;
    } cases[] = {
        {"10.0.0.0/8", "10.1.2.3:5000", true},
        {"10.0.0.0/8", "11.1.2.3:5000", false},
        {"10.0.0.1", "10.0.0.1:5000", true},
        {"10.0.*", "10.0.7.7:5000", true},
        {"10.0.0.?", "10.0.0.10:5000", false},
        {"2001:db8::/32", "[2001:db8::7]:5000", true},
        {"2001:db8::*", "[2001:db8::7]:5000", true},
        {"*,!10.0.0.66", "10.0.0.66:5000", false},
        {"!10.0.0.66,10.0.0.0/8", "10.0.0.66:5000", false},
        {"!10.0.0.66,10.0.0.0/8", "10.0.0.67:5000", true},
        {"!10.0.0.66", "10.0.0.67:5000", false},
        {"192.0.2.1,10.0.0.0/8", "10.0.0.1:5000", true},
        {"10.0.0.0/8", "unknown", false},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        char option[100];

        snprintf(option, sizeof(option), "from=\"%s\"", cases[i].from);
        if ((judge(option, cases[i].peer)->kind == M4H_VERDICT_ALLOW) != cases[i].fits)
            fail_msg("from %s: %s", cases[i].peer, option);
    }
}

static void a_key_may_be_used_until_its_time_is_over(void **state)
{
    (void)state;
    assert_int_equal(judge("expiry-time=\"20270115080001Z\"", "192.0.2.1:1")->kind,
                     M4H_VERDICT_ALLOW);
    assert_int_equal(judge("expiry-time=\"20270115080000Z\"", "192.0.2.1:1")->kind,
                     M4H_VERDICT_DENY);
    assert_int_equal(
        judge("expiry-time=\"20990101Z\",expiry-time=\"202601010000Z\"", "192.0.2.1:1")->kind,
        M4H_VERDICT_DENY);
    assert_int_equal(judge("expiry-time=\"20990101Z\"", "192.0.2.1:1")->reply.expires_wall_ms /
                         1000,
                     4070908800);
}

static void a_key_that_may_not_forward_is_refused(void **state)
{
    (void)state;
    assert_int_equal(judge("no-port-forwarding", "192.0.2.1:1")->kind, M4H_VERDICT_DENY);
    assert_int_equal(judge("no-port-forwarding,port-forwarding", "192.0.2.1:1")->kind,
                     M4H_VERDICT_ALLOW);
}

static void what_a_device_gets_is_told(void **state)
{
    const struct m4h_authorize_reply *reply =
        &judge("port=\"20022\",region=\"eu\",labels=\"site=berlin, model=p7\",max-forwards=\"2\"",
               "192.0.2.1:1")
             ->reply;

    (void)state;
    assert_string_equal(reply->client_key, "pump-1");
    assert_int_equal(reply->fixed_port, 20022);
    assert_string_equal(reply->preferred_region, "eu");
    assert_string_equal(reply->labels, "model=p7,site=berlin");
    assert_int_equal(reply->limits.forwards_max, 2);
}

static void an_operator_may_reach_what_the_line_says(void **state)
{
    const struct m4h_authorize_reply *reply =
        &judge("operator=\"alice\",permitopen=\"berlin-*:22,8000-8010\",permitopen=\"lab:*\","
               "permit-labels=\"site=berlin\",max-channels=\"5\"",
               "192.0.2.1:1")
             ->reply;

    (void)state;
    assert_string_equal(reply->client_key, "");
    assert_string_equal(reply->operator_.name, "alice");
    assert_int_equal(reply->operator_.channels_max, 5);
    assert_int_equal(reply->operator_.rule_count, 2);
    assert_string_equal(reply->operator_.rules[0].client_key_pattern, "berlin-*");
    assert_string_equal(reply->operator_.rules[0].labels, "site=berlin");
    assert_int_equal(reply->operator_.rules[0].port_range_count, 2);
    assert_int_equal(reply->operator_.rules[0].ports[1].last, 8010);
    assert_string_equal(reply->operator_.rules[1].client_key_pattern, "lab");
    assert_int_equal(reply->operator_.rules[1].port_range_count, 0);
    reply = &judge("operator=\"bob\",permit-labels=\"a=1\"", "192.0.2.1:1")->reply;
    assert_int_equal(reply->operator_.rule_count, 1);
    assert_string_equal(reply->operator_.rules[0].client_key_pattern, "");
}

static void options_that_make_no_sense_refuse_the_line(void **state)
{
    static const char *const options[] = {
        "from=\"example.com\"",
        "from=\"10.0.0.1/8\"",
        "from=\"10.0.0.1,\"",
        "from=\"!\"",
        "from=\"1.1.1.1\",from=\"*\"",
        "expiry-time=\"2027\"",
        "expiry-time=\"20271301\"",
        "expiry-time=\"20270230Z\"",
        "expiry-time=\"202701012460Z\"",
        "expiry-time=\"20270101z\"",
        "expiry-time=20270101",
        "port=\"0\"",
        "port=\"1-2\"",
        "port=\"*\"",
        "region=\"E U\"",
        "labels=\"=1\"",
        "labels=\"a=1\",labels=\"b=1\"",
        "operator=\"alice\"",
        "operator=\"\",permitopen=\"*:*\"",
        "operator=\"alice\",permitopen=\"*\"",
        "operator=\"alice\",permitopen=\":22\"",
        "operator=\"alice\",permitopen=\"*:1,2,3,4,5\"",
        "operator=\"alice\",permitopen=\"*:0\"",
        "operator=\"alice\",permitopen=\"*:*\",port=\"22\"",
        "operator=\"alice\",permitopen=\"*:*\",client-key=\"pump\"",
        "operator=\"alice\",permitopen=\"*:*\",permitlisten=\"22\"",
        "permit-labels=\"a=1\"",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(options); i++) {
        char text[4096];

        snprintf(text, sizeof(text), "%s " ED " pump-1\n", options[i]);
        parse(text);
        if (report.fault_count != 1 || keys.count != 0)
            fail_msg("%s was taken", options[i]);
    }
}

/* Whether what `before` lets a key do still holds after `now` was written instead. */
static bool holds(const char *before, const char *now)
{
    struct m4h_key_grant first;

    judge(before, "192.0.2.1:1");
    first = grant;
    judge(now, "192.0.2.1:1");
    return m4h_key_grant_holds(&first, &grant);
}

static void what_narrows_a_line_makes_its_key_void(void **state)
{
    (void)state;
    assert_true(holds("port=\"22\",labels=\"a=1\"", "port=\"23\",max-forwards=\"1\""));
    assert_true(holds("expiry-time=\"20280101Z\"", "expiry-time=\"20290101Z\""));
    assert_true(holds("expiry-time=\"20280101Z\"", "restrict"));
    assert_false(holds("expiry-time=\"20290101Z\"", "expiry-time=\"20280101Z\""));
    assert_false(holds("restrict", "expiry-time=\"20280101Z\""));
    assert_false(holds("restrict", "client-key=\"pump-2\""));
    assert_false(holds("restrict", "from=\"10.0.0.0/8\""));
    assert_false(holds("restrict", "no-port-forwarding"));
    assert_false(holds("restrict", "operator=\"alice\",permitopen=\"*:*\""));
    assert_false(
        holds("operator=\"alice\",permitopen=\"*:*\"", "operator=\"alice\",permitopen=\"*:22\""));
    assert_false(holds("operator=\"alice\",permitopen=\"*:*\"",
                       "operator=\"alice\",permitopen=\"*:*\",permit-labels=\"a=1\""));
    assert_true(holds("operator=\"alice\",permitopen=\"*:*\"",
                      "operator=\"alice\",permitopen=\"*:*\",max-channels=\"4\""));
}

/* ---- faults ------------------------------------------------------------------------- */

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
    assert_int_equal(report.faults[0].place.line, 3);
    assert_string_equal(find(ED), "a");
    assert_string_equal(find(ED2), "b");
}

static void of_two_lines_with_one_key_the_first_holds(void **state)
{
    (void)state;
    parse(ED " a\n" ED " b\n");
    assert_int_equal(report.fault_count, 1);
    assert_int_equal(report.faults[0].place.line, 2);
    assert_non_null(strstr(report.faults[0].message, "line 1"));
    assert_string_equal(find(ED), "a");
}

static void two_keys_of_one_name_are_counted(void **state)
{
    const char *client_key;
    struct m4h_key_place place, other;

    (void)state;
    parse(ED " root@OpenWrt\n" ED2 " root@OpenWrt\n");
    assert_int_equal(keys.count, 2);
    assert_int_equal(m4h_keys_count_shared(&keys, &client_key, &place, &other), 1);
    assert_string_equal(client_key, "root@OpenWrt");
    assert_int_equal(place.line, 1);
    assert_int_equal(other.line, 2);
    parse(ED "\n" ED2 "\n");
    assert_int_equal(m4h_keys_count_shared(&keys, &client_key, &place, &other), 0);
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
    assert_int_equal(report.faults[M4H_AUTHORIZED_KEYS_FAULTS_MAX - 1].place.line,
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
        fail_msg("line %u: %s", report.faults[0].place.line, report.faults[0].message);
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
        TEST(what_is_not_enforced_refuses_the_line),
        TEST(what_limits_a_device_is_kept_with_its_key),
        TEST(a_key_without_limits_has_none_even_after_one_that_has),
        TEST(ports_may_be_written_as_openssh_takes_them),
        TEST(the_most_of_every_limit_is_kept),
        TEST(limits_take_as_much_memory_as_they_need),
        TEST(bad_limits_refuse_the_line),
        TEST(more_than_the_most_is_refused),
        TEST(a_key_may_be_used_from_where_its_line_says),
        TEST(a_key_may_be_used_until_its_time_is_over),
        TEST(a_key_that_may_not_forward_is_refused),
        TEST(what_a_device_gets_is_told),
        TEST(an_operator_may_reach_what_the_line_says),
        TEST(options_that_make_no_sense_refuse_the_line),
        TEST(what_narrows_a_line_makes_its_key_void),
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
