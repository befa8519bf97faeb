/* Graph's file part: the table of calls, and get, rename, move, delete. */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "upload.h"

enum {
    WRITES = 1,        /* needs write access */
    MAY_BE_ABSENT = 2, /* the item need not exist */
    OF_DRIVE = 4,      /* of the drive, not of an item */
};

static const struct {
    const char *method;
    const char *action;
    void (*handle)(struct call *c);
    unsigned flags;
    unsigned ru; /* facts, section 4 */
} calls[] = {
    {"GET", "", drive_get, OF_DRIVE, 1},
    {"GET", "", items_get, 0, 1},
    {"PATCH", "", items_patch, WRITES, 2},
    {"PUT", "", upload_source_url, WRITES | MAY_BE_ABSENT, 2},
    {"DELETE", "", items_delete, WRITES, 2},
    {"GET", "children", children_get, 0, 2},
    {"POST", "children", children_create, WRITES, 2},
    {"GET", "delta", delta_get, 0, 2},
    {"GET", "search", search_get, 0, 2},
    {"GET", "search", search_get, OF_DRIVE, 2},
    {"GET", "content", content_get, 0, 1},
    {"PUT", "content", content_put, WRITES | MAY_BE_ABSENT, 2},
    {"POST", "createUploadSession", upload_create, WRITES | MAY_BE_ABSENT, 2},
    {"POST", "copy", copy_create, 0, 2},
    {"POST", "permanentDelete", items_permanent_delete, WRITES, 2},
    {"POST", "restore", items_restore, WRITES, 2},
    {"POST", "checkout", checkout_post, WRITES, 2},
    {"POST", "checkin", checkin_post, WRITES, 2},
    {"POST", "discardCheckout", discard_post, WRITES, 2},
    {"GET", "versions", versions_get, 0, 2},
    {"POST", "versions", versions_post, WRITES, 2},
    {"DELETE", "versions", versions_delete, WRITES, 2},
    {"POST", "createLink", link_create, 0, 5},
    {"GET", "permissions", permissions_get, 0, 5},
    {"POST", "preview", preview_post, 0, 1},
    {"GET", "thumbnails", thumbnails_get, 0, 1},
    {"GET", "retentionLabel", retention_label_get, 0, 1},
    {"POST", "extractSensitivityLabels", sensitivity_labels_post, 0, 1},
};

static void dispatch(struct call *c)
{
    bool has_item_address = c->has_item_address;
    bool is_known_action = false;
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        if (strcmp(calls[i].action, c->action) != 0 ||
            has_item_address == ((calls[i].flags & OF_DRIVE) != 0)) {
            continue;
        }
        is_known_action = true;
        if (strcmp(calls[i].method, c->rq->method) != 0) {
            continue;
        }
        c->rs->ru = calls[i].ru;
        if (has_item_address && c->item == NULL &&
            ((calls[i].flags & MAY_BE_ABSENT) == 0 || c->parent == NULL)) {
            call_not_found(c);
        } else if ((calls[i].flags & WRITES) == 0 || !call_lacks_write(c)) {
            calls[i].handle(c);
        }
        return;
    }
    if (is_known_action) {
        http_reply_error(c->rq, c->rs, 405, "invalidRequest", NULL,
                         "The HTTP method is not allowed here.");
    } else {
        http_reply_error(c->rq, c->rs, 400, "BadRequest", NULL,
                         "Resource not found for the segment '%s'.", c->action);
    }
}

