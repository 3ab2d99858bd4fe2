/* One access: a visitor's connection to a device by its name, waiting or open, and what is
 * told of it. Shared by visits.c, which finds the device, and visitors.c. Main thread. */
#ifndef M4H_SLAVE_IO_ACCESS_H
#define M4H_SLAVE_IO_ACCESS_H

#include "lib/ssh/open.h"
#include "services/slave/io/hub.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Another slave may bring so many times what one operator may have, and come so many times as
 * often as operators may. */
#define M4H_HOP_SHARE 16u

struct m4h_inquiry;

struct m4h_access_case {
    UT_hash_handle hh;
    uint64_t visit_id;
    struct m4h_slave *slave;
    struct m4h_visitor *visitor;
    struct m4h_inquiry *inquiry; /* where the device is; NULL: nobody is asked */
    struct m4h_located *located; /* owned: the answer, while it is judged */
    struct m4h_problem problem;  /* or this */
    bool looked_again;           /* it was not found there: masters were asked once more */
    bool is_open;
    int fd;               /* the visitor's end, until it is handed over; -1 */
    uint64_t deadline_ms; /* until it is open */
    uint64_t opened_ms;
    char originator[M4H_ADDRESS_TEXT_MAX]; /* the operator, as the device is told */
    struct m4h_access told;                /* what events say of it */
};

/* Publishes it as it is; of a hop's its own slave tells. */
void m4h_access_publish(struct m4h_slave *slave, const struct m4h_access_case *access,
                        enum m4h_access_phase phase);
void m4h_access_log(const struct m4h_access_case *access, const char *what);

/* Frees it and all that hangs on it; nothing is told. */
void m4h_access_drop(struct m4h_slave *slave, struct m4h_access_case *access);

/* Refuses it in words that the operator's client shows, tells of it, and drops it. */
M4H_PRINTF(5, 6)
void m4h_access_refuse(struct m4h_slave *slave, struct m4h_access_case *access,
                       enum m4h_access_result result, enum m4h_ssh_open_refusal reason,
                       const char *format, ...);
/* The device is not connected. */
void m4h_access_refuse_absent(struct m4h_slave *slave, struct m4h_access_case *access);
/* No rule allows it: the same words whether there is such a device or not. */
void m4h_access_refuse_forbidden(struct m4h_slave *slave, struct m4h_access_case *access);
/* It depends on labels, and either the device has not those for it or there is none (`result`): the
 * operator is told the same. */
void m4h_access_refuse_hidden(struct m4h_slave *slave, struct m4h_access_case *access,
                              enum m4h_access_result result);
/* The tunnel has no such port. */
void m4h_access_refuse_port(struct m4h_slave *slave, struct m4h_access_case *access,
                            const struct m4h_tunnel *tunnel);
/* The slave has no more files, or memory. */
void m4h_access_refuse_full(struct m4h_slave *slave, struct m4h_access_case *access);

/* visits.c: ends all of a visitor's. */
void m4h_visits_end_all(struct m4h_slave *slave, const struct m4h_visitor *visitor);

#endif
