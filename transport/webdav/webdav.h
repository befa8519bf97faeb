/*
 * webdav.h - the transport `webdav`: a class 2 server on 127.0.0.1, for hosts without a driver.
 */
#ifndef TRANSPORT_WEBDAV_H
#define TRANSPORT_WEBDAV_H

#include "transport/transport.h"

extern const struct transport_type transport_type_webdav;

#endif