bool graph_items_dispatch(struct world *w, const struct http_request *rq, struct http_response *rs)
{
    struct call c = {
        .w = w, .rq = rq, .rs = rs, .tenant = rq->tenant, .user = rq->user, .rest = ""};
    struct drive_list list = {0};
    bool is_put = strcmp(rq->method, "PUT") == 0;
    if (is_put && rq->body_len <= UPLOAD_PUT_MAX) {
        c.upload = content_from_body(w, rq); /* writes and hashes: not under the lock */
    }
    world_lock(w);
    enum route_result r = route_call(&c, &list);
    if (r == ROUTE_COLLECTION) {
        rs->ru = 2;
        drive_collection(&c, &list);
    } else if (r == ROUTE_DRIVE) {
        if (c.by_id_and_path && c.tenant->switches.china) {
            http_reply_error(rq, rs, 400, "invalidRequest", NULL, "The address is not supported.");
        } else {
            dispatch(&c);
        }
    }
    world_unlock(w);
    call_clear(&c);
    return r != ROUTE_NOT_OURS;
}

/* ---- checks shared by the handlers ---- */

bool item_is_visible(struct item *it, const struct user *u)
{
    return !it->is_draft || it->checked_out_by == u;
}

void call_not_found(struct call *c)
{
    http_reply_error(c->rq, c->rs, 404, "itemNotFound", NULL, "The resource could not be found.");
}

void call_name_taken(struct call *c)
{
    http_reply_error(c->rq, c->rs, 409, "nameAlreadyExists", NULL,
                     "An item with the same name already exists under the parent.");
}

bool call_lacks_write(struct call *c)
{
    if (drive_access(c->drive, c->user) == ACCESS_WRITE) {
        return false;
    }
    http_reply_error(c->rq, c->rs, 403, "accessDenied", NULL, "Access denied.");
    return true;
}

static void reply_locked(struct call *c, enum lock_shape shape)
{
    if (shape == LOCK_NOT_ALLOWED) {
        http_reply_error(c->rq, c->rs, 423, "notAllowed", "resourceLocked",
                         "The resource you are attempting to access is locked.");
    } else if (shape == LOCK_ACCESS_DENIED) {
        http_reply_error(
            c->rq, c->rs, 423, "accessDenied", NULL,
            "The file is currently checked out or locked for editing by another user.");
    } else {
        http_reply_error(c->rq, c->rs, 423, "resourceLocked", NULL, "The resource is locked.");
    }
}

bool call_is_locked(struct call *c, struct item *it)
{
    const struct item_lock *lock = &it->lock;
    if (lock->shape != 0 && (lock->owner == NULL || lock->owner != c->user) &&
        !(lock->is_shared && http_prefers(c->rq, "bypass-shared-lock"))) {
        reply_locked(c, lock->shape);
        return true;
    }
    if (it->checked_out_by != NULL && it->checked_out_by != c->user) {
        reply_locked(c, LOCK_ACCESS_DENIED);
        return true;
    }
    if (it->is_record_locked) {
        http_reply_error(c->rq, c->rs, 403, "accessDenied", NULL,
                         "The item is locked as a record.");
        return true;
    }
    return false;
}

bool item_tag_matches(const struct item *it, const char *tags)
{
    char etag[64];
    char ctag[64];
    item_etag(etag, it);
    item_ctag(ctag, it);
    return strcmp(tags, "*") == 0 || strstr(tags, etag) != NULL || strstr(tags, ctag) != NULL;
}

bool call_breaks_precondition(struct call *c, struct item *it)
{
    const char *match = http_header(c->rq, "If-Match");
    const char *none_match = http_header(c->rq, "If-None-Match");
    const char *malformed =
        match != NULL && match[0] != '"' && strcmp(match, "*") != 0 ? match : NULL;
    if (malformed != NULL) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", "malformedEntityTag",
                         "ETags must be quoted.");
        return true;
    }
    if ((match != NULL && (it == NULL || !item_tag_matches(it, match))) ||
        (none_match != NULL && it != NULL && item_tag_matches(it, none_match))) {
        http_reply_error(c->rq, c->rs, 412, "resourceModified", "entityTagDoesNotMatch",
                         "ETag does not match current item's value.");
        return true;
    }
    return false;
}

