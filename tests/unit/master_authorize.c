/* Requests for decisions and the validators' answers, with the bus and one validator played by the
 * test: who asks the same waits for the same answer, and the bounds hold. */
#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "services/master/io/service.h"
#include "services/master/io/validator.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_master master;
static struct m4h_master_config config;
static struct m4h_validation *held; /* the question that the validator was asked last */
static unsigned asked;

/* The answers that were sent. */
static struct {
    unsigned count;
    char subject[64]; /* of the last one, as what follows */
    struct m4h_authorize_reply reply;
    struct m4h_problem problem;
} sent;

int __wrap_m4h_bus_publish(struct m4h_bus *bus, const char *subject, enum m4h_bus_class class,
                           const char *message_id, const uint8_t *data, size_t len);

int __wrap_m4h_bus_publish(struct m4h_bus *bus, const char *subject, enum m4h_bus_class class,
                           const char *message_id, const uint8_t *data, size_t len)
{
    (void)bus, (void)class, (void)message_id;
    sent.count++;
    snprintf(sent.subject, sizeof(sent.subject), "%s", subject);
    assert_int_equal(m4h_wire_authorize_reply_decode(data, len, &sent.reply, &sent.problem), 0);
    return 0;
}

static int create(void **self, struct m4h_master *unused)
{
    (void)unused;
    *self = NULL;
    return 0;
}

static void destroy(void *self)
{
    (void)self;
}

static void ask(void *self, struct m4h_validation *validation)
{
    (void)self;
    held = validation;
    asked++;
}

static void cancel(void *self, struct m4h_validation *validation)
{
    (void)self, (void)validation;
}

static int begin(void **state)
{
    static const struct m4h_validator_type type = {
        .name = "played", .create = create, .destroy = destroy, .ask = ask, .cancel = cancel};
    static const struct m4h_validator_type *const types[] = {&type};
    const struct m4h_cluster_config cluster = {.silent_after_ms = 6000, .lost_after_ms = 10000};

    (void)state;
    memset(&master, 0, sizeof(master));
    memset(&sent, 0, sizeof(sent));
    asked = 0;
    config = (struct m4h_master_config){
        .id = "master-1", .validator_timeout_ms = 60000, .in_flight_max = 2, .valid_for_ms = 60000};
    master.config = &config;
    master.out.cap = 65536;
    assert_int_equal(m4h_loop_create(&master.loop), 0);
    assert_int_equal(m4h_cluster_create(&master.cluster, &cluster), 0);
    assert_int_equal(m4h_master_open_revocations(&master), 0);
    return m4h_chain_create_of(&master.chain, &master, types, 1);
}

static int end(void **state)
{
    (void)state;
    m4h_chain_destroy(master.chain);
    m4h_master_free_askings(&master);
    m4h_revocations_destroy(master.revocations);
    m4h_cluster_destroy(master.cluster);
    m4h_buffer_free(&master.out);
    m4h_loop_destroy(master.loop);
    return 0;
}

static void ask_about(const char *key, const char *peer, const char *reply, bool recheck)
{
    struct m4h_authorize_request about = {
        .slave_id = "s1", .region = "eu", .username = "root", .recheck = recheck};
    struct m4h_buffer out = {.cap = 65536};
    struct m4h_bus_message message = {.subject = "mas4h.v1.rpc.authorize", .reply = reply};

    about.public_key_len = strlen(key);
    memcpy(about.public_key, key, about.public_key_len);
    snprintf(about.key_fingerprint, sizeof(about.key_fingerprint), "SHA256:%s", key);
    snprintf(about.remote_address, sizeof(about.remote_address), "%s", peer);
    assert_int_equal(m4h_wire_authorize_request_encode(&about, &out), 0);
    message.data = out.data;
    message.len = out.len;
    m4h_master_on_authorize(&master, &message);
    m4h_buffer_free(&out);
}

static void request(const char *key, const char *peer, const char *reply)
{
    ask_about(key, peer, reply, false);
}

/* A slave tells that this is its host key. */
static void claim(const char *slave_id, const char *key)
{
    struct m4h_event start = {.type = M4H_EVENT_START, .region = "eu", .epoch = 1, .seq = 1};
    char text[M4H_BASE64_SIZE(16)];

    m4h_text_copy(start.slave_id, sizeof(start.slave_id), slave_id);
    m4h_base64_encode((const uint8_t *)key, strlen(key), text);
    snprintf(start.as.start.host_keys[0], sizeof(start.as.start.host_keys[0]), "ssh-ed25519 %s",
             text);
    start.as.start.host_key_count = 1;
    m4h_cluster_event(master.cluster, &start, (struct m4h_moment){.now_ms = 1, .wall_ms = 1});
}

