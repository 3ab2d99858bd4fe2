/* How many tunnels fit: the limit of open files, the ports, and the setting; and
 * whether those ports are ours alone. */
#include "services/slave/io/hub.h"

#include "services/slave/core/ephemeral.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* For the bus, the libraries, and operators. */
#define FILES_FOR_OURSELVES 500

/* Raises the soft limit of open files to the hard one; returns what holds. */
static uint64_t raise_files(void)
{
    struct rlimit files = {.rlim_cur = 1024, .rlim_max = 1024};

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0)
            getrlimit(RLIMIT_NOFILE, &files);
    }
    return files.rlim_cur;
}

void m4h_capacity_set(struct m4h_slave *slave)
{
    int64_t ports = slave->config->port_max - slave->config->port_min + 1;
    int64_t asked = slave->config->capacity;
    uint64_t files = raise_files();
    int64_t room =
        files > 2000000 ? 1000000 - FILES_FOR_OURSELVES : (int64_t)files / 2 - FILES_FOR_OURSELVES;

    if (room < 1)
        room = 1;
    if (room > ports)
        room = ports;
    if (asked > room)
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT,
                "capacity=%lld files=%llu only %lld tunnels fit: raise the limit of open files",
                (long long)asked, (unsigned long long)files, (long long)room);
    if (asked > 0 && asked < room)
        room = asked;
    slave->capacity = (uint32_t)room;
    slave->info.capacity = slave->capacity;
}

/* The first line of a file, "" where there is none. */
static const char *read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");

    if (file == NULL || fgets(line, size, file) == NULL)
        line[0] = '\0';
    if (file != NULL)
        fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

void m4h_capacity_check_ports(const struct m4h_slave *slave)
{
    static const char folder[] = "/proc/sys/net/ipv4";
    const struct m4h_slave_config *config = slave->config;
    char path[64], range[64], reserved[4096];
    uint32_t count;

    snprintf(path, sizeof(path), "%s/ip_local_port_range", folder);
    read_line(path, range, sizeof(range));
    snprintf(path, sizeof(path), "%s/ip_local_reserved_ports", folder);
    read_line(path, reserved, sizeof(reserved));
    count = m4h_ephemeral_count(range, reserved, (uint16_t)config->port_min,
                                (uint16_t)config->port_max);
    if (count == 0)
        return;
    range[strcspn(range, "\t ")] = '-';
    m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT,
            "ports=%lld-%lld kernel=%s the kernel may give %u ports of devices to outgoing "
            "connections: "
            "choose others, or reserve them (net.ipv4.ip_local_reserved_ports)",
            (long long)config->port_min, (long long)config->port_max, range, count);
}
