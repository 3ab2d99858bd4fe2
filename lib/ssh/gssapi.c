/* GSSAPI without a mechanism (RFC 2744 section 5.15). */
#include "lib/ssh/gssapi.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#define FAILURE (13u << 16) /* GSS_S_FAILURE */

/* As in gssapi/gssapi.h, which need not be installed. */
__attribute__((visibility("default"), used)) uint32_t gss_indicate_mechs(uint32_t *minor,
                                                                         void **mechanisms);

uint32_t gss_indicate_mechs(uint32_t *minor, void **mechanisms)
{
    *minor = 0;
    *mechanisms = NULL;
    return FAILURE;
}

bool m4h_ssh_gssapi_is_off(void)
{
    return dlsym(RTLD_DEFAULT, "gss_indicate_mechs") == (void *)gss_indicate_mechs;
}
