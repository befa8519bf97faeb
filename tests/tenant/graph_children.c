/* Listing a folder, making one, and looking for names in a library (facts, 2.5 and 2.10). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "upload.h"

enum { DEFAULT_PAGE = 200 };

static int64_t page_size(const struct call *c)
{
    int64_t top = http_query_int(c->rq, "top", DEFAULT_PAGE);
    int64_t max = c->tenant->switches.max_page;
    top = top > max ? max : top;
    top = top < 1 ? 1 : top;
    if (c->tenant->switches.children_short_pages && top > 1) {
        top -= (top + 2) / 3; /* fewer than asked for: only nextLink tells the end */
    }
    return top;
}

/* The request's own URL with another $skiptoken; for the caller to free. */
static char *next_link(const struct http_request *rq, const char *token)
{
    struct strbuf sb = {0};
    const char *q = rq->query == NULL ? "" : rq->query;
    const char *separator = "?";
    sb_printf(&sb, "%s/v1.0%s", rq->graph_url, rq->path);
    while (*q != '\0') {
        size_t n = strcspn(q, "&");
        if (n > 0 && strncasecmp(q, "$skiptoken=", 11) != 0 &&
            strncasecmp(q, "skiptoken=", 10) != 0 && strncasecmp(q, "%24skiptoken=", 13) != 0) {
            sb_puts(&sb, separator);
            sb_add(&sb, q, n);
            separator = "&";
        }
        q += n;
        q += *q == '&';
    }
    sb_printf(&sb, "%s$skiptoken=%s", separator, token);
    return sb_take(&sb);
}

/* False: replied. ODSP sorts and filters by name only. */
static bool query_is_supported(struct call *c, char **only_name)
{
    char *orderby = http_query(c->rq, "orderby");
    char *filter = http_query(c->rq, "filter");
    char *skip = http_query(c->rq, "skip");
    const char *problem = NULL;
    *only_name = NULL;
    if (orderby != NULL && !str_ieq(orderby, "name") && !str_ieq(orderby, "name asc") &&
        !str_ieq(orderby, "url")) {
        problem = "The $orderby expression is not supported.";
    }
    if (filter != NULL) {
        size_t n = strlen(filter);
        if (str_starts(filter, "name eq '") && n > 10 && filter[n - 1] == '\'') {
            *only_name = xstrndup(filter + 9, n - 10);
        } else {
            problem = "The $filter expression is not supported.";
        }
    }
    if (skip != NULL) {
        problem = "$skip is not supported on this API. Only URLs returned by the API can be used "
                  "to page.";
    }
    free(orderby);
    free(filter);
    free(skip);
    if (problem != NULL) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "%s", problem);
        free(*only_name);
        return false;
    }
    return true;
}

/* Where the last page ended: a name. False: replied. */
static bool read_skiptoken(struct call *c, char **after)
{
    char *token = http_query(c->rq, "skiptoken");
    size_t len = 0;
    *after = NULL;
    if (token == NULL) {
        return true;
    }
    char *bytes = base64url_decode(token, strlen(token), &len);
    free(token);
    if (bytes == NULL || len < 3 || memcmp(bytes, "P1:", 3) != 0) {
        free(bytes);
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The skip token is malformed.");
        return false;
    }
    *after = xstrndup(bytes + 3, len - 3);
    free(bytes);
    return true;
}

static void add_next_link(struct call *c, cJSON *page, const char *last_name)
{
    char *plain = xasprintf("P1:%s", last_name);
    char *token = base64url_encode(plain, strlen(plain));
    char *url = next_link(c->rq, token);
    cJSON_AddStringToObject(page, "@odata.nextLink", url);
    free(plain);
    free(token);
    free(url);
}

static cJSON *children_page(struct call *c, const char *after, const char *only_name)
{
    struct item_view v;
    struct child_iter *iter = xcalloc(1, sizeof(*iter));
    cJSON *page = cJSON_CreateObject();
    int64_t left = page_size(c);
    char *last = NULL;
    const struct item *it;
    char id[40];
    item_view_init(&v, c->rq);
    v.no_download_url = c->tenant->switches.no_downloadurl_in_lists;
    char *plain_path = store_path(c->item);
    v.parent_path = url_encode_path(plain_path);
    free(plain_path);
    item_id(id, c->item);
    char *context = xasprintf("%s/v1.0/$metadata#drives('%s')/items('%s')/children%s%s%s",
                              c->rq->graph_url, c->drive->id, id, v.select == NULL ? "" : "(",
                              v.select == NULL ? "" : v.select, v.select == NULL ? "" : ")");
    cJSON_AddStringToObject(page, "@odata.context", context);
    free(context);
    cJSON *value = cJSON_CreateArray();
    store_children(iter, c->item, after);
    while ((it = store_next_child(iter)) != NULL) {
        if (!item_is_visible((struct item *)it, c->user) ||
            (only_name != NULL && name_compare(only_name, it->name) != 0)) {
            continue;
        }
        if (left-- <= 0) {
            add_next_link(c, page, last != NULL ? last : "");
            break;
        }
        cJSON_AddItemToArray(value, item_json(it, &v));
        free(last);
        last = xstrdup(it->name);
    }
    cJSON_AddItemToObject(page, "value", value);
    free(last);
    free(iter);
    item_view_clear(&v);
    return page;
}

