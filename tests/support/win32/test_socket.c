#include "test_socket.h"

#include <stdint.h>
#include <winsock2.h>
#include <ws2tcpip.h>

/* Counted by the system, and ended with the process. */
static void begin(void)
{
    WSADATA data;

    WSAStartup(MAKEWORD(2, 2), &data);
}

int test_socket_listen(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int size = sizeof(address);
    SOCKET fd;

    begin();
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd == INVALID_SOCKET || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0 || listen(fd, 64) != 0) {
        return -1;
    }
    *port = ntohs(address.sin_port);
    return (int)fd;
}

int test_socket_accept(int listener)
{
    SOCKET fd = accept((SOCKET)listener, NULL, NULL);

    return fd == INVALID_SOCKET ? -1 : (int)fd;
}

int test_socket_connect(unsigned port, bool is_v6)
{
    const DWORD limit_ms = 20000;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    SOCKET fd;
    int code;

    begin();
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    code = is_v6 ? connect(fd, (struct sockaddr *)&v6, sizeof(v6))
                 : connect(fd, (struct sockaddr *)&v4, sizeof(v4));
    if (code != 0) {
        closesocket(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, (const char *)&limit_ms, sizeof(limit_ms));
    return (int)fd;
}

long test_socket_send(int fd, const void *data, size_t size)
{
    return send((SOCKET)fd, data, (int)size, 0);
}

long test_socket_receive(int fd, void *data, size_t size)
{
    return recv((SOCKET)fd, data, (int)size, 0);
}

void test_socket_close(int fd)
{
    closesocket((SOCKET)fd);
}
