/*
 * wnet.h - the functions of Windows that make and end network connections, as a table, so that tests
 * can put a recording double in their place. Included after windows.h.
 */
#ifndef TRANSPORT_WEBDAV_WNET_H
#define TRANSPORT_WEBDAV_WNET_H

#include <stdbool.h>

#include "base/error.h"

struct dav_wnet {
    DWORD(WINAPI *add)(LPNETRESOURCEW resource, LPCWSTR password, LPCWSTR user, DWORD flags);
    DWORD(WINAPI *cancel)(LPCWSTR name, DWORD flags, BOOL by_force);
    DWORD(WINAPI *get)(LPCWSTR local, LPWSTR remote, LPDWORD units);
    int (*start)(struct error *err);              /* as webclient_start() */
    int (*limits)(char **out, struct error *err); /* as webclient_limits() */
};

extern const struct dav_wnet dav_wnet_of_system;

/* The mapping of win32/map.c over this table. */
struct dav_map_system dav_map_over(const struct dav_wnet *wnet);

#endif
