/*
 * site_json.h - sites and lists as Graph shows them (facts, 1.1 and 1.2). World locked.
 */
#ifndef TENANT_SITE_JSON_H
#define TENANT_SITE_JSON_H

#include <cjson/cJSON.h>

#include "store.h"

/* select: comma separated; NULL: the default set, which lacks sharepointIds. */
cJSON *site_json(const struct site *s, const char *select);
cJSON *list_json(const struct drive *d);

/* Removes what select (NULL: keep all) does not name; "id" and annotations stay. */
void json_select(cJSON *object, const char *select);

/* https://.../Shared Documents/Forms/AllItems.aspx, with raw spaces, as search shows it. For the
 * caller. */
char *list_view_url(const struct drive *d);

#endif
