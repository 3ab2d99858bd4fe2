/* Asks the validators that the configuration names about keys, one after another, each for as long
 * as its settings say. On the master's loop. */
#ifndef M4H_MASTER_IO_CHAIN_H
#define M4H_MASTER_IO_CHAIN_H

#include "lib/base/attributes.h"
#include "lib/base/metrics.h"
#include "services/master/core/chain.h"
#include "services/master/core/validator.h"

struct m4h_chain;
struct m4h_master;
struct m4h_validator_type;

/* Makes the validators of [authorize] validators. Before the bus is there. An error has been
 * logged: M4H_EINVALID, M4H_ENOMEM, or what a validator says. */
M4H_MUST_CHECK int m4h_chain_create(struct m4h_chain **chain, struct m4h_master *master);
/* Makes these, M4H_CHAIN_NAMES_MAX at most. */
M4H_MUST_CHECK int m4h_chain_create_of(struct m4h_chain **chain, struct m4h_master *master,
                                       const struct m4h_validator_type *const *validators,
                                       size_t count);
/* What is under way ends without an answer. Accepts NULL. */
void m4h_chain_destroy(struct m4h_chain *chain);

/* ALLOW, DENY, or FAILED where there is no answer now; the verdict is borrowed. The request is the
 * one that was asked about. */
typedef void (*m4h_chain_on_answer)(void *context, const struct m4h_authorize_request *request,
                                    struct m4h_verdict *verdict);

/* Asks; `on_answer` ends it, once, from inside or later. The request is copied. M4H_ENOMEM:
 * there is no answer. */
M4H_MUST_CHECK int m4h_chain_ask(struct m4h_chain *chain,
                                 const struct m4h_authorize_request *request,
                                 m4h_chain_on_answer on_answer, void *context);

/* How long a question may take with all validators, by what they took lately: of those that ask
 * elsewhere, all the time they have until enough answers were faster. */
uint32_t m4h_chain_patience_ms(const struct m4h_chain *chain);

/* Questions that wait for a validator. */
size_t m4h_chain_waiting(const struct m4h_chain *chain);

/* What validators said before of a key, or (one of the two is "") of a device, is not said again.
 */
void m4h_chain_forget(struct m4h_chain *chain, const char *key_fingerprint, const char *client_key);

/* Handed on to each validator. */
void m4h_chain_reload(struct m4h_chain *chain);
void m4h_chain_look(struct m4h_chain *chain);
void m4h_chain_write_metrics(const struct m4h_chain *chain, struct m4h_metrics *metrics);

/* For the check of the configuration: see m4h_chain_parse. */
M4H_MUST_CHECK int m4h_chain_read_names(const char *text, size_t places[M4H_CHAIN_NAMES_MAX],
                                        size_t *count, char *wrong, size_t wrong_size);

#endif
