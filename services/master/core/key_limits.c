/* The options that limit a device, one by one. Knows neither lines nor keys. */
#include "services/master/core/key_limits.h"

#include "lib/base/network.h"

#include <string.h>
#include <strings.h>

#define CHANNELS_MAX 65535u
#define IDLE_MAX_MS  UINT32_MAX
/* A slave gives at least so much, since signs of life go the same way; and counts no more. */
#define RATE_MIN 4096u
#define RATE_MAX ((uint64_t)1 << 40)

struct unit {
    const char *name;
    uint64_t factor;
};

/* ---- numbers -------------------------------------------------------------- */

/* The digits at the front; `*rest` is what follows. False: none, or too large. */
static bool take_number(const char *text, uint64_t *value, const char **rest)
{
    *value = 0;
    for (*rest = text; **rest >= '0' && **rest <= '9'; (*rest)++)
        if (__builtin_mul_overflow(*value, 10u, value) ||
            __builtin_add_overflow(*value, (uint64_t)(**rest - '0'), value))
            return false;
    return *rest != text;
}

/* A number with a unit of the list, whose last one is for none; `min` to `max`. */
static bool read_measure(const char *text, const struct unit *units, size_t count, uint64_t min,
                         uint64_t max, uint64_t *value)
{
    const char *name;
    size_t i = 0;

    if (!take_number(text, value, &name))
        return false;
    while (i < count && strcasecmp(name, units[i].name) != 0)
        i++;
    return i < count && !__builtin_mul_overflow(*value, units[i].factor, value) && *value >= min &&
           *value <= max;
}

static bool read_count(const char *text, uint32_t max, uint32_t *value)
{
    static const struct unit none[] = {{"", 1}};
    uint64_t number;
    bool good = read_measure(text, none, M4H_COUNT(none), 1, max, &number);

    *value = good ? (uint32_t)number : 0;
    return good;
}

/* ---- permitlisten --------------------------------------------------------- */

static bool take_port(const char *text, uint16_t *port, const char **rest)
{
    uint64_t number;

    if (!take_number(text, &number, rest) || number < 1 || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

bool m4h_key_ports_read(const char *text, struct m4h_port_range *range)
{
    const char *rest;

    *range = (struct m4h_port_range){1, UINT16_MAX};
    if (strcmp(text, "*") == 0)
        return true;
    if (!take_port(text, &range->first, &rest))
        return false;
    range->last = range->first;
    if (*rest == '-' && !take_port(rest + 1, &range->last, &rest))
        return false;
    return *rest == '\0' && range->first <= range->last;
}

/* What follows the host and its colon. NULL: the host is not written as one. */
static const char *ports_behind_host(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (colon == NULL)
        return text;
    if (text[0] == '[')
        return colon > text + 2 && colon[-1] == ']' ? colon + 1 : NULL;
    return strchr(text, ':') == colon && colon > text ? colon + 1 : NULL;
}

static const char *read_permitlisten(struct m4h_device_limits *limits, const char *value)
{
    const char *ports = ports_behind_host(value);

    if (limits->port_range_count == M4H_PORT_RANGES_MAX)
        return "may be given 8 times";
    if (ports == NULL || !m4h_key_ports_read(ports, &limits->ports[limits->port_range_count]))
        return "needs [host:]port, a range of ports or *";
    limits->port_range_count++;
    return NULL;
}

/* ---- operators-from ------------------------------------------------------- */

static const char *add_network(struct m4h_device_limits *limits, const char *text, size_t len)
{
    char *out = limits->operator_networks[limits->operator_network_count];
    struct m4h_network network;

    if (limits->operator_network_count == M4H_OPERATOR_NETWORKS_MAX)
        return "takes 16 networks";
    if (len >= M4H_NETWORK_TEXT_MAX)
        return "needs networks like 10.0.0.0/8 or 2001:db8::/32";
    memcpy(out, text, len);
    out[len] = '\0';
    if (m4h_network_parse(out, &network) != 0)
        return "needs networks like 10.0.0.0/8 or 2001:db8::/32";
    limits->operator_network_count++;
    return NULL;
}

static const char *read_operators_from(struct m4h_device_limits *limits, const char *value)
{
    const char *wrong = NULL;

    while (wrong == NULL) {
        size_t blanks = strspn(value, " "), len;

        value += blanks;
        len = strcspn(value, ", ");
        wrong = add_network(limits, value, len);
        value += len;
        value += strspn(value, " ");
        if (*value == '\0')
            break;
        if (*value++ != ',')
            wrong = "needs commas between its networks";
    }
    return wrong;
}

/* ---- the others, which are given once -------------------------------------- */

static const char *read_max_forwards(struct m4h_device_limits *limits, const char *value)
{
    if (limits->forwards_max != 0)
        return "is given twice";
    if (!read_count(value, M4H_TUNNEL_PORTS_MAX, &limits->forwards_max))
        return "needs a number from 1 to 8";
    return NULL;
}

static const char *read_max_channels(struct m4h_device_limits *limits, const char *value)
{
    if (limits->channels_max != 0)
        return "is given twice";
    if (!read_count(value, CHANNELS_MAX, &limits->channels_max))
        return "needs a number from 1 to 65535";
    return NULL;
}

static const char *read_idle_timeout(struct m4h_device_limits *limits, const char *value)
{
    static const struct unit units[] = {
        {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {"", 1}};
    uint64_t idle_ms;

    if (limits->idle_ms != 0)
        return "is given twice";
    if (!read_measure(value, units, M4H_COUNT(units), 1, IDLE_MAX_MS, &idle_ms))
        return "needs a time of at least 1ms, like 30s or 10m";
    limits->idle_ms = (uint32_t)idle_ms;
    return NULL;
}

static const char *read_bandwidth(struct m4h_device_limits *limits, const char *value)
{
    static const struct unit units[] = {{"g", 1u << 30}, {"m", 1u << 20}, {"k", 1u << 10}, {"", 1}};

    if (limits->bytes_per_second != 0)
        return "is given twice";
    if (!read_measure(value, units, M4H_COUNT(units), RATE_MIN, RATE_MAX,
                      &limits->bytes_per_second))
        return "needs bytes per second from 4k to 1024g, like 64k or 1m";
    return NULL;
}

/* ---- all of them ------------------------------------------------------------ */

static const struct {
    const char *name;
    const char *(*read)(struct m4h_device_limits *limits, const char *value);
} options[] = {
    {"permitlisten", read_permitlisten}, {"operators-from", read_operators_from},
    {"max-forwards", read_max_forwards}, {"max-channels", read_max_channels},
    {"idle-timeout", read_idle_timeout}, {"bandwidth", read_bandwidth},
};

static size_t place_of(const char *name)
{
    size_t i = 0;

    while (i < M4H_COUNT(options) && strcasecmp(options[i].name, name) != 0)
        i++;
    return i;
}

bool m4h_key_limits_knows(const char *name)
{
    return place_of(name) < M4H_COUNT(options);
}

const char *m4h_key_limits_read(struct m4h_device_limits *limits, const char *name,
                                const char *value)
{
    return options[place_of(name)].read(limits, value);
}
