/* mas4h-master: command line, signals, one master on one loop. */
#include "lib/base/log.h"
#include "lib/net/signals.h"
#include "services/master/config.h"
#include "services/master/master.h"

#include <signal.h>
#include <stdlib.h>

/* For saying good-bye to the bus. */
#define END_MAX_MS 5000

struct process {
    struct m4h_master_config config;
    struct m4h_config_source source;
    struct m4h_loop *loop;
    struct m4h_supervisor *supervisor;
    struct m4h_signals *signals;
    struct m4h_master *master;
    bool is_leaving;
};

static void on_left(void *context)
{
    struct process *process = context;

    m4h_loop_stop(process->loop);
}

/* The first ends it cleanly, the second one at once. */
static void on_signal(void *context, int number)
{
    struct process *process = context;

    if (number == SIGHUP) {
        m4h_master_reload(process->master);
        return;
    }
    m4h_log(M4H_LOG_INFO, "main", "signal=%d the master ends", number);
    if (process->is_leaving) {
        m4h_loop_stop(process->loop);
        return;
    }
    process->is_leaving = true;
    m4h_supervisor_stopping(process->supervisor, END_MAX_MS);
    m4h_master_leave(process->master, on_left, process);
}

static bool start(struct process *process)
{
    return m4h_loop_create(&process->loop) == 0 &&
           m4h_supervisor_create(&process->supervisor, process->loop, NULL, NULL) == 0 &&
           m4h_master_create(&process->master, process->loop, &process->config, &process->source,
                             process->supervisor) == 0 &&
           m4h_signals_start(&process->signals, process->loop, on_signal, process) == 0;
}

/* Signals first: from here on another one ends the process at once. */
static void stop(struct process *process)
{
    m4h_signals_close(process->signals);
    m4h_master_destroy(process->master);
    m4h_supervisor_close(process->supervisor);
    m4h_loop_destroy(process->loop);
}

int main(int argc, char **argv)
{
    struct process process = {0};
    bool started;

    switch (m4h_config_from_command_line(&m4h_master_config_table, argc, argv, &process.config)) {
    case M4H_CONFIG_DONE:
        return EXIT_SUCCESS;
    case M4H_CONFIG_WRONG:
        return 2;
    case M4H_CONFIG_RUN:
        break;
    }
    m4h_config_source_init(&process.source, &m4h_master_config_table, argc, argv);
    m4h_log_set_level((enum m4h_log_level)process.config.log_level);
    m4h_log(M4H_LOG_INFO, "main", "version=%s id=%s mas4h-master starts", M4H_VERSION,
            process.config.id);
    started = start(&process);
    if (started) {
        m4h_supervisor_ready(process.supervisor);
        m4h_loop_run(process.loop);
    }
    stop(&process);
    m4h_config_free(&m4h_master_config_table, &process.config);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
