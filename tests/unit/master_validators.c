/* The chain at work, with validators that the test plays: they answer at once, later, or never. */
#include "services/master/io/chain.h"

#include "lib/base/error.h"
#include "services/master/io/service.h"
#include "services/master/io/validator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What a played validator does with a question. */
enum play {
    ANSWERS,
    ANSWERS_LATER,
    HANGS
};

struct player {
    enum play play;
    struct m4h_verdict verdict;
    struct m4h_validation *held; /* the question that it has */
    unsigned asked, cancelled;
};

static struct player first, second;
static struct m4h_validator_settings first_settings;
static struct m4h_master master;
static struct m4h_master_config config;
static struct m4h_chain *chain;
static struct m4h_timer *timer;
static struct m4h_authorize_request request;
static struct m4h_verdict answer;
static unsigned answers, answers_wanted, ends;
static bool is_running;

static int create_first(void **self, struct m4h_master *unused)
{
    (void)unused;
    *self = &first;
    return 0;
}

static int create_second(void **self, struct m4h_master *unused)
{
    (void)unused;
    *self = &second;
    return 0;
}

/* As authorized_keys, which then says what has not been made void yet. */
static void destroy(void *self)
{
    (void)self;
    m4h_chain_forget(chain, "SHA256:abc", "");
    m4h_chain_forget(chain, "", "pump-1");
    ends++;
}

static void ask(void *self, struct m4h_validation *validation)
{
    struct player *player = self;

    player->asked++;
    if (player->play == ANSWERS)
        m4h_validation_answer(validation, &player->verdict);
    else
        player->held = validation;
}

static void cancel(void *self, struct m4h_validation *validation)
{
    struct player *player = self;

    assert_ptr_equal(player->held, validation);
    player->held = NULL;
    player->cancelled++;
}

static const struct m4h_validator_settings *
settings_of_first(const struct m4h_master_config *unused)
{
    (void)unused;
    return &first_settings;
}

static const struct m4h_validator_type first_type = {
    .name = "first",
    .is_kept = true,
    .heeds_address = true,
    .create = create_first,
    .destroy = destroy,
    .ask = ask,
    .cancel = cancel,
    .settings = settings_of_first,
};

static const struct m4h_validator_type second_type = {
    .name = "second", .create = create_second, .destroy = destroy, .ask = ask, .cancel = cancel};

static void on_answer(void *context, const struct m4h_authorize_request *about,
                      struct m4h_verdict *verdict)
{
    assert_ptr_equal(context, &master);
    assert_string_equal(about->key_fingerprint, request.key_fingerprint);
    answer = *verdict;
    if (++answers == answers_wanted && is_running)
        m4h_loop_stop(master.loop);
}

/* The players who hold a question and are to answer later do so. */
static void on_time(void *context)
{
    struct player *players[] = {&first, &second};

    (void)context;
    for (size_t i = 0; i < 2; i++)
        if (players[i]->play == ANSWERS_LATER && players[i]->held != NULL) {
            struct m4h_validation *held = players[i]->held;

            players[i]->held = NULL;
            m4h_validation_answer(held, &players[i]->verdict);
        }
}

static int begin(void **state)
{
    static const struct m4h_validator_type *const types[] = {&first_type, &second_type};

    (void)state;
    first = second = (struct player){0};
    first_settings = (struct m4h_validator_settings){0};
    config = (struct m4h_master_config){
        .validator_timeout_ms = 30, .cache_entries = 100, .valid_for_ms = 60000, .stale_ms = 60000};
    request = (struct m4h_authorize_request){.slave_id = "slave-1",
                                             .region = "eu",
                                             .public_key = "key",
                                             .public_key_len = 3,
                                             .key_fingerprint = "SHA256:abc",
                                             .remote_address = "192.0.2.1:50022"};
    answers = ends = 0;
    memset(&master, 0, sizeof(master));
    master.config = &config;
    assert_int_equal(m4h_loop_create(&master.loop), 0);
    assert_int_equal(m4h_timer_create(&timer, master.loop, on_time, NULL), 0);
    m4h_timer_start(timer, 1, 1);
    return m4h_chain_create_of(&chain, &master, types, M4H_COUNT(types));
}

