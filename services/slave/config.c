/* The table of a slave's settings. */
#include "services/slave/config.h"

#include "lib/config/nats.h"
#include "lib/ssh/host_key.h"

#include <stddef.h>
#include <unistd.h>

#define AT(member) offsetof(struct m4h_slave_config, member)

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

static const char *const acknowledges[] = {"auto", "required", "never", NULL};
static const char *const proxy_headers[] = {"off", "v2", NULL};
static const char *const proxy_protocols[] = {"off", "required", NULL};

static const struct m4h_config_option options[] = {
    {"slave", "id", M4H_CONFIG_ID, M4H_CONFIG_AT_START, AT(id), "slave-1", 0, 0, NULL,
     "Names this slave in the cluster: unique, and the same after a restart."},
    {"slave", "region", M4H_CONFIG_ID, M4H_CONFIG_AT_START, AT(region), "local", 0, 0, NULL,
     "The region that this slave serves."},
    {"slave", "workers", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(workers), "0", 0, 256, NULL,
     "Threads that carry tunnels. 0: one for each core."},
    {"slave", "capacity", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(capacity), "0", 0, 1000000,
     NULL, "Tunnels that it may hold. 0: half of the limit of open files, less 500."},
    {"slave", "weight", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(weight), "100", 1, 1000, NULL,
     "Its share of new devices, in percent of what its capacity alone would give it."},

    M4H_CONFIG_NATS_ROWS(AT),

    {"log", "level", M4H_CONFIG_CHOICE, M4H_CONFIG_RELOADABLE, AT(log_level), "info", 0, 0,
     log_levels, "The least important lines that are logged."},
    {"run", "ready_file", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(ready_file), "", 0, 0, NULL,
     "A file that says that the service is ready, and on which addresses."},
    {"run", "watch_config", M4H_CONFIG_BOOL, M4H_CONFIG_RELOADABLE, AT(watch_config), "yes", 0, 0,
     NULL, "Reload the configuration file when it changes, as at SIGHUP."},

    {"device", "listen", M4H_CONFIG_ADDRESS, M4H_CONFIG_AT_START, AT(device_listen), "0.0.0.0:2222",
     0, 0, NULL, "Where devices connect. Port 0: any that is free."},
    {"device", "host", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(device_host), "", 0, 0, NULL,
     "The host that slots name. Empty: the host name of this machine."},
    {"device", "port", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(device_port), "0", 0, 65535, NULL,
     "The port that slots name. 0: the one it listens on."},
    {"device", "host_key_dir", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(host_key_dir),
     "/var/lib/mas4h/slave", 0, 0, NULL,
     "The folder of the host key, which is made at the first start."},
    {"device", "authenticate_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(authenticate_ms),
     "5000", 100, 600000, NULL, "Time for a device to exchange keys and authenticate."},
    {"device", "forward_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(forward_ms), "5000",
     100, 600000, NULL, "Time for a device to ask for its port after that."},
    {"device", "keys_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(keys_max), "6", 1, 20, NULL,
     "Keys that a device may try in one connection."},
    {"device", "keepalive_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(keepalive_ms),
     "15000", 0, 3600000, NULL,
     "Silence after which a device is asked for a sign of life. 0: never."},
    {"device", "keepalive_misses", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(keepalive_misses),
     "3", 2, 100, NULL,
     "After so many times that silence the device is gone; before, it is asked each time."},

    {"device", "slots_per_second", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(slots_per_second), "0",
     0, 1000000, NULL,
     "Devices that masters may send it in a second, unless they have no limit at all. 0: 400 for "
     "each worker, about half of the 835 that one did on the machine of bench/tunnels.sh."},

    {"device", "handshakes_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(handshakes_max), "0",
     0, 100000, NULL,
     "Handshakes in flight in each worker; who comes beyond waits in the kernel's queue. 0: one "
     "for each 25 ms of authenticate_ms, so that a round of them takes a small part of it."},
    {"device", "unauthenticated_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE,
     AT(unauthenticated_max), "4000", 64, 1000000, NULL,
     "Connections that have not authenticated yet, of all; beyond, the one that has been silent "
     "for longest goes."},
    {"device", "source_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(source_max), "256", 0,
     1000000, NULL,
     "Of them, those of one source that say nothing, and one more for each device that came in "
     "from there; beyond, the one that has been silent for longest goes. Shared out among the "
     "workers, 64 each at least. 0: no limit."},
    {"device", "source_prefix_v4", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(source_prefix_v4),
     "32", 8, 32, NULL, "Bits of an IPv4 address that make a source."},
    {"device", "source_prefix_v6", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(source_prefix_v6),
     "64", 16, 128, NULL, "Bits of an IPv6 address that make a source."},
    {"device", "trusted_networks", M4H_CONFIG_NETWORKS, M4H_CONFIG_RELOADABLE, AT(trusted_networks),
     "", 0, 0, NULL,
     "Where a fleet comes from by one address, say: not counted by source, and the last to go."},
    {"device", "proxy_protocol", M4H_CONFIG_CHOICE, M4H_CONFIG_AT_START, AT(proxy_protocol), "off",
     0, 0, proxy_protocols,
     "Whether every connection begins with a header of the PROXY protocol (version 1 or 2), as a "
     "load balancer sends it, with the device's real address."},
    {"device", "proxy_networks", M4H_CONFIG_NETWORKS, M4H_CONFIG_RELOADABLE, AT(proxy_networks), "",
     0, 0, NULL, "The load balancers: with proxy_protocol=required nobody else may connect."},

    {"ssh", "ciphers", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(ciphers),
     "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
     "aes256-ctr,aes128-ctr",
     0, 0, NULL, "Ciphers that devices may choose from; empty: the library's own list."},
    {"ssh", "key_exchanges", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(key_exchanges),
     "curve25519-sha256,curve25519-sha256@libssh.org", 0, 0, NULL,
     "Key exchanges that devices may choose from; empty: the library's own list, which lets "
     "strangers choose one that takes 20 times the work."},
    {"ssh", "macs", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(macs),
     "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com", 0, 0, NULL,
     "Message authentication for the ciphers that need it; empty: the library's own."},
    {"ssh", "dropbear_macs", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(dropbear_macs),
     "hmac-sha2-256", 0, 0, NULL,
     "Offered besides to Dropbear, which has no chacha20 before 2020 and never encrypt-then-MAC; "
     "empty: nothing."},
    {"ssh", "host_keys", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(host_keys), "ed25519", 0, 0, NULL,
     "Host keys to have, of ed25519, ecdsa and rsa; each is made where it is missing."},
    {"ssh", "key_types", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(key_types), "", 0, 0, NULL,
     "Signatures that devices may prove their keys with; empty: all but ssh-rsa, which is SHA-1."},
    {"ssh", "certificates", M4H_CONFIG_BOOL, M4H_CONFIG_AT_START, AT(certificates), "yes", 0, 0,
     NULL, "Whether OpenSSH certificates are taken to masters; those that judge none refuse them."},
    {"ssh", "compression", M4H_CONFIG_BOOL, M4H_CONFIG_AT_START, AT(compression), "no", 0, 0, NULL,
     "Lets devices compress, which costs 300 KB for each tunnel, and time."},

    {"tunnel", "address", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(tunnel_address), "127.0.0.1", 0,
     0, NULL, "Where operators reach the devices' ports; 0.0.0.0 opens them to the network."},
    {"tunnel", "port_min", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(port_min), "20000", 1024,
     65535, NULL, "The lowest port for devices."},
    {"tunnel", "port_max", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(port_max), "29999", 1024,
     65535, NULL, "The highest port for devices."},
    {"tunnel", "forwards_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(forwards_max), "4", 1, 8,
     NULL, "Ports that one device may have."},
    {"tunnel", "buffer_bytes", M4H_CONFIG_SIZE, M4H_CONFIG_RELOADABLE, AT(buffer_bytes), "256k",
     4096, 16777216, NULL,
     "Bytes kept for an operator that reads slowly, before the device is made to wait."},
    {"tunnel", "operator_networks", M4H_CONFIG_NETWORKS, M4H_CONFIG_RELOADABLE,
     AT(operator_networks), "", 0, 0, NULL,
     "From where operators may connect, as in 10.0.0.0/8,2001:db8::/32; empty: from anywhere. A "
     "master may allow less for a device."},
    {"tunnel", "channels_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(channels_max), "256", 0,
     100000, NULL,
     "Operator connections of one device at once, unless a master says how many. 0: no limit."},
    {"tunnel", "idle_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(idle_ms), "0", 0,
     2592000000, NULL,
     "An operator connection on which nothing moves for so long is closed, unless a master says "
     "after how long. 0: never."},
    {"tunnel", "bytes_per_second", M4H_CONFIG_SIZE, M4H_CONFIG_RELOADABLE, AT(bytes_per_second),
     "0", 0, 1099511627776, NULL,
     "Bandwidth of a device each way, all its connections together, unless a master says how much; "
     "at least 4k. 0: no limit."},
    {"tunnel", "proxy_header", M4H_CONFIG_CHOICE, M4H_CONFIG_RELOADABLE, AT(proxy_header), "off", 0,
     0, proxy_headers,
     "v2: each connection to a device begins with a header of the PROXY protocol that names the "
     "operator; what the device exposes must expect it."},
    {"tunnel", "lease_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(lease_ms), "24h", 0,
     31536000000, NULL,
     "So long the port of a device that is away is kept for it, while others are free."},
    {"tunnel", "explicit_ports", M4H_CONFIG_BOOL, M4H_CONFIG_RELOADABLE, AT(explicit_ports), "yes",
     0, 0, NULL, "Devices may ask for a port by its number, unless a master says which."},

    {"operators", "enabled", M4H_CONFIG_BOOL, M4H_CONFIG_RELOADABLE, AT(operators_enabled), "yes",
     0, 0, NULL,
     "Operators, whose keys a master knows, may reach devices by their names: ssh -J here device."},
    {"operators", "sessions_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE,
     AT(operator_sessions_max), "256", 0, 100000, NULL,
     "Operators that may be connected here at once; of other slaves, which bring theirs, 16 times "
     "as many."},
    {"operators", "channels_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE,
     AT(operator_channels_max), "64", 1, 100000, NULL,
     "Connections to devices that one of them may have at once, unless a master says how many; a "
     "slave has 16 times as many."},
    {"operators", "idle_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(operator_idle_ms), "1h",
     0, 2592000000, NULL,
     "An operator who has no connection to a device for so long is disconnected. 0: never."},
    {"operators", "reach_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(operator_reach_ms),
     "10000", 100, 600000, NULL, "Time for a device to be found and to take a connection."},

    {"flapping", "evictions", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(flapping_evictions), "3",
     0, 16, NULL,
     "So often in a window one live device throws out another with its key: it flaps. 0: never."},
    {"flapping", "window_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(flapping_window_ms),
     "60s", 1000, 3600000, NULL, "The window in which that is counted."},
    {"flapping", "hold_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(flapping_hold_ms), "10s",
     0, 3600000, NULL,
     "While a key flaps, a live device is thrown out no sooner than this after the one before."},

    {"authorize", "timeout_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE,
     AT(authorize_timeout_ms), "2000", 50, 60000, NULL,
     "Time for a master to say who a device is."},
    {"authorize", "stale_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(authorize_stale_ms),
     "24h", 0, 2592000000, NULL, "While no master answers, earlier decisions carry on so long."},
    {"authorize", "cache_entries", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(authorize_cache),
     "100000", 0, 10000000, NULL, "Decisions that are kept."},
    {"authorize", "recheck_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(recheck_ms), "1h", 0,
     2592000000, NULL,
     "So often a master is asked whether a device or an operator that is here may stay. 0: only at "
     "the end of what a master said, and after NATS was away for 10 s."},
    {"authorize", "recheck_per_second", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE,
     AT(recheck_per_second), "200", 1, 100000, NULL, "At most so many of them are asked about."},

    {"events", "acknowledge", M4H_CONFIG_CHOICE, M4H_CONFIG_AT_START, AT(events_acknowledge),
     "auto", 0, 0, acknowledges,
     "When an event leaves the slave: required: when a stream of JetStream has it. never: when it "
     "is sent. auto: as required once a stream has answered, before that after ack_wait_ms."},
    {"events", "outbox_messages", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(outbox_messages),
     "65536", 16, 10000000, NULL,
     "Events that wait, for NATS or to be acknowledged; beyond, the oldest goes."},
    {"events", "outbox_bytes", M4H_CONFIG_SIZE, M4H_CONFIG_AT_START, AT(outbox_bytes), "64M", 65536,
     68719476736, NULL, "Likewise, their bytes."},
    {"events", "ack_wait_ms", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, AT(ack_wait_ms), "5000",
     100, 600000, NULL, "After so long without an acknowledgement an event is sent again."},

    {"load", "interval_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(load_interval_ms),
     "2000", 100, 3000, NULL,
     "Time between two load events. Masters take 6 s without one for a failure."},
    {"drain", "spread_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(drain_spread_ms), "5000",
     0, 3600000, NULL, "At a clean end, devices without an operator are sent away over so long."},
    {"drain", "deadline_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(drain_deadline_ms),
     "30000", 0, 86400000, NULL,
     "Devices with an operator leave with the last one, and after so long at the latest; never "
     "before spread_ms are over."},
    {"http", "listen", M4H_CONFIG_ADDRESS, M4H_CONFIG_AT_START, AT(http_listen), "127.0.0.1:9102",
     0, 0, NULL, "Where /metrics, /healthz and /readyz are served; empty: nowhere."},
};

