/* sd_notify, and the watchdog's timer. */
#include "lib/net/supervisor.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/net/timer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef M4H_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define LOG              "supervisor"
#define STATUS_MAX       256
#define MESSAGE_MAX      (STATUS_MAX + 64)
#define SIGNS_PER_PERIOD 3

struct m4h_supervisor {
    struct m4h_timer *watchdog;
    bool (*is_alive)(void *context);
    void *context;
    bool was_alive;
    char status[STATUS_MAX];
};

#ifdef M4H_HAVE_SYSTEMD
static void tell(const char *message)
{
    sd_notify(0, message);
}

static uint64_t watchdog_period_ms(void)
{
    uint64_t period_us = 0;

    return sd_watchdog_enabled(0, &period_us) > 0 ? period_us / 1000 : 0;
}
#else
static void tell(const char *message)
{
    (void)message;
}

static uint64_t watchdog_period_ms(void)
{
    return 0;
}
#endif

static void on_watchdog(void *context)
{
    struct m4h_supervisor *supervisor = context;
    bool alive = supervisor->is_alive == NULL || supervisor->is_alive(supervisor->context);

    if (alive)
        tell("WATCHDOG=1");
    if (alive != supervisor->was_alive)
        m4h_log(alive ? M4H_LOG_INFO : M4H_LOG_ERROR, LOG,
                alive ? "signs of life again"
                      : "this process does not work as it should: no sign of life is given");
    supervisor->was_alive = alive;
}

int m4h_supervisor_create(struct m4h_supervisor **supervisor, struct m4h_loop *loop,
                          bool (*is_alive)(void *context), void *context)
{
    uint64_t period_ms = watchdog_period_ms();
    int error;

    *supervisor = calloc(1, sizeof(**supervisor));
    if (*supervisor == NULL)
        return M4H_ENOMEM;
    (*supervisor)->is_alive = is_alive;
    (*supervisor)->context = context;
    (*supervisor)->was_alive = true;
    error = m4h_timer_create(&(*supervisor)->watchdog, loop, on_watchdog, *supervisor);
    if (error != 0) {
        free(*supervisor);
        *supervisor = NULL;
        return error;
    }
    if (period_ms > 0) {
        uint64_t every_ms = period_ms > SIGNS_PER_PERIOD ? period_ms / SIGNS_PER_PERIOD : 1;

        m4h_timer_start((*supervisor)->watchdog, every_ms, every_ms);
    }
    return 0;
}

void m4h_supervisor_ready(struct m4h_supervisor *supervisor)
{
    if (supervisor != NULL)
        tell("READY=1");
}

void m4h_supervisor_reloading(struct m4h_supervisor *supervisor)
{
    char message[MESSAGE_MAX];
    struct timespec now;

    if (supervisor == NULL)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    tell(message);
}

void m4h_supervisor_stopping(struct m4h_supervisor *supervisor, uint64_t within_ms)
{
    char message[MESSAGE_MAX];

    if (supervisor == NULL)
        return;
    snprintf(message, sizeof(message), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64,
             within_ms * 1000);
    tell(message);
}

void m4h_supervisor_status(struct m4h_supervisor *supervisor, const char *format, ...)
{
    char status[STATUS_MAX];
    char message[MESSAGE_MAX];
    va_list args;

    if (supervisor == NULL)
        return;
    va_start(args, format);
    vsnprintf(status, sizeof(status), format, args);
    va_end(args);
    if (strcmp(status, supervisor->status) == 0)
        return;
    memcpy(supervisor->status, status, sizeof(status));
    snprintf(message, sizeof(message), "STATUS=%s", status);
    tell(message);
}

void m4h_supervisor_close(struct m4h_supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    m4h_timer_close(supervisor->watchdog);
    free(supervisor);
}
