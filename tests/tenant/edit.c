/* Changes behind the client's back, and the server-side truth for tests. */
#include "edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "item_json.h"
#include "scenario.h"
#include "store.h"
#include "upload.h"

struct edit {
    struct world *w;
    const cJSON *args;
    struct tenant *tenant;
    struct user *user; /* who does it; the tenant's last user unless said: somebody else than the
                          usual one */
    struct drive *drive;
    struct item *item; /* at "path" or "id"; NULL if absent */
    const char *path;  /* decoded, below the root */
    cJSON *out;
    int status;
};

enum {
    NEEDS_DRIVE = 1,
    NEEDS_ITEM = 2 | NEEDS_DRIVE,
};

static void fail(struct edit *e, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void fail(struct edit *e, int status, const char *fmt, ...)
{
    struct strbuf sb = {0};
    va_list ap;
    va_start(ap, fmt);
    sb_vprintf(&sb, fmt, ap);
    va_end(ap);
    cJSON_Delete(e->out);
    e->out = cJSON_CreateObject();
    cJSON_AddStringToObject(e->out, "error", sb.data);
    e->status = status;
    sb_clear(&sb);
}

/* The folder of e->path, made with all above it when absent; *name is the last segment. NULL:
 * failed. */
static struct item *make_folders(struct edit *e, const char *path, const char **name)
{
    struct item *it = e->drive->root;
    path += strspn(path, "/");
    for (;;) {
        size_t n = strcspn(path, "/");
        if (path[n] == '\0') {
            *name = path;
            return it;
        }
        char *segment = xstrndup(path, n);
        struct item *next = store_child(it, segment);
        if (next == NULL) {
            next = store_add(it, segment, ITEM_FOLDER, NULL, e->user);
        }
        free(segment);
        if (next->kind != ITEM_FOLDER) {
            fail(e, 409, "%s is not a folder", next->name);
            return NULL;
        }
        it = next;
        path += n;
        path += strspn(path, "/");
    }
}

static void report_item(struct edit *e, const struct item *it)
{
    char id[40];
    char etag[64];
    char ctag[64];
    cJSON *o = e->out != NULL ? e->out : cJSON_CreateObject();
    item_id(id, it);
    item_etag(etag, it);
    item_ctag(ctag, it);
    cJSON_AddStringToObject(o, "id", id);
    cJSON_AddStringToObject(o, "name", it->name);
    cJSON_AddStringToObject(o, "driveId", it->drive->id);
    cJSON_AddStringToObject(o, "eTag", etag);
    cJSON_AddStringToObject(o, "cTag", ctag);
    cJSON_AddBoolToObject(o, "folder", it->kind == ITEM_FOLDER);
    cJSON_AddNumberToObject(o, "size", (double)store_size(it));
    cJSON_AddNumberToObject(o, "versions", (double)it->n_versions + (it->kind == ITEM_FILE));
    cJSON_AddNumberToObject(o, "modified", (double)it->fs_modified);
    e->out = o;
}

static void edit_write(struct edit *e)
{
    struct content *content = load_content(e->args, e->path);
    const char *name;
    if (content == NULL) {
        fail(e, 400, "'text', or 'size' and 'seed', are missing");
    } else if (e->item != NULL && e->item->kind == ITEM_FILE) {
        store_set_content(e->item, content, e->user);
        report_item(e, e->item);
    } else {
        struct item *parent = e->item != NULL ? NULL : make_folders(e, e->path, &name);
        if (parent == NULL || *name == '\0') {
            content_unref(content);
            if (e->status == 200) {
                fail(e, 409, "%s is not a file", e->path);
            }
            return;
        }
        report_item(e, store_add(parent, name, ITEM_FILE, content, e->user));
    }
}

static void edit_mkdir(struct edit *e)
{
    const char *name;
    if (e->item == NULL) {
        struct item *parent = make_folders(e, e->path, &name);
        if (parent == NULL) {
            return;
        }
        e->item = store_add(parent, name, ITEM_FOLDER, NULL, e->user);
    }
    report_item(e, e->item);
}

static void edit_move(struct edit *e)
{
    const char *to = load_text(e->args, "to", NULL);
    const char *name;
    struct item *parent = to == NULL ? NULL : make_folders(e, to, &name);
    if (to == NULL) {
        fail(e, 400, "'to' is missing");
    } else if (parent != NULL) {
        struct item *taken = store_child(parent, name);
        if (e->item->parent_serial == 0 || store_is_below(parent, e->item) ||
            (taken != NULL && taken != e->item)) {
            fail(e, 409, "%s cannot become %s", e->path, to);
            return;
        }
        store_move(e->item, parent, name, e->user);
        report_item(e, e->item);
    }
}

static void edit_delete(struct edit *e)
{
    if (e->item->parent_serial == 0) {
        fail(e, 409, "the root cannot be deleted");
        return;
    }
    store_delete(e->item, e->user);
}

static void edit_purge(struct edit *e)
{
    edit_delete(e);
    if (e->status == 200) {
        store_purge(e->item, e->user);
    }
}

static void edit_touch(struct edit *e)
{
    const char *mtime = load_text(e->args, "mtime", NULL);
    int64_t t;
    if (mtime != NULL && !parse_iso(&t, mtime)) {
        fail(e, 400, "'%s' is no time", mtime);
    } else if (mtime != NULL) {
        store_set_times(e->item, -1, t, e->user);
    } else {
        store_touch(e->item, e->user);
    }
    report_item(e, e->item);
}

static void edit_lock(struct edit *e)
{
    const char *by = load_text(e->args, "by", NULL);
    int64_t shape = load_int(e->args, "shape", LOCK_RESOURCE_LOCKED);
    if (shape < LOCK_RESOURCE_LOCKED || shape > LOCK_ACCESS_DENIED) {
        fail(e, 400, "'shape' is 1, 2 or 3");
        return;
    }
    e->item->lock = (struct item_lock){
        .shape = (enum lock_shape)shape,
        .is_shared = load_bool(e->args, "shared", false),
        .owner = by == NULL ? NULL : tenant_user(e->tenant, by),
    };
}

static void edit_unlock(struct edit *e)
{
    e->item->lock = (struct item_lock){0};
}

static void edit_checkout(struct edit *e)
{
    e->item->checked_out_by = e->user;
}

static void edit_checkin(struct edit *e)
{
    e->item->checked_out_by = NULL;
    e->item->is_draft = false;
    store_touch(e->item, e->user);
}

static void edit_access(struct edit *e)
{
    const char *access = load_text(e->args, "access", NULL);
    const char *who = load_text(e->args, "user", "");
    struct user *u = tenant_user(e->tenant, who);
    if (u == NULL) {
        fail(e, 404, "there is no user '%s'", who);
    } else if (!drive_set_access(e->drive, u, access)) {
        fail(e, 400, "'access' is none, read or write");
    }
}

static void edit_hide(struct edit *e)
{
    e->drive->is_hidden = load_bool(e->args, "hidden", true);
}

static void edit_hide_site(struct edit *e)
{
    struct site *s = tenant_site_by_path(e->tenant, load_text(e->args, "site", "?"));
    if (s == NULL) {
        fail(e, 404, "there is no such site");
        return;
    }
    s->is_hidden = load_bool(e->args, "hidden", true);
}

static void edit_resync(struct edit *e)
{
    e->drive->delta_floor = ++e->drive->seq;
}

static void edit_expire_urls(struct edit *e)
{
    e->w->url_epoch++;
}

static void edit_quota(struct edit *e)
{
    e->drive->quota_total = load_int(e->args, "total", store_used(e->drive));
}

/* Its owners gave it another address and title; what it is stays the same. */
static void edit_rename_library(struct edit *e)
{
    struct drive *d = e->drive;
    const char *to = load_text(e->args, "to", d->url_name);
    const char *title = load_text(e->args, "title", d->name);

    if (*to == '\0' || *title == '\0' || strchr(to, '/') != NULL) {
        fail(e, 400, "a library's address ends with a name");
        return;
    }
    store_rename_drive(d, title, to);
}

static void edit_malware(struct edit *e)
{
    const char *name = load_text(e->args, "name", NULL);
    free(e->item->malware);
    e->item->malware = name == NULL ? NULL : xstrdup(name);
    store_touch(e->item, e->user);
}

static void edit_enrich(struct edit *e)
{
    if (e->item->kind != ITEM_FILE) {
        fail(e, 409, "not a file");
        return;
    }
    store_rewrite(e->item, content_with_suffix(e->item->content, "<SharePointProperties/>"));
    report_item(e, e->item);
}

static void edit_hold(struct edit *e)
{
    e->item->is_on_hold = load_bool(e->args, "hold", true);
}

static void edit_record(struct edit *e)
{
    const char *label = load_text(e->args, "label", "Record");
    e->item->is_record_locked = load_bool(e->args, "record", true);
    free(e->item->retention_label);
    e->item->retention_label = xstrdup(label);
}

static void edit_switch(struct edit *e)
{
    const char *name = load_text(e->args, "name", "");
    if (!world_switch_set(&e->tenant->switches, name,
                          cJSON_GetObjectItemCaseSensitive(e->args, "value"))) {
        fail(e, 400, "there is no switch '%s', or 'value' has the wrong type", name);
    }
}

static void edit_clock(struct edit *e)
{
    atomic_fetch_add(&e->w->clock_offset_ms, load_int(e->args, "advance_seconds", 0) * 1000);
}

static void edit_drop_uploads(struct edit *e)
{
    struct upload *next;
    for (struct upload *u = e->w->uploads; u != NULL; u = next) {
        next = u->next;
        if (u->is_busy) {
            u->is_cancelled = true;
        } else {
            upload_remove(e->w, u);
        }
    }
}

static void edit_uploads(struct edit *e)
{
    cJSON *list;
    e->out = cJSON_CreateObject();
    list = cJSON_AddArrayToObject(e->out, "uploads");
    for (const struct upload *u = e->w->uploads; u != NULL; u = u->next) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "name", u->target.name);
        cJSON_AddNumberToObject(o, "received", (double)u->received);
        cJSON_AddNumberToObject(o, "total", (double)u->total);
        cJSON_AddItemToArray(list, o);
    }
}

