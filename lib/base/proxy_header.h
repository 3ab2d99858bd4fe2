/* The PROXY protocol, versions 1 (text) and 2 (binary), by the specification of
 * HAProxy: what a load balancer puts before a connection to say whose it is.
 * Pure: bytes in, a verdict out. The caller decides whom it believes. */
#ifndef M4H_BASE_PROXY_HEADER_H
#define M4H_BASE_PROXY_HEADER_H

#include "lib/base/network.h"

/* No header is longer: version 1 has at most 107 bytes, and of version 2 we take
 * 520 after its first 16, room for addresses and some TLVs. */
#define M4H_PROXY_HEADER_MAX 536
/* What m4h_proxy_header_write writes at most. */
#define M4H_PROXY_HEADER_WRITTEN_MAX 52

enum m4h_proxy_verdict {
    M4H_PROXY_INCOMPLETE, /* so far it may become a header; every byte belongs to it */
    M4H_PROXY_COMPLETE,   /* there it is, and `len` bytes long */
    M4H_PROXY_WRONG,      /* it is no header, whatever follows */
};

struct m4h_proxy_header {
    size_t len;           /* what comes after so many bytes is the connection's own */
    bool has_source;      /* false: LOCAL, UNKNOWN or a family without IP addresses */
    struct m4h_ip source; /* with it */
    uint16_t source_port;
};

/* Reads the header at the beginning of `data`. `*header` is set only with
 * M4H_PROXY_COMPLETE. */
enum m4h_proxy_verdict m4h_proxy_header_parse(const uint8_t *data, size_t len,
                                              struct m4h_proxy_header *header);

/* Writes a header of version 2 for a TCP connection between two addresses, IPv4
 * where both are. Returns its length. */
size_t m4h_proxy_header_write(uint8_t out[M4H_PROXY_HEADER_WRITTEN_MAX],
                              const struct m4h_ip *source, uint16_t source_port,
                              const struct m4h_ip *destination, uint16_t destination_port);

#endif
