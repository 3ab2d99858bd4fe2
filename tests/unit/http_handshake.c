#include "lib/base/attributes.h"
#include "lib/http/handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static const char *const spoken[] = {"mas4h.slot.v1.json", "mas4h.slot.v1.protobuf", NULL};

static const struct m4h_http_handshake_offer good = {"GET", true, "websocket", "Upgrade",
                                                     KEY,   "13", ""};

/* RFC 6455 section 1.3. */
static void the_example_of_the_rfc_is_accepted(void **state)
{
    struct m4h_http_handshake result;

    (void)state;
    m4h_http_handshake_judge(&good, spoken, &result);
    assert_int_equal(result.status, 101);
    assert_string_equal(result.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_string_equal(result.subprotocol, "mas4h.slot.v1.json");
    assert_false(result.echo_subprotocol);
}

static void each_rule_of_the_handshake_holds(void **state)
{
    static const struct {
        struct m4h_http_handshake_offer offer;
        unsigned status;
    } cases[] = {
        {{"GET", true, "WebSocket", "keep-alive, Upgrade", KEY, "13", NULL}, 101},
        {{"GET", true, "h2c , websocket", "upgrade", KEY, "13", ""}, 101},
        {{"GET", true, "", "", NULL, NULL, NULL}, 426},
        {{"GET", true, NULL, "Upgrade", KEY, "13", NULL}, 426},
        {{"GET", true, "websocketx", "Upgrade", KEY, "13", NULL}, 426},
        {{"POST", true, "websocket", "Upgrade", KEY, "13", NULL}, 400},
        {{"GET", false, "websocket", "Upgrade", KEY, "13", NULL}, 400},
        {{"GET", true, "websocket", "keep-alive", KEY, "13", NULL}, 400},
        {{"GET", true, "websocket", "Upgradex", KEY, "13", NULL}, 400},
        {{"GET", true, "websocket", "Upgrade", KEY, "8", NULL}, 426},
        {{"GET", true, "websocket", "Upgrade", KEY, "013", NULL}, 426},
        {{"GET", true, "websocket", "Upgrade", KEY, NULL, NULL}, 426},
        {{"GET", true, "websocket", "Upgrade", NULL, "13", NULL}, 400},
        {{"GET", true, "websocket", "Upgrade", "", "13", NULL}, 400},
        {{"GET", true, "websocket", "Upgrade", "dGhlIHNhbXBsZSBub25jZQ", "13", NULL}, 400},
        {{"GET", true, "websocket", "Upgrade", "dGhlIHNhbXBsZSBub25j", "13", NULL}, 400},
        {{"GET", true, "websocket", "Upgrade", "dGhlIHNhbXBsZSBub25jZWFh", "13", NULL}, 400},
        {{"GET", true, "websocket", "Upgrade", "!!hlIHNhbXBsZSBub25jZQ==", "13", NULL}, 400},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_http_handshake result;

        m4h_http_handshake_judge(&cases[i].offer, spoken, &result);
        assert_int_equal(result.status, cases[i].status);
        assert_true(result.status == 101 || result.detail != NULL);
    }
}

static void the_clients_first_spoken_subprotocol_is_taken(void **state)
{
    static const struct {
        const char *offered;
        const char *taken; /* NULL: refused */
        bool echoed;
    } cases[] = {
        {"mas4h.slot.v1.json", "mas4h.slot.v1.json", true},
        {"chat, mas4h.slot.v1.protobuf,mas4h.slot.v1.json", "mas4h.slot.v1.protobuf", true},
        {" , ", "mas4h.slot.v1.json", false},
        {"chat", NULL, false},
        {"mas4h.slot.v1.JSON", NULL, false},
        {"mas4h.slot.v1", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_http_handshake_offer offer = good;
        struct m4h_http_handshake result;

        offer.protocols = cases[i].offered;
        m4h_http_handshake_judge(&offer, spoken, &result);
        assert_int_equal(result.status, cases[i].taken != NULL ? 101 : 400);
        if (cases[i].taken == NULL)
            continue;
        assert_string_equal(result.subprotocol, cases[i].taken);
        assert_int_equal(result.echo_subprotocol, cases[i].echoed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_accepted),
        cmocka_unit_test(each_rule_of_the_handshake_holds),
        cmocka_unit_test(the_clients_first_spoken_subprotocol_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
