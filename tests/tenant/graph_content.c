/* Content over Graph: a redirect down, a whole file up (facts, 2.7 and 2.8). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "upload.h"

void content_get(struct call *c)
{
    const char *none_match = http_header(c->rq, "If-None-Match");
    char *override = http_query(c->rq, "AVOverride");
    char etag[64];
    char ctag[64];
    bool is_forced = override != NULL && strcmp(override, "1") == 0;
    free(override);
    if (c->item->kind != ITEM_FILE) {
        http_reply_error(c->rq, c->rs, 400, "invalidRequest", NULL, "The item has no content.");
        return;
    }
    if (c->item->malware != NULL && !is_forced) {
        http_add_header(c->rs, "X-Virus-Infected", "%s", c->item->malware);
        http_reply_error(c->rq, c->rs, 403, "malwareDetected", NULL,
                         "Malware was detected in the requested resource.");
        return;
    }
    item_etag(etag, c->item);
    item_ctag(ctag, c->item);
    if (none_match != NULL && (strcmp(none_match, etag) == 0 || strcmp(none_match, ctag) == 0)) {
        c->rs->status = 304;
        return;
    }
    char *url = item_download_url(c->rq, c->item, 0);
    http_reply_redirect(c->rs, 302, url);
    free(url);
}

char *blob_path_new(struct world *w)
{
    world_lock(w);
    uint64_t n = w->next_blob++;
    world_unlock(w);
    return xasprintf("%s/%llu", w->blob_dir, (unsigned long long)n);
}

struct content *content_from_body(struct world *w, const struct http_request *rq)
{
    enum { IN_MEMORY = 64 * 1024, BLOCK = 256 * 1024 };
    if (rq->body_len <= IN_MEMORY && rq->body_path == NULL) {
        return content_new_text(rq->body == NULL ? "" : rq->body, (int64_t)rq->body_len);
    }
    char *path = blob_path_new(w);
    if (rq->body_path == NULL || rename(rq->body_path, path) != 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        char *buf = xmalloc(BLOCK);
        uint64_t at = 0;
        int64_t got = fd < 0 ? -1 : 0;
        while (fd >= 0 && (got = http_body_read(rq, at, buf, BLOCK)) > 0) {
            if (write(fd, buf, (size_t)got) != got) {
                got = -1;
                break;
            }
            at += (uint64_t)got;
        }
        if (got < 0 || close(fd) != 0) {
            die("%s: %s", path, strerror(errno));
        }
        free(buf);
    }
    struct content *c = content_new_file(path);
    free(path);
    return c;
}

enum conflict conflict_of(const struct http_request *rq, const cJSON *body, enum conflict fallback)
{
    static const char name[] = "@microsoft.graph.conflictBehavior";
    char *text = http_query(rq, name);
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(body, name);
    if (member == NULL) {
        member =
            cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(body, "item"), name);
    }
    if (text == NULL && cJSON_IsString(member)) {
        text = xstrdup(member->valuestring);
    }
    enum conflict c = text == NULL               ? fallback
                      : str_ieq(text, "replace") ? CONFLICT_REPLACE
                      : str_ieq(text, "rename")  ? CONFLICT_RENAME
                                                 : CONFLICT_FAIL;
    free(text);
    return c;
}

bool file_times_read(struct file_times *out, const cJSON *object)
{
    const cJSON *info = cJSON_GetObjectItemCaseSensitive(object, "fileSystemInfo");
    const cJSON *created = cJSON_GetObjectItemCaseSensitive(info, "createdDateTime");
    const cJSON *modified = cJSON_GetObjectItemCaseSensitive(info, "lastModifiedDateTime");
    *out = (struct file_times){-1, -1};
    if (cJSON_IsString(created)) {
        parse_iso(&out->created, created->valuestring);
    }
    if (cJSON_IsString(modified)) {
        parse_iso(&out->modified, modified->valuestring);
    }
    return out->created >= 0 || out->modified >= 0;
}

/* SharePoint writes document properties into Office files. Small ones only: this hashes under the
 * lock. */
static void enrich(struct item *it, struct user *by)
{
    enum { ENRICHED_UP_TO = 16 * 1024 * 1024 };
    if (it->content->size == 0 || it->content->size > ENRICHED_UP_TO || !is_office_name(it->name)) {
        return;
    }
    struct content *c =
        content_with_suffix(it->content, "<SharePointProperties ContentTypeId=\"0x0101\"/>");
    if (it->drive->tenant->switches.office_enrichment_version) {
        store_set_content(it, c, by);
    } else {
        store_rewrite(it, c);
    }
}

