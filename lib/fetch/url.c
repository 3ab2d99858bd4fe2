/* URLs, as libcurl reads them. */
#include "lib/fetch/url.h"

#include "lib/base/error.h"
#include "lib/fetch/fetch.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <string.h>

int m4h_fetch_url_check(const char *url)
{
    CURLU *parts;
    char *scheme = NULL;
    bool is_fine;

    if (strlen(url) >= M4H_FETCH_TEXT_MAX)
        return M4H_EINVALID;
    parts = curl_url();
    if (parts == NULL)
        return M4H_ENOMEM;
    is_fine = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(parts);
    return is_fine ? 0 : M4H_EINVALID;
}
