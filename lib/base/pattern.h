/* Patterns of names, as OpenSSH's: * stands for any bytes, ? for exactly one. Pure. */
#ifndef M4H_BASE_PATTERN_H
#define M4H_BASE_PATTERN_H

#include <stdbool.h>

/* Whether the pattern fits the whole text. Takes at most as many steps as the product of
 * their lengths, without recursion, whatever a stranger puts into either. */
bool m4h_pattern_matches(const char *pattern, const char *text);

#endif
