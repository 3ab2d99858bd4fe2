/* The kinds of validators that there are: each in the file of its name. */
#ifndef M4H_MASTER_IO_VALIDATORS_H
#define M4H_MASTER_IO_VALIDATORS_H

#include "services/master/io/validator.h"

extern const struct m4h_validator_type m4h_validator_authorized_keys;
extern const struct m4h_validator_type m4h_validator_service;
extern const struct m4h_validator_type m4h_validator_webhook;
extern const struct m4h_validator_type m4h_validator_database;
extern const struct m4h_validator_type m4h_validator_certificates;
extern const struct m4h_validator_type m4h_validator_command;

#endif
