/*
 * item_json.h - items and drives as Graph shows them (facts, 2.1 to 2.3). World locked.
 */
#ifndef TENANT_ITEM_JSON_H
#define TENANT_ITEM_JSON_H

#include <stdbool.h>
#include <cjson/cJSON.h>

#include "http.h"
#include "store.h"

/* What a query asks to see. */
struct item_view {
    const struct http_request *rq;
    char *select;      /* "id,name"; NULL: the default set */
    char *expand;      /* NULL: nothing */
    char *parent_path; /* of items that all have one parent: computed once */
    bool is_delta;     /* no cTag, no parent path, document URLs */
    bool is_search;    /* no createdBy, lastModifiedBy, parentReference */
    bool no_download_url;
};

void item_view_init(struct item_view *v, const struct http_request *rq);
void item_view_clear(struct item_view *v);
bool item_view_expands(const struct item_view *v, const char *relation);

/* The item; may be scratch of an iterator, hence not const: content may get its hash. */
cJSON *item_json(const struct item *it, const struct item_view *v);

/* 200 or 201 with the item and its @odata.context. */
void item_reply(const struct http_request *rq, struct http_response *rs, int status,
                const struct item *it);

void item_etag(char out[64], const struct item *it);
void item_ctag(char out[64], const struct item *it);
/* If-Match and the like: '*', or one of the tags is the item's eTag or cTag. */
bool item_tag_matches(const struct item *it, const char *tags);
void item_id(char out[40], const struct item *it);
void item_id_of(char out[40], const struct drive *d, uint64_t serial);

/* For the caller to free. */
char *item_web_url(const struct item *it, bool as_document);
char *item_download_url(const struct http_request *rq, const struct item *it, unsigned version);
const char *mime_type(const char *name);
bool is_office_name(const char *name);

cJSON *thumbnails_json(const struct http_request *rq, const struct item *it);

/* `text` names `word` in a comma separated list; a list "a,b(x)" names b too. */
bool list_names(const char *text, const char *word);

#endif
