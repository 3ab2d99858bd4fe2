/* What stands behind a function of ours with a library's name. */
#include "lib/ssh/behind.h"

#include <dlfcn.h>
#include <stdlib.h>

void *m4h_ssh_behind(_Atomic(void *) *found, const char *name)
{
    void *function = atomic_load_explicit(found, memory_order_relaxed);

    /* Two threads that come first together find the same. */
    if (function == NULL) {
        function = dlsym(RTLD_NEXT, name);
        if (function == NULL)
            abort();
        atomic_store_explicit(found, function, memory_order_relaxed);
    }
    return function;
}
