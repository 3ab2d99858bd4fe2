/* The digest of live tunnels: the finalizer of splitmix64 over the tunnel id. */
#include "lib/base/digest.h"

uint64_t m4h_digest_of(uint64_t tunnel_id)
{
    uint64_t z = tunnel_id + 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
