/* The host keys: made, found again, refused. And a server's algorithms. */
#include "lib/base/error.h"
#include "lib/ssh/host_key.h"
#include "lib/ssh/server.h"
#include "tests/contract/ssh_program.h"
#include "tests/unit/net_stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    struct m4h_loop *loop;
    char parent[64];
    char dir[80]; /* does not exist yet */
    struct program tool;
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    if (place == NULL || m4h_ssh_start() != 0)
        return -1;
    *state = place;
    snprintf(place->parent, sizeof(place->parent), "/tmp/m4h-key-XXXXXX");
    assert_non_null(mkdtemp(place->parent));
    snprintf(place->dir, sizeof(place->dir), "%s/slave", place->parent);
    return m4h_loop_create(&place->loop);
}

static int end(void **state)
{
    struct place *place = *state;

    program_run(&place->tool, place->loop, (const char *[]){"rm", "-rf", place->parent, NULL});
    m4h_loop_destroy(place->loop);
    free(place);
    return 0;
}

static unsigned mode_of(const char *path)
{
    struct stat found;

    assert_int_equal(stat(path, &found), 0);
    return found.st_mode & 07777;
}

static void put_file(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
}

static void the_first_start_makes_a_key_that_nobody_else_may_read(void **state)
{
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;
    mode_t mask = umask(0);
    int error = m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys);

    assert_int_equal(umask(mask), 0); /* it left the mask as it was */
    assert_int_equal(error, 0);
    assert_int_equal(mode_of(place->dir), 0700);
    assert_int_equal(mode_of(keys.list[0].path), 0600);
    assert_int_equal(strncmp(keys.list[0].path, place->dir, strlen(place->dir)), 0);
}

static void openssh_reads_the_same_key(void **state)
{
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;

    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), 0);
    assert_int_equal(strncmp(keys.list[0].public_line, "ssh-ed25519 AAAA", 16), 0);
    program_run(&place->tool, place->loop,
                (const char *[]){"ssh-keygen", "-y", "-f", keys.list[0].path, NULL});
    assert_int_equal(
        strncmp(place->tool.output, keys.list[0].public_line, strlen(keys.list[0].public_line)), 0);
}

static void the_next_start_finds_it_again(void **state)
{
    struct place *place = *state;
    struct m4h_ssh_host_keys first, second;

    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &first), 0);
    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &second), 0);
    assert_string_equal(first.list[0].path, second.list[0].path);
    assert_string_equal(first.list[0].public_line, second.list[0].public_line);
}

static void a_key_that_openssh_made_is_taken(void **state)
{
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;
    char path[128];

    assert_int_equal(mkdir(place->dir, 0700), 0);
    snprintf(path, sizeof(path), "%s/ssh_host_ed25519_key", place->dir);
    program_run(&place->tool, place->loop,
                (const char *[]){"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, NULL});
    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), 0);
    program_run(&place->tool, place->loop, (const char *[]){"ssh-keygen", "-y", "-f", path, NULL});
    assert_int_equal(
        strncmp(place->tool.output, keys.list[0].public_line, strlen(keys.list[0].public_line)), 0);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    static const mode_t modes[] = {0644, 0640, 0604, 0660};
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;

    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), 0);
    for (size_t i = 0; i < M4H_COUNT(modes); i++) {
        assert_int_equal(chmod(keys.list[0].path, modes[i]), 0);
        assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), M4H_EINVALID);
    }
    assert_int_equal(chmod(keys.list[0].path, 0600), 0);
    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), 0);
}

static void what_is_no_private_key_is_refused_and_left_as_it_is(void **state)
{
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;
    char kept[16] = "";
    int fd;

    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), 0);
    put_file(keys.list[0].path, "no key");
    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), M4H_EINVALID);
    fd = open(keys.list[0].path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, kept, sizeof(kept) - 1), 6);
    close(fd);
    assert_string_equal(kept, "no key");
    put_file(keys.list[0].path, "");
    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), M4H_EINVALID);
}

static void half_a_key_of_a_crash_is_in_nobodys_way(void **state)
{
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;
    char path[128];

    assert_int_equal(mkdir(place->dir, 0700), 0);
    snprintf(path, sizeof(path), "%s/ssh_host_ed25519_key.new", place->dir);
    put_file(path, "-----BEGIN OPENSSH PRIV");
    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), 0);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_folder_that_cannot_be_made_is_an_error(void **state)
{
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;
    char path[160];

    put_file(place->dir, "a file in the way");
    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), M4H_ESYSTEM);
    snprintf(path, sizeof(path), "%s/no/such/parent", place->parent);
    assert_int_equal(m4h_ssh_host_keys_ensure(path, "ed25519", &keys), M4H_ESYSTEM);
}

