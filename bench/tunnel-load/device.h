#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include "echo.h"

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum device_stage {
    DEVICE_IDLE,
    DEVICE_CONNECTING,
    DEVICE_KEY_EXCHANGE,
    DEVICE_AUTHENTICATING,
    DEVICE_FORWARDING,
    DEVICE_UP,
    DEVICE_GONE,
};

/* What all devices of a run share; outlives them. */
struct device_target {
    struct sockaddr_storage address;
    socklen_t address_len;
    const char *host;
    const char *user;
    const char *bind_address;
    bool echo; /* accept forwarded connections and send everything back */
    struct echo_totals echo_totals;
};

/* One device: a real SSH client session that asks for one reverse port. Everything
 * runs on the thread that calls; nothing blocks. It must not move in memory once
 * started: libssh holds its address. */
struct device {
    ssh_key key; /* borrowed */
    struct device_target *target;
    enum device_stage stage;
    int fd; /* owned by `session` once there is one */
    ssh_session session;
    ssh_event event; /* libssh's poll loop for this session, when up */
    struct echo_set echoes;
    bool more_to_do;  /* call device_step() again even if the server stays silent */
    int port;         /* the port that the server opened */
    char reason[160]; /* when gone: at which stage, and why */
};

/* Begin to connect. The stage is then CONNECTING, or GONE with a reason. */
void device_start(struct device *device, ssh_key key, struct device_target *target);

/* Get as far as possible without waiting; call it when poll shows any of
 * device_poll_events() on `fd`, or an error. The stage afterwards says what came
 * of it. When it is GONE, `fd` is closed and nothing is held. */
void device_step(struct device *device);

/* EPOLLIN and EPOLLOUT as the device needs them now. */
uint32_t device_poll_events(const struct device *device);

/* Cut the connection without a word, as when the network between goes: GONE. */
void device_cut(struct device *device);

/* Give up or hang up: GONE, with `reason`. */
void device_stop(struct device *device, const char *reason);

#endif
