/* Bytes that nobody honest sends: cut short, too many, blown up, changed at
 * random. Nothing may crash, and what is taken must be a message. */
#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/unit/wire_bytes.h"
#include "tests/unit/wire_kinds.h"
#include "tests/unit/wire_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BUFFER M4H_BUFFER_INIT(2 * M4H_WIRE_MESSAGE_MAX)

/* Decodes a copy of exactly these bytes, so that a sanitizer sees a read past their end. What
 * decodes must encode, decode again, and be the same. */
static int check(const struct wire_kind *kind, const uint8_t *data, size_t len)
{
    struct m4h_buffer once = BUFFER, twice = BUFFER;
    uint8_t *copy = malloc(len > 0 ? len : 1);
    int error;

    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, data, len);
    error = kind->recode(copy, len, &once);
    free(copy);
    if (error == 0) {
        if (kind->recode(once.data, once.len, &twice) != 0)
            fail_msg("%s: what was taken is not taken again", kind->name);
        assert_int_equal(once.len, twice.len);
        if (once.len > 0)
            assert_memory_equal(once.data, twice.data, once.len);
    } else if (error != M4H_EPROTOCOL && error != M4H_ETOOBIG) {
        fail_msg("%s: error %d", kind->name, error);
    }
    m4h_buffer_free(&once);
    m4h_buffer_free(&twice);
    return error;
}

static void a_message_cut_anywhere_is_an_error_or_a_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct m4h_buffer made = BUFFER;

        assert_int_equal(wire_kinds[i].make(&made), 0);
        for (size_t len = 0; len < made.len; len++)
            check(&wire_kinds[i], made.data, len);
        m4h_buffer_free(&made);
    }
}

static void messages_changed_at_random_are_errors_or_messages(void **state)
{
    (void)state;
    srand(1);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct m4h_buffer made = BUFFER;

        assert_int_equal(wire_kinds[i].make(&made), 0);
        for (unsigned round = 0; made.len > 0 && round < 2000; round++) {
            uint8_t *changed = malloc(made.len);
            unsigned changes = 1u + (unsigned)rand() % 4;

            assert_non_null(changed);
            memcpy(changed, made.data, made.len);
            while (changes-- > 0)
                changed[(size_t)rand() % made.len] = (uint8_t)rand();
            check(&wire_kinds[i], changed, made.len);
            free(changed);
        }
        m4h_buffer_free(&made);
    }
}

static void noise_is_an_error_or_a_message(void **state)
{
    (void)state;
    srand(2);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        for (unsigned round = 0; round < 500; round++) {
            uint8_t noise[64];
            size_t len = (size_t)rand() % sizeof(noise);

            for (size_t at = 0; at < len; at++)
                noise[at] = (uint8_t)rand();
            check(&wire_kinds[i], noise, len);
        }
    }
}

static void a_message_of_another_kind_is_an_error_or_a_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct m4h_buffer made = BUFFER;

        assert_int_equal(wire_kinds[i].make(&made), 0);
        for (size_t other = 0; other < KIND_COUNT; other++)
            check(&wire_kinds[other], made.data, made.len);
        m4h_buffer_free(&made);
    }
}

/* One that is longer than its kind may be, by a field that would be ignored. */
static void a_message_over_its_size_is_refused_unread(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct m4h_buffer made = BUFFER;
        uint8_t *padding = calloc(1, wire_kinds[i].max);
        size_t rest;

        assert_non_null(padding);
        assert_int_equal(wire_kinds[i].make(&made), 0);
        rest = wire_kinds[i].max - made.len;
        put_bytes(&made, 1000, padding, rest > 10 ? rest - 10 : 0);
        assert_true(made.len <= wire_kinds[i].max);
        assert_int_equal(check(&wire_kinds[i], made.data, made.len), 0);
        put_bytes(&made, 1000, padding, 10);
        assert_true(made.len > wire_kinds[i].max);
        assert_int_equal(check(&wire_kinds[i], made.data, made.len), M4H_ETOOBIG);
        free(padding);
        m4h_buffer_free(&made);
    }
}

/* A later version may add fields, of every type and anywhere. */
static void unknown_fields_are_ignored(void **state)
{
    static const uint8_t fixed[] = {0xd9, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8, /* 1003, 64 bits */
                                    0xe5, 0x3e, 1, 2, 3, 4};            /* 1004, 32 bits */

    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct m4h_buffer made = BUFFER, longer = BUFFER, recoded = BUFFER;

        assert_int_equal(wire_kinds[i].make(&made), 0);
        put_number(&longer, 1001, UINT64_MAX);
        assert_int_equal(m4h_buffer_add(&longer, made.data, made.len), 0);
        put_text(&longer, 1002, "of a later version");
        assert_int_equal(m4h_buffer_add(&longer, fixed, sizeof(fixed)), 0);
        assert_int_equal(wire_kinds[i].recode(longer.data, longer.len, &recoded), 0);
        assert_int_equal(recoded.len, made.len);
        if (made.len > 0)
            assert_memory_equal(recoded.data, made.data, made.len);
        m4h_buffer_free(&made);
        m4h_buffer_free(&longer);
        m4h_buffer_free(&recoded);
    }
}

