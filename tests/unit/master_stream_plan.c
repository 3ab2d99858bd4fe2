/* Which streams there should be, and what follows from those that are there (core/stream_plan.c).
 */
#include "services/master/core/stream_plan.h"

#include "lib/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_event_stream plans[M4H_STREAM_PLANS_MAX];
static size_t count;
static char text[256];

static struct m4h_stream_wishes wishes(const char *region, const char *sources)
{
    return (struct m4h_stream_wishes){
        .name = "MAS4H_EVENTS",
        .region = region,
        .sources = sources,
        .domain = "",
        .replicas = 1,
        .max_age_ms = 1000,
        .max_bytes = 1 << 20,
        .duplicate_window_ms = 500,
    };
}

static int plan(const char *region, const char *sources)
{
    struct m4h_stream_wishes all = wishes(region, sources);

    text[0] = '\0';
    return m4h_stream_plan(plans, &count, &all, text, sizeof(text));
}

static void one_region_has_one_stream_with_all_types_but_load(void **state)
{
    (void)state;
    assert_int_equal(plan("", ""), 0);
    assert_int_equal(count, 1);
    assert_string_equal(plans[0].name, "MAS4H_EVENTS");
    assert_int_equal(plans[0].subject_count, 10);
    assert_string_equal(plans[0].subjects[0], "mas4h.v1.events.*.*.connect");
    assert_string_equal(plans[0].subjects[9], "mas4h.v1.audit.*");
    for (size_t i = 0; i < plans[0].subject_count; i++)
        assert_null(strstr(plans[0].subjects[i], ".load"));
    assert_int_equal(plans[0].source_count, 0);
    assert_int_equal(plans[0].max_bytes, 1 << 20);
}

static void a_region_keeps_its_own_events_only(void **state)
{
    (void)state;
    assert_int_equal(plan("eu-1", ""), 0);
    assert_int_equal(count, 1);
    assert_string_equal(plans[0].name, "MAS4H_EVENTS_EU-1");
    assert_string_equal(plans[0].subjects[6], "mas4h.v1.events.eu-1.*.flapping");
    for (size_t i = 0; i < plans[0].subject_count; i++)
        assert_null(strstr(plans[0].subjects[i], "audit")); /* else they would be there twice */
}

static void the_global_stream_copies_the_regions_and_hears_audits_itself(void **state)
{
    (void)state;
    assert_int_equal(plan("eu", " eu, us@hub-2 ,"), 0);
    assert_int_equal(count, 2);
    assert_string_equal(plans[1].name, "MAS4H_EVENTS_EU");
    assert_string_equal(plans[0].name, "MAS4H_EVENTS");
    assert_int_equal(plans[0].subject_count, 1);
    assert_string_equal(plans[0].subjects[0], "mas4h.v1.audit.*");
    assert_int_equal(plans[0].source_count, 2);
    assert_string_equal(plans[0].sources[0].name, "MAS4H_EVENTS_EU");
    assert_string_equal(plans[0].sources[0].api, "");
    assert_string_equal(plans[0].sources[1].name, "MAS4H_EVENTS_US");
    assert_string_equal(plans[0].sources[1].api, "$JS.hub-2.API");
    assert_int_equal(plan("", "eu"), 0);
    assert_int_equal(count, 1);
}

static void no_name_means_hands_off(void **state)
{
    struct m4h_stream_wishes all = wishes("", "");

    (void)state;
    all.name = "";
    assert_int_equal(m4h_stream_plan(plans, &count, &all, text, sizeof(text)), 0);
    assert_int_equal(count, 0);
    all.region = "eu";
    assert_int_equal(m4h_stream_plan(plans, &count, &all, text, sizeof(text)), M4H_EINVALID);
}

static void what_is_no_name_is_refused_with_words(void **state)
{
    static const char *const regions[] = {"EU", "a.b", "e u"};
    static const char *const sources[] = {"EU", "eu@", "eu@a.b", "eu,eu", "eu us eu@x", "@x"};
    char many[33 * 4 + 1] = "";
    struct m4h_stream_wishes all = wishes("", "");

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(regions); i++) {
        assert_int_equal(plan(regions[i], ""), M4H_EINVALID);
        assert_true(text[0] != '\0');
    }
    for (size_t i = 0; i < M4H_COUNT(sources); i++) {
        assert_int_equal(plan("", sources[i]), M4H_EINVALID);
        assert_true(text[0] != '\0');
    }
    for (size_t i = 0; i < 33; i++)
        snprintf(many + i * 4, 5, "r%02zu ", i);
    assert_int_equal(plan("", many), M4H_EINVALID);
    assert_non_null(strstr(text, "at most 32"));
    all.domain = "a.b";
    assert_int_equal(m4h_stream_plan(plans, &count, &all, text, sizeof(text)), M4H_EINVALID);
    all = wishes("", "");
    all.name = "A B";
    assert_int_equal(m4h_stream_plan(plans, &count, &all, text, sizeof(text)), M4H_EINVALID);
    assert_int_equal(count, 0);
}

static void a_domain_stands_in_the_subject_of_a_call(void **state)
{
    (void)state;
    m4h_stream_subject(text, sizeof(text), "", "STREAM.INFO", "S");
    assert_string_equal(text, "$JS.API.STREAM.INFO.S");
    m4h_stream_subject(text, sizeof(text), "hub", "STREAM.INFO", "S");
    assert_string_equal(text, "$JS.hub.API.STREAM.INFO.S");
}

