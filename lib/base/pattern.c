/* Patterns with * and ?. */
#include "lib/base/pattern.h"

#include <stddef.h>

/* Only the latest * needs to be tried again with more: what an earlier one took, that one can take.
 */
bool m4h_pattern_matches(const char *pattern, const char *text)
{
    const char *behind_star = NULL, *star_took_to = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            behind_star = ++pattern;
            star_took_to = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (behind_star != NULL) {
            pattern = behind_star;
            text = ++star_took_to;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