static bool check(const void *config, char *message, size_t message_size)
{
    const struct m4h_slave_config *slave = config;

    if (slave->port_min > slave->port_max) {
        snprintf(message, message_size, "[tunnel] port_min is above port_max");
        return false;
    }
    if (slave->capacity > slave->port_max - slave->port_min + 1) {
        snprintf(message, message_size,
                 "[slave] capacity is more than the ports from [tunnel] port_min to port_max");
        return false;
    }
    if (slave->proxy_protocol != 0 && slave->proxy_networks[0] == '\0') {
        snprintf(message, message_size,
                 "[device] proxy_protocol=required needs the balancers in proxy_networks");
        return false;
    }
    if (!m4h_ssh_host_key_kinds_are_valid(slave->host_keys)) {
        snprintf(message, message_size,
                 "[ssh] host_keys takes ed25519, ecdsa and rsa, separated by commas");
        return false;
    }
    return true;
}

uint32_t m4h_slave_config_workers(const struct m4h_slave_config *config)
{
    long cores;

    if (config->workers > 0)
        return (uint32_t)config->workers;
    cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (uint32_t)cores : 1;
}

const struct m4h_config_table m4h_slave_config_table = {
    .program = "mas4h-slave",
    .prefix = "MAS4H_SLAVE",
    .summary = "Holds the tunnels of devices and opens their ports to operators.",
    .options = options,
    .option_count = M4H_COUNT(options),
    .size = sizeof(struct m4h_slave_config),
    .check = check,
};
