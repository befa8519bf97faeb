/* Check-out and versions (facts, 2.11). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"

static bool is_no_file(struct call *c)
{
    if (c->item->kind == ITEM_FILE) {
        return false;
    }
    http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The item is not a file.");
    return true;
}

/* 400 unless it is checked out, 423 if by somebody else. */
static bool is_not_mine(struct call *c)
{
    if (is_no_file(c)) {
        return true;
    }
    if (c->item->checked_out_by == NULL) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The file is not checked out.");
        return true;
    }
    return call_is_locked(c, c->item);
}

void checkout_post(struct call *c)
{
    if (is_no_file(c) || call_is_locked(c, c->item)) {
        return;
    }
    if (c->item->checked_out_by == NULL) {
        c->item->checked_out_by = c->user;
        c->item->checkout_content = content_ref(c->item->content);
    }
    c->rs->status = 204;
}

static void end_checkout(struct item *it)
{
    it->checked_out_by = NULL;
    it->is_draft = false;
    content_unref(it->checkout_content);
    it->checkout_content = NULL;
}

void checkin_post(struct call *c)
{
    if (is_not_mine(c)) {
        return;
    }
    end_checkout(c->item);
    store_touch(c->item, c->user);
    c->rs->status = 204;
}

void discard_post(struct call *c)
{
    struct item *it = c->item;
    if (is_not_mine(c)) {
        return;
    }
    if (it->is_draft) { /* nothing was ever published: nothing is left */
        store_purge(it, c->user);
    } else if (it->checkout_content != NULL && it->checkout_content != it->content) {
        store_set_content(it, content_ref(it->checkout_content), c->user);
    }
    end_checkout(it);
    c->rs->status = 204;
}

/* ---- versions ---- */

static cJSON *version_json(unsigned number, const struct content *content, int64_t modified,
                           const struct user *by)
{
    cJSON *o = cJSON_CreateObject();
    char id[24];
    char time[32];
    snprintf(id, sizeof(id), "%u.0", number);
    format_iso(time, modified);
    cJSON_AddStringToObject(o, "id", id);
    cJSON_AddNumberToObject(o, "size", (double)content->size);
    cJSON_AddStringToObject(o, "lastModifiedDateTime", time);
    cJSON_AddItemToObject(o, "lastModifiedBy", identity_json(by));
    return o;
}

static cJSON *current_json(const struct item *it)
{
    return version_json(it->version_n, it->content, it->modified, it->modified_by);
}

static cJSON *older_json(const struct version *v)
{
    return version_json(v->number, v->content, v->modified, v->modified_by);
}

/* "/3.0/content": the number, and what follows it. 0: none given or no number. */
static unsigned rest_version(const struct call *c, const char **after)
{
    unsigned long n = c->rest[0] == '/' ? strtoul(c->rest + 1, NULL, 10) : 0;
    *after = c->rest[0] == '/' ? c->rest + 1 + strcspn(c->rest + 1, "/") : c->rest;
    return (unsigned)n;
}

static struct version *find_version(struct item *it, unsigned number)
{
    for (size_t i = 0; i < it->n_versions; i++) {
        if (it->versions[i].number == number) {
            return &it->versions[i];
        }
    }
    return NULL;
}

/* All in one answer, or in pages: newest first, and the token is how many came before. */
static void list_versions(struct call *c)
{
    size_t per_page = (size_t)c->tenant->switches.versions_page;
    size_t first = (size_t)http_query_int(c->rq, "skiptoken", 0);
    size_t all = c->item->n_versions + 1;
    size_t end =
        per_page > 0 && per_page < all - (first < all ? first : all) ? first + per_page : all;
    cJSON *page = cJSON_CreateObject();
    char *context = xasprintf("%s/v1.0/$metadata#Collection(driveItemVersion)", c->rq->graph_url);
    cJSON_AddStringToObject(page, "@odata.context", context);
    free(context);
    cJSON *value = cJSON_AddArrayToObject(page, "value");
    for (size_t i = first; i < end; i++) {
        cJSON_AddItemToArray(value, i == 0
                                        ? current_json(c->item)
                                        : older_json(&c->item->versions[c->item->n_versions - i]));
    }
    if (end < all) {
        char *next = xasprintf("%s/v1.0%s?$skiptoken=%zu", c->rq->graph_url, c->rq->path, end);
        cJSON_AddStringToObject(page, "@odata.nextLink", next);
        free(next);
    }
    http_reply_json(c->rs, 200, page);
}

void versions_get(struct call *c)
{
    const char *after;
    unsigned number = rest_version(c, &after);
    struct version *v = find_version(c->item, number);
    bool is_current = number == c->item->version_n;
    if (is_no_file(c)) {
        return;
    }
    if (c->rest[0] == '\0') {
        list_versions(c);
    } else if (v == NULL && !is_current) {
        call_not_found(c);
    } else if (strcmp(after, "/content") == 0) {
        if (is_current) { /* what the service does is not known: the client must use /content */
            http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL,
                             "You cannot get the content of the current version.");
            return;
        }
        char *url = item_download_url(c->rq, c->item, number);
        http_reply_redirect(c->rs, 302, url);
        free(url);
        c->rs->ru = 1;
    } else {
        http_reply_json(c->rs, 200, is_current ? current_json(c->item) : older_json(v));
        c->rs->ru = 1;
    }
}

void versions_post(struct call *c)
{
    const char *after;
    struct version *v = find_version(c->item, rest_version(c, &after));
    if (is_no_file(c) || call_is_locked(c, c->item)) {
        return;
    }
    if (v == NULL) {
        call_not_found(c);
    } else if (strcmp(after, "/restoreVersion") != 0 &&
               strcmp(after, "/microsoft.graph.restoreVersion") != 0) {
        http_reply_error(c->rq, c->rs, 400, "BadRequest", NULL,
                         "Resource not found for the segment.");
    } else if (!call_lacks_space(c, v->content->size - c->item->content->size)) {
        store_set_content(c->item, content_ref(v->content), c->user);
        c->rs->status = 204;
    }
}

void versions_delete(struct call *c)
{
    const char *after;
    unsigned number = rest_version(c, &after);
    struct version *v = find_version(c->item, number);
    if (is_no_file(c)) {
        return;
    }
    if (number == c->item->version_n) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL,
                         "You cannot delete the current version.");
    } else if (v == NULL) {
        call_not_found(c);
    } else {
        size_t i = (size_t)(v - c->item->versions);
        content_unref(v->content);
        memmove(v, v + 1, (c->item->n_versions - i - 1) * sizeof(*v));
        c->item->n_versions--;
        c->rs->status = 204;
    }
}
