/* Letters of several threads, in the order of each. */
#include "lib/net/mailbox.h"
#include "tests/unit/net_stage.h"

#include <pthread.h>
#include <stdlib.h>

#define SENDERS 4
#define LETTERS 10000

struct numbered {
    struct m4h_letter letter;
    int sender;
    int number;
};

struct reader {
    struct m4h_mailbox *mailbox;
    int next[SENDERS]; /* the number that is to come from each */
    unsigned read;
    int echoes; /* letters that reading one sends on */
};

struct sender {
    struct reader *reader;
    int index;
};

static void send(struct reader *reader, int sender, int number)
{
    struct numbered *letter = calloc(1, sizeof(*letter));

    if (letter == NULL)
        abort();
    letter->sender = sender;
    letter->number = number;
    m4h_mailbox_send(reader->mailbox, &letter->letter);
}

static void on_letter(void *context, struct m4h_letter *head)
{
    struct reader *reader = context;
    struct numbered *letter = M4H_CONTAINER_OF(head, struct numbered, letter);

    assert_int_equal(letter->number, reader->next[letter->sender]);
    reader->next[letter->sender]++;
    reader->read++;
    if (reader->echoes > 0) {
        reader->echoes--;
        send(reader, letter->sender, letter->number + 1);
    }
    free(letter);
}

static void *send_all(void *context)
{
    struct sender *sender = context;

    for (int i = 0; i < LETTERS; i++)
        send(sender->reader, sender->index, i);
    return NULL;
}

static bool all_are_read(void *context)
{
    return ((struct reader *)context)->read == SENDERS * LETTERS;
}

static bool five_are_read(void *context)
{
    return ((struct reader *)context)->read == 5;
}

static void ten_thousand_letters_of_four_threads_come_in_the_order_of_each(void **state)
{
    struct reader reader = {0};
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];

    assert_int_equal(m4h_mailbox_create(&reader.mailbox, *state, on_letter, &reader), 0);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&reader, i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    run_until(*state, all_are_read, &reader);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    m4h_mailbox_close(reader.mailbox);
    assert_int_equal(reader.read, SENDERS * LETTERS);
}

static void reading_a_letter_may_send_another(void **state)
{
    struct reader reader = {.echoes = 4};

    assert_int_equal(m4h_mailbox_create(&reader.mailbox, *state, on_letter, &reader), 0);
    send(&reader, 0, 0);
    run_until(*state, five_are_read, &reader);
    m4h_mailbox_close(reader.mailbox);
}

static void closing_delivers_what_is_there_and_then_no_more(void **state)
{
    struct reader reader = {0};

    assert_int_equal(m4h_mailbox_create(&reader.mailbox, *state, on_letter, &reader), 0);
    for (int i = 0; i < 3; i++)
        send(&reader, 1, i);
    assert_int_equal(reader.read, 0);
    m4h_mailbox_close(reader.mailbox);
    assert_int_equal(reader.read, 3);
    run_for(*state, 10);
    assert_int_equal(reader.read, 3);
}

static void closing_nothing_is_harmless(void **state)
{
    (void)state;
    m4h_mailbox_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_letters_of_four_threads_come_in_the_order_of_each),
        cmocka_unit_test(reading_a_letter_may_send_another),
        cmocka_unit_test(closing_delivers_what_is_there_and_then_no_more),
        cmocka_unit_test(closing_nothing_is_harmless),
    };

    return cmocka_run_group_tests_name("net: mailbox", tests, stage_begin, stage_end);
}
