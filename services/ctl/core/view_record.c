/* Records of devices and operators, and revocations, as people see them. */
#include "lib/base/actor.h"
#include "lib/base/attributes.h"
#include "lib/base/walltime.h"
#include "services/ctl/core/views.h"
#include "services/ctl/core/words.h"

#include <inttypes.h>

#define LABEL_WIDTH 14

static const char *or_dash(const char *text)
{
    return *text != '\0' ? text : "-";
}

static const char *state_of(const struct m4h_device_record *device, enum m4h_ctl_style *style)
{
    *style = M4H_CTL_PLAIN;
    switch (device->state) {
    case M4H_DEVICE_ENABLED:
        *style = M4H_CTL_GOOD;
        return "enabled";
    case M4H_DEVICE_DISABLED:
        *style = M4H_CTL_BAD;
        return "disabled";
    case M4H_DEVICE_PENDING:
        *style = M4H_CTL_WARNING;
        return "pending";
    case M4H_DEVICE_REMOVED:
        break;
    }
    return "-";
}

/* When a stamp was made: lib/base/stamp.h. */
static uint64_t wall_ms_of(uint64_t stamp)
{
    return stamp >> 16;
}

void m4h_ctl_view_devices(struct m4h_ctl_table *table)
{
    static const struct m4h_ctl_column columns[] = {
        {"NAME", false},   {"IS", false},     {"STATE", false}, {"KEY", false},
        {"LABELS", false}, {"CHANGED", true}, {"BY", false},    {"COMMENT", false},
    };

    m4h_ctl_table_begin(table, columns, M4H_COUNT(columns));
}

/* Who did it, without where from. */
static const char *name_of(const char *actor, char name[M4H_ACTOR_MAX + 1])
{
    char address[M4H_ADDRESS_TEXT_MAX];

    m4h_actor_split(actor, name, address);
    return or_dash(name);
}

void m4h_ctl_view_devices_row(struct m4h_ctl_table *table, const struct m4h_device_record *device,
                              uint64_t wall_ms)
{
    bool is_operator = device->operator_.name[0] != '\0';
    enum m4h_ctl_style style;
    const char *state = state_of(device, &style);
    char age[M4H_CTL_WORD_MAX], who[M4H_ACTOR_MAX + 1];

    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s",
                       or_dash(is_operator ? device->operator_.name : device->client_key));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", is_operator ? "operator" : "device");
    m4h_ctl_table_cell(table, style, "%s", state);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", device->key_fingerprint);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", or_dash(device->labels));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s",
                       m4h_ctl_age(wall_ms_of(device->stamp), wall_ms, age));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", name_of(device->actor, who));
    m4h_ctl_table_cell(table, M4H_CTL_FAINT, "%s", or_dash(device->comment));
}

void m4h_ctl_view_pending(struct m4h_ctl_table *table)
{
    static const struct m4h_ctl_column columns[] = {
        {"KEY", false}, {"FROM", false}, {"USER", false}, {"TRIES", true}, {"SINCE", true},
    };

    m4h_ctl_table_begin(table, columns, M4H_COUNT(columns));
}

void m4h_ctl_view_pending_row(struct m4h_ctl_table *table, const struct m4h_device_record *device,
                              uint64_t wall_ms)
{
    char age[M4H_CTL_WORD_MAX];

    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", device->key_fingerprint);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", or_dash(device->remote_address));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", or_dash(device->username));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%" PRIu32, device->attempts);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s",
                       m4h_ctl_age(device->created_wall_ms, wall_ms, age));
}

/* ---- one record ------------------------------------------------------------------------- */

#define LINE(page, name, style, ...)                                                               \
    do {                                                                                           \
        m4h_ctl_page_add(page, M4H_CTL_FAINT, "%-*s", LABEL_WIDTH, name);                          \
        m4h_ctl_page_add(page, style, __VA_ARGS__);                                                \
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\n");                                               \
    } while (0)

static void line_of_time(struct m4h_ctl_page *page, const char *name, uint64_t wall_ms)
{
    char text[M4H_WALLTIME_TEXT_MAX];

    LINE(page, name, M4H_CTL_PLAIN, "%s", wall_ms != 0 ? m4h_walltime_format(wall_ms, text) : "-");
}

static void put_ports(struct m4h_ctl_page *page, const struct m4h_port_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, "%s%u", i > 0 ? "," : "", ranges[i].first);
        if (ranges[i].last != ranges[i].first)
            m4h_ctl_page_add(page, M4H_CTL_PLAIN, "-%u", ranges[i].last);
    }
}

