/* lib/base/model: texts of ids, names of values, problems. */
#include "lib/base/model.h"

#include "lib/base/attributes.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void tunnel_ids_are_16_lower_case_hex_digits(void **state)
{
    static const char *const wrong[] = {
        "",
        "0",
        "0000000000000000",
        "00000000000000001",
        "000000000000001",
        "00000000000000aG",
        "00000000000000AB",
        " 00000000000001f",
        "00000000000001f ",
        "0x000000000001ff",
        "-000000000000001",
    };
    char text[M4H_TUNNEL_ID_TEXT_MAX];
    uint64_t id;

    (void)state;
    assert_string_equal(m4h_tunnel_id_format(0xabcu, text), "0000000000000abc");
    assert_true(m4h_tunnel_id_parse("0000000000000abc", &id) && id == 0xabcu);
    assert_string_equal(m4h_tunnel_id_format(UINT64_MAX, text), "ffffffffffffffff");
    assert_true(m4h_tunnel_id_parse(text, &id) && id == UINT64_MAX);
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        if (m4h_tunnel_id_parse(wrong[i], &id))
            fail_msg("%s was taken", wrong[i]);
    }
}

static void every_value_has_its_own_name(void **state)
{
    (void)state;
    assert_string_equal(m4h_slave_state_name(M4H_SLAVE_READY), "ready");
    assert_string_equal(m4h_slave_state_name(M4H_SLAVE_SILENT), "silent");
    assert_string_equal(m4h_disconnect_reason_name(M4H_DISCONNECT_CLIENT_CLOSED), "client_closed");
    assert_string_equal(m4h_disconnect_reason_name(M4H_DISCONNECT_CONNECTION_LOST),
                        "connection_lost");
    assert_string_equal(m4h_disconnect_reason_name(M4H_DISCONNECT_KEEPALIVE_TIMEOUT),
                        "keepalive_timeout");
    assert_string_equal(m4h_disconnect_reason_name(M4H_DISCONNECT_KICKED), "kicked");
    assert_string_equal(m4h_disconnect_reason_name(M4H_DISCONNECT_FORWARD_CANCELLED),
                        "forward_cancelled");
    assert_string_equal(m4h_disconnect_reason_name(M4H_DISCONNECT_REVOKED), "revoked");
    assert_string_equal(m4h_refuse_reason_name(M4H_REFUSE_KEY_DENIED), "key_denied");
    assert_string_equal(m4h_refuse_reason_name(M4H_REFUSE_REPLACED), "replaced");
    assert_string_equal(m4h_refuse_reason_name(M4H_REFUSE_FLAPPING), "flapping");
    assert_string_equal(m4h_refuse_reason_name(M4H_REFUSE_OVERLOAD), "overload");
    assert_string_equal(m4h_refuse_reason_name(M4H_REFUSE_PROXY), "proxy");
    assert_string_equal(m4h_event_type_name(M4H_EVENT_CONNECT), "connect");
    assert_string_equal(m4h_event_type_name(M4H_EVENT_REFUSE), "refuse");
    assert_string_equal(m4h_event_type_name(M4H_EVENT_FLAPPING), "flapping");
    assert_string_equal(m4h_event_type_name(M4H_EVENT_ACCESS), "access");
    assert_string_equal(m4h_event_type_name(M4H_EVENT_RELOAD), "reload");
    assert_string_equal(m4h_problem_code_name(M4H_PROBLEM_NO_CAPACITY), "no_capacity");
    assert_string_equal(m4h_problem_code_name(M4H_PROBLEM_INTERNAL), "internal");
    assert_string_equal(m4h_problem_code_name(M4H_PROBLEM_CONFLICT), "conflict");
}

static void values_beyond_the_last_are_unknown(void **state)
{
    (void)state;
    assert_string_equal(m4h_slave_state_name((enum m4h_slave_state)0), "unknown");
    assert_string_equal(m4h_slave_state_name((enum m4h_slave_state)(M4H_SLAVE_SILENT + 1)),
                        "unknown");
    assert_string_equal(
        m4h_disconnect_reason_name((enum m4h_disconnect_reason)M4H_DISCONNECT_REASON_COUNT),
        "unknown");
    assert_string_equal(m4h_refuse_reason_name((enum m4h_refuse_reason)M4H_REFUSE_REASON_COUNT),
                        "unknown");
    assert_string_equal(m4h_event_type_name((enum m4h_event_type)M4H_EVENT_TYPE_COUNT), "unknown");
    assert_string_equal(m4h_event_type_name(M4H_EVENT_OTHER), "unknown");
    assert_string_equal(m4h_problem_code_name((enum m4h_problem_code) - 1), "unknown");
    assert_int_equal(M4H_DISCONNECT_REASON_COUNT, M4H_DISCONNECT_REVOKED + 1);
    assert_int_equal(M4H_REFUSE_REASON_COUNT, M4H_REFUSE_PROXY + 1);
    assert_int_equal(M4H_EVENT_TYPE_COUNT, M4H_EVENT_RELOAD + 1);
}

static void a_problem_says_it_in_valid_text_that_fits(void **state)
{
    struct m4h_problem problem = {.retry_after_ms = 7};
    char detail[2 * M4H_DETAIL_MAX];

    (void)state;
    m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "no \xff such\nregion");
    assert_int_equal(problem.code, M4H_PROBLEM_INVALID);
    assert_int_equal(problem.retry_after_ms, 0);
    assert_string_equal(problem.detail, "no ? such?region");
    for (size_t i = 0; i + 2 < sizeof(detail); i += 2)
        memcpy(detail + i, "\xc3\xa9", 3);
    m4h_problem_set(&problem, M4H_PROBLEM_INVALID, detail);
    assert_int_equal(strlen(problem.detail), M4H_DETAIL_MAX - 1);
    assert_true(m4h_ident_text_is_valid(problem.detail, strlen(problem.detail)));
}

static void text_is_copied_whole_or_not_at_all(void **state)
{
    char out[4] = "zzz";

    (void)state;
    assert_true(m4h_text_copy(out, sizeof(out), "abc"));
    assert_string_equal(out, "abc");
    assert_false(m4h_text_copy(out, sizeof(out), "abcd"));
    assert_string_equal(out, "");
    assert_true(m4h_text_copy(out, sizeof(out), ""));
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tunnel_ids_are_16_lower_case_hex_digits),
        cmocka_unit_test(every_value_has_its_own_name),
        cmocka_unit_test(values_beyond_the_last_are_unknown),
        cmocka_unit_test(a_problem_says_it_in_valid_text_that_fits),
        cmocka_unit_test(text_is_copied_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
