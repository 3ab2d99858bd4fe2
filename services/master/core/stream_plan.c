/* The wished streams, and the walk from what was found to them. It must not know how JetStream
 * is asked. */
#include "services/master/core/stream_plan.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define DOMAIN_MAX     63
#define NAME_CHARS     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* JetStream's own codes. */
#define CODE_NOT_FOUND    10059u
#define CODE_NOT_ENABLED  10039u
#define CODE_NAME_IS_USED 10058u

/* All types of events but load. */
static const char *const types[] = {"connect", "disconnect", "start",  "drain", "stop",
                                    "refuse",  "flapping",   "access", "reload"};
/* Audits are of no region, so they are kept where all events are. */
static const char audits[] = "mas4h.v1.audit.*";

static bool is_name(const char *text, size_t max)
{
    size_t len = strspn(text, NAME_CHARS);

    return len > 0 && len <= max && text[len] == '\0';
}

/* ---- the plan ------------------------------------------------------------- */

/* NAME_EU: the stream of the region eu. */
static void name_of_region(char out[M4H_STREAM_NAME_MAX + 1], const char *name, const char *region)
{
    snprintf(out, M4H_STREAM_NAME_MAX + 1, "%s_%s", name, region);
    for (char *at = out + strlen(name); *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
}

static struct m4h_event_stream with_limits(const struct m4h_stream_wishes *wishes)
{
    return (struct m4h_event_stream){
        .is_in_memory = wishes->is_in_memory,
        .replicas = wishes->replicas,
        .max_age_ms = wishes->max_age_ms,
        .max_bytes = wishes->max_bytes,
        .duplicate_window_ms = wishes->duplicate_window_ms,
    };
}

static void add_subjects(struct m4h_event_stream *stream, const char *region)
{
    for (size_t i = 0; i < M4H_COUNT(types); i++)
        snprintf(stream->subjects[stream->subject_count++], M4H_STREAM_SUBJECT_MAX + 1,
                 "mas4h.v1.events.%s.*.%s", region, types[i]);
}

/* `word` is "eu" or "eu@domain". Returns what is wrong, or NULL. */
static const char *add_source(struct m4h_event_stream *stream, const char *name, char *word)
{
    struct m4h_stream_source *source = &stream->sources[stream->source_count];
    char *domain = strchr(word, '@');

    if (domain != NULL)
        *domain++ = '\0';
    if (!m4h_ident_id_is_valid(word) || (domain != NULL && !is_name(domain, DOMAIN_MAX)))
        return "sources are regions, as in eu, us@domain";
    if (stream->source_count == M4H_STREAM_SOURCES_MAX)
        return "at most 32 sources";
    name_of_region(source->name, name, word);
    if (domain != NULL)
        snprintf(source->api, sizeof(source->api), "$JS.%s.API", domain);
    for (size_t i = 0; i < stream->source_count; i++)
        if (strcmp(stream->sources[i].name, source->name) == 0)
            return "a region is there twice among the sources";
    stream->source_count++;
    return NULL;
}

static const char *add_sources(struct m4h_event_stream *stream, const char *name, const char *text)
{
    const char *wrong = NULL;

    while (wrong == NULL) {
        char word[M4H_ID_MAX + 1 + DOMAIN_MAX + 1];
        size_t len;

        text += strspn(text, ", ");
        if (*text == '\0')
            break;
        len = strcspn(text, ", ");
        if (len >= sizeof(word))
            return "a source is too long";
        memcpy(word, text, len);
        word[len] = '\0';
        wrong = add_source(stream, name, word);
        text += len;
    }
    return wrong;
}

static const char *check(const struct m4h_stream_wishes *wishes)
{
    if (!is_name(wishes->name, NAME_MAX_BYTES))
        return "stream must be 1 to 64 of A-Z, a-z, 0-9, _ and -";
    if (wishes->region[0] != '\0' && !m4h_ident_id_is_valid(wishes->region))
        return "stream_region must be 1 to 63 of a-z, 0-9 and -";
    if (wishes->domain[0] != '\0' && !is_name(wishes->domain, DOMAIN_MAX))
        return "jetstream_domain must be 1 to 63 of A-Z, a-z, 0-9, _ and -";
    return NULL;
}

int m4h_stream_plan(struct m4h_event_stream plans[M4H_STREAM_PLANS_MAX], size_t *count,
                    const struct m4h_stream_wishes *wishes, char *wrong, size_t wrong_size)
{
    bool has_region = wishes->region[0] != '\0';
    bool has_sources = wishes->sources[strspn(wishes->sources, ", ")] != '\0';
    const char *fault = NULL;

    *count = 0;
    if (wishes->name[0] == '\0' && !has_region && !has_sources)
        return 0;
    fault = check(wishes);
    if (fault == NULL && (has_sources || !has_region)) {
        struct m4h_event_stream *stream = &plans[(*count)++];

        *stream = with_limits(wishes);
        snprintf(stream->name, sizeof(stream->name), "%s", wishes->name);
        if (has_sources)
            fault = add_sources(stream, wishes->name, wishes->sources);
        else
            add_subjects(stream, "*");
        snprintf(stream->subjects[stream->subject_count++], M4H_STREAM_SUBJECT_MAX + 1, "%s",
                 audits);
    }
    if (fault == NULL && has_region) {
        struct m4h_event_stream *stream = &plans[(*count)++];

        *stream = with_limits(wishes);
        name_of_region(stream->name, wishes->name, wishes->region);
        add_subjects(stream, wishes->region);
    }
    if (fault == NULL)
        return 0;
    *count = 0;
    snprintf(wrong, wrong_size, "%s", fault);
    return M4H_EINVALID;
}

void m4h_stream_subject(char *out, size_t size, const char *domain, const char *call,
                        const char *name)
{
    snprintf(out, size, "$JS.%s%sAPI.%s.%s", domain, domain[0] != '\0' ? "." : "", call, name);
}

/* ---- what was found ---------------------------------------------------------- */

/* What differs, one after the other. */
struct differences {
    char *text;
    size_t size, len, count;
};

__attribute__((format(printf, 2, 3))) static void add(struct differences *differences,
                                                      const char *format, ...)
{
    va_list arguments;
    int len;

    if (differences->count++ > 0 && differences->len + 1 < differences->size)
        differences->text[differences->len++] = ' ';
    va_start(arguments, format);
    len = vsnprintf(differences->text + differences->len, differences->size - differences->len,
                    format, arguments);
    va_end(arguments);
    if (len > 0)
        differences->len += (size_t)len;
    if (differences->len >= differences->size)
        differences->len = differences->size - 1;
}

static bool has_subject(const struct m4h_event_stream *stream, const char *subject)
{
    for (size_t i = 0; i < stream->subject_count; i++)
        if (strcmp(stream->subjects[i], subject) == 0)
            return true;
    return false;
}

static bool has_source(const struct m4h_event_stream *stream,
                       const struct m4h_stream_source *source)
{
    for (size_t i = 0; i < stream->source_count; i++)
        if (strcmp(stream->sources[i].name, source->name) == 0 &&
            strcmp(stream->sources[i].api, source->api) == 0)
            return true;
    return false;
}

static bool has_same_subjects(const struct m4h_event_stream *a, const struct m4h_event_stream *b)
{
    for (size_t i = 0; i < a->subject_count; i++)
        if (!has_subject(b, a->subjects[i]))
            return false;
    return a->subject_count == b->subject_count && !b->is_cut;
}

static bool has_same_sources(const struct m4h_event_stream *a, const struct m4h_event_stream *b)
{
    for (size_t i = 0; i < a->source_count; i++)
        if (!has_source(b, &a->sources[i]))
            return false;
    return a->source_count == b->source_count && !b->is_cut;
}

enum m4h_stream_likeness m4h_stream_compare(const struct m4h_event_stream *wished,
                                            const struct m4h_event_stream *found, char *text,
                                            size_t size)
{
    struct differences differences = {.text = text, .size = size};

    text[0] = '\0';
    if (wished->is_in_memory != found->is_in_memory)
        add(&differences, "storage=%s", found->is_in_memory ? "memory" : "file");
    if (!has_same_subjects(wished, found))
        add(&differences, "subjects=%zu wished=%zu", found->subject_count, wished->subject_count);
    if (!has_same_sources(wished, found))
        add(&differences, "sources=%zu wished=%zu", found->source_count, wished->source_count);
    if (wished->replicas != found->replicas)
        add(&differences, "replicas=%llu wished=%llu", (unsigned long long)found->replicas,
            (unsigned long long)wished->replicas);
    if (wished->max_age_ms != found->max_age_ms)
        add(&differences, "max_age_ms=%llu wished=%llu", (unsigned long long)found->max_age_ms,
            (unsigned long long)wished->max_age_ms);
    if (wished->max_bytes != found->max_bytes)
        add(&differences, "max_bytes=%lld wished=%lld", (long long)found->max_bytes,
            (long long)wished->max_bytes);
    if (wished->duplicate_window_ms != found->duplicate_window_ms)
        add(&differences, "duplicate_window_ms=%llu wished=%llu",
            (unsigned long long)found->duplicate_window_ms,
            (unsigned long long)wished->duplicate_window_ms);
    if (differences.count == 0)
        return M4H_STREAM_SAME;
    return wished->is_in_memory != found->is_in_memory ? M4H_STREAM_OTHER : M4H_STREAM_CHANGEABLE;
}

/* ---- what comes next ------------------------------------------------------------ */

bool m4h_stream_may_change_back(struct m4h_stream_changes *changes, uint64_t now_ms)
{
    uint64_t *oldest_ms = &changes->made_ms[changes->count % M4H_STREAM_CHANGES_BACK_MAX];

    if (changes->count >= M4H_STREAM_CHANGES_BACK_MAX &&
        now_ms - *oldest_ms < M4H_STREAM_CHANGES_BACK_MS)
        changes->stopped = true;
    if (changes->stopped)
        return false;
    *oldest_ms = now_ms;
    changes->count++;
    return true;
}

/* There is one of that name. */
static enum m4h_stream_call judge(const struct m4h_stream_outcome *outcome,
                                  enum m4h_stream_state *state)
{
    if (outcome->likeness == M4H_STREAM_CHANGEABLE && outcome->may_change)
        return M4H_STREAM_CALL_UPDATE;
    *state = outcome->likeness == M4H_STREAM_SAME ? M4H_STREAM_RIGHT : M4H_STREAM_DIFFERS;
    return M4H_STREAM_CALL_NONE;
}

static enum m4h_stream_state state_of_error(const struct m4h_stream_outcome *outcome)
{
    if (outcome->error == M4H_ETIMEOUT)
        return M4H_STREAM_NO_ANSWER;
    if (outcome->error == M4H_EUNAVAILABLE)
        return M4H_STREAM_NO_JETSTREAM;
    if (outcome->error != 0)
        return M4H_STREAM_FAILED;
    if (outcome->error_code == CODE_NOT_ENABLED)
        return M4H_STREAM_NO_JETSTREAM;
    /* Another master was quicker, and has other settings; or the change is none that can be. */
    if (outcome->error_code == CODE_NAME_IS_USED || outcome->call == M4H_STREAM_CALL_UPDATE)
        return M4H_STREAM_DIFFERS;
    return M4H_STREAM_REFUSED;
}

enum m4h_stream_call m4h_stream_decide(const struct m4h_stream_outcome *outcome,
                                       enum m4h_stream_state *state)
{
    *state = M4H_STREAM_UNKNOWN;
    if (outcome->call == M4H_STREAM_CALL_INFO && outcome->error == 0) {
        if (outcome->error_code == CODE_NOT_FOUND)
            return M4H_STREAM_CALL_CREATE;
        if (outcome->error_code == 0)
            return judge(outcome, state);
    }
    *state = outcome->error == 0 && outcome->error_code == 0 ? M4H_STREAM_RIGHT
                                                             : state_of_error(outcome);
    return M4H_STREAM_CALL_NONE;
}

const char *m4h_stream_state_name(enum m4h_stream_state state)
{
    static const char *const names[] = {"unknown",      "right",     "differs", "refused",
                                        "no_jetstream", "no_answer", "failed"};

    return names[state];
}
