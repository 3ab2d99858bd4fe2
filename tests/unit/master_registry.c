/* Records of devices: whoever has heard the same has the same. */
#include "services/master/core/registry.h"

#include "lib/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY_MS (24ull * 3600 * 1000)

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t max)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % max;
}

/* The same number gives the same fingerprint. */
static void fingerprint_of(uint32_t number, char out[M4H_REGISTRY_FINGERPRINT + 1])
{
    uint64_t bits = (number + 1) * 0x9e3779b97f4a7c15u;

    snprintf(out, M4H_REGISTRY_FINGERPRINT + 1, "SHA256:%043u", number);
    for (int i = 7; i < 16; i++, bits >>= 6)
        out[i] = base64[bits & 63];
}

static struct m4h_registry_entry record(uint32_t number, uint64_t stamp,
                                        enum m4h_device_state state, const char *client_key,
                                        const char *packed)
{
    struct m4h_registry_entry entry = {
        .stamp = stamp,
        .state = state,
        .client_key = client_key,
        .packed = (const uint8_t *)packed,
        .packed_len = (uint32_t)strlen(packed),
    };

    fingerprint_of(number, entry.fingerprint);
    return entry;
}

static int begin(void **state)
{
    return m4h_registry_create((struct m4h_registry **)state, 10, 7);
}

static int end(void **state)
{
    m4h_registry_destroy(*state);
    return 0;
}

static bool take(struct m4h_registry *registry, struct m4h_registry_entry entry)
{
    bool changed;

    assert_int_equal(m4h_registry_take(registry, &entry, &changed), 0);
    return changed;
}

static const struct m4h_registry_entry *find(const struct m4h_registry *registry, uint32_t number)
{
    char fingerprint[M4H_REGISTRY_FINGERPRINT + 1];

    fingerprint_of(number, fingerprint);
    return m4h_registry_find(registry, fingerprint);
}

static size_t count_of_key(const struct m4h_registry *registry, const char *client_key)
{
    size_t count;

    (void)m4h_registry_find_client_key(registry, client_key, &count);
    return count;
}

/* ---- merging ------------------------------------------------------------------- */

static void the_later_of_two_records_counts(void **state)
{
    assert_true(take(*state, record(1, 20, M4H_DEVICE_ENABLED, "a", "first")));
    assert_false(take(*state, record(1, 10, M4H_DEVICE_DISABLED, "b", "earlier")));
    assert_string_equal(find(*state, 1)->client_key, "a");
    assert_true(take(*state, record(1, 30, M4H_DEVICE_DISABLED, "c", "later")));
    assert_string_equal(find(*state, 1)->client_key, "c");
    assert_int_equal(find(*state, 1)->state, M4H_DEVICE_DISABLED);
    assert_memory_equal(find(*state, 1)->packed, "later", 5);
    assert_int_equal(count_of_key(*state, "a"), 0);
    assert_int_equal(count_of_key(*state, "c"), 1);
}

static void a_record_that_is_there_is_no_news(void **state)
{
    struct m4h_registry_entry entry = record(1, 20, M4H_DEVICE_ENABLED, "a", "same");

    assert_true(m4h_registry_is_news(*state, &entry));
    assert_true(take(*state, entry));
    assert_false(m4h_registry_is_news(*state, &entry));
    assert_false(take(*state, entry));
}

/* Which of all the changes come in which order is chosen at random; the end is the same. */
static void two_that_heard_the_same_in_any_order_have_the_same(void **state)
{
    enum {
        CHANGES = 400,
        KEYS = 40
    };
    struct m4h_registry_entry changes[CHANGES];
    struct m4h_registry *other;

    assert_int_equal(m4h_registry_create(&other, 1000, 9), 0);
    m4h_registry_set_pending_max(*state, 1000);
    for (int i = 0; i < CHANGES; i++)
        changes[i] = record(random_below(KEYS), 1 + random_below(30),
                            (enum m4h_device_state)(1 + random_below(4)), i % 3 ? "x" : "y",
                            i % 2 ? "one" : "another");
    for (int i = 0; i < CHANGES; i++)
        (void)take(*state, changes[i]);
    for (int i = CHANGES - 1; i > 0; i--) {
        int j = (int)random_below((uint32_t)i + 1);
        struct m4h_registry_entry swapped = changes[i];

        changes[i] = changes[j];
        changes[j] = swapped;
    }
    for (int i = 0; i < CHANGES; i++)
        (void)take(other, changes[i]);
    for (uint32_t key = 0; key < KEYS; key++) {
        const struct m4h_registry_entry *a = find(*state, key), *b = find(other, key);

        assert_true((a == NULL) == (b == NULL));
        if (a == NULL)
            continue;
        assert_int_equal(a->stamp, b->stamp);
        assert_int_equal(a->packed_len, b->packed_len);
        assert_memory_equal(a->packed, b->packed, a->packed_len);
    }
    m4h_registry_destroy(other);
}