static void what_differs_is_named_and_only_storage_cannot_be_changed(void **state)
{
    struct m4h_event_stream found;

    (void)state;
    assert_int_equal(plan("", "eu,us@x"), 0);
    found = plans[0];
    found.sources[0] = plans[0].sources[1];
    found.sources[1] = plans[0].sources[0]; /* another order is none */
    assert_int_equal(m4h_stream_compare(&plans[0], &found, text, sizeof(text)), M4H_STREAM_SAME);
    assert_string_equal(text, "");
    found.max_bytes = -1;
    found.max_age_ms = 7;
    assert_int_equal(m4h_stream_compare(&plans[0], &found, text, sizeof(text)),
                     M4H_STREAM_CHANGEABLE);
    assert_string_equal(text, "max_age_ms=7 wished=1000 max_bytes=-1 wished=1048576");
    found.is_in_memory = true;
    assert_int_equal(m4h_stream_compare(&plans[0], &found, text, sizeof(text)), M4H_STREAM_OTHER);
}

static void each_setting_counts(void **state)
{
    struct m4h_event_stream wished, found;

    (void)state;
    assert_int_equal(plan("", ""), 0);
    wished = plans[0];
#define DIFFERS(change)                                                                            \
    found = wished;                                                                                \
    change;                                                                                        \
    assert_int_equal(m4h_stream_compare(&wished, &found, text, sizeof(text)), M4H_STREAM_CHANGEABLE)
    DIFFERS(found.replicas = 3);
    DIFFERS(found.duplicate_window_ms = 1);
    DIFFERS(found.subject_count--);
    DIFFERS(found.is_cut = true);
    DIFFERS(found.source_count = 1);
    DIFFERS(snprintf(found.subjects[3], sizeof(found.subjects[3]), "other"));
}

static void a_text_that_is_too_short_is_cut(void **state)
{
    struct m4h_event_stream found;
    char small[12];

    (void)state;
    assert_int_equal(plan("", ""), 0);
    found = plans[0];
    found.max_age_ms = found.replicas = found.duplicate_window_ms = 99;
    assert_int_equal(m4h_stream_compare(&plans[0], &found, small, sizeof(small)),
                     M4H_STREAM_CHANGEABLE);
    assert_string_equal(small, "replicas=99");
}

/* One row: how a call ended, and what is then. */
struct row {
    struct m4h_stream_outcome outcome;
    enum m4h_stream_call next;
    enum m4h_stream_state state;
};

static void each_end_of_a_call_leads_on(void **state)
{
    static const struct row rows[] = {
        {{.call = M4H_STREAM_CALL_INFO, .error_code = 10059}, M4H_STREAM_CALL_CREATE, 0},
        {{.call = M4H_STREAM_CALL_INFO, .likeness = M4H_STREAM_SAME}, 0, M4H_STREAM_RIGHT},
        {{.call = M4H_STREAM_CALL_INFO, .likeness = M4H_STREAM_CHANGEABLE}, 0, M4H_STREAM_DIFFERS},
        {{.call = M4H_STREAM_CALL_INFO, .likeness = M4H_STREAM_CHANGEABLE, .may_change = true},
         M4H_STREAM_CALL_UPDATE,
         0},
        {{.call = M4H_STREAM_CALL_INFO, .likeness = M4H_STREAM_OTHER, .may_change = true},
         0,
         M4H_STREAM_DIFFERS},
        {{.call = M4H_STREAM_CALL_INFO, .error_code = 10039}, 0, M4H_STREAM_NO_JETSTREAM},
        {{.call = M4H_STREAM_CALL_INFO, .error_code = 10008}, 0, M4H_STREAM_REFUSED},
        {{.call = M4H_STREAM_CALL_INFO, .error = M4H_ETIMEOUT}, 0, M4H_STREAM_NO_ANSWER},
        {{.call = M4H_STREAM_CALL_INFO, .error = M4H_EUNAVAILABLE}, 0, M4H_STREAM_NO_JETSTREAM},
        {{.call = M4H_STREAM_CALL_INFO, .error = M4H_EINVALID}, 0, M4H_STREAM_FAILED},
        {{.call = M4H_STREAM_CALL_CREATE}, 0, M4H_STREAM_RIGHT},
        {{.call = M4H_STREAM_CALL_CREATE, .error_code = 10058}, 0, M4H_STREAM_DIFFERS},
        {{.call = M4H_STREAM_CALL_CREATE, .error_code = 10047}, 0, M4H_STREAM_REFUSED},
        {{.call = M4H_STREAM_CALL_UPDATE}, 0, M4H_STREAM_RIGHT},
        {{.call = M4H_STREAM_CALL_UPDATE, .error_code = 10052}, 0, M4H_STREAM_DIFFERS},
        {{.call = M4H_STREAM_CALL_UPDATE, .error = M4H_ETIMEOUT}, 0, M4H_STREAM_NO_ANSWER},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(rows); i++) {
        enum m4h_stream_state found;

        assert_int_equal(m4h_stream_decide(&rows[i].outcome, &found), rows[i].next);
        assert_int_equal(found, rows[i].state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_region_has_one_stream_with_all_types_but_load),
        cmocka_unit_test(a_region_keeps_its_own_events_only),
        cmocka_unit_test(the_global_stream_copies_the_regions_and_hears_audits_itself),
        cmocka_unit_test(no_name_means_hands_off),
        cmocka_unit_test(what_is_no_name_is_refused_with_words),
        cmocka_unit_test(a_domain_stands_in_the_subject_of_a_call),
        cmocka_unit_test(what_differs_is_named_and_only_storage_cannot_be_changed),
        cmocka_unit_test(each_setting_counts),
        cmocka_unit_test(a_text_that_is_too_short_is_cut),
        cmocka_unit_test(each_end_of_a_call_leads_on),
    };

    return cmocka_run_group_tests_name("master: stream plan", tests, NULL, NULL);
}
