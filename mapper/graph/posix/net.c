#include "graph/net.h"

#include <sys/socket.h>

void net_shutdown(curl_socket_t socket)
{
    (void)shutdown(socket, SHUT_RDWR);
}
