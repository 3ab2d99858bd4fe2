/* The service behind the device: a sink, a source and an echo. */
#include "service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_BYTES 262144

static void sink(int fd, char *piece)
{
    uint64_t count = 0;
    ssize_t n;

    while ((n = recv(fd, piece, PIECE_BYTES, 0)) > 0)
        count += (uint64_t)n;
    send(fd, &count, sizeof(count), MSG_NOSIGNAL);
}

static void source(int fd, char *piece)
{
    memset(piece, 'x', PIECE_BYTES);
    while (send(fd, piece, PIECE_BYTES, MSG_NOSIGNAL) > 0)
        continue;
}

static void echo(int fd, char *piece)
{
    ssize_t n;

    while ((n = recv(fd, piece, PIECE_BYTES, 0)) > 0 &&
           send(fd, piece, (size_t)n, MSG_NOSIGNAL) == n)
        continue;
}

static void *serve(void *context)
{
    int fd = (int)(intptr_t)context, on = 1;
    char *piece = malloc(PIECE_BYTES), want;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (piece != NULL && recv(fd, &want, 1, 0) == 1) {
        if (want == FLOW_SINK)
            sink(fd, piece);
        else if (want == FLOW_SOURCE)
            source(fd, piece);
        else if (want == FLOW_ECHO)
            echo(fd, piece);
    }
    free(piece);
    close(fd);
    return NULL;
}

int service_run(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) != 0 ||
        listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0) {
        perror("tunnel-flow: cannot listen");
        return 1;
    }
    printf("port=%u\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;

        if (fd < 0)
            continue;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
        else
            close(fd);
    }
}
