/* Request targets of REST (RFC 3986): paths and queries whose values are percent-encoded. Pure. */
#ifndef M4H_CTL_CORE_TARGET_H
#define M4H_CTL_CORE_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/* Enough for a path with one client key, and for a query with all filters and a
 * page token, all of it encoded. */
#define M4H_CTL_TARGET_MAX 4096

struct m4h_ctl_target {
    char text[M4H_CTL_TARGET_MAX];
    size_t len;
    bool has_query;
    bool is_too_long; /* what did not fit is missing: not to be used */
};

/* Begins with `path` as it is, but for a "*", where `parameter` goes. */
void m4h_ctl_target_begin(struct m4h_ctl_target *target, const char *path, const char *parameter);
/* Adds name=value; nothing where `value` is NULL or empty. */
void m4h_ctl_target_query(struct m4h_ctl_target *target, const char *name, const char *value);

#endif
