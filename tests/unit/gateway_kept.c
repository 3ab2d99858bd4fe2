#include "services/gateway/core/kept.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW     1000u
#define ENTRIES (M4H_GATEWAY_KEPT_MAX + 8)

static struct m4h_gateway_kept kept;
static struct m4h_gateway_kept_entry entries[ENTRIES];

static int start(void **state)
{
    (void)state;
    m4h_gateway_kept_init(&kept);
    return 0;
}

/* Removes what has to go; returns how many went. */
static unsigned shrink(uint64_t now_ms)
{
    struct m4h_gateway_kept_entry *surplus;
    unsigned gone = 0;

    while ((surplus = m4h_gateway_kept_surplus(&kept, now_ms)) != NULL) {
        m4h_gateway_kept_remove(&kept, surplus);
        gone++;
    }
    return gone;
}

static void an_answer_goes_when_its_time_is_over(void **state)
{
    (void)state;
    assert_int_equal(m4h_gateway_kept_wait_ms(&kept, NOW), 0);
    m4h_gateway_kept_add(&kept, &entries[0], 10, NOW + 20);
    m4h_gateway_kept_add(&kept, &entries[1], 10, NOW + 25);
    assert_int_equal(shrink(NOW + 19), 0);
    assert_int_equal(m4h_gateway_kept_wait_ms(&kept, NOW + 19), 1);
    assert_int_equal(shrink(NOW + 20), 1);
    assert_int_equal(m4h_gateway_kept_wait_ms(&kept, NOW + 20), 5);
    assert_int_equal(shrink(NOW + 60), 1);
    assert_int_equal(kept.count, 0);
    assert_int_equal(kept.bytes, 0);
}

static void beyond_the_count_the_oldest_goes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ENTRIES; i++) {
        m4h_gateway_kept_add(&kept, &entries[i], 1, NOW + 20);
        assert_int_equal(shrink(NOW), i < M4H_GATEWAY_KEPT_MAX ? 0 : 1);
    }
    assert_int_equal(kept.count, M4H_GATEWAY_KEPT_MAX);
    assert_ptr_equal(kept.entries, &entries[ENTRIES - M4H_GATEWAY_KEPT_MAX]);
}

static void beyond_the_bytes_as_many_go_as_it_takes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        m4h_gateway_kept_add(&kept, &entries[i], M4H_GATEWAY_KEPT_BYTES_MAX / 4, NOW + 20);
    assert_int_equal(shrink(NOW), 0);
    m4h_gateway_kept_add(&kept, &entries[4], M4H_GATEWAY_KEPT_BYTES_MAX / 2, NOW + 20);
    assert_int_equal(shrink(NOW), 2);
    /* Larger than all that may be kept: it goes too. */
    m4h_gateway_kept_add(&kept, &entries[5], M4H_GATEWAY_KEPT_BYTES_MAX + 1, NOW + 20);
    assert_int_equal(shrink(NOW), 4);
    assert_int_equal(kept.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_goes_when_its_time_is_over, start),
        cmocka_unit_test_setup(beyond_the_count_the_oldest_goes, start),
        cmocka_unit_test_setup(beyond_the_bytes_as_many_go_as_it_takes, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
