/* Letters that leave together when the turn of their loop ends. */
#include "lib/net/tray.h"
#include "lib/net/turn_end.h"
#include "tests/unit/net_stage.h"

#include <stdlib.h>

#define LETTERS 100

struct numbered {
    struct m4h_letter letter;
    int number;
};

struct desk {
    struct m4h_tray *tray;
    struct m4h_mailbox *mailbox;
    int read;
    int echoes; /* letters that reading one sends on */
};

static void put(struct desk *desk, int number)
{
    struct numbered *letter = calloc(1, sizeof(*letter));

    if (letter == NULL)
        abort();
    letter->number = number;
    m4h_tray_put(desk->tray, &letter->letter);
}

static void on_letter(void *context, struct m4h_letter *head)
{
    struct desk *desk = context;
    struct numbered *letter = M4H_CONTAINER_OF(head, struct numbered, letter);

    assert_int_equal(letter->number, desk->read);
    desk->read++;
    if (desk->echoes > 0) {
        desk->echoes--;
        put(desk, letter->number + 1);
    }
    free(letter);
}

static void open_desk(struct desk *desk, struct m4h_loop *loop)
{
    assert_int_equal(m4h_mailbox_create(&desk->mailbox, loop, on_letter, desk), 0);
    assert_int_equal(m4h_tray_create(&desk->tray, loop, desk->mailbox), 0);
}

static void close_desk(struct desk *desk)
{
    m4h_tray_close(desk->tray);
    m4h_mailbox_close(desk->mailbox);
}

static bool all_are_read(void *context)
{
    return ((struct desk *)context)->read == LETTERS;
}

static void letters_arrive_in_order_without_being_sent_by_hand(void **state)
{
    struct desk desk = {0};

    open_desk(&desk, *state);
    for (int i = 0; i < LETTERS; i++)
        put(&desk, i);
    assert_int_equal(desk.read, 0);
    run_until(*state, all_are_read, &desk);
    close_desk(&desk);
}

static void a_letter_that_is_written_while_one_is_read_goes_out_too(void **state)
{
    struct desk desk = {.echoes = LETTERS - 1};

    open_desk(&desk, *state);
    put(&desk, 0);
    run_until(*state, all_are_read, &desk);
    close_desk(&desk);
}

static void closing_hands_over_what_is_on_the_tray(void **state)
{
    struct desk desk = {0};

    open_desk(&desk, *state);
    put(&desk, 0);
    close_desk(&desk);
    assert_int_equal(desk.read, 1);
    m4h_tray_close(NULL);
}

static void flushing_twice_sends_once(void **state)
{
    struct desk desk = {0};

    open_desk(&desk, *state);
    put(&desk, 0);
    m4h_tray_flush(desk.tray);
    m4h_tray_flush(desk.tray);
    run_for(*state, 10);
    assert_int_equal(desk.read, 1);
    close_desk(&desk);
}

struct job {
    struct m4h_turn_end *turn_end;
    unsigned done;
    unsigned wanted; /* asks again until it was done so often */
};

static void do_it(void *context)
{
    struct job *job = context;

    if (++job->done < job->wanted)
        m4h_turn_end_ask(job->turn_end);
}

static void what_is_asked_for_many_times_in_a_turn_is_done_once(void **state)
{
    struct job job = {0};

    assert_int_equal(m4h_turn_end_create(&job.turn_end, *state, do_it, &job), 0);
    run_for(*state, 10);
    assert_int_equal(job.done, 0);
    m4h_turn_end_ask(job.turn_end);
    m4h_turn_end_ask(job.turn_end);
    run_for(*state, 10);
    assert_int_equal(job.done, 1);
    m4h_turn_end_close(job.turn_end);
    m4h_turn_end_close(NULL);
}

static void what_asks_for_itself_is_done_again_in_the_next_turn(void **state)
{
    struct job job = {.wanted = 3};

    assert_int_equal(m4h_turn_end_create(&job.turn_end, *state, do_it, &job), 0);
    m4h_turn_end_ask(job.turn_end);
    run_for(*state, 20);
    assert_int_equal(job.done, 3);
    m4h_turn_end_close(job.turn_end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_arrive_in_order_without_being_sent_by_hand),
        cmocka_unit_test(a_letter_that_is_written_while_one_is_read_goes_out_too),
        cmocka_unit_test(closing_hands_over_what_is_on_the_tray),
        cmocka_unit_test(flushing_twice_sends_once),
        cmocka_unit_test(what_is_asked_for_many_times_in_a_turn_is_done_once),
        cmocka_unit_test(what_asks_for_itself_is_done_again_in_the_next_turn),
    };

    return cmocka_run_group_tests_name("net: tray", tests, stage_begin, stage_end);
}
