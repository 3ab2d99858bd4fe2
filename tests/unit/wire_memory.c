/* Each allocation of lib/wire fails once: the error comes back, nothing leaks
 * (as a sanitizer sees), and the buffer is as before. And how much decoding may
 * take is counted. This program takes the place of malloc. */
#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/unit/wire_bytes.h"
#include "tests/unit/wire_kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#define BUFFER M4H_BUFFER_INIT(2 * M4H_WIRE_MESSAGE_MAX)

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static unsigned allocations_until_failure; /* 0: none fails */
static bool failed;
static size_t allocated_bytes;

static bool fails(size_t size)
{
    allocated_bytes += size;
    if (allocations_until_failure == 0 || --allocations_until_failure > 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails(size) ? NULL : __real_realloc(memory, size);
}

static void every_failed_allocation_comes_back_as_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct m4h_buffer made = BUFFER;

        assert_int_equal(wire_kinds[i].make(&made), 0);
        for (unsigned nth = 1;; nth++) {
            struct m4h_buffer recoded = BUFFER;
            int error;

            failed = false;
            allocations_until_failure = nth;
            error = wire_kinds[i].recode(made.data, made.len, &recoded);
            allocations_until_failure = 0;
            assert_int_equal(error, failed ? M4H_ENOMEM : 0);
            assert_int_equal(recoded.len, failed ? 0 : made.len);
            m4h_buffer_free(&recoded);
            if (!failed)
                break;
        }
        m4h_buffer_free(&made);
    }
}

static void small_messages_decode_without_an_allocation(void **state)
{
    static const int kinds[] = {KIND_CONNECT,          KIND_DISCONNECT, KIND_LOAD,
                                KIND_DISPATCH_REQUEST, KIND_REVOKE,     KIND_KICK_REPLY,
                                KIND_TUNNEL_REPLY};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(kinds); i++) {
        struct m4h_buffer made = BUFFER, recoded = BUFFER;

        assert_int_equal(wire_kinds[kinds[i]].make(&made), 0);
        assert_non_null(m4h_buffer_room(&recoded, made.len));
        allocated_bytes = 0;
        assert_int_equal(wire_kinds[kinds[i]].recode(made.data, made.len, &recoded), 0);
        assert_int_equal(allocated_bytes, 0);
        m4h_buffer_free(&made);
        m4h_buffer_free(&recoded);
    }
}

/* protobuf-c alone takes 45 bytes for each byte of such a message. */
static void empty_messages_do_not_blow_up(void **state)
{
    struct m4h_buffer inner = M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX - 16), message = BUFFER;
    struct m4h_buffer recoded = BUFFER;

    (void)state;
    while (inner.len + 2 <= inner.cap)
        put_bytes(&inner, 1, NULL, 0);
    put_bytes(&message, 1, inner.data, inner.len);
    allocated_bytes = 0;
    assert_int_equal(wire_kinds[KIND_SLAVES_REPLY].recode(message.data, message.len, &recoded),
                     M4H_ETOOBIG);
    assert_true(allocated_bytes < 5u * 1024 * 1024);
    m4h_buffer_free(&inner);
    m4h_buffer_free(&message);
    m4h_buffer_free(&recoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failed_allocation_comes_back_as_an_error),
        cmocka_unit_test(small_messages_decode_without_an_allocation),
        cmocka_unit_test(empty_messages_do_not_blow_up),
    };

    return cmocka_run_group_tests_name("wire: memory", tests, NULL, NULL);
}
