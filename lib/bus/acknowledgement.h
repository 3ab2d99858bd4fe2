/* What JetStream answers to a message of m4h_bus_publish_acknowledged. Pure. */
#ifndef M4H_BUS_ACKNOWLEDGEMENT_H
#define M4H_BUS_ACKNOWLEDGEMENT_H

#include <stddef.h>
#include <stdint.h>

enum m4h_acknowledgement {
    M4H_ACKNOWLEDGEMENT_STORED,
    M4H_ACKNOWLEDGEMENT_REFUSED, /* for ever: it is too large for the stream, say */
    M4H_ACKNOWLEDGEMENT_FAILED,  /* not now, or it was no stream that answered */
};

/* `error`, `data` and `len` as m4h_bus_on_ack has them. */
enum m4h_acknowledgement m4h_acknowledgement_read(int error, const uint8_t *data, size_t len);

#endif
