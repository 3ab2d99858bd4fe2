#include "lib/base/attributes.h"
#include "services/ctl/core/ssh_way.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_ctl_page page;

static struct m4h_slave_status slave_of(const char *id)
{
    struct m4h_slave_status slave = {.state = M4H_SLAVE_READY};

    snprintf(slave.slave_id, sizeof(slave.slave_id), "%s", id);
    snprintf(slave.info.host, sizeof(slave.info.host), "10.0.0.1");
    snprintf(slave.info.host_keys[0], sizeof(slave.info.host_keys[0]), "ssh-ed25519 AAAA+/=");
    slave.info.host_key_count = 1;
    slave.info.port = 2222;
    return slave;
}

static const char *text(void)
{
    assert_int_equal(page.error, 0);
    assert_int_equal(m4h_buffer_add(&page.text, "", 1), 0);
    return (const char *)page.text.data;
}

static int begin(void **state)
{
    (void)state;
    m4h_ctl_page_begin(&page, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    m4h_ctl_page_end(&page);
    return 0;
}

static void the_way_is_a_command_that_pins_the_slave(void **state)
{
    static const char *const shared[] = {"-i", "my key"};
    struct m4h_slave_status slave = slave_of("s1");
    const struct m4h_ctl_ssh_entry entry = {&slave, "ops", "", shared, 2};

    (void)state;
    m4h_ctl_ssh_proxy_command(&page, &entry, "Door-7");
    assert_string_equal(
        text(),
        "ssh -W '[Door-7]:%p' '-oKnownHostsCommand=/usr/bin/env printf \"%%%%s %%%%s "
        "%%%%s\\n\" s1 ssh-ed25519 AAAA+/=' '-oHostKeyAlias=s1' -oStrictHostKeyChecking=yes "
        "-oUserKnownHostsFile=/dev/null -oGlobalKnownHostsFile=/dev/null "
        "-oUpdateHostKeys=no '-i' 'my key' '-lops' '-p2222' '10.0.0.1'");
}

static void a_client_key_cannot_leave_its_word(void **state)
{
    struct m4h_slave_status slave = slave_of("s1");
    const struct m4h_ctl_ssh_entry entry = {.slave = &slave, .user = "", .identity = ""};
    static const char expected[] = "ssh -W '[a'\\''; reboot %%h$(b)]:%p' ";

    (void)state;
    m4h_ctl_ssh_proxy_command(&page, &entry, "a'; reboot %h$(b)");
    assert_memory_equal(text(), expected, sizeof(expected) - 1);
    assert_false(m4h_ctl_ssh_can_say("a]:22"));
    assert_false(m4h_ctl_ssh_can_say("/run/socket"));
    assert_true(m4h_ctl_ssh_can_say("a/b [c"));
}

static void a_name_is_one_of_a_host_whatever_the_key(void **state)
{
    char name[M4H_CTL_SSH_NAME_MAX], key[M4H_CLIENT_KEY_MAX + 1];

    (void)state;
    assert_string_equal(m4h_ctl_ssh_name("Door-7_a.b", "mas4h", name), "Door-7_a.b.mas4h");
    assert_string_equal(m4h_ctl_ssh_name("-oX=y z", "box", name), "_2doX_3dy_20z.box");
    memset(key, ' ', sizeof(key) - 1);
    key[M4H_CLIENT_KEY_MAX] = '\0';
    assert_int_equal(strlen(m4h_ctl_ssh_name(key, "mas4h", name)), 3 * M4H_CLIENT_KEY_MAX + 6);
    assert_true(m4h_ctl_ssh_suffix_is_valid("mas4h.example"));
    for (size_t i = 0; i < 5; i++)
        assert_false(m4h_ctl_ssh_suffix_is_valid((const char *[]){"", ".a", "a.", "A", "a b"}[i]));
}

static void only_a_ready_slave_with_plain_words_is_entered(void **state)
{
    static const char *const hosts[] = {"", "-oProxyCommand=x", "a b", "a\"b", "a%h"};
    static const char *const keys[] = {"", "ssh-ed25519", "ssh-ed25519 A B", "a \"b\"", "a %h"};
    struct m4h_slave_status slave = slave_of("s1");

    (void)state;
    assert_true(m4h_ctl_ssh_may_enter(&slave));
    slave.state = M4H_SLAVE_DRAINING;
    assert_false(m4h_ctl_ssh_may_enter(&slave));
    for (size_t i = 0; i < M4H_COUNT(hosts); i++) {
        slave = slave_of("s1");
        snprintf(slave.info.host, sizeof(slave.info.host), "%s", hosts[i]);
        assert_false(m4h_ctl_ssh_may_enter(&slave));
        slave = slave_of("s1");
        snprintf(slave.info.host_keys[0], sizeof(slave.info.host_keys[0]), "%s", keys[i]);
        assert_false(m4h_ctl_ssh_may_enter(&slave));
    }
}

static void settings_name_each_slave_that_may_be_entered(void **state)
{
    struct m4h_slave_status slaves[] = {slave_of("s1"), slave_of("s2"), slave_of("s3")};
    const struct m4h_ctl_ssh_entry entry = {&slaves[2], "ops", "/key", NULL, 0};
    const char *made;

    (void)state;
    slaves[1].state = M4H_SLAVE_SILENT;
    m4h_ctl_ssh_config(&page, &entry, slaves, M4H_COUNT(slaves), "box");
    made = text();
    assert_non_null(strstr(made, "\nHost box-s1\n  HostName 10.0.0.1\n  Port 2222\n  User ops\n"
                                 "  IdentityFile \"/key\"\n  HostKeyAlias s1\n"));
    assert_null(strstr(made, "s2"));
    assert_non_null(strstr(made, "printf \"%%s %%s %%s\\n\" s3 ssh-ed25519 AAAA+/=\n"));
    assert_non_null(strstr(made, "\nHost *.box\n  ProxyCommand sh -c 'name=$0 port=$1; shift; exec "
                                 "ssh -W \"[${name%%.box}]:$port\" \"$@\"' '%n' %p '-oKnown"));
}

static void assert_shared(const char *expected, const char *const *words, size_t count)
{
    const char *shared[M4H_CTL_SSH_SHARED_MAX];
    size_t shared_count = m4h_ctl_ssh_shared(words, count, shared);
    char all[256] = "";

    for (size_t i = 0, len = 0; i < shared_count; i++)
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s ", shared[i]);
    assert_string_equal(all, expected);
}

#define SHARED(expected, ...)                                                                      \
    assert_shared(expected, (const char *const[]){__VA_ARGS__},                                    \
                  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void the_hop_shares_what_is_about_keys_and_connecting(void **state)
{
    (void)state;
    SHARED("-i k -F f -o identityagent=none ", "-i", "k", "-Ff", "-o", "identityagent=none");
    SHARED("-v -v -4 ", "-vtvN4", "-L", "-i", "-p", "2");
    SHARED("", "-o", "RemoteCommand=x", "-l", "me", "-D", "1");
    SHARED("-q ", "-q", "command", "-i", "k");
    SHARED("", "--", "-v");
    SHARED("", "-i");
    SHARED("-i k ", "-tik");
}

static void more_words_than_there_is_room_for_are_left_out_in_pairs(void **state)
{
    const char *words[M4H_CTL_SSH_SHARED_MAX + 10], *shared[M4H_CTL_SSH_SHARED_MAX];

    (void)state;
    words[0] = "-v";
    for (size_t i = 1; i < M4H_COUNT(words); i++)
        words[i] = i % 2 == 1 ? "-i" : "k";
    assert_int_equal(m4h_ctl_ssh_shared(words, M4H_COUNT(words), shared),
                     M4H_CTL_SSH_SHARED_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_way_is_a_command_that_pins_the_slave, begin, end),
        cmocka_unit_test_setup_teardown(a_client_key_cannot_leave_its_word, begin, end),
        cmocka_unit_test(a_name_is_one_of_a_host_whatever_the_key),
        cmocka_unit_test(only_a_ready_slave_with_plain_words_is_entered),
        cmocka_unit_test_setup_teardown(settings_name_each_slave_that_may_be_entered, begin, end),
        cmocka_unit_test(the_hop_shares_what_is_about_keys_and_connecting),
        cmocka_unit_test(more_words_than_there_is_room_for_are_left_out_in_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