static void refuse_held(enum m4h_verdict_kind kind)
{
    struct m4h_verdict verdict;

    m4h_verdict_set(&verdict, kind, "it said so");
    m4h_validation_answer(held, &verdict);
}

static void answer_held(const char *client_key)
{
    struct m4h_verdict verdict;

    m4h_verdict_set(&verdict, M4H_VERDICT_ALLOW, "");
    m4h_text_copy(verdict.reply.client_key, sizeof(verdict.reply.client_key), client_key);
    m4h_validation_answer(held, &verdict);
}

static void the_answer_goes_to_who_asked_when_it_is_there(void **state)
{
    (void)state;
    request("a", "192.0.2.1:1", "_INBOX.1");
    assert_int_equal(sent.count, 0);
    assert_int_equal(m4h_master_askings(&master), 1);
    answer_held("pump-1");
    assert_int_equal(sent.count, 1);
    assert_string_equal(sent.subject, "_INBOX.1");
    assert_true(sent.reply.allowed);
    assert_string_equal(sent.reply.client_key, "pump-1");
    assert_string_equal(sent.reply.validator, "played");
    assert_string_equal(sent.reply.master_id, "master-1");
    assert_int_equal(sent.reply.valid_for_ms, 60000);
    assert_int_equal(m4h_master_askings(&master), 0);
}

static void the_same_question_is_asked_once(void **state)
{
    (void)state;
    request("a", "192.0.2.1:1", "_INBOX.1");
    request("a", "192.0.2.1:2", "_INBOX.2");
    assert_int_equal(asked, 1);
    request("a", "192.0.2.7:1", "_INBOX.3");
    assert_int_equal(asked, 2);
    answer_held("pump-1");
    assert_int_equal(sent.count, 1);
    assert_string_equal(sent.subject, "_INBOX.3");
}

static void all_who_ask_the_same_are_answered(void **state)
{
    (void)state;
    request("a", "192.0.2.1:1", "_INBOX.1");
    request("a", "192.0.2.1:2", "_INBOX.2");
    answer_held("pump-1");
    assert_int_equal(sent.count, 2);
    assert_int_equal(master.counters.authorizations[M4H_AUTHORIZE_ALLOWED], 2);
}

static void beyond_the_bound_slaves_ask_another_master(void **state)
{
    (void)state;
    request("a", "192.0.2.1:1", "_INBOX.1");
    request("b", "192.0.2.1:1", "_INBOX.2");
    request("c", "192.0.2.1:1", "_INBOX.3");
    assert_int_equal(asked, 2);
    assert_int_equal(sent.count, 1);
    assert_string_equal(sent.subject, "_INBOX.3");
    assert_int_equal(sent.problem.code, M4H_PROBLEM_UNAVAILABLE);
}

static void one_question_has_so_many_askers_and_no_more(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 65; i++)
        request("a", "192.0.2.1:1", "_INBOX.1");
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.problem.code, M4H_PROBLEM_UNAVAILABLE);
    answer_held("pump-1");
    assert_int_equal(sent.count, 65);
}

static void a_ban_that_comes_before_the_answer_counts(void **state)
{
    struct m4h_revoke ban = {.client_key = "pump-1", .banned = true, .stamp = 1, .reason = "sold"};
    enum m4h_revocations_news news;

    (void)state;
    request("a", "192.0.2.1:1", "_INBOX.1");
    assert_int_equal(m4h_revocations_merge(master.revocations, &ban, 0, &news), 0);
    answer_held("pump-1");
    assert_false(sent.reply.allowed);
    assert_string_equal(sent.reply.detail, "banned: sold");
    assert_true(sent.reply.valid_for_ms <= 2000);
}

static void an_operator_may_be_banned_by_name(void **state)
{
    struct m4h_revoke ban = {.client_key = "bob", .banned = true, .stamp = 1, .reason = "left"};
    enum m4h_revocations_news news;
    struct m4h_verdict verdict;

    (void)state;
    assert_int_equal(m4h_revocations_merge(master.revocations, &ban, 0, &news), 0);
    request("a", "192.0.2.1:1", "_INBOX.1");
    m4h_verdict_set(&verdict, M4H_VERDICT_ALLOW, "");
    m4h_text_copy(verdict.reply.operator_.name, sizeof(verdict.reply.operator_.name), "bob");
    m4h_validation_answer(held, &verdict);
    assert_false(sent.reply.allowed);
    assert_string_equal(sent.reply.detail, "banned: left");
}

