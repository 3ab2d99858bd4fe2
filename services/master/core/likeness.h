/* What makes two questions about a key the same: the key, and what else the answer may depend on.
 * The port of an address never counts, as it is another one each time. Pure. */
#ifndef M4H_MASTER_LIKENESS_H
#define M4H_MASTER_LIKENESS_H

#include "lib/base/model.h"

/* What counts beside the key. */
enum {
    M4H_LIKENESS_ADDRESS = 1,
    M4H_LIKENESS_USERNAME = 2,
    M4H_LIKENESS_SLAVE = 4, /* with its region */
    M4H_LIKENESS_RECHECK = 8,
};

#define M4H_LIKENESS_MAX                                                                           \
    (M4H_PUBLIC_KEY_BLOB_MAX + M4H_ADDRESS_TEXT_MAX + M4H_USERNAME_MAX + 2 * M4H_ID_MAX + 8 +      \
     sizeof(uint64_t))

/* Two are alike where their bytes are. */
struct m4h_likeness {
    size_t len;
    uint8_t bytes[M4H_LIKENESS_MAX];
};

void m4h_likeness_of(struct m4h_likeness *likeness, const struct m4h_authorize_request *request,
                     unsigned parts);
/* Two are alike only where this number is the same, too. Once. */
void m4h_likeness_add_number(struct m4h_likeness *likeness, uint64_t number);

#endif