static int end(void **state)
{
    (void)state;
    m4h_chain_destroy(chain);
    m4h_timer_close(timer);
    m4h_loop_destroy(master.loop);
    return 0;
}

/* Asks, and waits for the answer. */
static const struct m4h_verdict *decide(void)
{
    answers_wanted = answers + 1;
    assert_int_equal(m4h_chain_ask(chain, &request, on_answer, &master), 0);
    is_running = answers < answers_wanted;
    if (is_running)
        m4h_loop_run(master.loop);
    is_running = false;
    assert_int_equal(answers, answers_wanted);
    return &answer;
}

static void allow(struct player *player, const char *client_key)
{
    m4h_verdict_set(&player->verdict, M4H_VERDICT_ALLOW, "");
    m4h_text_copy(player->verdict.reply.client_key, sizeof(player->verdict.reply.client_key),
                  client_key);
}

static void the_next_is_asked_when_the_first_does_not_know_the_key(void **state)
{
    (void)state;
    first.play = second.play = ANSWERS_LATER;
    allow(&second, "pump-1");
    assert_int_equal(decide()->kind, M4H_VERDICT_ALLOW);
    assert_string_equal(answer.reply.client_key, "pump-1");
    assert_string_equal(answer.reply.validator, "second");
    first.play = second.play = ANSWERS;
    request.recheck = true;
    assert_int_equal(decide()->kind, M4H_VERDICT_ALLOW);
    assert_int_equal(second.asked, 2);
}

static void a_device_without_a_name_has_that_of_its_key(void **state)
{
    (void)state;
    allow(&first, "");
    assert_string_equal(decide()->reply.client_key, "SHA256:abc");
}

static void one_that_hangs_is_left_at_its_timeout(void **state)
{
    (void)state;
    first.play = HANGS;
    first_settings.on_failure = M4H_ON_FAILURE_NEXT;
    allow(&second, "pump-1");
    assert_int_equal(decide()->kind, M4H_VERDICT_ALLOW);
    assert_int_equal(first.cancelled, 1);
    first_settings.on_failure = M4H_ON_FAILURE_DENY;
    assert_int_equal(decide()->kind, M4H_VERDICT_DENY);
    assert_string_equal(answer.reply.detail, "first: no answer in time");
    assert_int_equal(m4h_chain_waiting(chain), 0);
}

static void slaves_are_told_how_long_validators_take(void **state)
{
    (void)state;
    assert_int_equal(m4h_chain_patience_ms(chain), 30); /* who asks elsewhere may need its time */
    allow(&first, "pump-1");
    request.recheck = true; /* nothing of what is kept */
    for (int i = 0; i < 100; i++)
        assert_int_equal(decide()->kind, M4H_VERDICT_ALLOW);
    assert_int_equal(m4h_chain_patience_ms(chain), 0);
    first.play = HANGS;
    (void)decide();
    assert_int_equal(m4h_chain_patience_ms(chain), 30);
}

static void what_it_allowed_is_given_again_without_asking(void **state)
{
    (void)state;
    allow(&first, "pump-1");
    decide();
    m4h_text_copy(request.remote_address, sizeof(request.remote_address), "192.0.2.1:50099");
    assert_string_equal(decide()->reply.client_key, "pump-1");
    assert_true(answer.reply.valid_for_ms > 0 && answer.reply.valid_for_ms <= 60000);
    assert_string_equal(answer.reply.validator, "first");
    assert_int_equal(first.asked, 1);
}

