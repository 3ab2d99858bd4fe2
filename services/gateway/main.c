/* mas4h-gateway: the command line, the loop, the signals. */
#include "lib/base/log.h"
#include "lib/net/signals.h"
#include "services/gateway/gateway.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct program {
    struct m4h_loop *loop;
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
        m4h_log(M4H_LOG_INFO, "gateway", "nothing to reload");
        return;
    }
    if (program->is_draining) {
        m4h_loop_stop(program->loop);
        return;
    }
    program->is_draining = true;
    m4h_gateway_drain(program->gateway, on_drained, program);
}

static int run(const struct m4h_gateway_config *config)
{
    struct program program = {0};
    struct m4h_signals *signals = NULL;
    int status = EXIT_FAILURE;

    if (m4h_loop_create(&program.loop) != 0)
        return status;
    if (m4h_signals_start(&signals, program.loop, on_signal, &program) == 0 &&
        m4h_gateway_create(&program.gateway, program.loop, config) == 0) {
        m4h_loop_run(program.loop);
        status = EXIT_SUCCESS;
    }
    m4h_gateway_destroy(program.gateway);
    m4h_signals_close(signals);
    m4h_loop_destroy(program.loop);
    return status;
}

int main(int argc, char **argv)
{
    struct m4h_gateway_config config;
    int status;

    memset(&config, 0, sizeof(config));
    switch (m4h_config_from_command_line(&m4h_gateway_config_table, argc, argv, &config)) {
    case M4H_CONFIG_DONE:
        return EXIT_SUCCESS;
    case M4H_CONFIG_WRONG:
        return 2;
    case M4H_CONFIG_RUN:
        break;
    }
    m4h_log_set_level((enum m4h_log_level)config.log_level);
    status = run(&config);
    m4h_config_free(&m4h_gateway_config_table, &config);
    return status;
}
