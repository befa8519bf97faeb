#include "graph/net.h"

#include <winsock2.h>

void net_shutdown(curl_socket_t socket)
{
    (void)shutdown(socket, SD_BOTH);
}