static void each_kind_that_is_wanted_is_made_in_its_order(void **state)
{
    static const char *const begins[] = {"ssh-rsa AAAA", "ecdsa-sha2-nistp256 AAAA",
                                         "ssh-ed25519 AAAA"};
    struct place *place = *state;
    struct m4h_ssh_host_keys keys, again;

    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "rsa,ecdsa,ed25519", &keys), 0);
    assert_int_equal(keys.count, 3);
    for (size_t i = 0; i < keys.count; i++) {
        const char *line = keys.list[i].public_line;

        assert_int_equal(strncmp(line, begins[i], strlen(begins[i])), 0);
        assert_int_equal(mode_of(keys.list[i].path), 0600);
        program_run(&place->tool, place->loop,
                    (const char *[]){"ssh-keygen", "-y", "-f", keys.list[i].path, NULL});
        assert_int_equal(strncmp(place->tool.output, line, strlen(line)), 0);
    }
    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ecdsa", &again), 0);
    assert_int_equal(again.count, 1);
    assert_string_equal(again.list[0].public_line, keys.list[1].public_line);
}

static void kinds_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {"",         "dsa",      "ed25519,", ",rsa",
                                        "rsa, rsa", "rsa,rsa",  "ED25519",  "ed25519,ecdsa,rsa,rsa",
                                        "ed255191", "ed2551 9", "rsa;ecdsa"};
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;

    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        assert_false(m4h_ssh_host_key_kinds_are_valid(cases[i]));
        assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, cases[i], &keys), M4H_EINVALID);
    }
    assert_true(m4h_ssh_host_key_kinds_are_valid("rsa"));
    assert_true(m4h_ssh_host_key_kinds_are_valid("rsa,ed25519,ecdsa"));
}

static void put_key(struct place *place, const char *type, const char *bits, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/ssh_host_%s_key", place->dir, name);
    unlink(path);
    program_run(
        &place->tool, place->loop,
        (const char *[]){"ssh-keygen", "-q", "-t", type, "-b", bits, "-N", "", "-f", path, NULL});
}

static void a_key_that_is_too_short_or_of_another_kind_is_refused(void **state)
{
    static const struct {
        const char *type, *bits, *name;
        int expected;
    } cases[] = {
        {"rsa", "2048", "rsa", M4H_EINVALID},
        {"rsa", "3071", "rsa", M4H_EINVALID},
        {"rsa", "3072", "rsa", 0},
        {"ecdsa", "521", "ecdsa", 0},
        {"ed25519", "256", "rsa", M4H_EINVALID},
        {"ed25519", "256", "ecdsa", M4H_EINVALID},
        {"ecdsa", "256", "ed25519", M4H_EINVALID},
    };
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;

    assert_int_equal(mkdir(place->dir, 0700), 0);
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        put_key(place, cases[i].type, cases[i].bits, cases[i].name);
        assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, cases[i].name, &keys),
                         cases[i].expected);
    }
}

static void an_algorithm_that_is_none_is_refused_at_the_start(void **state)
{
    static const struct {
        const char *ciphers, *key_exchanges, *macs, *dropbear_macs, *key_types;
        int expected;
    } cases[] = {
        {"", "", "", "", "", 0},
        {"aes128-gcm@openssh.com", "curve25519-sha256", "hmac-sha2-256", "hmac-sha1",
         "ssh-ed25519,rsa-sha2-256,ssh-rsa", 0},
        {"rot13", "", "", "", "", M4H_EINVALID},
        {"aes128-ctr,rot13", "", "", "", "", M4H_EINVALID},
        {"aes128-ctr,", "", "", "", "", M4H_EINVALID},
        {"aes128-ctr, aes256-ctr", "", "", "", "", M4H_EINVALID},
        {"", "rot13", "", "", "", M4H_EINVALID},
        {"", "", "rot13", "", "", M4H_EINVALID},
        {"", "", "hmac-sha2-256", "rot13", "", M4H_EINVALID},
        {"", "", "", "", "rot13", M4H_EINVALID},
    };
    struct place *place = *state;
    struct m4h_ssh_host_keys keys;

    assert_int_equal(m4h_ssh_host_keys_ensure(place->dir, "ed25519", &keys), 0);
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        const struct m4h_ssh_server_config config = {
            .host_keys = &keys,
            .ciphers = cases[i].ciphers,
            .key_exchanges = cases[i].key_exchanges,
            .macs = cases[i].macs,
            .dropbear_macs = cases[i].dropbear_macs,
            .key_types = cases[i].key_types,
        };
        struct m4h_ssh_server *server;

        assert_int_equal(m4h_ssh_server_create(&server, place->loop, &config), cases[i].expected);
        assert_int_equal(server == NULL, cases[i].expected != 0);
        m4h_ssh_server_destroy(server);
    }
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(the_first_start_makes_a_key_that_nobody_else_may_read),
        place_test(openssh_reads_the_same_key),
        place_test(the_next_start_finds_it_again),
        place_test(a_key_that_openssh_made_is_taken),
        place_test(a_key_that_others_may_read_is_refused),
        place_test(what_is_no_private_key_is_refused_and_left_as_it_is),
        place_test(half_a_key_of_a_crash_is_in_nobodys_way),
        place_test(a_folder_that_cannot_be_made_is_an_error),
        place_test(each_kind_that_is_wanted_is_made_in_its_order),
        place_test(kinds_that_are_none_are_refused),
        place_test(a_key_that_is_too_short_or_of_another_kind_is_refused),
        place_test(an_algorithm_that_is_none_is_refused_at_the_start),
    };

    return cmocka_run_group_tests_name("ssh: host keys", tests, NULL, NULL);
}
