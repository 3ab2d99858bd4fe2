/* What a request needs to be permitted: the scope of its route. */
#ifndef M4H_GATEWAY_SCOPE_H
#define M4H_GATEWAY_SCOPE_H

enum m4h_gateway_scope {
    M4H_GATEWAY_SCOPE_PUBLIC = 0, /* everybody may: it holds no data of the cluster */
    M4H_GATEWAY_SCOPE_SLOT,       /* to ask for slots */
    M4H_GATEWAY_SCOPE_READ,       /* to see slaves, tunnels and events */
    M4H_GATEWAY_SCOPE_OPERATE,    /* to kick and drain; whoever may, may read too */
};

#endif
