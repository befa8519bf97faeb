/*
 * net.h - what the governor needs of sockets and differs by system.
 */
#ifndef GRAPH_NET_H
#define GRAPH_NET_H

#include <curl/curl.h>

/* Ends both directions, so that whoever uses the socket sees it closed at once. */
void net_shutdown(curl_socket_t socket);

#endif