bool call_name_is_bad(struct call *c, struct item *parent, const char *name, bool is_folder)
{
    enum { PATH_MAX_CHARACTERS = 400 };
    const char *problem = name_problem(name, is_folder, parent->parent_serial == 0);
    if (problem != NULL) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", "invalidPath", "%s", problem);
        return true;
    }
    if (store_url_length(parent, name) > PATH_MAX_CHARACTERS) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", "pathIsTooLong",
                         "The path is too long.");
        return true;
    }
    return false;
}

bool call_lacks_space(struct call *c, int64_t bytes)
{
    if (store_used(c->drive) + bytes <= c->drive->quota_total) {
        return false;
    }
    http_reply_error(c->rq, c->rs, 507, "quotaLimitReached", NULL,
                     "The user has reached their quota limit.");
    return true;
}

/* ---- get ---- */

void items_get(struct call *c)
{
    const char *none_match = http_header(c->rq, "If-None-Match");
    if (none_match != NULL && item_tag_matches(c->item, none_match)) {
        c->rs->status = 304;
        return;
    }
    struct item_view v;
    item_view_init(&v, c->rq);
    cJSON *o = item_json(c->item, &v);
    char *context =
        xasprintf("%s/v1.0/$metadata#drives('%s')/items/$entity", c->rq->graph_url, c->drive->id);
    cJSON_AddStringToObject(o, "@odata.context", context);
    free(context);
    if (item_view_expands(&v, "children") && c->item->kind == ITEM_FOLDER) {
        enum { EXPANDED = 200 };
        struct child_iter iter;
        const struct item *child;
        cJSON *children = cJSON_AddArrayToObject(o, "children");
        struct item_view plain = {.rq = c->rq};
        store_children(&iter, c->item, NULL);
        for (int i = 0; i < EXPANDED && (child = store_next_child(&iter)) != NULL; i++) {
            cJSON_AddItemToArray(children, item_json(child, &plain));
        }
    }
    if (item_view_expands(&v, "permissions")) {
        c->rs->ru = 5;
    }
    item_view_clear(&v);
    http_reply_json(c->rs, 200, o);
}

/* ---- rename, move, times ---- */

/* Where a PATCH moves the item; NULL: replied. */
static struct item *patch_parent(struct call *c, const cJSON *ref)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(ref, "id");
    const cJSON *path = cJSON_GetObjectItemCaseSensitive(ref, "path");
    const cJSON *drive_id = cJSON_GetObjectItemCaseSensitive(ref, "driveId");
    struct item *parent = NULL;
    if (cJSON_IsString(drive_id) && !str_ieq(drive_id->valuestring, c->drive->id)) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", "notSupported",
                         "Items cannot be moved between drives with this call.");
        return NULL;
    }
    if (cJSON_IsString(id)) { /* "root" is no id here */
        parent = store_by_id(c->drive, id->valuestring);
    } else if (cJSON_IsString(path)) {
        const char *colon = strchr(path->valuestring, ':');
        char *decoded = colon == NULL ? NULL : url_decode(colon + 1, strlen(colon + 1));
        parent = decoded == NULL ? NULL : store_by_path(c->drive, NULL, decoded);
        free(decoded);
    } else {
        return store_parent(c->item);
    }
    if (parent == NULL || parent->kind != ITEM_FOLDER) {
        http_reply_error(c->rq, c->rs, 404, "itemNotFound", NULL,
                         "The destination could not be found.");
        return NULL;
    }
    if (store_is_below(parent, c->item)) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL,
                         "A folder cannot be moved into itself.");
        return NULL;
    }
    return parent;
}