void children_get(struct call *c)
{
    char *only_name;
    char *after;
    if (c->item->kind != ITEM_FOLDER) { /* files, packages, and shortcuts: ask the other drive */
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The item is not a folder.");
        return;
    }
    if (c->rest[0] != '\0') {
        http_reply_error(c->rq, c->rs, 400, "BadRequest", NULL,
                         "Resource not found for the segment.");
        return;
    }
    if (!query_is_supported(c, &only_name)) {
        return;
    }
    if (read_skiptoken(c, &after)) {
        http_reply_json(c->rs, 200, children_page(c, after, only_name));
        free(after);
    }
    free(only_name);
}

/* ---- create a folder ---- */

static void create_folder(struct call *c, const cJSON *body, const char *name)
{
    enum conflict conflict = conflict_of(c->rq, body, CONFLICT_FAIL);
    struct item *taken = store_child(c->item, name);
    char *free_name = NULL;
    if (call_name_is_bad(c, c->item, name, true)) {
        return;
    }
    if (taken != NULL && conflict == CONFLICT_REPLACE && taken->kind == ITEM_FOLDER) {
        item_reply(c->rq, c->rs, 200, taken); /* a folder is not emptied by being made again */
        return;
    }
    if (taken != NULL) {
        if (conflict != CONFLICT_RENAME) {
            call_name_taken(c);
            return;
        }
        name = free_name = store_free_name(c->item, name);
    }
    struct item *it = store_add(c->item, name, ITEM_FOLDER, NULL, c->user);
    struct file_times times;
    if (file_times_read(&times, body)) {
        it->fs_created = times.created >= 0 ? times.created : it->fs_created;
        it->fs_modified = times.modified >= 0 ? times.modified : it->fs_modified;
    }
    free(free_name);
    item_reply(c->rq, c->rs, 201, it);
}

void children_create(struct call *c)
{
    cJSON *body = http_body_json(c->rq);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(body, "name");
    if (c->item->kind != ITEM_FOLDER) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The item is not a folder.");
    } else if (!cJSON_IsString(name) || !cJSON_HasObjectItem(body, "folder")) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL,
                         "A name and the folder facet are needed.");
    } else {
        create_folder(c, body, name->valuestring);
    }
    cJSON_Delete(body);
}

/* ---- search in a library ---- */

struct search {
    struct call *call;
    struct item_view view;
    cJSON *value;
    int64_t skip, left;
    bool has_more;
};

static bool search_hit(const struct item *it, void *payload)
{
    struct search *s = payload;
    if (!item_is_visible((struct item *)it, s->call->user)) {
        return true;
    }
    if (s->call->item != NULL && s->call->item->parent_serial != 0 &&
        !store_is_below(store_get(it->drive, it->serial), s->call->item)) {
        return true;
    }
    if (s->skip > 0) {
        s->skip--;
        return true;
    }
    if (s->left-- <= 0) {
        s->has_more = true;
        return false;
    }
    cJSON_AddItemToArray(s->value, item_json(it, &s->view));
    return true;
}

void search_get(struct call *c)
{
    char *text = call_arg(c, "q");
    char *token = http_query(c->rq, "skiptoken");
    int64_t done = 0;
    if (text == NULL) {
        http_reply_error(c->rq, c->rs, 400, "BadRequest", NULL, "The parameter q is missing.");
        free(token);
        return;
    }
    if (token != NULL) {
        size_t len = 0;
        char *bytes = base64url_decode(token, strlen(token), &len);
        done = bytes != NULL && len > 3 ? strtoll(bytes + 3, NULL, 10) : 0;
        free(bytes);
    }
    struct search s = {
        .call = c, .value = cJSON_CreateArray(), .skip = done < 0 ? 0 : done, .left = page_size(c)};
    int64_t size = s.left;
    item_view_init(&s.view, c->rq);
    s.view.is_search = true;
    store_search(c->drive, text, search_hit, &s);
    cJSON *page = cJSON_CreateObject();
    char *context = xasprintf("%s/v1.0/$metadata#Collection(driveItem)", c->rq->graph_url);
    cJSON_AddStringToObject(page, "@odata.context", context);
    free(context);
    if (s.has_more) {
        char number[24];
        snprintf(number, sizeof(number), "%lld", (long long)(done + size));
        add_next_link(c, page, number);
    }
    cJSON_AddItemToObject(page, "value", s.value);
    item_view_clear(&s.view);
    free(text);
    free(token);
    http_reply_json(c->rs, 200, page);
}
