/* mas4h-gateway: the command line, the loop, the signals. */
#include "lib/base/log.h"
#include "lib/net/signals.h"
#include "services/gateway/gateway.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* For the last answers and for saying good-bye to the bus. */
#define END_MAX_MS 5000u

struct program {
    struct m4h_gateway_config config;
    struct m4h_config_source source;
    struct m4h_loop *loop;
    struct m4h_supervisor *supervisor;
    struct m4h_gateway *gateway;
    bool is_draining;
};

static void on_drained(void *context)
{
    struct program *program = context;

    m4h_loop_stop(program->loop);
}

/* The first SIGTERM ends it cleanly, the second at once. */
static void on_signal(void *context, int number)
{
    struct program *program = context;

    if (number == SIGHUP) {
        m4h_gateway_reload(program->gateway);
        return;
    }
    if (program->is_draining) {
        m4h_loop_stop(program->loop);
        return;
    }
    program->is_draining = true;
    m4h_supervisor_stopping(program->supervisor,
                            (uint64_t)(program->config.drain_delay_ms + program->config.drain_ms) +
                                END_MAX_MS);
    m4h_gateway_drain(program->gateway, on_drained, program);
}

static int run(struct program *program)
{
    struct m4h_signals *signals = NULL;
    int status = EXIT_FAILURE;

    if (m4h_loop_create(&program->loop) != 0)
        return status;
    if (m4h_supervisor_create(&program->supervisor, program->loop, NULL, NULL) == 0 &&
        m4h_signals_start(&signals, program->loop, on_signal, program) == 0 &&
        m4h_gateway_create(&program->gateway, program->loop, &program->config, &program->source,
                           program->supervisor) == 0) {
        m4h_supervisor_ready(program->supervisor);
        m4h_loop_run(program->loop);
        status = EXIT_SUCCESS;
    }
    m4h_gateway_destroy(program->gateway);
    m4h_signals_close(signals);
    m4h_supervisor_close(program->supervisor);
    m4h_loop_destroy(program->loop);
    return status;
}

int main(int argc, char **argv)
{
    struct program program = {0};
    int status;

    switch (m4h_config_from_command_line(&m4h_gateway_config_table, argc, argv, &program.config)) {
    case M4H_CONFIG_DONE:
        return EXIT_SUCCESS;
    case M4H_CONFIG_WRONG:
        return 2;
    case M4H_CONFIG_RUN:
        break;
    }
    m4h_config_source_init(&program.source, &m4h_gateway_config_table, argc, argv);
    m4h_log_set_level((enum m4h_log_level)program.config.log_level);
    status = run(&program);
    m4h_config_free(&m4h_gateway_config_table, &program.config);
    return status;
}
