/* shares.h - /shares/{token}: from any URL a user may open to its item (facts, 1.2). */
#ifndef TENANT_SHARES_H
#define TENANT_SHARES_H

#include "call.h"

/* Behind "/shares"; sets c->drive and c->item and leaves *path at the action. */
enum route_result shares_route(struct call *c, const char **path);

#endif