/* Two bytes each on the wire, some hundred in memory. */
static void fill_with_empty_messages(struct m4h_buffer *out, unsigned outer, unsigned field)
{
    struct m4h_buffer inner = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX - 16);

    while (inner.len + 2 <= inner.cap)
        put_bytes(&inner, field, NULL, 0);
    put_bytes(out, outer, inner.data, inner.len);
    m4h_buffer_free(&inner);
}

static void many_empty_messages_cost_a_bounded_memory(void **state)
{
    static const struct {
        int kind;
        unsigned outer, field;
    } cases[] = {{KIND_SLAVES_REPLY, 1, 1},      {KIND_TUNNELS_REPLY, 1, 1},
                 {KIND_CLUSTER_REPLY, 1, 9},     {KIND_SNAPSHOT_REPLY, 1, 10},
                 {KIND_REVOCATIONS_REPLY, 1, 1}, {KIND_DEVICES_REPLY, 1, 1},
                 {KIND_DEVICES_CHANGED, 3, 5},   {KIND_SNAPSHOT_REPLY, 3000, 1}};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        const struct wire_kind *kind = &wire_kinds[cases[i].kind];
        struct m4h_buffer message = BUFFER;

        fill_with_empty_messages(&message, cases[i].outer, cases[i].field);
        assert_true(message.len <= M4H_WIRE_MESSAGE_MAX);
        assert_int_not_equal(check(kind, message.data, message.len), 0);
        m4h_buffer_free(&message);
    }
}

static void unknown_fields_without_number_cost_a_bounded_memory(void **state)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX);

    (void)state;
    while (message.len + 3 <= message.cap)
        put_number(&message, 15, 0);
    assert_int_equal(check(&wire_kinds[KIND_SLAVES_REPLY], message.data, message.len), M4H_ETOOBIG);
    m4h_buffer_free(&message);
}

/* More entries than a list may have, each of them valid. */
static void lists_have_their_most(void **state)
{
    static const struct {
        int kind;
        unsigned path[3], field;
        size_t most;
    } cases[] = {{KIND_CLUSTER_REPLY, {1, 0, 0}, 9, 256},
                 {KIND_START, {13, 1, 0}, 3, 3},
                 {KIND_DISPATCH_REPLY, {1, 0, 0}, 5, 3}};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        const struct wire_kind *kind = &wire_kinds[cases[i].kind];
        unsigned list[4] = {cases[i].path[0], cases[i].path[1], 0, 0};
        struct m4h_buffer made = BUFFER, emptied = BUFFER, entry = BUFFER;

        list[list[1] == 0 ? 1 : 2] = cases[i].field;
        assert_int_equal(kind->make(&made), 0);
        drop_at(&emptied, made.data, made.len, list);
        if (cases[i].kind == KIND_CLUSTER_REPLY)
            put_bytes(&entry, cases[i].field, "\x0a\x01r", 3);
        else
            put_text(&entry, cases[i].field, "ssh-ed25519 AAAA");
        for (size_t count = 0; count <= cases[i].most; count++) {
            struct m4h_buffer longer = BUFFER;
            int error = check(kind, emptied.data, emptied.len);

            assert_int_equal(error, 0);
            append_at(&longer, emptied.data, emptied.len, cases[i].path, &entry);
            m4h_buffer_free(&emptied);
            emptied = longer;
        }
        assert_int_equal(check(kind, emptied.data, emptied.len), M4H_EPROTOCOL);
        m4h_buffer_free(&made);
        m4h_buffer_free(&emptied);
        m4h_buffer_free(&entry);
    }
}

int run_hostile_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_cut_anywhere_is_an_error_or_a_message),
        cmocka_unit_test(messages_changed_at_random_are_errors_or_messages),
        cmocka_unit_test(noise_is_an_error_or_a_message),
        cmocka_unit_test(a_message_of_another_kind_is_an_error_or_a_message),
        cmocka_unit_test(a_message_over_its_size_is_refused_unread),
        cmocka_unit_test(unknown_fields_are_ignored),
        cmocka_unit_test(many_empty_messages_cost_a_bounded_memory),
        cmocka_unit_test(unknown_fields_without_number_cost_a_bounded_memory),
        cmocka_unit_test(lists_have_their_most),
    };

    return cmocka_run_group_tests_name("wire: hostile bytes", tests, NULL, NULL);
}
