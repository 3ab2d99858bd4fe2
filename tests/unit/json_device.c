/* Records of devices and revocations as documents: written, changed by what a client says, and read
 * back. */
#include "lib/base/error.h"
#include "lib/base/ssh_public_key.h"
#include "lib/json/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY                                                                                        \
    "ssh-ed25519 "                                                                                 \
    "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
#define FINGERPRINT "SHA256:uZxw5kPjQmNn0m0XQ1cZf4k3XoT0m7m3yB9o4b1q2rs"

static char problem[M4H_DETAIL_MAX + 1];

static int change(struct m4h_device_record *device, const char *text)
{
    return m4h_json_device_change_parse((const uint8_t *)text, strlen(text), device, problem);
}

static void fill(struct m4h_device_record *device)
{
    memset(device, 0, sizeof(*device));
    device->state = M4H_DEVICE_DISABLED;
    assert_int_equal(change(device,
                            "{\"public_key\":\"" KEY " by the river\",\"client_key\":\"pump-1\","
                            "\"labels\":{\"site\":\"berlin\"},\"limits\":{\"max_channels\":4,"
                            "\"operator_networks\":[\"10.0.0.0/8\"]},\"ports\":[22,\"8000-8010\"],"
                            "\"port\":20022,\"region\":\"eu\",\"expires_at\":"
                            "\"2030-01-31T12:00:00Z\",\"x-ours\":1}"),
                     0);
}

static int put(struct m4h_device_put *wish, const char *text)
{
    *wish = (struct m4h_device_put){.create_only = true};
    return m4h_json_device_put_parse((const uint8_t *)text, strlen(text), wish, problem);
}

static void a_record_is_made_of_a_document_or_of_a_line(void **state)
{
    static const char line[] = "labels=\"site=b\" " KEY " pump";
    struct m4h_buffer text = M4H_BUFFER_INIT(65536);
    struct m4h_device_put wish;

    (void)state;
    assert_int_equal(put(&wish, "{\"client_key\":\"pump-1\"}"), 0);
    assert_string_equal(wish.device.client_key, "pump-1");
    assert_string_equal(wish.authorized_keys_line, "");
    for (int replaces = 0; replaces < 2; replaces++) {
        text.len = 0;
        assert_int_equal(m4h_json_device_line(&text, line, replaces), 0);
        wish = (struct m4h_device_put){.create_only = true};
        assert_int_equal(m4h_json_device_put_parse(text.data, text.len, &wish, problem), 0);
        assert_string_equal(wish.authorized_keys_line, line);
        assert_int_equal(wish.create_only, !replaces);
    }
    m4h_buffer_free(&text);
}

static void a_line_goes_with_nothing_else_that_a_record_has(void **state)
{
    static const char *const wrong[] = {
        "{\"authorized_keys\":\"x\",\"client_key\":\"pump\"}",
        "{\"authorized_keys\":\"\"}",
        "{\"authorized_keys\":null}",
        "{\"authorized_keys\":7}",
        "{\"authorized_keys\":\"a\\nb\"}",
        "{\"authorized_keys\":\"x\",\"replace\":1}",
        "{\"replace\":true}",
    };
    struct m4h_device_put wish;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        assert_int_equal(put(&wish, wrong[i]), M4H_EINVALID);
        assert_string_not_equal(problem, "");
        assert_true(wish.create_only);
    }
}

static void a_whole_document_is_a_change_that_changes_nothing(void **state)
{
    struct m4h_buffer text = M4H_BUFFER_INIT(65536);
    struct m4h_device_record device, again, shown;

    (void)state;
    fill(&device);
    device.stamp = (uint64_t)1769860800250 << 16;
    device.attempts = 3;
    m4h_text_copy(device.key_fingerprint, sizeof(device.key_fingerprint), FINGERPRINT);
    assert_string_equal(device.comment, "by the river");
    assert_int_equal(m4h_json_device(&text, &device), 0);
    again = device;
    assert_int_equal(m4h_json_device_change_parse(text.data, text.len, &again, problem), 0);
    assert_memory_equal(&again, &device, sizeof(device));
    assert_int_equal(m4h_json_device_read(text.data, text.len, &shown), 0);
    assert_memory_equal(&shown, &device, sizeof(device));
    m4h_buffer_free(&text);
}

static void a_change_leaves_what_it_does_not_name_and_null_empties(void **state)
{
    struct m4h_device_record device;

    (void)state;
    fill(&device);
    assert_int_equal(change(&device, "{\"state\":\"enabled\",\"labels\":null,\"port\":null}"), 0);
    assert_int_equal(device.state, M4H_DEVICE_ENABLED);
    assert_string_equal(device.labels, "");
    assert_int_equal(device.fixed_port, 0);
    assert_string_equal(device.client_key, "pump-1");
    assert_int_equal(device.limits.channels_max, 4);
    assert_int_equal(change(&device, "{\"limits\":{}}"), 0);
    assert_int_equal(device.limits.channels_max, 0);
    assert_int_equal(device.limits.port_range_count, 2);
    assert_int_equal(change(&device, "{\"ports\":[]}"), 0);
    assert_int_equal(device.limits.port_range_count, 0);
}

