/*
 * webclient.h - Windows' WebDAV client, the service WebClient: whether it can be used, and starting
 * it.
 */
#ifndef TRANSPORT_WEBDAV_WEBCLIENT_H
#define TRANSPORT_WEBDAV_WEBCLIENT_H

#include "base/error.h"

/* Returns when it runs: an ordinary user may not start it, but an event of this provider does
 * (windows-facts 3.2). ERR_UNSUPPORTED, with what to do: it is not installed, or disabled.
 * ERR_TIMED_OUT: it was asked to start and did not, within ten seconds. */
int webclient_start(struct error *err);

/* *out = which of its limits will be felt, NULL for none; the caller frees. */
int webclient_limits(char **out, struct error *err);

#endif
