#include "lib/base/attributes.h"
#include "services/ctl/core/token_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* 2026-01-31T12:00:00Z */
#define WALL_MS 1769860800000u

static char message[M4H_CTL_MESSAGE_MAX];

/* As Python's base64.urlsafe_b64encode(bytes(range(32))) says, without its padding. */
static void a_token_is_its_secret_in_base64url(void **state)
{
    uint8_t secret[M4H_CTL_TOKEN_BYTES];
    char token[M4H_CTL_TOKEN_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)i;
    assert_string_equal(m4h_ctl_token_text(secret, token),
                        "m4h_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    memset(secret, 0xff, sizeof(secret));
    assert_string_equal(m4h_ctl_token_text(secret, token),
                        "m4h___________________________________________8");
}

static void a_line_says_what_was_wished(void **state)
{
    const struct m4h_ctl_token_wish plain = {"ops", "read", NULL, 0};
    const struct m4h_ctl_token_wish full = {"ops@x", "slot,operate", "2027-01-31T00:00:00Z", 50};
    struct m4h_ctl_page page;

    (void)state;
    m4h_ctl_page_begin(&page, false);
    m4h_ctl_token_line(&page, &plain, "ab12");
    m4h_ctl_token_line(&page, &full, "ab12");
    assert_int_equal(m4h_buffer_add(&page.text, "", 1), 0);
    assert_string_equal((char *)page.text.data,
                        "ops read sha256:ab12\n"
                        "ops@x slot,operate sha256:ab12 expires=2027-01-31T00:00:00Z rate=50\n");
    m4h_ctl_page_end(&page);
}

static void a_wish_that_no_gateway_takes_is_refused(void **state)
{
    static const struct m4h_ctl_token_wish wishes[] = {
        {"", "read", NULL, 0},
        {"with space", "read", NULL, 0},
        {"#ops", "read", NULL, 0},
        {"ops", "", NULL, 0},
        {"ops", "write", NULL, 0},
        {"ops", "read,", NULL, 0},
        {"ops", "read slot", NULL, 0},
        {"ops", "read", "tomorrow", 0},
        {"ops", "read", "2026-01-31T11:59:59Z", 0},
        {"ops", "read", NULL, 1000001},
    };
    const struct m4h_ctl_token_wish fine = {"Ops.1_a-b@c", "slot,read,operate",
                                            "2026-01-31T12:00:01Z", 1000000};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wishes); i++) {
        assert_false(m4h_ctl_token_wish_is_valid(&wishes[i], WALL_MS, message));
        assert_string_not_equal(message, "");
    }
    assert_true(m4h_ctl_token_wish_is_valid(&fine, WALL_MS, message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_its_secret_in_base64url),
        cmocka_unit_test(a_line_says_what_was_wished),
        cmocka_unit_test(a_wish_that_no_gateway_takes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