static void another_address_or_a_recheck_is_asked_about_anew(void **state)
{
    (void)state;
    allow(&first, "pump-1");
    decide();
    m4h_text_copy(request.remote_address, sizeof(request.remote_address), "192.0.2.7:50022");
    decide();
    assert_int_equal(first.asked, 2);
    request.recheck = true;
    decide();
    assert_int_equal(first.asked, 3);
}

static void what_it_allowed_holds_while_it_is_down(void **state)
{
    (void)state;
    config.valid_for_ms = 0;
    allow(&first, "pump-1");
    decide();
    first.play = HANGS;
    assert_string_equal(decide()->reply.client_key, "pump-1");
    assert_int_equal(first.asked, 2);
    assert_int_equal(answer.reply.valid_for_ms, 2000);
    m4h_chain_forget(chain, "SHA256:abc", "");
    assert_int_equal(decide()->kind, M4H_VERDICT_FAILED);
}

static void what_it_denied_is_not_let_in_again_while_it_is_down(void **state)
{
    (void)state;
    config.valid_for_ms = 0;
    allow(&first, "pump-1");
    decide();
    m4h_verdict_set(&first.verdict, M4H_VERDICT_DENY, "sold");
    assert_int_equal(decide()->kind, M4H_VERDICT_DENY);
    first.play = HANGS;
    assert_int_equal(decide()->kind, M4H_VERDICT_FAILED);
}

static void a_refusal_is_kept_for_a_moment(void **state)
{
    (void)state;
    m4h_verdict_set(&first.verdict, M4H_VERDICT_DENY, "sold");
    decide();
    assert_int_equal(decide()->kind, M4H_VERDICT_DENY);
    assert_string_equal(answer.reply.detail, "sold");
    assert_true(answer.reply.valid_for_ms <= 2000);
    assert_int_equal(first.asked, 1);
}

static void what_is_under_way_at_the_end_is_given_up(void **state)
{
    struct m4h_validation *held;

    (void)state;
    first.play = HANGS;
    assert_int_equal(m4h_chain_ask(chain, &request, on_answer, &master), 0);
    held = first.held;
    assert_non_null(held);
    assert_int_equal(m4h_chain_waiting(chain), 1);
    m4h_chain_destroy(chain);
    chain = NULL;
    assert_int_equal(first.cancelled, 1);
    assert_int_equal(answers, 0);
}

static void an_answer_from_before_a_revocation_is_not_given_again(void **state)
{
    (void)state;
    first.play = HANGS;
    config.validator_timeout_ms = 10000;
    allow(&first, "pump-1");
    assert_int_equal(m4h_chain_ask(chain, &request, on_answer, &master), 0);
    m4h_chain_forget(chain, "SHA256:abc", "");
    m4h_validation_answer(first.held, &first.verdict);
    assert_int_equal(answers, 1);
    first.play = ANSWERS;
    decide();
    assert_int_equal(first.asked, 2);
    decide();
    assert_int_equal(first.asked, 2);
}

static void a_validator_that_ends_may_say_what_is_to_be_forgotten(void **state)
{
    (void)state;
    allow(&first, "pump-1");
    decide();
    m4h_chain_destroy(chain);
    chain = NULL;
    assert_int_equal(ends, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_next_is_asked_when_the_first_does_not_know_the_key),
        TEST(a_device_without_a_name_has_that_of_its_key),
        TEST(one_that_hangs_is_left_at_its_timeout),
        TEST(slaves_are_told_how_long_validators_take),
        TEST(what_it_allowed_is_given_again_without_asking),
        TEST(another_address_or_a_recheck_is_asked_about_anew),
        TEST(what_it_allowed_holds_while_it_is_down),
        TEST(what_it_denied_is_not_let_in_again_while_it_is_down),
        TEST(a_refusal_is_kept_for_a_moment),
        TEST(what_is_under_way_at_the_end_is_given_up),
        TEST(an_answer_from_before_a_revocation_is_not_given_again),
        TEST(a_validator_that_ends_may_say_what_is_to_be_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
