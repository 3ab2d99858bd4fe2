#ifndef BENCH_FLOW_SERVICE_H
#define BENCH_FLOW_SERVICE_H

/* The first byte of a connection says what it wants. */
#define FLOW_SINK   'r' /* to be read until its end; answered by the count, 8 bytes */
#define FLOW_SOURCE 's' /* to be sent to for ever */
#define FLOW_ECHO   'e' /* every byte back */

/* Serves for ever. Returns an exit code where it cannot begin. */
int service_run(void);

#endif
