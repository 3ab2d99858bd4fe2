/* What a validator is to the master, whatever it asks: a file, a web server, a program. All calls
 * come on the master's loop, and none of them may block.
 *
 * A new one: a file io/<name>.c with its type; a line in validators.h and in the table of chain.c;
 * its settings in config_<name>.h. */
#ifndef M4H_MASTER_IO_VALIDATOR_H
#define M4H_MASTER_IO_VALIDATOR_H

#include "lib/base/attributes.h"
#include "lib/base/metrics.h"
#include "services/master/config.h"
#include "services/master/core/validator.h"

struct m4h_master;

/* One question that a validator is asked; the chain's. It may be looked at from `ask` until it is
 * answered or cancelled, and not after. */
struct m4h_validation {
    const struct m4h_authorize_request *request;
    void *own; /* the validator's, for what it has under way; NULL at first */
};

/* Ends it: from inside `ask` or later, once. Nothing of it may be touched any more. The verdict is
 * copied. */
void m4h_validation_answer(struct m4h_validation *validation, const struct m4h_verdict *verdict);

struct m4h_validator_type {
    const char *name; /* in [authorize] validators, in metrics and in answers */
    /* Whether what it says may be kept and said again: not of those that know it at once. */
    bool is_kept;
    /* Whether what it says may depend on the address that a connection comes from, or on the user
     * name that is given: then it is kept for that address or name only. */
    bool heeds_address;
    bool heeds_username;
    /* Reads what it needs of master->config, which outlives it. An error has been logged, and the
     * master does not start. `*self` is NULL then. */
    int (*create)(void **self, struct m4h_master *master);
    /* Everything that was asked has been answered or cancelled. Accepts NULL. */
    void (*destroy)(void *self);
    void (*ask)(void *self, struct m4h_validation *validation);
    /* Nobody waits for it any more: its time is over, or the master ends. What is under way is
     * given up and does not answer. NULL: it always answers within `ask`. */
    void (*cancel)(void *self, struct m4h_validation *validation);
    /* The configuration was read again, or SIGHUP has come. May be NULL, like all below. */
    void (*reload)(void *self);
    /* Twice a second, to look whether a file has changed. */
    void (*look)(void *self);
    void (*write_metrics)(const void *self, struct m4h_metrics *metrics);
    /* Its timeout_ms and on_failure in the configuration. NULL: those of [authorize]. */
    const struct m4h_validator_settings *(*settings)(const struct m4h_master_config *config);
};

#endif