static bool patch_place(struct call *c, const cJSON *body)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(body, "name");
    const cJSON *ref = cJSON_GetObjectItemCaseSensitive(body, "parentReference");
    const char *new_name = cJSON_IsString(name) ? name->valuestring : c->item->name;
    struct item *parent = patch_parent(c, ref);
    if (parent == NULL) {
        return false;
    }
    if (parent == store_parent(c->item) && strcmp(new_name, c->item->name) == 0) {
        return true;
    }
    if (call_name_is_bad(c, parent, new_name, c->item->kind == ITEM_FOLDER)) {
        return false;
    }
    struct item *taken = store_child(parent, new_name);
    char *free_name = NULL;
    if (taken != NULL && taken != c->item) {
        enum conflict conflict = conflict_of(c->rq, body, CONFLICT_FAIL);
        if (conflict == CONFLICT_FAIL ||
            (conflict == CONFLICT_REPLACE && taken->kind != ITEM_FILE)) {
            call_name_taken(c);
            return false;
        }
        if (conflict == CONFLICT_REPLACE) {
            if (call_is_locked(c, taken)) {
                return false;
            }
            store_delete(taken, c->user);
        } else {
            new_name = free_name = store_free_name(parent, new_name);
        }
    }
    store_move(c->item, parent, new_name, c->user);
    free(free_name);
    return true;
}

void items_patch(struct call *c)
{
    cJSON *body = http_body_json(c->rq);
    struct file_times times;
    if (!cJSON_IsObject(body)) {
        http_reply_error(c->rq, c->rs, 400, "BadRequest", NULL,
                         "Unable to read JSON request payload.");
    } else if (c->item->parent_serial == 0) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The root cannot be changed.");
    } else if (!call_breaks_precondition(c, c->item) && !call_is_locked(c, c->item) &&
               patch_place(c, body)) {
        const cJSON *description = cJSON_GetObjectItemCaseSensitive(body, "description");
        if (cJSON_IsString(description)) {
            free(c->item->description);
            c->item->description = xstrdup(description->valuestring);
            store_touch(c->item, c->user);
        }
        if (file_times_read(&times, body)) {
            store_set_times(c->item, times.created, times.modified, c->user);
        }
        item_reply(c->rq, c->rs, 200, c->item);
    }
    cJSON_Delete(body);
}

/* ---- delete ---- */

/* A hold anywhere in a folder that is not empty keeps it from being deleted as a whole. */
static bool holds_something(const struct item *folder)
{
    if (folder->kind != ITEM_FOLDER || store_child_count(folder) == 0) {
        return false;
    }
    bool held = folder->is_on_hold;
    for (size_t i = 0; i < folder->n_children && !held; i++) {
        held = folder->children[i]->is_on_hold || holds_something(folder->children[i]);
    }
    return held;
}

static bool cannot_delete(struct call *c)
{
    if (c->item->parent_serial == 0) {
        http_reply_error(c->rq, c->rs, 403, "accessDenied", NULL, "The root cannot be deleted.");
        return true;
    }
    if (http_header(c->rq, "If-Match") != NULL && c->tenant->switches.lock_on_if_match_delete) {
        http_reply_error(c->rq, c->rs, 412, "resourceModified", NULL,
                         "ETag does not match current item's value.");
        return true;
    }
    if (call_breaks_precondition(c, c->item) || call_is_locked(c, c->item)) {
        return true;
    }
    if (holds_something(c->item)) {
        http_reply_error(
            c->rq, c->rs, 403, "accessDenied", NULL,
            "Request was cancelled by event received. If attempting to delete a non-empty folder, "
            "it's possible that it's on hold");
        return true;
    }
    return false;
}

void items_delete(struct call *c)
{
    if (!cannot_delete(c)) {
        store_delete(c->item, c->user);
        c->rs->status = 204;
    }
}

void items_permanent_delete(struct call *c)
{
    if (!cannot_delete(c)) {
        store_purge(c->item, c->user);
        c->rs->status = 204;
    }
}

void items_restore(struct call *c)
{
    if (!c->item->is_deleted) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The item is not deleted.");
    } else if (!store_restore(c->item, c->user)) {
        call_name_taken(c);
    } else {
        item_reply(c->rq, c->rs, 200, c->item);
    }
}
