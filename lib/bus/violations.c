/* A set of hashes: the texts hold subjects, of which a service has few. */
#include "lib/bus/violations.h"

#include "lib/base/ident.h"

void m4h_violations_begin(struct m4h_violations *violations)
{
    violations->named_count = 0;
}

bool m4h_violations_note(struct m4h_violations *violations, const char *text)
{
    uint64_t hash = m4h_ident_hash(text);

    for (size_t i = 0; i < violations->named_count; i++)
        if (violations->named[i] == hash)
            return false;
    if (violations->named_count == M4H_VIOLATIONS_NAMED_MAX)
        return false;
    violations->named[violations->named_count++] = hash;
    return true;
}
