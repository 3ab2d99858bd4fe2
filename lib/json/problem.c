/* Problem documents, RFC 9457. */
#include "lib/json/problem.h"

#include <stdio.h>
#include <string.h>

#define TYPE_MAX 96

/* A title belongs to the type and never changes (RFC 9457 section 3.1.4). */
static const struct {
    const char *code;
    const char *title;
} titles[] = {
    {"invalid", "The request is not valid"},
    {"unauthorized", "This needs a token"},
    {"forbidden", "This is not permitted"},
    {"not_found", "There is no such thing"},
    {"method_not_allowed", "The method is not allowed here"},
    {"not_acceptable", "The answer has no form that the client accepts"},
    {"conflict", "The state of the thing does not allow this"},
    {"unsupported_media_type", "The body is of another media type"},
    {"too_large", "The request is too large"},
    {"target_too_long", "The request target is too long"},
    {"upgrade_required", "The connection must be upgraded"},
    {"no_capacity", "No slave can take a device now"},
    {"throttled", "Too many requests"},
    {"unavailable", "A service that is needed does not answer"},
    {"timeout", "The answer did not come in time"},
    {"internal", "Something broke inside"},
};

static const char *title_of(const char *code)
{
    for (size_t i = 0; i < M4H_COUNT(titles); i++) {
        if (strcmp(titles[i].code, code) == 0)
            return titles[i].title;
    }
    return code;
}

static void write_optional(struct m4h_json_writer *writer, const char *name, const char *value)
{
    if (value != NULL && *value != '\0')
        m4h_json_text(writer, name, value);
}

void m4h_json_write_problem(struct m4h_json_writer *writer, const char *name,
                            const struct m4h_json_problem *problem)
{
    char type[TYPE_MAX];

    snprintf(type, sizeof(type), "urn:mas4h:problem:%s", problem->code);
    m4h_json_open(writer, name, '{');
    m4h_json_text(writer, "type", type);
    m4h_json_text(writer, "title", title_of(problem->code));
    m4h_json_number(writer, "status", problem->status);
    write_optional(writer, "detail", problem->detail);
    write_optional(writer, "instance", problem->instance);
    m4h_json_text(writer, "code", problem->code);
    write_optional(writer, "request_id", problem->request_id);
    if (problem->retry_after_ms != 0)
        m4h_json_number(writer, "retry_after_ms", problem->retry_after_ms);
    m4h_json_close(writer, '}');
}

int m4h_json_problem(struct m4h_buffer *out, const struct m4h_json_problem *problem)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_write_problem(&writer, NULL, problem);
    return m4h_json_finish(&writer);
}