static void the_digest_is_of_what_is_enabled_or_disabled(void **state)
{
    uint64_t one, two;

    assert_int_equal(m4h_registry_digest(*state), 0);
    (void)take(*state, record(1, 10, M4H_DEVICE_ENABLED, "a", "-"));
    one = m4h_registry_digest(*state);
    (void)take(*state, record(2, 10, M4H_DEVICE_DISABLED, "b", "-"));
    two = m4h_registry_digest(*state);
    assert_true(one != 0 && two != 0 && one != two);
    (void)take(*state, record(3, 10, M4H_DEVICE_PENDING, "", "-"));
    assert_int_equal(m4h_registry_digest(*state), two);
    (void)take(*state, record(2, 11, M4H_DEVICE_REMOVED, "b", "-"));
    assert_int_equal(m4h_registry_digest(*state), one);
    (void)take(*state, record(1, 12, M4H_DEVICE_ENABLED, "a", "-"));
    assert_int_not_equal(m4h_registry_digest(*state), one);
}

static void what_is_no_record_is_refused(void **state)
{
    struct m4h_registry_entry entry = record(1, 1, M4H_DEVICE_ENABLED, "a", "-");
    bool changed;

    entry.state = 0;
    assert_int_equal(m4h_registry_take(*state, &entry, &changed), M4H_EINVALID);
    entry.state = (enum m4h_device_state)5;
    assert_int_equal(m4h_registry_take(*state, &entry, &changed), M4H_EINVALID);
    entry.state = M4H_DEVICE_ENABLED;
    entry.fingerprint[10] = '*';
    assert_int_equal(m4h_registry_take(*state, &entry, &changed), M4H_EINVALID);
    entry.fingerprint[10] = '\0';
    assert_int_equal(m4h_registry_take(*state, &entry, &changed), M4H_EINVALID);
    assert_null(m4h_registry_find(*state, "MD5:00"));
}

static void no_more_are_pending_than_may_be(void **state)
{
    struct m4h_registry_entry more = record(10, 1, M4H_DEVICE_PENDING, "", "-");
    bool changed;

    for (uint32_t i = 0; i < 10; i++)
        assert_true(take(*state, record(i, 1, M4H_DEVICE_PENDING, "", "-")));
    assert_int_equal(m4h_registry_take(*state, &more, &changed), M4H_EFULL);
    assert_false(changed);
    assert_true(take(*state, record(3, 2, M4H_DEVICE_PENDING, "", "again")));
    assert_true(take(*state, record(3, 3, M4H_DEVICE_ENABLED, "a", "-")));
    assert_true(take(*state, more));
}

/* ---- finding and listing --------------------------------------------------------- */

static void several_keys_may_have_one_client_key(void **state)
{
    (void)take(*state, record(1, 1, M4H_DEVICE_ENABLED, "a", "-"));
    (void)take(*state, record(2, 1, M4H_DEVICE_DISABLED, "a", "-"));
    (void)take(*state, record(3, 1, M4H_DEVICE_ENABLED, "a", "-"));
    (void)take(*state, record(4, 1, M4H_DEVICE_PENDING, "a", "-"));
    assert_int_equal(count_of_key(*state, "a"), 3);
    (void)take(*state, record(1, 2, M4H_DEVICE_REMOVED, "a", "-"));
    (void)take(*state, record(3, 2, M4H_DEVICE_ENABLED, "b", "-"));
    assert_int_equal(count_of_key(*state, "a"), 1);
    (void)take(*state, record(2, 2, M4H_DEVICE_REMOVED, "a", "-"));
    assert_int_equal(count_of_key(*state, "a"), 0);
    assert_int_equal(count_of_key(*state, "b"), 1);
}

/* Goes through all pages; returns how many there were, in order. */
static size_t list(const struct m4h_registry *registry, struct m4h_devices_request *request,
                   size_t packed_max, size_t *pages)
{
    const struct m4h_registry_entry *page[M4H_DEVICES_PAGE_MAX];
    char last[M4H_REGISTRY_FINGERPRINT + 1] = "";
    size_t total = 0;

    for (*pages = 1;; *pages += 1) {
        size_t count = m4h_registry_page(registry, request, packed_max, page, request->page_token);

        assert_true(count <= request->page_size);
        for (size_t i = 0; i < count; i++) {
            assert_true(strcmp(last, page[i]->fingerprint) < 0);
            m4h_text_copy(last, sizeof(last), page[i]->fingerprint);
        }
        total += count;
        if (request->page_token[0] == '\0')
            return total;
    }
}

static void pages_hold_all_in_order_of_fingerprint(void **state)
{
    struct m4h_devices_request request = {.page_size = 7};
    size_t pages;

    for (uint32_t i = 0; i < 1000; i++)
        (void)take(*state, record(i, 1, M4H_DEVICE_ENABLED, "a", "0123456789"));
    assert_int_equal(list(*state, &request, 1000, &pages), 1000);
    assert_int_equal(pages, 143);
    assert_int_equal(list(*state, &request, 30, &pages), 1000);
    assert_int_equal(pages, 334); /* three of them have 30 bytes */
    assert_int_equal(list(*state, &request, 1, &pages), 1000);
    assert_int_equal(pages, 1000);
}

