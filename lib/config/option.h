/* One option of a table: from text to value, and what it takes in words.
 * Private to lib/config. */
#ifndef M4H_CONFIG_OPTION_H
#define M4H_CONFIG_OPTION_H

#include "lib/base/attributes.h"
#include "lib/config/config.h"

/* Longer values are refused. */
#define M4H_CONFIG_VALUE_MAX 4000
/* Room for what m4h_config_option_expected writes. */
#define M4H_CONFIG_EXPECTED_MAX 256

/* True for the types whose member is a char * that the struct owns. */
bool m4h_config_option_owns_text(const struct m4h_config_option *option);

/* Of the option's member in the struct. */
size_t m4h_config_option_size(const struct m4h_config_option *option);
/* True where two structs have the same value. */
bool m4h_config_option_is_equal(const struct m4h_config_option *option, const void *a,
                                const void *b);

/* Checks `text` and puts its value into the struct, in place of the one before.
 * M4H_EINVALID or M4H_ENOMEM: the struct is as before. */
M4H_MUST_CHECK int m4h_config_option_store(const struct m4h_config_option *option, void *config,
                                           const char *text);

/* What the option takes: "a number from 1024 to 65535". Returns `out`. */
const char *m4h_config_option_expected(const struct m4h_config_option *option,
                                       char out[M4H_CONFIG_EXPECTED_MAX]);

#endif
