/* The errors that fallible functions return: 0, or one of these, negative. */
#ifndef M4H_BASE_ERROR_H
#define M4H_BASE_ERROR_H

#include "lib/base/attributes.h"

#define M4H_ERRORS(X)                                                                              \
    X(M4H_ENOMEM, -1, "out of memory")                                                             \
    X(M4H_EINVALID, -2, "invalid value")                                                           \
    X(M4H_ETOOBIG, -3, "larger than its limit")                                                    \
    X(M4H_EFULL, -4, "no room left")                                                               \
    X(M4H_ENOTFOUND, -5, "not found")                                                              \
    X(M4H_EEXIST, -6, "exists already")                                                            \
    X(M4H_EUNAVAILABLE, -7, "not available now")                                                   \
    X(M4H_ETIMEOUT, -8, "no answer in time")                                                       \
    X(M4H_EAGAIN, -9, "not now: try again later")                                                  \
    X(M4H_EIO, -10, "input or output failed")                                                      \
    X(M4H_EPROTOCOL, -11, "the peer broke the protocol")                                           \
    X(M4H_ECLOSED, -12, "closed")                                                                  \
    X(M4H_ESYSTEM, -13, "the system call failed")

enum m4h_error {
#define X(name, value, text) name = value,
    M4H_ERRORS(X)
#undef X
};

/* Text of an error, for logs; static. 0 is "ok". */
const char *m4h_error_text(int error);

#endif
