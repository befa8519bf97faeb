/* From the path of a request to a drive, an item, and what is wanted of it (facts, 2.4). */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "ids.h"
#include "shares.h"

/* Cuts the next segment off a raw path and decodes it; NULL at the end or when it is malformed. */
static char *next_segment(const char **path)
{
    if (**path != '/') {
        return NULL;
    }
    const char *start = *path + 1;
    size_t n = strcspn(start, "/");
    *path = start + n;
    return url_decode(start, n);
}

static bool next_is(const char **path, const char *word)
{
    size_t n = strlen(word);
    if (**path == '/' && strncmp(*path + 1, word, n) == 0 && strchr("/:", (*path)[1 + n]) != NULL) {
        *path += 1 + n;
        return true;
    }
    return false;
}

/* "/sites/{key}..." or "/sites/{host}:/{path}[:...]"; *path moves behind it. */
static struct site *route_site(struct tenant *t, const char **path)
{
    const char *start = *path + 1;
    size_t n = strcspn(start, "/:");
    if (start[n] == ':' && start[n + 1] == '/') {
        const char *site_path = start + n + 1;
        size_t len = strcspn(site_path, ":");
        char *decoded = url_decode(site_path, len);
        char *host = url_decode(start, n);
        struct site *s = NULL;
        if (decoded != NULL && host != NULL &&
            (str_ieq(host, t->sharepoint_host) || str_ieq(host, t->my_host))) {
            s = tenant_site_by_path(t, decoded);
        }
        free(host);
        free(decoded);
        *path = site_path + len + (site_path[len] == ':');
        return s;
    }
    char *key = next_segment(path);
    struct site *s = key == NULL ? NULL : tenant_site_by_key(t, key);
    free(key);
    return s;
}

/* What follows a site or group: /drive, /drives, /drives/{id}, /lists/{l}/drive. */
static enum route_result route_below_site(struct call *c, struct site *s, const char **path,
                                          struct drive_list *list)
{
    if (next_is(path, "drive")) {
        c->drive = s != NULL && s->n_drives > 0 ? s->drives[0] : NULL;
        return ROUTE_DRIVE;
    }
    if (next_is(path, "drives")) {
        if (**path == '\0') {
            list->site = s;
            return ROUTE_COLLECTION;
        }
    } else if (!next_is(path, "lists")) {
        return ROUTE_NOT_OURS;
    } else {
        const char *after = *path;
        free(next_segment(&after));
        if (!next_is(&after, "drive")) {
            return ROUTE_NOT_OURS;
        }
    }
    char *key = next_segment(path);
    c->drive = s == NULL || key == NULL ? NULL : site_drive(s, key);
    free(key);
    next_is(path, "drive");
    return ROUTE_DRIVE;
}

static enum route_result route_below_user(struct call *c, struct user *u, const char **path,
                                          struct drive_list *list)
{
    if (next_is(path, "drive")) {
        c->drive = u == NULL ? NULL : u->drive;
        return ROUTE_DRIVE;
    }
    if (next_is(path, "drives")) {
        if (**path == '\0') {
            list->user = u;
            return ROUTE_COLLECTION;
        }
        char *id = next_segment(path);
        c->drive = id == NULL ? NULL : tenant_drive(c->tenant, id);
        free(id);
        return ROUTE_DRIVE;
    }
    return ROUTE_NOT_OURS;
}

static enum route_result route_drive(struct call *c, const char **path, struct drive_list *list)
{
    struct tenant *t = c->tenant;
    if (next_is(path, "drives")) {
        char *id = next_segment(path);
        c->drive = id == NULL ? NULL : tenant_drive(t, id);
        free(id);
        return ROUTE_DRIVE;
    }
    if (next_is(path, "drive")) {
        c->drive = c->user->drive;
        return ROUTE_DRIVE;
    }
    if (next_is(path, "me")) {
        return route_below_user(c, c->user, path, list);
    }
    if (next_is(path, "users")) {
        char *key = next_segment(path);
        struct user *u = key == NULL ? NULL : tenant_user(t, key);
        free(key);
        return route_below_user(c, u, path, list);
    }
    if (next_is(path, "groups")) {
        char *key = next_segment(path);
        struct group *g = key == NULL ? NULL : tenant_group(t, key);
        free(key);
        return route_below_site(c, g == NULL ? NULL : g->site, path, list);
    }
    if (next_is(path, "sites") && **path == '/') {
        struct site *s = route_site(t, path);
        return route_below_site(c, s, path, list);
    }
    return ROUTE_NOT_OURS;
}

/* The part between the colons. False: replied. */
static bool route_by_path(struct call *c, struct item *from, const char **path)
{
    const char *start = *path + 1; /* after the colon */
    size_t n = strcspn(start, ":");
    bool is_closed = start[n] == ':';
    *path = start + n + is_closed;
    if (start[0] != '/' || (is_closed && n > 1 && start[n - 1] == '/')) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", "invalidPath",
                         "The path is not well formed.");
        return false;
    }
    char *decoded = url_decode(start, n);
    /* A name with U+FFFD is found by id only (facts, 2.4). */
    if (decoded == NULL || strstr(decoded, "\xef\xbf\xbd") != NULL) {
        http_reply_error(c->rq, c->rs, 400, "BadRequest", NULL, "Bad Request - Invalid URL");
        free(decoded);
        return false;
    }
    c->item = from == NULL ? NULL : store_by_path(c->drive, from, decoded);
    if (c->item == NULL && from != NULL) {
        char *last = strrchr(decoded, '/');
        *last = '\0';
        c->parent = store_by_path(c->drive, from, decoded);
        if (c->parent != NULL && c->parent->kind != ITEM_FOLDER) {
            c->parent = NULL;
        }
        c->new_name = xstrdup(last + 1);
    }
    free(decoded);
    return true;
}