static void a_host_key_that_no_validator_allows_is_the_slaves(void **state)
{
    static const enum m4h_verdict_kind kinds[] = {M4H_VERDICT_UNKNOWN, M4H_VERDICT_DENY,
                                                  M4H_VERDICT_FAILED};

    (void)state;
    claim("s7", "a");
    for (size_t i = 0; i < M4H_COUNT(kinds); i++) {
        request("a", "192.0.2.1:1", "_INBOX.1");
        refuse_held(kinds[i]);
        assert_int_equal(sent.count, i + 1);
        assert_true(sent.reply.allowed);
        assert_string_equal(sent.reply.slave_id, "s7");
        assert_string_equal(sent.reply.client_key, "");
        assert_int_equal(sent.reply.valid_for_ms, 10000);
    }
}

static void a_device_stays_one_whatever_a_slave_calls_its_host_key(void **state)
{
    (void)state;
    claim("s7", "a");
    request("a", "192.0.2.1:1", "_INBOX.1");
    answer_held("pump-1");
    assert_string_equal(sent.reply.client_key, "pump-1");
    assert_string_equal(sent.reply.slave_id, "");
}

static void who_is_here_is_no_slave_because_a_validator_is_away(void **state)
{
    (void)state;
    claim("s7", "a");
    ask_about("a", "192.0.2.1:1", "_INBOX.1", true);
    refuse_held(M4H_VERDICT_FAILED);
    assert_int_equal(sent.problem.code, M4H_PROBLEM_UNAVAILABLE);
}

static void the_host_key_of_a_slave_can_be_banned(void **state)
{
    struct m4h_revoke ban = {.key_fingerprint = "SHA256:a", .banned = true, .stamp = 1};
    enum m4h_revocations_news news;

    (void)state;
    claim("s7", "a");
    request("a", "192.0.2.1:1", "_INBOX.1");
    assert_int_equal(m4h_revocations_merge(master.revocations, &ban, 0, &news), 0);
    refuse_held(M4H_VERDICT_UNKNOWN); /* it came while the validator thought */
    assert_false(sent.reply.allowed);
    request("a", "192.0.2.1:1", "_INBOX.2");
    assert_int_equal(asked, 1);
    assert_false(sent.reply.allowed);
}

static void what_is_asked_after_a_revocation_does_not_wait_for_an_older_answer(void **state)
{
    struct m4h_revoke revoke = {.key_fingerprint = "SHA256:a", .stamp = 1};
    enum m4h_revocations_news news;

    (void)state;
    request("a", "192.0.2.1:1", "_INBOX.1");
    assert_int_equal(m4h_revocations_merge(master.revocations, &revoke, 0, &news), 0);
    request("a", "192.0.2.1:1", "_INBOX.2");
    assert_int_equal(asked, 2);
    answer_held("pump-2");
    assert_int_equal(sent.count, 1);
    assert_string_equal(sent.subject, "_INBOX.2");
    assert_string_equal(sent.reply.client_key, "pump-2");
}

static void no_answer_is_valid_longer_than_what_it_says(void **state)
{
    struct m4h_verdict verdict;

    (void)state;
    request("a", "192.0.2.1:1", "_INBOX.1");
    m4h_verdict_set(&verdict, M4H_VERDICT_ALLOW, "");
    verdict.reply.valid_for_ms = 90000;
    verdict.reply.expires_wall_ms = 1; /* it was over long ago */
    m4h_validation_answer(held, &verdict);
    assert_true(sent.reply.allowed);
    assert_int_equal(sent.reply.valid_for_ms, 0);
}

static void who_waits_at_the_end_gets_no_answer(void **state)
{
    (void)state;
    request("a", "192.0.2.1:1", "_INBOX.1");
    request("a", "192.0.2.1:2", "_INBOX.2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_answer_goes_to_who_asked_when_it_is_there),
        TEST(the_same_question_is_asked_once),
        TEST(all_who_ask_the_same_are_answered),
        TEST(beyond_the_bound_slaves_ask_another_master),
        TEST(one_question_has_so_many_askers_and_no_more),
        TEST(a_ban_that_comes_before_the_answer_counts),
        TEST(an_operator_may_be_banned_by_name),
        TEST(a_host_key_that_no_validator_allows_is_the_slaves),
        TEST(a_device_stays_one_whatever_a_slave_calls_its_host_key),
        TEST(who_is_here_is_no_slave_because_a_validator_is_away),
        TEST(the_host_key_of_a_slave_can_be_banned),
        TEST(what_is_asked_after_a_revocation_does_not_wait_for_an_older_answer),
        TEST(no_answer_is_valid_longer_than_what_it_says),
        TEST(who_waits_at_the_end_gets_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