static void a_key_is_a_devices_or_an_operators(void **state)
{
    struct m4h_device_record device;

    (void)state;
    fill(&device);
    assert_int_equal(change(&device, "{\"operator\":{\"name\":\"ann\",\"rules\":[{\"devices\":"
                                     "\"pump-*\",\"ports\":[22]}]}}"),
                     0);
    assert_string_equal(device.operator_.name, "ann");
    assert_int_equal(device.operator_.rule_count, 1);
    assert_string_equal(device.client_key, "");
    assert_int_equal(change(&device, "{\"client_key\":\"pump-2\"}"), 0);
    assert_string_equal(device.operator_.name, "");
    assert_int_equal(change(&device, "{\"client_key\":\"a\",\"operator\":{\"name\":\"b\"}}"),
                     M4H_EINVALID);
}

static void what_is_wrong_changes_nothing(void **state)
{
    static const char *const wrong[] = {
        "[]",
        "{\"label\":{}}",
        "{\"state\":\"pending\"}",
        "{\"state\":null}",
        "{\"port\":0}",
        "{\"ports\":[\"9-8\"]}",
        "{\"limits\":{\"channels\":1}}",
        "{\"limits\":{\"operator_networks\":[]}}",
        "{\"labels\":{\"Site\":1}}",
        "{\"region\":\"EU\"}",
        "{\"expires_at\":\"tomorrow\"}",
        "{\"public_key\":\"ssh-dss AAAA\"}",
        "{\"public_key\":\"ssh-ed25519 AAAA\"}",
        "{\"operator\":{\"name\":\"\"}}",
        "{\"client_key\":\" a\"}",
    };
    struct m4h_device_record device, before;

    (void)state;
    fill(&device);
    before = device;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        if (change(&device, wrong[i]) != M4H_EINVALID || problem[0] == '\0')
            fail_msg("%s is taken", wrong[i]);
        assert_memory_equal(&device, &before, sizeof(device));
    }
    assert_int_equal(change(&device, "{"), M4H_EPROTOCOL);
    assert_int_equal(change(&device, "{\"port\":1,\"port\":2}"), M4H_EPROTOCOL);
    assert_memory_equal(&device, &before, sizeof(device));
}

static void a_request_to_revoke_names_one_and_bans_unless_told(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "{\"client_key\":\"a\",\"key_fingerprint\":\"" FINGERPRINT "\"}",
        "{\"key_fingerprint\":\"SHA256:x\"}",
        "{\"client_key\":\"a\",\"ban\":1}",
        "{\"client_key\":\"a\",\"banned\":false}",
    };
    struct m4h_revoke_request request;
    struct m4h_buffer text = M4H_BUFFER_INIT(4096);

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++)
        assert_int_equal(m4h_json_revoke_request_parse((const uint8_t *)wrong[i], strlen(wrong[i]),
                                                       &request, problem),
                         M4H_EINVALID);
    assert_int_equal(m4h_json_revoke_request_parse((const uint8_t *)"{\"client_key\":\"a\"}", 18,
                                                   &request, problem),
                     0);
    assert_true(request.banned);
    request.banned = false;
    m4h_text_copy(request.reason, sizeof(request.reason), "lost");
    assert_int_equal(m4h_json_revoke_request(&text, &request), 0);
    assert_int_equal(m4h_json_revoke_request_parse(text.data, text.len, &request, problem), 0);
    assert_false(request.banned);
    assert_string_equal(request.reason, "lost");
    m4h_buffer_free(&text);
}

static void pages_are_read_as_they_are_written(void **state)
{
    struct m4h_revoke said = {.client_key = "a\"",
                              .stamp = (uint64_t)1769860800250 << 16,
                              .banned = true,
                              .actor = "ann",
                              .reason = "lost"};
    struct m4h_buffer text = M4H_BUFFER_INIT(65536);
    struct m4h_device_record device, *devices;
    struct m4h_revoke *revocations;
    char token[M4H_JSON_TOKEN_MAX];
    size_t count;

    (void)state;
    fill(&device);
    assert_int_equal(m4h_json_devices(&text, &device, 1, "6161"), 0);
    assert_int_equal(m4h_json_devices_read(text.data, text.len, &devices, &count, token), 0);
    assert_int_equal(count, 1);
    assert_string_equal(token, "6161");
    assert_memory_equal(devices, &device, sizeof(device));
    free(devices);
    m4h_buffer_clear(&text);
    assert_int_equal(m4h_json_revocations(&text, &said, 1, ""), 0);
    assert_int_equal(m4h_json_revocations_read(text.data, text.len, &revocations, &count, token),
                     0);
    assert_int_equal(count, 1);
    assert_memory_equal(revocations, &said, sizeof(said));
    free(revocations);
    m4h_buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_made_of_a_document_or_of_a_line),
        cmocka_unit_test(a_line_goes_with_nothing_else_that_a_record_has),
        cmocka_unit_test(a_whole_document_is_a_change_that_changes_nothing),
        cmocka_unit_test(a_change_leaves_what_it_does_not_name_and_null_empties),
        cmocka_unit_test(a_key_is_a_devices_or_an_operators),
        cmocka_unit_test(what_is_wrong_changes_nothing),
        cmocka_unit_test(a_request_to_revoke_names_one_and_bans_unless_told),
        cmocka_unit_test(pages_are_read_as_they_are_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
