#include "test_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int test_socket_listen(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0 || listen(fd, 64) != 0) {
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

int test_socket_accept(int listener)
{
    return accept(listener, NULL, NULL);
}

int test_socket_connect(unsigned port, bool is_v6)
{
    const struct timeval limit = {.tv_sec = 20};
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)port),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    int code = is_v6 ? connect(fd, (struct sockaddr *)&v6, sizeof(v6))
                     : connect(fd, (struct sockaddr *)&v4, sizeof(v4));

    if (code != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

long test_socket_send(int fd, const void *data, size_t size)
{
    return (long)send(fd, data, size, MSG_NOSIGNAL);
}

long test_socket_receive(int fd, void *data, size_t size)
{
    return (long)recv(fd, data, size, 0);
}

void test_socket_close(int fd)
{
    close(fd);
}
