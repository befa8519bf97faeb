/*
 * sso.h - what the session's own sign-in to the device gives us for Entra: headers to be sent with a
 * request to /authorize, by which Entra knows the user without asking (graph-facts 5.8, "PRT
 * cookie"). On Windows a COM interface of the system makes them, on devices that are joined to
 * Entra; elsewhere there are none.
 */
#ifndef GRAPH_SSO_H
#define GRAPH_SSO_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* Whether it is worth asking at all. */
bool sso_system_exists(void);

/* Adds "Name: value" lines for exactly this URL; they are secrets, good for minutes and for this URL
 * only. ERR_UNSUPPORTED where the system has no such thing, ERR_NOT_FOUND when it has none for this
 * user. */
int sso_system_ask(struct str_list *headers, const char *url, struct error *err);

/* One header of what the system calls a cookie: only `x-ms-` names, the value up to the first ';', as
 * Firefox sends them. Others are left out. Pure; ERR_PROTOCOL when it could forge another header. */
int sso_add_header(struct str_list *headers, const char *name, const char *data, struct error *err);

/* Wipes. */
void sso_clear_headers(struct str_list *headers);

#endif
