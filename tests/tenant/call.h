/*
 * call.h - one call to Graph's file part, after its address was understood (route.c).
 *
 * graph_items.c resolves the address, holds the world's lock and calls one handler from its table.
 * Handlers are spread over graph_*.c by topic; each answers through c->rs.
 */
#ifndef TENANT_CALL_H
#define TENANT_CALL_H

#include "http.h"
#include "item_json.h"
#include "store.h"

struct call {
    struct world *w;
    const struct http_request *rq;
    struct http_response *rs;
    struct tenant *tenant;
    struct user *user;
    struct drive *drive;
    struct item *item;   /* NULL: nothing is there */
    struct item *parent; /* addressed by path and absent: the folder it would be in; NULL if that is
                            absent too */
    char *new_name;      /* ... and its name */
    char *action; /* what follows the item, without function brackets: "children"; "" if nothing */
    char *args;   /* between the brackets: "q='abc'"; NULL without brackets */
    const char *rest;       /* what follows the action, raw, "/3.0/content"; "" if nothing */
    bool has_item_address;  /* an item was named, even if none is there */
    bool by_id_and_path;    /* items/{id}:/path: */
    struct content *upload; /* body of PUT content; a handler that keeps it sets NULL */
};

/* route.c */

enum route_result {
    ROUTE_NOT_OURS,
    ROUTE_DRIVE,      /* c->drive, maybe c->item and c->action */
    ROUTE_COLLECTION, /* a list of drives: c->rest is "drives", site or user in *list */
    ROUTE_ERROR,      /* replied */
};

struct drive_list {
    struct site *site; /* its libraries, or ... */
    struct user *user; /* ... the OneDrive of a user */
};

/* Understands the path; world locked. */
enum route_result route_call(struct call *c, struct drive_list *list);
void call_clear(struct call *c);

/* A parameter of a function call in the path: q='it''s' gives it's. For the caller to free; NULL if
 * absent. */
char *call_arg(const struct call *c, const char *name);

/* Whether somebody sees the item: drafts are their author's alone. */
bool item_is_visible(struct item *it, const struct user *u);

/* Each answers the request and returns true when the call must not go on. */
bool call_lacks_write(struct call *c);
bool call_is_locked(struct call *c, struct item *it);
bool call_breaks_precondition(struct call *c, struct item *it);
bool call_name_is_bad(struct call *c, struct item *parent, const char *name, bool is_folder);
bool call_lacks_space(struct call *c, int64_t bytes);

void call_not_found(struct call *c);
void call_name_taken(struct call *c);

/* handlers */
void drive_get(struct call *c);
void drive_collection(struct call *c, const struct drive_list *list);
void items_get(struct call *c);
void items_patch(struct call *c);
void items_delete(struct call *c);
void items_permanent_delete(struct call *c);
void items_restore(struct call *c);
void children_get(struct call *c);
void children_create(struct call *c);
void delta_get(struct call *c);
void search_get(struct call *c);
void content_get(struct call *c);
void content_put(struct call *c);
void upload_create(struct call *c);
void upload_source_url(struct call *c);
void copy_create(struct call *c);
void checkout_post(struct call *c);
void checkin_post(struct call *c);
void discard_post(struct call *c);
void versions_get(struct call *c);
void versions_post(struct call *c);
void versions_delete(struct call *c);
void link_create(struct call *c);
void permissions_get(struct call *c);
void preview_post(struct call *c);
void thumbnails_get(struct call *c);
void retention_label_get(struct call *c);
void sensitivity_labels_post(struct call *c);

#endif