/* ---- truth ---- */

/* Hash of a content without the lock: it is taken while this runs, so it is given back meanwhile.
 */
static void add_sha256(struct edit *e, cJSON *o, struct content *content)
{
    enum { BLOCK = 1 << 20 };
    struct content_reader r;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    uint64_t at = 0;
    int64_t got;
    if (content_open(&r, content) != 0) {
        return;
    }
    world_unlock(e->w);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *buf = xmalloc(BLOCK);
    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    while ((got = content_read(&r, at, buf, BLOCK)) > 0) {
        EVP_DigestUpdate(ctx, buf, (size_t)got);
        at += (uint64_t)got;
    }
    EVP_DigestFinal_ex(ctx, digest, &len);
    EVP_MD_CTX_free(ctx);
    free(buf);
    world_lock(e->w);
    content_close(&r);
    char *hex = hex_encode(digest, len);
    cJSON_AddStringToObject(o, "sha256", hex);
    free(hex);
}

static void edit_item(struct edit *e)
{
    report_item(e, e->item);
    if (e->item->kind == ITEM_FILE) {
        add_sha256(e, e->out, e->item->content);
    }
}

static bool list_tree(struct edit *e, cJSON *list, struct item *folder, const char *prefix,
                      int *left)
{
    struct child_iter *iter = xcalloc(1, sizeof(*iter));
    const struct item *next;
    char *last = NULL;
    for (;;) { /* by name: the lock is given up while hashing */
        store_children(iter, folder, last);
        next = store_next_child(iter);
        if (next == NULL || --*left < 0) {
            break;
        }
        struct item *it = store_get(folder->drive, next->serial);
        char *path = xasprintf("%s%s", prefix, it->name);
        cJSON *o = cJSON_CreateObject();
        free(last);
        last = xstrdup(it->name);
        cJSON_AddStringToObject(o, "path", path);
        cJSON_AddBoolToObject(o, "folder", it->kind == ITEM_FOLDER);
        cJSON_AddNumberToObject(o, "size", (double)store_size(it));
        cJSON_AddItemToArray(list, o);
        if (it->kind == ITEM_FILE) {
            add_sha256(e, o, it->content);
        } else if (it->kind == ITEM_FOLDER) {
            char *below = xasprintf("%s/", path);
            list_tree(e, list, it, below, left);
            free(below);
        }
        free(path);
    }
    free(last);
    free(iter);
    return *left >= 0;
}

