/* Whose request it is: the address that asks, or, where that is a trusted proxy, the one
 * that it asks for. Everything that logs, counts or limits somebody takes it from here. */
#include "lib/http/forwarded.h"
#include "lib/http/server.h"
#include "lib/net/socket.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Of more header lines, only the last ones are looked at. */
#define LINES_MAX 16u

/* The values of one header, in the order of their lines. */
struct lines {
    const char *name;
    const char *values[LINES_MAX]; /* a ring */
    size_t count;
};

static enum MHD_Result keep_line(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct lines *lines = context;

    (void)kind;
    if (value != NULL && strcasecmp(name, lines->name) == 0)
        lines->values[lines->count++ % LINES_MAX] = value;
    return MHD_YES;
}

static void find_lines(const struct m4h_http_request *request, const char *name,
                       struct lines *lines)
{
    *lines = (struct lines){.name = name};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, keep_line, lines);
}

/* The line that is the `nth` from the end. */
static const char *line_from_end(const struct lines *lines, size_t nth)
{
    return nth < lines->count && nth < LINES_MAX
               ? lines->values[(lines->count - 1 - nth) % LINES_MAX]
               : NULL;
}

/* A trusted proxy asks: for whom? */
static void ask_proxy(const struct m4h_http_request *request, struct m4h_http_client *client)
{
    const struct m4h_http_config *config = &request->server->config;
    bool by_forwarded = config->forwarded_header == M4H_HTTP_FORWARDED;
    struct lines lines;
    const char *line;

    if (!by_forwarded) {
        find_lines(request, "X-Forwarded-Proto", &lines);
        if (m4h_http_forwarded_proto_is_https(line_from_end(&lines, 0)))
            client->is_encrypted = true;
    }
    find_lines(request, by_forwarded ? "Forwarded" : "X-Forwarded-For", &lines);
    for (size_t i = 0; (line = line_from_end(&lines, i)) != NULL; i++) {
        if (!m4h_http_forwarded_read(config->forwarded_header, config->trusted_proxies, line,
                                     client))
            return;
    }
}

void m4h_http_find_client(struct m4h_http_request *request)
{
    const struct m4h_http_server *server = request->server;
    const struct m4h_networks *trusted = server->config.trusted_proxies;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct m4h_http_client client = {.is_encrypted = server->tls != NULL};
    char ip[M4H_IP_TEXT_MAX];

    m4h_socket_address_text(info->client_addr, request->peer);
    if (m4h_ip_parse_peer(request->peer, &client.ip) != 0)
        client.ip = (struct m4h_ip){{0}};
    else if (trusted != NULL && m4h_networks_contain(trusted, &client.ip)) {
        struct m4h_ip proxy = client.ip;

        ask_proxy(request, &client);
        if (!m4h_ip_equals(&client.ip, &proxy) && client.port != 0)
            m4h_ip_peer_text(&client.ip, client.port, request->peer);
        else if (!m4h_ip_equals(&client.ip, &proxy))
            snprintf(request->peer, sizeof(request->peer), "%s", m4h_ip_text(&client.ip, ip));
    }
    request->source = client.ip;
    request->is_encrypted = client.is_encrypted;
}
