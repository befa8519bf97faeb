/*
 * What changed in a library (facts, 2.6).
 *
 * A token is base64url of "D1:drive:kind:seq:cursor:flag". Kind E walks all items (cursor: serial)
 * and ends in a deltaLink of the seq at its start; kind S lists what changed since seq. Both go on
 * with nextLinks.
 */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "scan.h"

enum { DELTA_PAGE = 200 };

struct delta_token {
    char kind; /* 'E' or 'S' */
    uint64_t seq;
    uint64_t cursor;
    bool was_empty; /* the awkward empty page was served already */
};

struct delta {
    struct call *c;
    struct item_view view;
    cJSON *value;
    bool exclude_parent;
    uint64_t *sent; /* serials of parents on this page */
    size_t n_sent;
};

static char *format_token(const struct call *c, const struct delta_token *t)
{
    char *plain =
        xasprintf("D1:%016llx:%c:%llu:%llu:%d", (unsigned long long)c->drive->id_key, t->kind,
                  (unsigned long long)t->seq, (unsigned long long)t->cursor, t->was_empty);
    char *text = base64url_encode(plain, strlen(plain));
    free(plain);
    return text;
}

static bool parse_token(const struct call *c, struct delta_token *t, const char *text)
{
    size_t len = 0;
    char *bytes = base64url_decode(text, strlen(text), &len);
    char *plain = bytes == NULL ? xstrdup("") : xstrndup(bytes, len);
    char *prefix = xasprintf("D1:%016llx:", (unsigned long long)c->drive->id_key);
    const char *p = plain;
    uint64_t was_empty = 0;
    bool is_ours = scan_text(&p, prefix) && (*p == 'E' || *p == 'S');
    if (is_ours) {
        t->kind = *p++;
        is_ours = scan_text(&p, ":") && scan_number(&p, &t->seq) && scan_text(&p, ":") &&
                  scan_number(&p, &t->cursor) && scan_text(&p, ":") &&
                  scan_number(&p, &was_empty) && *p == '\0';
    }
    t->was_empty = was_empty != 0;
    free(prefix);
    free(plain);
    free(bytes);
    return is_ours;
}

/* The rest of the query goes along with a link. */
static char *delta_link(const struct call *c, const struct delta_token *t)
{
    static const char *const kept[] = {"select", "expand", "top"};
    struct strbuf sb = {0};
    char *token = format_token(c, t);
    sb_printf(&sb, "%s/v1.0/drives/%s/root/delta", c->rq->graph_url, c->drive->id);
    sb_printf(&sb, c->tenant->switches.delta_function_links ? "(token='%s')" : "?token=%s", token);
    const char *separator = c->tenant->switches.delta_function_links ? "?" : "&";
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        char *value = http_query(c->rq, kept[i]);
        if (value != NULL) {
            char *encoded = url_encode(value);
            sb_printf(&sb, "%s$%s=%s", separator, kept[i], encoded);
            separator = "&";
            free(encoded);
            free(value);
        }
    }
    free(token);
    return sb_take(&sb);
}

/* ---- items ---- */

static cJSON *deleted_json(struct item *it)
{
    cJSON *o = cJSON_CreateObject();
    char id[40];
    item_id(id, it);
    cJSON_AddStringToObject(o, "@odata.type", "#microsoft.graph.driveItem");
    cJSON_AddStringToObject(o, "id", id);
    cJSON_AddNumberToObject(o, "size", 0);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(o, "deleted"), "state", "deleted");
    if (it->kind == ITEM_FILE) { /* the hash of nothing, whatever the file was */
        cJSON *hashes = cJSON_AddObjectToObject(cJSON_AddObjectToObject(o, "file"), "hashes");
        cJSON_AddStringToObject(hashes, "quickXorHash", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    } else if (it->kind == ITEM_FOLDER) {
        cJSON_AddObjectToObject(o, "folder");
    }
    cJSON *ref = cJSON_AddObjectToObject(o, "parentReference");
    cJSON_AddStringToObject(ref, "driveId", it->drive->id);
    cJSON_AddStringToObject(ref, "driveType", it->drive->drive_type);
    item_id_of(id, it->drive, it->parent_serial);
    cJSON_AddStringToObject(ref, "id", id);
    return o;
}

static bool was_sent(struct delta *d, uint64_t serial)
{
    for (size_t i = 0; i < d->n_sent; i++) {
        if (d->sent[i] == serial) {
            return true;
        }
    }
    d->sent = xrealloc(d->sent, (d->n_sent + 1) * sizeof(*d->sent));
    d->sent[d->n_sent++] = serial;
    return false;
}

/* Folders above a changed item, from the root down. */
static void add_parents(struct delta *d, struct item *it)
{
    struct item *parent = store_parent(it);
    if (parent == NULL || parent->is_deleted || was_sent(d, parent->serial)) {
        return;
    }
    add_parents(d, parent);
    if (!store_is_gone(parent)) {
        cJSON_AddItemToArray(d->value, item_json(parent, &d->view));
    }
}

static void add_changed(struct delta *d, struct item *it)
{
    if (it->parent_serial != 0 && (store_is_gone(it) || !item_is_visible(it, d->c->user))) {
        cJSON_AddItemToArray(d->value, deleted_json(it));
        return;
    }
    if (!d->exclude_parent) {
        add_parents(d, it);
    }
    if (it->kind == ITEM_FOLDER && was_sent(d, it->serial)) {
        return;
    }
    cJSON_AddItemToArray(d->value, item_json(it, &d->view));
}