static void view_rules(struct m4h_ctl_page *page, const struct m4h_operator *operator_)
{
    for (size_t i = 0; i < operator_->rule_count; i++) {
        const struct m4h_operator_rule *rule = &operator_->rules[i];

        m4h_ctl_page_add(page, M4H_CTL_FAINT, "%-*s", LABEL_WIDTH, i == 0 ? "may reach" : "and");
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, "%s%s%s, ports ",
                         rule->client_key_pattern[0] != '\0' ? rule->client_key_pattern : "*",
                         rule->labels[0] != '\0' ? " with " : "", rule->labels);
        put_ports(page, rule->ports, rule->port_range_count);
        m4h_ctl_page_put(page, M4H_CTL_PLAIN, rule->port_range_count == 0 ? "any\n" : "\n");
    }
}

void m4h_ctl_view_device(struct m4h_ctl_page *page, const struct m4h_device_record *device)
{
    enum m4h_ctl_style style;
    const char *state = state_of(device, &style);

    if (device->operator_.name[0] != '\0')
        LINE(page, "operator", M4H_CTL_STRONG, "%s", device->operator_.name);
    else
        LINE(page, "client key", M4H_CTL_STRONG, "%s", or_dash(device->client_key));
    LINE(page, "state", style, "%s", state);
    LINE(page, "key", M4H_CTL_PLAIN, "%s", device->key_fingerprint);
    view_rules(page, &device->operator_);
    if (device->labels[0] != '\0')
        LINE(page, "labels", M4H_CTL_PLAIN, "%s", device->labels);
    if (device->fixed_port != 0)
        LINE(page, "port", M4H_CTL_PLAIN, "%u", device->fixed_port);
    if (device->limits.port_range_count > 0) {
        m4h_ctl_page_add(page, M4H_CTL_FAINT, "%-*s", LABEL_WIDTH, "ports");
        put_ports(page, device->limits.ports, device->limits.port_range_count);
        m4h_ctl_page_put(page, M4H_CTL_PLAIN, "\n");
    }
    if (device->preferred_region[0] != '\0')
        LINE(page, "region", M4H_CTL_PLAIN, "%s", device->preferred_region);
    if (device->expires_wall_ms != 0)
        line_of_time(page, "expires", device->expires_wall_ms);
    if (device->comment[0] != '\0')
        LINE(page, "comment", M4H_CTL_PLAIN, "%s", device->comment);
    line_of_time(page, "made", device->created_wall_ms);
    line_of_time(page, "changed", wall_ms_of(device->stamp));
    LINE(page, "by", M4H_CTL_PLAIN, "%s", or_dash(device->actor));
}

/* ---- revocations ------------------------------------------------------------------------ */

void m4h_ctl_view_revocations(struct m4h_ctl_table *table)
{
    static const struct m4h_ctl_column columns[] = {
        {"NAME", false}, {"BANNED", false}, {"SINCE", true}, {"BY", false}, {"REASON", false},
    };

    m4h_ctl_table_begin(table, columns, M4H_COUNT(columns));
}

void m4h_ctl_view_revocations_row(struct m4h_ctl_table *table, const char *name,
                                  const struct m4h_revoke *revoke, uint64_t wall_ms)
{
    char age[M4H_CTL_WORD_MAX], who[M4H_ACTOR_MAX + 1];

    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", name);
    m4h_ctl_table_cell(table, revoke->banned ? M4H_CTL_BAD : M4H_CTL_PLAIN, "%s",
                       revoke->banned ? "yes" : "no");
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s",
                       m4h_ctl_age(wall_ms_of(revoke->stamp), wall_ms, age));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", name_of(revoke->actor, who));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", or_dash(revoke->reason));
}
