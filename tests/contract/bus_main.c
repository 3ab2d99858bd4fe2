/* The contract of lib/bus/bus.h, against a real nats-server. */
#include "tests/contract/bus_owner.h"

#include "lib/base/log.h"

#define run_group(name) _cmocka_run_group_tests(#name, name##_tests, name##_test_count, NULL, NULL)

int main(void)
{
    m4h_log_set_level(M4H_LOG_WARNING);
    return run_group(bus_message) + run_group(bus_request) + run_group(bus_outage);
}