static bool is_deleted_but_restorable(const char *path)
{
    return strcmp(path, "/restore") == 0;
}

static struct item *find_by_id(struct call *c, const char *id, const char *rest)
{
    struct item *it = str_ieq(id, "root") ? c->drive->root : store_by_id(c->drive, id);
    if (it == NULL && is_deleted_but_restorable(rest)) {
        uint8_t prefix[4];
        uint8_t guid[GUID_SIZE];
        uint64_t serial;
        if (item_id_parse(prefix, guid, id) && memcmp(prefix, c->drive->id_prefix, 4) == 0 &&
            unique_id_serial(&serial, c->drive->id_key, guid)) {
            it = store_get(c->drive, serial);
        }
    }
    return it;
}

/* The action: "/children", "/search(q='x')", "/microsoft.graph.delta". */
static bool route_action(struct call *c, const char **path)
{
    if (**path == '\0') {
        c->action = xstrdup("");
        return true;
    }
    c->action = next_segment(path);
    if (c->action == NULL) {
        http_reply_error(c->rq, c->rs, 400, "BadRequest", NULL,
                         "Resource not found for the segment.");
        return false;
    }
    if (str_starts(c->action, "microsoft.graph.")) {
        memmove(c->action, c->action + 16, strlen(c->action + 16) + 1);
    }
    char *bracket = strchr(c->action, '(');
    if (bracket != NULL) {
        char *end = strrchr(bracket, ')');
        c->args = end == NULL ? xstrdup("") : xstrndup(bracket + 1, (size_t)(end - bracket - 1));
        *bracket = '\0';
    }
    return true;
}

/* 21Vianet: items/{id}/children('@a1')/...?@a1='name' stands for the child of that name. */
static bool route_named_child(struct call *c, const char **path)
{
    char *param = c->args != NULL && c->args[0] == '\''
                      ? xstrndup(c->args + 1, strcspn(c->args + 1, "'"))
                      : NULL;
    if (param == NULL || strcmp(c->action, "children") != 0) {
        free(param);
        return true;
    }
    char *value = param[0] == '@' ? http_query(c->rq, param) : xstrdup(param);
    char *name = NULL;
    free(param);
    if (value != NULL) {
        size_t n = strlen(value);
        bool is_quoted = n >= 2 && value[0] == '\'' && value[n - 1] == '\'';
        name = is_quoted ? url_decode(value + 1, n - 2) : url_decode(value, n);
    }
    free(value);
    if (name == NULL) {
        http_reply_error(c->rq, c->rs, 400, "BadRequest", NULL, "A parameter alias has no value.");
        return false;
    }
    struct item *folder = c->item;
    c->item = folder == NULL ? NULL : store_by_path(c->drive, folder, name);
    c->parent = c->item == NULL ? folder : NULL;
    c->new_name = name;
    free(c->action);
    free(c->args);
    c->action = c->args = NULL;
    return route_action(c, path);
}

static bool route_item(struct call *c, const char **path)
{
    struct item *from;
    if (next_is(path, "root")) {
        from = c->drive->root;
    } else if (next_is(path, "items") && **path == '/') {
        const char *start = *path + 1;
        size_t n = strcspn(start, "/:");
        char *id = url_decode(start, n);
        *path = start + n;
        from = id == NULL ? NULL : find_by_id(c, id, *path);
        free(id);
        c->by_id_and_path = **path == ':';
    } else {
        c->item = NULL;
        return route_action(c, path); /* /drives/{d}, or something of the drive itself */
    }
    c->item = from;
    c->has_item_address = true;
    if (**path == ':' && !route_by_path(c, from, path)) {
        return false;
    }
    if (c->item != NULL && !item_is_visible(c->item, c->user)) {
        c->item = NULL;
    }
    return route_action(c, path) && route_named_child(c, path);
}

enum route_result route_call(struct call *c, struct drive_list *list)
{
    const char *path = c->rq->path;
    enum route_result r;
    bool is_share = next_is(&path, "shares");
    if (is_share) {
        r = shares_route(c, &path);
        if (r != ROUTE_DRIVE) {
            return r;
        }
        c->has_item_address = true;
        if (!route_action(c, &path)) {
            return ROUTE_ERROR;
        }
        c->rest = path;
        return ROUTE_DRIVE;
    }
    r = route_drive(c, &path, list);
    if (r == ROUTE_COLLECTION || r == ROUTE_NOT_OURS) {
        return r;
    }
    if (c->drive == NULL && c->user->drive == NULL && str_starts(c->rq->path, "/me/drive")) {
        http_reply_error(c->rq, c->rs, 404, "itemNotFound", "provisioningNotAllowed",
                         "User's mysite not found.");
        return ROUTE_ERROR;
    }
    if (c->drive == NULL || drive_access(c->drive, c->user) == ACCESS_NONE) {
        call_not_found(c);
        return ROUTE_ERROR;
    }
    if (!route_item(c, &path)) {
        return ROUTE_ERROR;
    }
    c->rest = path;
    return ROUTE_DRIVE;
}

void call_clear(struct call *c)
{
    free(c->new_name);
    free(c->action);
    free(c->args);
    content_unref(c->upload);
}

char *call_arg(const struct call *c, const char *name)
{
    size_t n = strlen(name);
    const char *p = c->args;
    if (p == NULL || strncmp(p, name, n) != 0 || p[n] != '=' || p[n + 1] != '\'') {
        return NULL;
    }
    struct strbuf sb = {0};
    for (p += n + 2; *p != '\0'; p++) {
        if (*p == '\'') {
            if (p[1] != '\'') {
                break;
            }
            p++;
        }
        sb_add(&sb, p, 1);
    }
    return sb_take(&sb);
}