static void edit_tree(struct edit *e)
{
    enum { TREE_MAX = 20000 };
    int left = TREE_MAX;
    struct item *folder = e->item;
    cJSON *list = cJSON_CreateArray();
    if (!list_tree(e, list, folder, "", &left)) {
        cJSON_Delete(list);
        fail(e, 409, "more than %d items", TREE_MAX);
        return;
    }
    e->out = cJSON_CreateObject();
    cJSON_AddItemToObject(e->out, "items", list);
}

/* Every content that anything in the library has or had: versions and the recycle bin, too. */
static void edit_contents(struct edit *e)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < e->drive->n_explicit; i++) {
        const struct item *it = e->drive->explicit_items[i];
        size_t older = it->kind == ITEM_FILE && !it->is_purged ? it->n_versions + 1 : 0;
        for (size_t v = 0; v < older && v <= it->n_versions; v++) {
            cJSON *o = cJSON_CreateObject();
            add_sha256(e, o, v == it->n_versions ? it->content : it->versions[v].content);
            cJSON_AddItemToArray(list, o);
        }
    }
    e->out = cJSON_CreateObject();
    cJSON_AddItemToObject(e->out, "contents", list);
}

static void edit_libraries(struct edit *e)
{
    e->out = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(e->out, "libraries");
    for (size_t i = 0; i < e->tenant->n_drives; i++) {
        const struct drive *d = e->tenant->drives[i];
        char *path = xasprintf("%s/%s", d->site->path, d->url_name);
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "path", path);
        cJSON_AddStringToObject(o, "id", d->id);
        cJSON_AddStringToObject(o, "webUrl", d->web_url);
        cJSON_AddStringToObject(o, "siteId", d->site->id);
        cJSON_AddItemToArray(list, o);
        free(path);
    }
}