static void a_list_has_what_was_asked_for(void **state)
{
    struct m4h_devices_request request = {.page_size = 50};
    size_t pages;

    (void)take(*state, record(1, 1, M4H_DEVICE_ENABLED, "berlin-1", "-"));
    (void)take(*state, record(2, 1, M4H_DEVICE_DISABLED, "berlin-2", "-"));
    (void)take(*state, record(3, 1, M4H_DEVICE_ENABLED, "paris-1", "-"));
    (void)take(*state, record(4, 1, M4H_DEVICE_PENDING, "", "-"));
    (void)take(*state, record(5, 1, M4H_DEVICE_REMOVED, "paris-2", "-"));
    assert_int_equal(list(*state, &request, 1000, &pages), 3);
    m4h_text_copy(request.client_key_prefix, sizeof(request.client_key_prefix), "berlin-");
    assert_int_equal(list(*state, &request, 1000, &pages), 2);
    request.state = M4H_DEVICE_DISABLED;
    assert_int_equal(list(*state, &request, 1000, &pages), 1);
    request = (struct m4h_devices_request){.page_size = 50, .state = M4H_DEVICE_PENDING};
    assert_int_equal(list(*state, &request, 1000, &pages), 1);
    request = (struct m4h_devices_request){.page_size = 50, .with_removed = true};
    assert_int_equal(list(*state, &request, 1000, &pages), 5);
}

static void a_page_looks_at_so_many_and_no_more(void **state)
{
    struct m4h_devices_request request = {.page_size = 50};
    size_t pages;

    for (uint32_t i = 0; i < 50000; i++)
        (void)take(*state, record(i, 1, M4H_DEVICE_ENABLED, i == 77 ? "b" : "a", "-"));
    m4h_text_copy(request.client_key_prefix, sizeof(request.client_key_prefix), "b");
    assert_int_equal(list(*state, &request, 1000, &pages), 1);
    assert_int_equal(pages, 3);
}

/* ---- forgetting ------------------------------------------------------------------ */

static size_t sweep_all(struct m4h_registry *registry, uint64_t wall_ms, uint64_t pending_ms)
{
    char gone[8][M4H_REGISTRY_FINGERPRINT + 1];
    size_t count = 0;

    for (int i = 0; i < 100; i++)
        count += m4h_registry_sweep(registry, wall_ms, pending_ms, gone, 8);
    return count;
}

static void marks_and_pending_ones_end_and_others_stay(void **state)
{
    struct m4h_registry_entry old = record(3, 1, M4H_DEVICE_PENDING, "", "-");
    uint64_t wall_ms = 100 * DAY_MS;

    old.created_wall_ms = wall_ms - 8 * DAY_MS;
    (void)take(*state, record(1, (wall_ms - 31 * DAY_MS) << 16, M4H_DEVICE_REMOVED, "", "-"));
    (void)take(*state, record(2, (wall_ms - 29 * DAY_MS) << 16, M4H_DEVICE_REMOVED, "", "-"));
    (void)take(*state, old);
    old = record(4, 1, M4H_DEVICE_PENDING, "", "-");
    old.created_wall_ms = wall_ms - 6 * DAY_MS;
    (void)take(*state, old);
    (void)take(*state, record(5, 1, M4H_DEVICE_ENABLED, "a", "-"));
    assert_int_equal(sweep_all(*state, wall_ms, 7 * DAY_MS), 2);
    assert_null(find(*state, 1));
    assert_non_null(find(*state, 2));
    assert_null(find(*state, 3));
    assert_non_null(find(*state, 4));
    assert_non_null(find(*state, 5));
}

static void what_is_forgotten_is_counted_no_more(void **state)
{
    struct m4h_registry_counts counts;

    for (uint32_t i = 0; i < 100; i++)
        (void)take(*state, record(i, 1, M4H_DEVICE_REMOVED, "a", "-"));
    assert_int_equal(sweep_all(*state, 100 * DAY_MS, DAY_MS), 100);
    m4h_registry_count(*state, &counts);
    assert_int_equal(counts.removed, 0);
    assert_int_equal(m4h_registry_bytes(*state), 0);
    assert_int_equal(m4h_registry_digest(*state), 0);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(the_later_of_two_records_counts),
        STAGED(a_record_that_is_there_is_no_news),
        STAGED(two_that_heard_the_same_in_any_order_have_the_same),
        STAGED(the_digest_is_of_what_is_enabled_or_disabled),
        STAGED(what_is_no_record_is_refused),
        STAGED(no_more_are_pending_than_may_be),
        STAGED(several_keys_may_have_one_client_key),
        STAGED(pages_hold_all_in_order_of_fingerprint),
        STAGED(a_list_has_what_was_asked_for),
        STAGED(a_page_looks_at_so_many_and_no_more),
        STAGED(marks_and_pending_ones_end_and_others_stay),
        STAGED(what_is_forgotten_is_counted_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
