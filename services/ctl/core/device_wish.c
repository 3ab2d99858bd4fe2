/* From options to a record. What only a master can judge is left to it. */
#include "services/ctl/core/device_wish.h"

#include "lib/base/error.h"
#include "lib/base/labels.h"
#include "lib/base/walltime.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int refuse(char message[M4H_CTL_MESSAGE_MAX], const char *format, ...) M4H_PRINTF(2, 3);

static int refuse(char message[M4H_CTL_MESSAGE_MAX], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(message, M4H_CTL_MESSAGE_MAX, format, args);
    va_end(args);
    return M4H_EINVALID;
}

static bool copy(char *out, size_t size, const char *text)
{
    return text == NULL || (size_t)snprintf(out, size, "%s", text) < size;
}

/* Moves on behind the number. */
static bool read_port(const char **text, uint16_t *port)
{
    uint32_t number = 0;
    const char *c = *text;

    for (; *c >= '0' && *c <= '9' && number <= UINT16_MAX; c++)
        number = number * 10 + (uint32_t)(*c - '0');
    *text = c;
    *port = (uint16_t)number;
    return number > 0 && number <= UINT16_MAX;
}

/* "22,8000-8010". False: it is not that, or more than `max`. */
static bool read_ports(const char *text, struct m4h_port_range *ranges, size_t max, uint8_t *count)
{
    for (*count = 0;; text++) {
        struct m4h_port_range *range = &ranges[*count];

        if (*count >= max || !read_port(&text, &range->first))
            return false;
        range->last = range->first;
        if (*text == '-') {
            text++;
            if (!read_port(&text, &range->last) || range->last < range->first)
                return false;
        }
        (*count)++;
        if (*text != ',')
            return *text == '\0';
    }
}

/* A rule for each pattern, each with all labels and ports. */
static int wish_operator(const struct m4h_ctl_arguments *arguments, struct m4h_operator *operator_,
                         char message[M4H_CTL_MESSAGE_MAX])
{
    struct m4h_operator_rule rule = {.client_key_pattern = ""};
    const char *pattern = arguments->devices;

    if (pattern == NULL)
        return refuse(message, "an operator needs --devices; '*' is all of them");
    if (arguments->label != NULL && m4h_labels_normalize(arguments->label, rule.labels) != 0)
        return refuse(message, "--label: \"%s\" is not as NAME=VALUE,...", arguments->label);
    if (arguments->ports != NULL &&
        !read_ports(arguments->ports, rule.ports, M4H_OPERATOR_PORTS_MAX, &rule.port_range_count))
        return refuse(message, "--ports: \"%s\" is not as 22,8000-8010", arguments->ports);
    for (;; pattern++) {
        size_t len = strcspn(pattern, ",");

        if (len == 0 || len > M4H_CLIENT_KEY_MAX || operator_->rule_count >= M4H_OPERATOR_RULES_MAX)
            return refuse(message, "--devices takes up to %d patterns, such as berlin-*,paris-1",
                          M4H_OPERATOR_RULES_MAX);
        memcpy(rule.client_key_pattern, pattern, len);
        rule.client_key_pattern[len] = '\0';
        operator_->rules[operator_->rule_count++] = rule;
        pattern += len;
        if (*pattern == '\0')
            return 0;
    }
}

static int wish_device(const struct m4h_ctl_arguments *arguments, struct m4h_device_record *device,
                       char message[M4H_CTL_MESSAGE_MAX])
{
    struct m4h_device_limits *limits = &device->limits;
    const char *port = arguments->port;

    if (arguments->devices != NULL)
        return refuse(message, "--devices is for an --operator");
    if (arguments->label != NULL && m4h_labels_normalize(arguments->label, device->labels) != 0)
        return refuse(message, "--label: \"%s\" is not as NAME=VALUE,...", arguments->label);
    if (arguments->ports != NULL && !read_ports(arguments->ports, limits->ports,
                                                M4H_PORT_RANGES_MAX, &limits->port_range_count))
        return refuse(message, "--ports: \"%s\" is not as 22,8000-8010", arguments->ports);
    if (port != NULL && (!read_port(&port, &device->fixed_port) || *port != '\0'))
        return refuse(message, "--port: \"%s\" is no port", arguments->port);
    return 0;
}

int m4h_ctl_device_wish(const struct m4h_ctl_arguments *arguments, struct m4h_device_record *device,
                        char message[M4H_CTL_MESSAGE_MAX])
{
    *device = (struct m4h_device_record){.state = 0};
    if ((arguments->operator_ == NULL) == (arguments->client_key == NULL))
        return refuse(message, "it needs --client-key, a device's name, or --operator");
    if (!copy(device->client_key, sizeof(device->client_key), arguments->client_key) ||
        !copy(device->operator_.name, sizeof(device->operator_.name), arguments->operator_))
        return refuse(message, "a name has at most %d bytes", M4H_CLIENT_KEY_MAX);
    if (!copy(device->preferred_region, sizeof(device->preferred_region), arguments->region))
        return refuse(message, "--region: \"%s\" is none", arguments->region);
    if (!copy(device->comment, sizeof(device->comment), arguments->comment))
        return refuse(message, "--comment has at most %d bytes", M4H_DETAIL_MAX);
    if (arguments->expires != NULL &&
        m4h_walltime_parse(arguments->expires, &device->expires_wall_ms) != 0)
        return refuse(message, "--expires: \"%s\" is not as 2027-01-31T00:00:00Z",
                      arguments->expires);
    return arguments->operator_ != NULL ? wish_operator(arguments, &device->operator_, message)
                                        : wish_device(arguments, device, message);
}