static const struct {
    const char *verb;
    void (*run)(struct edit *e);
    unsigned needs;
} verbs[] = {
    {"access", edit_access, NEEDS_DRIVE},     {"checkin", edit_checkin, NEEDS_ITEM},
    {"checkout", edit_checkout, NEEDS_ITEM},  {"clock", edit_clock, 0},
    {"contents", edit_contents, NEEDS_DRIVE}, {"delete", edit_delete, NEEDS_ITEM},
    {"drop-uploads", edit_drop_uploads, 0},   {"enrich", edit_enrich, NEEDS_ITEM},
    {"expire-urls", edit_expire_urls, 0},     {"hide", edit_hide, NEEDS_DRIVE},
    {"hide-site", edit_hide_site, 0},         {"hold", edit_hold, NEEDS_ITEM},
    {"item", edit_item, NEEDS_ITEM},          {"libraries", edit_libraries, 0},
    {"lock", edit_lock, NEEDS_ITEM},          {"malware", edit_malware, NEEDS_ITEM},
    {"mkdir", edit_mkdir, NEEDS_DRIVE},       {"move", edit_move, NEEDS_ITEM},
    {"purge", edit_purge, NEEDS_ITEM},        {"quota", edit_quota, NEEDS_DRIVE},
    {"record", edit_record, NEEDS_ITEM},      {"rename-library", edit_rename_library, NEEDS_DRIVE},
    {"resync", edit_resync, NEEDS_DRIVE},     {"switch", edit_switch, 0},
    {"touch", edit_touch, NEEDS_ITEM},        {"tree", edit_tree, NEEDS_ITEM},
    {"unlock", edit_unlock, NEEDS_ITEM},      {"uploads", edit_uploads, 0},
    {"write", edit_write, NEEDS_DRIVE},
};

const char *edit_verb(size_t i)
{
    return i < COUNT_OF(verbs) ? verbs[i].verb : NULL;
}

/* Tenant, user, library and item of the arguments. False: failed. */
static bool resolve(struct edit *e, unsigned needs)
{
    const char *tenant = load_text(e->args, "tenant", e->w->tenants[0].name);
    const char *library = load_text(e->args, "library", NULL);
    const char *id = load_text(e->args, "id", NULL);
    const char *user = load_text(e->args, "user", NULL);
    e->tenant = world_tenant(e->w, tenant);
    if (e->tenant == NULL) {
        fail(e, 404, "there is no tenant '%s'", tenant);
        return false;
    }
    e->user = user != NULL              ? tenant_user(e->tenant, user)
              : e->tenant->n_users == 0 ? NULL
                                        : &e->tenant->users[e->tenant->n_users - 1];
    e->path = load_text(e->args, "path", "");
    e->drive = library == NULL ? NULL : tenant_drive_by_path(e->tenant, library);
    if ((needs & NEEDS_DRIVE) != 0 && e->drive == NULL) {
        fail(e, 404, "there is no library '%s'", library == NULL ? "" : library);
        return false;
    }
    if (e->drive != NULL) {
        e->item = id != NULL ? store_by_id(e->drive, id) : store_by_path(e->drive, NULL, e->path);
    }
    if ((needs & NEEDS_ITEM) == NEEDS_ITEM && e->item == NULL) {
        fail(e, 404, "there is no item '%s'", id != NULL ? id : e->path);
        return false;
    }
    return true;
}

int edit_apply(struct world *w, const char *verb, const cJSON *args, cJSON **out)
{
    struct edit e = {.w = w, .args = args, .status = 200};
    size_t i = 0;
    while (i < COUNT_OF(verbs) && strcmp(verb, verbs[i].verb) != 0) {
        i++;
    }
    if (i == COUNT_OF(verbs)) {
        fail(&e, 404, "there is no verb '%s'", verb);
    } else {
        world_lock(w);
        if (resolve(&e, verbs[i].needs)) {
            verbs[i].run(&e);
        }
        world_unlock(w);
    }
    *out = e.out;
    return e.status;
}
