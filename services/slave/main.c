/* mas4h-slave: the command line and the exit code. */
#include "lib/base/log.h"
#include "lib/base/memory_copy.h"
#include "services/slave/config.h"
#include "services/slave/io/slave.h"

#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct m4h_slave_config config = {0};
    struct m4h_config_source source;
    struct m4h_slave *slave;
    int error;

    m4h_memory_copy_tune(argv);
    switch (m4h_config_from_command_line(&m4h_slave_config_table, argc, argv, &config)) {
    case M4H_CONFIG_RUN:
        break;
    case M4H_CONFIG_DONE:
        return EXIT_SUCCESS;
    case M4H_CONFIG_WRONG:
        return 2;
    }
    m4h_log_set_level((enum m4h_log_level)config.log_level);
    m4h_config_source_init(&source, &m4h_slave_config_table, argc, argv);
    error = m4h_slave_create(&slave, &config, &source);
    if (error == 0)
        m4h_slave_run(slave);
    if (!m4h_slave_destroy(slave))
        _exit(EXIT_FAILURE); /* exit handlers would free what the worker's thread may use */
    m4h_config_free(&m4h_slave_config_table, &config);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
