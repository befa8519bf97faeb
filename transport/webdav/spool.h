/*
 * spool.h - a file without a name, for a body that is on its way. It ends with its stream.
 */
#ifndef TRANSPORT_WEBDAV_SPOOL_H
#define TRANSPORT_WEBDAV_SPOOL_H

#include <stdio.h>

#include "base/error.h"

int dav_spool_open(FILE **out, const char *directory, struct error *err);

#endif