/* ---- pages ---- */

static bool page_of_all(struct delta *d, struct delta_token *t, int64_t n)
{
    struct child_iter *scratch = xcalloc(1, sizeof(*scratch));
    const struct item *it = NULL;
    while (n > 0 && (it = store_next_item(d->c->drive, &t->cursor, scratch)) != NULL) {
        if (item_is_visible((struct item *)it, d->c->user)) {
            cJSON_AddItemToArray(d->value, item_json(it, &d->view));
            n--;
        }
    }
    free(scratch);
    return it != NULL;
}

static bool page_of_changes(struct delta *d, struct delta_token *t, int64_t n)
{
    struct item *it = d->c->drive->newest;
    if (it == NULL || it->changed_seq <= t->seq) {
        return false;
    }
    while (it->older != NULL && it->older->changed_seq > t->seq) {
        it = it->older;
    }
    for (; it != NULL && n > 0; it = it->newer, n--) {
        t->seq = it->changed_seq;
        add_changed(d, it);
    }
    return it != NULL;
}

static void repeat_first(cJSON *value)
{
    const cJSON *first = cJSON_GetArrayItem(value, cJSON_GetArraySize(value) - 1);
    if (first != NULL) {
        cJSON_AddItemToArray(value, cJSON_Duplicate(first, true));
    }
}

static void reply_page(struct call *c, struct delta_token t, bool is_latest)
{
    const struct switches *sw = &c->tenant->switches;
    struct delta d = {.c = c, .value = cJSON_CreateArray()};
    cJSON *page = cJSON_CreateObject();
    int64_t n = http_query_int(c->rq, "top", DELTA_PAGE);
    uint64_t start = t.kind == 'E' ? t.seq : 0;
    bool has_more = false;
    bool pauses = sw->delta_empty_pages && !t.was_empty && !is_latest;
    n = n < 1 ? 1 : n > sw->max_page ? sw->max_page : n;
    item_view_init(&d.view, c->rq);
    d.view.is_delta = true;
    d.view.no_download_url = sw->no_downloadurl_in_lists;
    d.exclude_parent = http_header(c->rq, "deltaExcludeParent") != NULL;
    if (pauses && t.cursor + t.seq > 0) { /* nothing yet, ask on */
        t.was_empty = has_more = true;
    } else if (!is_latest) {
        has_more = t.kind == 'E' ? page_of_all(&d, &t, n) : page_of_changes(&d, &t, n);
        if (sw->delta_duplicates) {
            repeat_first(d.value);
        }
        t.was_empty = false;
        if (!has_more && sw->delta_empty_pages && cJSON_GetArraySize(d.value) > 0) {
            has_more = t.was_empty = true; /* an empty last page */
        }
    }
    if (!has_more) {
        t = (struct delta_token){.kind = 'S', .seq = t.kind == 'E' ? start : t.seq};
    }
    char *link = delta_link(c, &t);
    char *context = xasprintf("%s/v1.0/$metadata#Collection(driveItem)", c->rq->graph_url);
    cJSON_AddStringToObject(page, "@odata.context", context);
    cJSON_AddStringToObject(page, has_more ? "@odata.nextLink" : "@odata.deltaLink", link);
    cJSON_AddItemToObject(page, "value", d.value);
    free(context);
    free(link);
    free(d.sent);
    item_view_clear(&d.view);
    http_reply_json(c->rs, 200, page);
}

static void reply_gone(struct call *c)
{
    http_add_header(c->rs, "Location", "%s/v1.0/drives/%s/root/delta", c->rq->graph_url,
                    c->drive->id);
    http_reply_error(c->rq, c->rs, 410, c->tenant->switches.resync_code, NULL,
                     "Resync required. Replace any local items "
                     "with the server's version.");
}

/* The sequence number as it was at a time. */
static uint64_t seq_at(const struct drive *d, int64_t unix_seconds)
{
    const struct item *it = d->newest;
    while (it != NULL && it->changed_ms / 1000 >= unix_seconds) {
        it = it->older;
    }
    return it == NULL ? 0 : it->changed_seq;
}

void delta_get(struct call *c)
{
    struct delta_token t = {.kind = 'E', .seq = c->drive->seq};
    int64_t when;
    if (c->tenant->switches.china || c->item->parent_serial != 0) { /* ODSP: on the root only */
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL,
                         "Delta is supported on the root only.");
        return;
    }
    char *token = call_arg(c, "token");
    token = token != NULL ? token : http_query(c->rq, "token");
    token = token != NULL ? token : http_query(c->rq, "skiptoken");
    bool is_latest = token != NULL && strcmp(token, "latest") == 0;
    if (token != NULL) {
        c->rs->ru = 1;
    }
    if (token == NULL || is_latest) {
        reply_page(c, t, is_latest);
    } else if (parse_iso(&when, token)) {
        reply_page(c, (struct delta_token){.kind = 'S', .seq = seq_at(c->drive, when)}, false);
    } else if (!parse_token(c, &t, token)) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The token is malformed.");
    } else if (t.seq < c->drive->delta_floor) {
        reply_gone(c);
    } else {
        reply_page(c, t, false);
    }
    free(token);
}
