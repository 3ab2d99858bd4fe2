/* What lib/fetch takes as the address of a server. Private to lib/fetch. */
#ifndef M4H_FETCH_URL_H
#define M4H_FETCH_URL_H

#include "lib/base/attributes.h"

/* 0: an http or https URL of fewer than M4H_FETCH_TEXT_MAX bytes. M4H_EINVALID, M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_fetch_url_check(const char *url);

#endif
