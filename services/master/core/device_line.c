/* From a line of authorized_keys to a record. */
#include "services/master/core/device_line.h"

#include "lib/base/error.h"
#include "services/master/core/authorized_keys.h"

#include <string.h>

/* What the line says and a record has no place for; NULL: nothing. */
static const char *more_than_a_record(const struct m4h_key_line *line)
{
    if (line->is_authority)
        return "an authority is named in [certificates] ca_keys, not here";
    if (line->grant.from[0] != '\0')
        return "a record cannot keep option from: leave it out, or keep the line in a file";
    if (line->grant.forbids_forwards)
        return "option no-port-forwarding: such a key is let in nowhere";
    return NULL;
}

static void fill(struct m4h_device_record *device, const struct m4h_key_line *line)
{
    const struct m4h_key_grant *grant = &line->grant;

    *device = (struct m4h_device_record){
        .public_key_len = line->blob_len,
        .limits = grant->limits,
        .fixed_port = grant->fixed_port,
        .expires_wall_ms = grant->expires_wall_ms,
        .operator_ = grant->operator_,
    };
    memcpy(device->public_key, line->blob, line->blob_len);
    memcpy(device->client_key, grant->client_key, sizeof(device->client_key));
    memcpy(device->labels, grant->labels, sizeof(device->labels));
    memcpy(device->preferred_region, grant->region, sizeof(device->preferred_region));
}

bool m4h_device_line_read(const char *text, struct m4h_device_record *device,
                          struct m4h_problem *problem)
{
    struct m4h_key_line line;
    char wrong[M4H_DETAIL_MAX + 1];
    int error = m4h_authorized_keys_read_line(&line, text, strlen(text), wrong, sizeof(wrong));
    const char *why = wrong;

    if (error == M4H_ENOTFOUND)
        why = "there is no key in the line";
    else if (error == 0)
        why = more_than_a_record(&line);
    if (why != NULL) {
        m4h_problem_set(problem, M4H_PROBLEM_INVALID, why);
        return false;
    }
    fill(device, &line);
    return true;
}
