/* Texts of the errors. */
#include "lib/base/error.h"

const char *m4h_error_text(int error)
{
    switch (error) {
    case 0:
        return "ok";
#define X(name, value, text)                                                                       \
    case name:                                                                                     \
        return text;
        M4H_ERRORS(X)
#undef X
    default:
        return "unknown error";
    }
}
