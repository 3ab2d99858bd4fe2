/* Which events a reader wants. */
#include "services/gateway/core/filter.h"

#include "lib/base/error.h"

#include <stdio.h>
#include <string.h>

#define BIT(type) (1u << (type))
#define ALL       (BIT(M4H_EVENT_TYPE_COUNT) - 1)

static int refuse(struct m4h_problem *problem, const char *name, const char *what)
{
    char detail[M4H_DETAIL_MAX + 1];

    snprintf(detail, sizeof(detail), "%s %s", name, what);
    m4h_problem_set(problem, M4H_PROBLEM_INVALID, detail);
    return M4H_EINVALID;
}

static int add_type(struct m4h_gateway_filter *filter, const char *value,
                    struct m4h_problem *problem)
{
    for (unsigned type = 1; type < M4H_EVENT_TYPE_COUNT; type++) {
        if (strcmp(m4h_event_type_name((enum m4h_event_type)type), value) != 0)
            continue;
        filter->types |= BIT(type);
        return 0;
    }
    return refuse(problem, "type",
                  "must be connect, disconnect, load, start, drain, stop, refuse or flapping");
}

static int add_id(char ids[][M4H_ID_MAX + 1], uint8_t *count, const char *name, const char *value,
                  struct m4h_problem *problem)
{
    if (!m4h_ident_id_is_valid(value))
        return refuse(problem, name, "must be an id: [a-z0-9-], at most 63");
    if (*count == M4H_GATEWAY_FILTER_VALUES_MAX)
        return refuse(problem, name, "has more than 16 values");
    m4h_text_copy(ids[(*count)++], M4H_ID_MAX + 1, value);
    return 0;
}

static int add_client_key(struct m4h_gateway_filter *filter, const char *value,
                          struct m4h_problem *problem)
{
    if (!m4h_ident_client_key_is_valid(value))
        return refuse(problem, "client_key", "is no client key");
    if (filter->client_key_count == M4H_GATEWAY_FILTER_VALUES_MAX)
        return refuse(problem, "client_key", "has more than 16 values");
    m4h_text_copy(filter->client_keys[filter->client_key_count++], M4H_CLIENT_KEY_MAX + 1, value);
    return 0;
}

static int add_one(struct m4h_gateway_filter *filter, const char *name, const char *value,
                   struct m4h_problem *problem)
{
    if (strcmp(name, "type") == 0)
        return add_type(filter, value, problem);
    if (strcmp(name, "region") == 0)
        return add_id(filter->regions, &filter->region_count, name, value, problem);
    return add_id(filter->slaves, &filter->slave_count, name, value, problem);
}

int m4h_gateway_filter_add(struct m4h_gateway_filter *filter, const char *name, const char *value,
                           struct m4h_problem *problem)
{
    char one[M4H_ID_MAX + 2];
    int error = 0;

    if (strcmp(name, "client_key") == 0)
        return add_client_key(filter, value, problem);
    if (strcmp(name, "type") != 0 && strcmp(name, "region") != 0 && strcmp(name, "slave") != 0)
        return 0;
    while (error == 0) {
        size_t len = strcspn(value, ",");

        /* What is cut here is too long to be valid. */
        snprintf(one, sizeof(one), "%.*s", (int)(len < sizeof(one) ? len : sizeof(one)), value);
        error = add_one(filter, name, one, problem);
        if (value[len] == '\0')
            break;
        value += len + 1;
    }
    return error;
}

static const char *client_key_of(const struct m4h_event *event)
{
    switch (event->type) {
    case M4H_EVENT_CONNECT:
        return event->as.connect.client_key;
    case M4H_EVENT_DISCONNECT:
        return event->as.disconnect.client_key;
    case M4H_EVENT_REFUSE:
        return event->as.refuse.client_key;
    case M4H_EVENT_FLAPPING:
        return event->as.flapping.client_key;
    case M4H_EVENT_ACCESS:
        return event->as.access.client_key;
    default:
        return "";
    }
}

static bool is_one_of(const char ids[][M4H_ID_MAX + 1], uint8_t count, const char *id)
{
    for (uint8_t i = 0; i < count; i++) {
        if (strcmp(ids[i], id) == 0)
            return true;
    }
    return count == 0;
}

static bool has_client_key(const struct m4h_gateway_filter *filter, const char *client_key)
{
    for (uint8_t i = 0; i < filter->client_key_count; i++) {
        if (strcmp(filter->client_keys[i], client_key) == 0)
            return true;
    }
    return filter->client_key_count == 0;
}

bool m4h_gateway_filter_passes(const struct m4h_gateway_filter *filter,
                               const struct m4h_event *event)
{
    uint32_t types = filter->types != 0 ? filter->types : ALL & ~BIT(M4H_EVENT_LOAD);

    return (types & BIT(event->type)) != 0 &&
           is_one_of(filter->regions, filter->region_count, event->region) &&
           is_one_of(filter->slaves, filter->slave_count, event->slave_id) &&
           has_client_key(filter, client_key_of(event));
}
