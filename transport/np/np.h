/*
 * np.h - the transport `np`: libfuse3 on Linux (np/posix), WinFsp on Windows (np/win32). Each
 * system's folder defines its facts; transport.c lists them.
 */
#ifndef TRANSPORT_NP_H
#define TRANSPORT_NP_H

#include "transport/transport.h"

extern const struct transport_type transport_type_np;

#endif