static void set_times(struct item *it, const struct file_times *t)
{
    it->fs_created = t->created >= 0 ? t->created : it->fs_created;
    it->fs_modified = t->modified >= 0 ? t->modified : it->fs_modified;
}

bool upload_commit(struct world *w, const struct http_request *rq, struct http_response *rs,
                   struct user *user, const struct upload_target *t, struct content **content)
{
    struct call c = {
        .w = w, .rq = rq, .rs = rs, .tenant = t->drive->tenant, .user = user, .drive = t->drive};
    const struct switches *sw = &c.tenant->switches;
    struct item *it = t->item == 0 ? NULL : store_get(t->drive, t->item);
    struct item *parent = it != NULL ? store_parent(it) : store_get(t->drive, t->parent);
    char *free_name = NULL;
    const char *name = t->name;
    int status = 200;
    if (parent == NULL || store_is_gone(parent) || (it != NULL && store_is_gone(it))) {
        call_not_found(&c);
        return false;
    }
    if (it == NULL &&
        (it = store_child(parent, name)) != NULL) { /* somebody was faster, or it was there */
        if (t->conflict == CONFLICT_FAIL ||
            (t->conflict == CONFLICT_REPLACE && it->kind != ITEM_FILE)) {
            call_name_taken(&c);
            return false;
        }
        if (t->conflict == CONFLICT_RENAME) {
            name = free_name = store_free_name(parent, name);
            it = NULL;
        }
    }
    if (it != NULL && call_is_locked(&c, it)) {
        return false;
    }
    if (it != NULL && t->if_match != NULL && !item_tag_matches(it, t->if_match)) {
        http_reply_error(rq, rs, 412, "resourceModified", "entityTagDoesNotMatch",
                         "ETag does not match current item's value.");
        return false;
    }
    if (it != NULL && t->drive->require_checkout && it->checked_out_by != user) {
        http_reply_error(rq, rs, 423, "notAllowed", "resourceLocked",
                         "The file must be checked out before it is changed.");
        return false;
    }
    if (call_lacks_space(&c, (*content)->size - (it == NULL ? 0 : it->content->size))) {
        free(free_name);
        return false;
    }
    if (it != NULL) {
        store_set_content(it, *content, user);
    } else {
        it = store_add(parent, name, ITEM_FILE, *content, user);
        status = 201;
        if (t->drive->require_checkout) { /* stays with its author until it is checked in */
            it->checked_out_by = user;
            it->is_draft = true;
        }
    }
    *content = NULL;
    free(free_name);
    set_times(it, &t->times);
    if (sw->office_enrichment) {
        enrich(it, user);
    }
    item_reply(rq, rs, status, it);
    if (sw->office_enrichment_late) {
        enrich(it, user);
    }
    return true;
}

void content_put(struct call *c)
{
    struct upload_target t = {
        .drive = c->drive,
        .conflict = conflict_of(c->rq, NULL, CONFLICT_REPLACE),
        .times = {-1, -1},
    };
    if (c->upload == NULL) {
        http_reply_error(c->rq, c->rs, 413, "invalidRequest", NULL,
                         "The request message is too big.");
        return;
    }
    if (c->tenant->switches.put_honours_if_match && call_breaks_precondition(c, c->item)) {
        return;
    }
    if (c->item != NULL) {
        if (c->item->kind != ITEM_FILE) {
            call_name_taken(c); /* a folder, or a notebook */
            return;
        }
        struct item *parent = store_parent(c->item);
        t.parent = parent->serial;
        t.name = xstrdup(c->item->name);
        /* Addressed by path, an existing name is a conflict to be resolved; by id it is the target.
         */
        t.item = c->new_name == NULL && t.conflict == CONFLICT_REPLACE ? c->item->serial : 0;
    } else {
        t.parent = c->parent->serial;
        t.name = xstrdup(c->new_name);
        if (call_name_is_bad(c, c->parent, t.name, false)) {
            free(t.name);
            return;
        }
    }
    upload_commit(c->w, c->rq, c->rs, c->user, &t, &c->upload);
    free(t.name);
}
