/* The list of paths. */
#include "services/gateway/io/index.h"

#include "services/gateway/core/scope.h"

static void get_index(void *context, struct m4h_http_request *request)
{
    static const char text[] = "mas4h gateway " M4H_VERSION "\n"
                               "\n"
                               "GET    /v1/cluster\n"
                               "GET    /v1/slaves\n"
                               "GET    /v1/slaves/{slave_id}\n"
                               "POST   /v1/slaves/{slave_id}/drain\n"
                               "GET    /v1/tunnels\n"
                               "GET    /v1/tunnels/{client_key}\n"
                               "DELETE /v1/tunnels/{client_key}\n"
                               "GET    /v1/devices\n"
                               "POST   /v1/devices\n"
                               "GET    /v1/devices/{name}\n"
                               "PATCH  /v1/devices/{name}\n"
                               "DELETE /v1/devices/{name}\n"
                               "POST   /v1/devices/{name}/approve\n"
                               "GET    /v1/revocations\n"
                               "POST   /v1/revocations\n"
                               "DELETE /v1/revocations/{name}\n"
                               "GET    /v1/events  (server-sent events)\n"
                               "POST   /v1/slots\n"
                               "GET    /v1/slots   (WebSocket)\n"
                               "GET    /v1/session\n"
                               "POST   /v1/session\n"
                               "DELETE /v1/session\n"
                               "GET    /healthz\n"
                               "GET    /openapi.json\n"
                               "GET    /readyz\n"
                               "GET    /metrics\n";
    struct m4h_buffer body = M4H_BUFFER_INIT(sizeof(text));

    (void)context;
    if (m4h_buffer_add(&body, text, sizeof(text) - 1) != 0)
        m4h_buffer_clear(&body);
    m4h_http_answer(request, &(struct m4h_http_answer){.status = 200,
                                                       .content_type = "text/plain; charset=utf-8",
                                                       .body = &body});
}

static const struct m4h_http_route routes[] = {
    {"GET", "/v1", get_index, false, M4H_GATEWAY_SCOPE_PUBLIC},
};

struct m4h_http_routes m4h_gateway_index_routes(void)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), NULL};
}
