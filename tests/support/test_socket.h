/*
 * test_socket.h - as much of sockets as small servers and clients of tests need, on every system.
 * Loopback only. A socket is a number, as everywhere but on Windows, whose handles fit too.
 */
#ifndef MOORING_TEST_SOCKET_H
#define MOORING_TEST_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/* Listens on 127.0.0.1; -1 when it cannot. */
int test_socket_listen(unsigned *port);

/* The next connection, or -1. Waits. */
int test_socket_accept(int listener);

/* Connects to 127.0.0.1 or ::1; -1 when nobody listens. Its reads end after 20 seconds. */
int test_socket_connect(unsigned port, bool is_v6);

/* Like send() and recv(); a peer that is gone is no signal. */
long test_socket_send(int fd, const void *data, size_t size);
long test_socket_receive(int fd, void *data, size_t size);
void test_socket_close(int fd);

#endif
