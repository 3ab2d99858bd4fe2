/* Private to the records: one change of them, from the message to the record that it comes to. */
#ifndef M4H_MASTER_IO_RECORD_CHANGE_H
#define M4H_MASTER_IO_RECORD_CHANGE_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "services/master/core/registry.h"

struct m4h_master;

/* Of a record, or a revocation, as it is kept. */
#define M4H_CHANGE_PACKED_MAX 16384u

enum m4h_change_kind {
    M4H_CHANGE_PUT,    /* a DevicePutRequest */
    M4H_CHANGE_REMOVE, /* a DeviceRemoveRequest */
    M4H_CHANGE_TAKE,   /* a Device, complete */
    M4H_CHANGE_FORGET, /* a fingerprint, NUL terminated, that the registry has forgotten */
    M4H_CHANGE_BAN,    /* a Revoke that is to outlive a restart */
};

/* While it waits it is a message; in a transaction it is a record, too, where it is of one. */
struct m4h_change {
    struct m4h_change *prev, *next;
    enum m4h_change_kind kind;
    bool is_ours; /* others are to be told */
    char *reply;  /* behind the message; NULL: nobody waits */
    uint64_t arrived_us;
    struct m4h_device_record *record; /* owned; NULL: none */
    struct m4h_registry_entry entry;  /* of `packed` and `record` */
    struct m4h_buffer packed;
    char reason[M4H_DETAIL_MAX + 1]; /* of who removes it; may be empty */
    const char *voids;               /* why what was decided before is void; NULL: it is not */
    size_t len;
    uint8_t message[];
};

/* Copies all. NULL: no memory. */
struct m4h_change *m4h_change_create(enum m4h_change_kind kind, const void *message, size_t len,
                                     const char *reply);
void m4h_change_destroy(struct m4h_change *change);

enum m4h_change_made {
    M4H_CHANGE_MADE,
    M4H_CHANGE_REFUSED, /* the problem says why */
    M4H_CHANGE_LATER,   /* another change of that key is in `batch` */
};

/* Makes the record that a change comes to, by what there is now. */
enum m4h_change_made m4h_change_make(struct m4h_change *change, struct m4h_master *master,
                                     const struct m4h_change *batch, struct m4h_problem *problem);

#endif
