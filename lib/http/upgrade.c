/* The request that becomes a WebSocket: its handshake is judged, and the 101 or
 * the refusal made its answer. Knows nothing of frames. */
#include "lib/base/error.h"
#include "lib/http/handshake.h"
#include "lib/http/server.h"
#include "lib/http/websocket.h"

#define PROTOCOLS_MAX 512
#define TOKENS_MAX    256

static void judge(const struct m4h_http_request *request, const char *const *subprotocols,
                  struct m4h_http_handshake *result)
{
    char upgrade[TOKENS_MAX], connection[TOKENS_MAX], protocols[PROTOCOLS_MAX];
    char key[TOKENS_MAX], version[TOKENS_MAX];
    struct m4h_http_handshake_offer offer = {
        .method = m4h_http_method(request),
        .is_http_1_1 = request->is_http_1_1,
        .upgrade = upgrade,
        .connection = connection,
        .key = key,
        .version = version,
        .protocols = protocols,
    };

    m4h_http_header_join(request, "Upgrade", upgrade, sizeof(upgrade));
    m4h_http_header_join(request, "Connection", connection, sizeof(connection));
    /* Said twice, neither is one (sections 11.3.1 and 11.3.5). */
    m4h_http_header_join(request, "Sec-WebSocket-Key", key, sizeof(key));
    m4h_http_header_join(request, "Sec-WebSocket-Version", version, sizeof(version));
    m4h_http_header_join(request, "Sec-WebSocket-Protocol", protocols, sizeof(protocols));
    m4h_http_handshake_judge(&offer, subprotocols, result);
}

static struct MHD_Response *switching(struct m4h_websocket *websocket,
                                      const struct m4h_http_handshake *handshake)
{
    struct MHD_Response *response =
        MHD_create_response_for_upgrade(m4h_websocket_on_upgrade, websocket);

    if (response == NULL)
        return NULL;
    if (m4h_http_response_header(response, "Upgrade", "websocket") &&
        m4h_http_response_header(response, "Sec-WebSocket-Accept", handshake->accept) &&
        (!handshake->echo_subprotocol ||
         m4h_http_response_header(response, "Sec-WebSocket-Protocol", handshake->subprotocol)))
        return response;
    MHD_destroy_response(response);
    return NULL;
}

static int refuse(struct m4h_http_request *request, const struct m4h_http_handshake *handshake)
{
    const char *code = handshake->status == 426 ? "upgrade_required" : "invalid";

    m4h_http_refuse(request, handshake->status, code, handshake->detail, "Sec-WebSocket-Version",
                    handshake->status == 426 ? "13" : NULL);
    return M4H_EPROTOCOL;
}

int m4h_websocket_accept(struct m4h_websocket **websocket, struct m4h_http_request *request,
                         const struct m4h_websocket_config *config, void *context)
{
    struct m4h_http_handshake handshake;
    struct m4h_websocket *made;
    struct MHD_Response *response = NULL;

    *websocket = NULL;
    if (request->server->is_stopping) {
        m4h_http_answer_problem(request, 503, "unavailable", M4H_WEBSOCKET_LEAVING, 1000);
        return M4H_ECLOSED;
    }
    judge(request, config->subprotocols, &handshake);
    if (handshake.status != MHD_HTTP_SWITCHING_PROTOCOLS)
        return refuse(request, &handshake);
    made = m4h_websocket_create(request, config, handshake.subprotocol, context);
    if (made != NULL)
        response = switching(made, &handshake);
    m4h_http_request_end(request, MHD_HTTP_SWITCHING_PROTOCOLS, response, 0);
    if (request->status != MHD_HTTP_SWITCHING_PROTOCOLS) {
        m4h_websocket_free(made);
        return M4H_ENOMEM;
    }
    request->websocket = made;
    *websocket = made;
    return 0;
}
