/* The table of a gateway's settings. */
#include "services/gateway/config.h"

#include "lib/base/address.h"
#include "lib/base/attributes.h"
#include "lib/config/nats.h"
#include "services/gateway/core/access.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define STREAM_NAME_MAX 128
#define AT(member)      offsetof(struct m4h_gateway_config, member)

/* In the order of enum m4h_http_forwarded_header. */
static const char *const forwarded_headers[] = {"x-forwarded-for", "forwarded", NULL};
static const char *const proxy_protocols[] = {"off", "required", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

static const struct m4h_config_option options[] = {
    {"gateway", "id", M4H_CONFIG_ID, M4H_CONFIG_AT_START, AT(id), "gateway-1", 0, 0, NULL,
     "Names this gateway on the bus and in logs."},

    M4H_CONFIG_NATS_ROWS(AT),

    {"log", "level", M4H_CONFIG_CHOICE, M4H_CONFIG_RELOADABLE, AT(log_level), "info", 0, 0,
     log_levels, "The least important lines that are logged; info has one for each request."},
    {"run", "ready_file", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(ready_file), "", 0, 0, NULL,
     "A file that says that the service is ready, and on which address."},
    {"run", "watch_config", M4H_CONFIG_BOOL, M4H_CONFIG_RELOADABLE, AT(watch_config), "yes", 0, 0,
     NULL, "Reload the configuration file when it changes, as at SIGHUP."},
    {"run", "drain_delay_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(drain_delay_ms), "0",
     0, 600000, NULL,
     "At a clean end, for so long all is still served, but /readyz says no: time for load "
     "balancers "
     "to see it, that is, longer than their checks take. 0: there are none that check."},
    {"run", "drain_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(drain_ms), "10000", 0,
     600000, NULL, "After that, how long requests and WebSockets may take to finish."},
    {"run", "drain_spread_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(drain_spread_ms),
     "2000", 0, 600000, NULL,
     "Over what part of that WebSockets are closed, batch by batch, so that they do not all come "
     "back to the other gateways at once."},

    {"http", "listen", M4H_CONFIG_ADDRESS, M4H_CONFIG_AT_START, AT(http_listen), "127.0.0.1:8080",
     0, 0, NULL, "Where REST and WebSocket are served. Port 0: any that is free."},
    {"http", "open_access", M4H_CONFIG_BOOL, M4H_CONFIG_AT_START, AT(http_open_access), "no", 0, 0,
     NULL,
     "Where no token is asked for, serve everybody who can reach the address, also when that is "
     "not only this machine. Whoever reaches it may get slots, list tunnels and kick devices."},
    {"http", "host_names", M4H_CONFIG_TEXT, M4H_CONFIG_RELOADABLE, AT(http_host_names), "", 0, 0,
     NULL,
     "Without tokens and open_access only requests for localhost, for IP addresses and for these "
     "names, separated by commas, are served: a stranger may make the name of his page point to "
     "this machine. For a proxy on this machine that hands on Host."},
    {"http", "tls_cert", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(http_tls_cert), "", 0, 0, NULL,
     "A PEM file with the certificate and its chain: serve HTTPS instead of HTTP. It is read again "
     "when it changes, and at SIGHUP."},
    {"http", "tls_key", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(http_tls_key), "", 0, 0, NULL,
     "A PEM file with the private key of that certificate."},
    {"http", "connections_max", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(http_connections_max),
     "10000", 10, 1000000, NULL,
     "Connections at a time, WebSockets among them; the limit of open files is raised."},
    {"http", "source_connections_max", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START,
     AT(http_source_connections_max), "1000", 0, 1000000, NULL,
     "Of them, those of one source: an IPv4 address, or a /64 of IPv6. More are closed at once. "
     "Those of trusted_proxies are not counted. 0: no limit."},
    {"http", "receive_timeout_ms", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, AT(http_receive_ms),
     "30000", 100, 3600000, NULL,
     "A client that takes longer to send its request, or the next one, is cut off."},
    {"http", "trusted_proxies", M4H_CONFIG_NETWORKS, M4H_CONFIG_RELOADABLE,
     AT(http_trusted_proxies), "", 0, 0, NULL,
     "The load balancers in front: what they say about whom they ask for is believed, and that "
     "address is the one in logs, rates and events. Of others nothing is."},
    {"http", "forwarded_header", M4H_CONFIG_CHOICE, M4H_CONFIG_AT_START, AT(http_forwarded_header),
     "x-forwarded-for", 0, 0, forwarded_headers,
     "The header in which they say it: x-forwarded-for (with X-Forwarded-Proto) or forwarded (RFC "
     "7239). The other one is not read, since they hand it on as their clients wrote it."},

    {"http", "proxy_protocol", M4H_CONFIG_CHOICE, M4H_CONFIG_AT_START, AT(http_proxy_protocol),
     "off", 0, 0, proxy_protocols,
     "required: each connection begins with a header of the PROXY protocol, version 1 or 2, that "
     "says "
     "whose it is; then nobody but trusted_proxies may connect."},

    {"access", "tokens_file", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(access_tokens_file), "", 0,
     0, NULL,
     "A file of tokens, one of which everybody has to show: NAME SCOPE[,SCOPE...] sha256:HEX "
     "[expires=RFC3339] [rate=N] on each line, with the scopes slot, read and operate. It is read "
     "again when it changes, and at SIGHUP. Not set: nobody needs a token."},
    {"access", "metrics_open", M4H_CONFIG_BOOL, M4H_CONFIG_RELOADABLE, AT(access_metrics_open),
     "yes", 0, 0, NULL, "Serve /metrics without a token, too; no: it needs the scope read."},
    {"access", "token_rate", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(access_token_rate), "0", 0,
     M4H_TOKEN_RATE_MAX, NULL,
     "Requests per second of one token, messages of WebSockets among them, unless its line says "
     "otherwise; 0: no limit."},
    {"access", "source_rate", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(access_source_rate), "0",
     0, M4H_TOKEN_RATE_MAX, NULL,
     "The same of one source: an IPv4 address, or a /64 of IPv6. Behind a proxy that is the proxy, "
     "unless it is one of [http] trusted_proxies. 0: no limit."},
    {"access", "burst_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(access_burst_ms), "2000",
     0, 3600000, NULL, "As many requests may come at once as the rate allows in this time."},

    {"rpc", "timeout_ms", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, AT(rpc_timeout_ms), "1800", 50,
     60000, NULL, "Time for a master or a slave to answer, a second try included."},
    {"slots", "in_flight_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(slots_in_flight_max),
     "256", 1, 10000, NULL, "Slot requests of one WebSocket that may wait for their answer."},
    {"events", "readers_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(events_readers_max),
     "1000", 0, 100000, NULL, "Readers of GET /v1/events at a time."},
    {"events", "heartbeat_ms", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, AT(events_heartbeat_ms),
     "15000", 1000, 3600000, NULL,
     "A reader of events for whom nothing happens gets a comment so often."},
    {"events", "stream", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(events_stream), "MAS4H_EVENTS", 0,
     0, NULL,
     "The stream of the events in JetStream, as [events] stream of the masters: readers that come "
     "back are given from it what they missed. Empty: none."},
    {"events", "replay_max", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(events_replay_max), "100000",
     1, 100000000, NULL,
     "Events that a reader who comes back is given at most; it is told of the rest."},
    {"status", "keep_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(status_keep_ms), "20", 0,
     250, NULL,
     "For so long a list, or the counts of the cluster, is given to all who ask the same. 0: a "
     "master is asked each time, once for all who wait."},
};

/* One token of a subject. */
static bool is_stream_name(const char *name)
{
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
               strlen(name) &&
           strlen(name) <= STREAM_NAME_MAX;
}

static bool check(const void *config, char *message, size_t message_size)
{
    const struct m4h_gateway_config *gateway = config;
    struct m4h_address address;

    if (!is_stream_name(gateway->events_stream)) {
        snprintf(message, message_size,
                 "[events] stream must be a name of at most 128 of [A-Za-z0-9_-], or empty");
        return false;
    }
    if (m4h_address_parse(gateway->http_listen, &address) != 0) {
        snprintf(message, message_size, "[http] listen must be an address, \"host:port\"");
        return false;
    }
    if (!m4h_gateway_host_names_are_valid(gateway->http_host_names)) {
        snprintf(message, message_size,
                 "[http] host_names must be names of hosts, separated by commas, without ports");
        return false;
    }
    if (gateway->access_tokens_file[0] == '\0' && !gateway->http_open_access &&
        !m4h_gateway_host_is_loopback(address.host)) {
        snprintf(message, message_size,
                 "[http] listen %s can be reached from outside, where anybody could use it: set "
                 "[access] tokens_file, or listen on 127.0.0.1 behind a proxy that asks, or set "
                 "[http] open_access = yes",
                 gateway->http_listen);
        return false;
    }
    if (gateway->http_proxy_protocol != 0 && gateway->http_trusted_proxies[0] == '\0') {
        snprintf(message, message_size,
                 "[http] proxy_protocol=required needs the load balancers in trusted_proxies");
        return false;
    }
    if ((gateway->http_tls_cert[0] == '\0') != (gateway->http_tls_key[0] == '\0')) {
        snprintf(message, message_size, "[http] tls_cert and tls_key belong together");
        return false;
    }
    return true;
}

const struct m4h_config_table m4h_gateway_config_table = {
    .program = "mas4h-gateway",
    .prefix = "MAS4H_GATEWAY",
    .summary = "Serves REST and WebSocket in front of a mas4h cluster.",
    .options = options,
    .option_count = M4H_COUNT(options),
    .size = sizeof(struct m4h_gateway_config),
    .check = check,
};
